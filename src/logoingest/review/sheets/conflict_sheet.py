"""Pictures as rows of the review's spreadsheet, read back by their id: sets that contradict each other, copies, and single suspects.

1 to 9                the candidate with that number: every picture of the row shows this class
Nike, class: Nike     the same, by id or name
both                  each picture is right as it is (two logos, two crops of a scene)
keep                  of a single picture: its label is right
drop                  leave the pictures out
same, not same        of several: they show the same, or no two of them do
skip, or nothing      left open
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from logoingest.errors import Problem, UsageError
from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.text.quoting import shorten
from logoingest.review.candidates import CANDIDATES
from logoingest.review.rulings import Action, ClassFinder, read_meaning
from logoingest.review.sheets.sheet import CONFLICT, list_candidates, read_sheet_rows, show
from logoingest.samples.group_rulings import ABOUT_COPIES, MOST_TOGETHER, GroupDecision, GroupRuling, find_ruled, make_conflict_id
from logoingest.schemas import ConflictKind
from logoingest.strangers.escaping import guard_cell

FORMS = "a class, 1 to 9, both, keep, drop, same, not same, skip"
"""What can be written, for messages."""


class OpenConflict(NamedTuple):
    """A row of ``conflicts``, ``copies`` or ``suspects``, and where its pictures can be seen."""

    kind: str
    """identical, near, text …; copies; of a suspect: label, settled."""
    image_ids: Sequence[str]
    class_ids: Sequence[str]
    votes: Sequence[int]
    detail: str
    urls: Sequence[str]
    """One a picture, as far as known; of a suspect its own, then its neighbours'."""
    label: str | None = None
    """Of a suspect: what the picture is settled as."""

    @property
    def conflict_id(self) -> str:
        """As ``make_conflict_id`` says."""
        return make_conflict_id(self.image_ids)


class ConflictReading(NamedTuple):
    """What a filled-in sheet says about contradicting pictures."""

    rulings: Sequence[GroupRuling]
    """What is new."""
    already: int
    """What was ruled so before."""
    late: Sequence[str]
    """What was ruled otherwise before, a line each; nothing is changed there."""
    gone: Sequence[str]
    """Rows about pictures that contradict each other no more, and were never ruled on; a line each."""
    empty: int


def render_conflicts(conflicts: Sequence[OpenConflict], show_example: Callable[[str], str]) -> Iterator[dict[str, str | int]]:
    """The sheet's rows, in order."""
    for conflict in conflicts:
        row: dict[str, str | int] = {
            "cluster": conflict.conflict_id,
            "row": CONFLICT,
            "label_id": conflict.conflict_id,
            "label": guard_cell(show(name_conflict(conflict))),
            "answers": sum(conflict.votes),
            "urls": len(conflict.urls),
            "why": guard_cell(show(conflict.detail, 2_000)),
        }
        row |= {f"candidate_{number}": guard_cell(one) for number, one in enumerate(conflict.class_ids[:CANDIDATES], 1)}
        row |= {f"example_{number}": guard_cell(show(show_example(url), 2_000)) for number, url in enumerate(conflict.urls[:3], 1)}
        yield row


def name_conflict(conflict: OpenConflict) -> str:
    """What is asked, on one line."""
    votes = ", ".join(f"{class_id} {count:,}" for class_id, count in zip(conflict.class_ids, conflict.votes, strict=True))
    if len(conflict.image_ids) > 1:
        return f"{len(conflict.image_ids)} {conflict.kind} pictures: {votes}"
    return f"label {conflict.label}?" if conflict.label else f"{conflict.kind}: {votes}"


