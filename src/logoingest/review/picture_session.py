"""The review of pictures at a terminal as a pure state machine: suspects, sets of pictures that contradict each other, and copies.

Its steps are those of a session (``SessionStep.rows``), so a page and a terminal go on with one another's. Nothing is decided for
several pictures at once: of a picture in test a person decides who has looked at it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from logoingest.errors import Problem
from logoingest.labels.text.quoting import shorten
from logoingest.review.candidates import CANDIDATES
from logoingest.review.rulings import ClassFinder
from logoingest.review.session import Session, SessionStep, list_found
from logoingest.review.sheets.conflict_sheet import OpenConflict, read_picture_ruling
from logoingest.samples.group_rulings import GroupRuling
from logoingest.strangers.escaping import escape_text

PICTURE_HELP = """\
1 to 9     this candidate, or the class with this number of the last search
= CLASS    a class by id or name            / TEXT   search the classes
m          the pictures show the same       n        they do not: never put them together
k          keep: the label is right         b        both: each picture of the set is right as it is
d          drop: leave the pictures out     s        skip for now
u          undo, as often as you like       q        quit: write the decisions into the file of rulings
?          this help"""
"""The commands."""

_WORDS = {"k": "keep", "b": "both", "d": "drop", "s": "skip", "m": "same", "n": "not same"}


@dataclass(frozen=True)
class PictureSession:
    """A review of pictures under way."""

    pictures: Sequence[OpenConflict]
    finder: ClassFinder
    steps: tuple[SessionStep, ...] = ()
    """Those of answers stay as they are."""
    found: Sequence[str] = ()
    """Classes of the last search, which a number picks from."""
    message: str = field(default="", compare=False)
    is_finished: bool = False

    @cached_property
    def decided(self) -> Mapping[str, str]:
        """Conflict → ruling, as it can be written again; empty where it was skipped."""
        known = {one.conflict_id for one in self.pictures}
        return {row_id: text for step in self.steps for row_id, text in step.rows if row_id in known}

    @cached_property
    def queue(self) -> Sequence[OpenConflict]:
        """What is left, in order."""
        return [one for one in self.pictures if one.conflict_id not in self.decided]

    @property
    def current(self) -> OpenConflict | None:
        """What is asked about; None when all is done."""
        return self.queue[0] if self.queue else None


def run_picture_command(session: PictureSession, line: str) -> PictureSession:
    """The session after one command; a command that cannot be meant changes nothing but the message."""
    line = line.strip()
    key, rest = line[:1], line[1:].strip()
    if not line:
        return replace(session, message="")
    if (len(line) == 1 or line[1:2].isspace() or key == "/") and key in _COMMANDS:
        return _COMMANDS[key](session, rest)
    if line.isdecimal() and session.found:
        return _pick_found(session, int(line[:9]))
    if key == "=":
        line = f"class: {rest}"
    return _rule(session, _WORDS.get(line, line))


def list_picture_rulings(session: PictureSession) -> Session:
    """What was decided of pictures, and nothing else, as a session that can be applied."""
    rows = tuple((row_id, text) for row_id, text in session.decided.items() if text)
    return Session((), session.finder, (SessionStep(rows=rows),) if rows else ())


def keep_others(session: PictureSession, left: Sequence[str] = ()) -> list[SessionStep]:
    """The steps without what was decided of these pictures; what could not be written (``left``) stays."""
    done = set(session.decided) - set(left)
    steps = (replace(step, rows=tuple(row for row in step.rows if row[0] not in done)) for step in session.steps)
    return [step for step in steps if not step.is_empty]


def _rule(session: PictureSession, text: str) -> PictureSession:
    conflict = session.current
    if conflict is None:
        return replace(session, message="nothing is left to decide: u takes back, q writes", found=())
    ruling = read_picture_ruling(text, conflict.class_ids[:CANDIDATES], session.finder, conflict)
    if isinstance(ruling, Problem):
        return replace(session, message=str(ruling).removeprefix(": "), found=())
    return _advance(session, conflict, ruling)


def _advance(session: PictureSession, conflict: OpenConflict, ruling: GroupRuling | None) -> PictureSession:
    text = "" if ruling is None else str(ruling)
    step = SessionStep(rows=((conflict.conflict_id, text),))
    message = f"{conflict.conflict_id}: {escape_text(text) or 'skipped'}"
    return replace(session, steps=(*session.steps, step), message=message, found=())


def _pick_found(session: PictureSession, number: int) -> PictureSession:
    if not 1 <= number <= len(session.found):
        return replace(session, message=f"the search found {len(session.found)} classes")
    return _rule(session, f"class: {session.found[number - 1]}")


def _search(session: PictureSession, query: str) -> PictureSession:
    found = session.finder.search(query)
    return replace(session, found=tuple(found), message=list_found(session.finder, found) or f"no class is like {shorten(query)}")


def _undo(session: PictureSession, _rest: str) -> PictureSession:
    """The last step about these pictures; those about answers are another review's."""
    known = {one.conflict_id for one in session.pictures}
    for place in range(len(session.steps) - 1, -1, -1):
        rows = session.steps[place].rows
        if rows and all(row_id in known for row_id, _ in rows):
            steps = (*session.steps[:place], *session.steps[place + 1 :])
            return replace(session, steps=steps, found=(), message=f"taken back: {', '.join(row_id for row_id, _ in rows)}")
    return replace(session, message="nothing to take back", found=())


def _finish(session: PictureSession, _rest: str) -> PictureSession:
    return replace(session, is_finished=True, message="", found=())


def _help(session: PictureSession, _rest: str) -> PictureSession:
    return replace(session, message=PICTURE_HELP)


_COMMANDS: Mapping[str, Callable[[PictureSession, str], PictureSession]] = {"/": _search, "u": _undo, "q": _finish, "?": _help}