def read_conflicts(
    data: bytes, name: str, conflicts: Sequence[OpenConflict], ruled: Sequence[GroupRuling], class_map: ClassMap
) -> ConflictReading:
    """The rulings of a filled-in sheet's rows about contradicting pictures; its other rows are ``review_sheet.read_sheet``'s.

    Args:
        data: the file, as a spreadsheet left it.
        name: the file's, for messages.
        conflicts: what is open now.
        ruled: what was ruled before.
        class_map: the classes there are.

    Raises:
        UsageError: anything in these rows cannot be meant; all faults at once.
    """
    open_now = {conflict.conflict_id: conflict for conflict in conflicts}
    finder = ClassFinder(class_map)
    rulings: dict[str, GroupRuling] = {}
    problems: list[Problem] = []
    late, gone = [], []
    already = empty = 0
    for row in (row for row in read_sheet_rows(data, name) if row.read("row") == CONFLICT):
        conflict_id = row.read("label_id")
        decided = read_picture_ruling(row.read("decision"), list_candidates(row), finder, open_now.get(conflict_id))
        about_copies = isinstance(decided, GroupRuling) and decided.is_about_copies
        earlier = find_ruled(ruled, conflict_id, about_copies=about_copies)
        if isinstance(decided, Problem):
            problems.append(Problem(row.where, decided.what, decided.hint))
        elif decided is None:
            empty += 1
        elif earlier is not None and str(earlier) == str(decided):
            already += 1
        elif earlier is not None:
            late.append(f'{row.where}: "{decided}" is ruled "{earlier}" by {earlier.signed}')
        elif conflict_id not in open_now:
            gone.append(f"{row.where}: {shorten(row.read('label'))} is no open contradiction any more")
        elif str(rulings.setdefault(conflict_id, replace(decided, images=tuple(open_now[conflict_id].image_ids)))) != str(decided):
            problems.append(
                Problem(row.where, f'is ruled "{decided}" here and "{rulings[conflict_id]}" above', "keep one row of it")
            )
    if problems:
        raise UsageError(list(dict.fromkeys(problems)))
    return ConflictReading(list(rulings.values()), already, late, gone, empty)


def sign(rulings: Sequence[GroupRuling], by: str, on: date | None) -> list[GroupRuling]:
    """The rulings with who and when."""
    return [replace(ruling, by=by, on=on) for ruling in rulings]


def read_picture_ruling(
    text: str, candidates: Sequence[str], finder: ClassFinder, conflict: OpenConflict | None
) -> GroupRuling | Problem | None:
    """A ruling without its pictures; None for skip; a problem where it cannot be meant.

    Args:
        text: as a person writes it.
        candidates: what a number picks from.
        finder: the classes there are.
        conflict: what it is about, where that is open.
    """
    word = " ".join(text.casefold().split())
    if word in {"keep", GroupDecision.BOTH} and conflict is not None and len(conflict.image_ids) == 1:
        if conflict.label is None:
            return Problem("", f"{shorten(text)} says nothing of a picture without a label", "write a class, 1 to 9, or drop")
        return GroupRuling((), GroupDecision.CLASS, conflict.label)
    if word == "keep":
        return Problem("", "keep is for a single picture with a label", f"known: {FORMS}")
    if word in ABOUT_COPIES and conflict is not None and (problem := _refuse_copies(word, conflict)) is not None:
        return problem
    if word in {GroupDecision.BOTH, GroupDecision.DROP, *ABOUT_COPIES}:
        return GroupRuling((), GroupDecision(word))
    meaning = read_meaning(text, candidates, finder)
    if meaning is None or isinstance(meaning, Problem):
        return meaning
    if meaning.action is not Action.CLASS:
        return Problem("", f"{shorten(text)} is no ruling on pictures", f"known: {FORMS}")
    class_id = finder.class_map.outputs[meaning.target]
    if class_id is None:
        return Problem("", f"the class map throws {shorten(meaning.target)} away", "write drop")
    return GroupRuling((), GroupDecision.CLASS, class_id)


def _refuse_copies(word: str, conflict: OpenConflict) -> Problem | None:
    """Why it cannot be said of these pictures whether they show the same."""
    if not 2 <= len(conflict.image_ids) <= MOST_TOGETHER:
        return Problem("", f"{word} is about several pictures", f"of 2 to {MOST_TOGETHER} it can be said")
    if word == GroupDecision.NOT_SAME and conflict.kind == ConflictKind.IDENTICAL:
        return Problem("", "their pixels are equal: they show the same", "write a class, or drop")
    return None
