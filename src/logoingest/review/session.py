"""The review, at a terminal or on a page, as a pure state machine: a session and a command give the next session.

A session is its clusters and the steps made so far; what is left, what was decided and what undo takes back all follow from
the steps. So undo is exact and without limit, and a session that was killed is resumed from its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from logoingest.errors import Problem
from logoingest.labels.text.quoting import shorten
from logoingest.review.rulings import ClassFinder, Ruling, list_made, read_meaning
from logoingest.review.suggestions import Cluster, OpenLabel
from logoingest.strangers.escaping import escape_text

HELP = """\
1 to 9     this candidate, or the class with this number of the last search
n NAME     a new class                      = CLASS  a class by id or name
/ TEXT     search the classes               o CLASS  override: only the annotations there are today (or: o drop)
w          all of it is noise words         w WORD   only this word of it
i          ignore: it means "no label"      d        drop: worth nothing, never count it
x NUMBER   take a spelling out of the cluster, to be asked about by itself
s          skip for now                     a SCORE  accept the first candidate of every cluster left from this score on
u          undo, as often as you like       q        quit: write the decisions into the class map
?          this help"""
"""The commands."""

_WORDS = {"s": "skip", "i": "ignore", "d": "drop", "w": "noise"}
_PREFIXES = {"n": "new", "w": "noise", "o": "override", "=": "class"}


@dataclass(frozen=True)
class SessionStep:
    """What one command did: answers ruled on (raw label → ruling, as it can be written again), skipped, or taken out."""

    rulings: Sequence[tuple[str, str]] = ()
    skipped: Sequence[str] = ()
    parted: Sequence[str] = ()
    rows: Sequence[tuple[str, str]] = ()
    """What was decided of the sheet's rows of other kinds: (id of the conflict or the contradiction, as it can be written again)."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SessionStep:
        """The step that ``to_json`` made a plain value of."""
        rulings, rows = (tuple((str(name), str(text)) for name, text in data.get(key, ())) for key in ("rulings", "rows"))
        return cls(rulings, tuple(map(str, data.get("skipped", ()))), tuple(map(str, data.get("parted", ()))), rows)

    def keep(self, labels: Collection[str]) -> SessionStep:
        """The step without answers that are not among these; rows of other kinds stay."""
        rulings = tuple(pair for pair in self.rulings if pair[0] in labels)
        skipped, parted = (tuple(label for label in names if label in labels) for names in (self.skipped, self.parted))
        return SessionStep(rulings, skipped, parted, self.rows)

    @property
    def is_empty(self) -> bool:
        """It does nothing."""
        return not (self.rulings or self.skipped or self.parted or self.rows)


@dataclass(frozen=True)
class Session:
    """A review under way."""

    clusters: Sequence[Cluster]
    finder: ClassFinder
    steps: tuple[SessionStep, ...] = ()
    found: Sequence[str] = ()
    """Classes of the last search, which a number picks from."""
    message: str = field(default="", compare=False)
    """What the last command came to."""
    is_finished: bool = False
    asked: str | None = None
    """An answer whose cluster is asked about; None: the first that is left."""

    @cached_property
    def rulings(self) -> Mapping[str, str]:
        """Raw label → ruling."""
        return {label: text for step in self.steps for label, text in step.rulings}

    @cached_property
    def rows(self) -> Mapping[str, str]:
        """Conflict or contradiction → what was decided of it."""
        return {row_id: text for step in self.steps for row_id, text in step.rows}

    @cached_property
    def queue(self) -> Sequence[Cluster]:
        """What is left, in order: clusters without what was settled, skipped or taken out; then what was taken out."""
        return list_left(self.clusters, self.steps)

    @property
    def current(self) -> Cluster | None:
        """The cluster that is asked about; None when all is done, or the answer that was asked for is."""
        if self.asked is None:
            return self.queue[0] if self.queue else None
        own = [one for one in self.clusters if any(member.raw_label == self.asked for member in one.members)]
        left = list_left(own, self.steps)
        return next((one for one in left if any(member.raw_label == self.asked for member in one.members)), None)


def list_left(clusters: Sequence[Cluster], steps: Sequence[SessionStep]) -> list[Cluster]:
    """Clusters without what was settled, skipped or taken out; then what was taken out."""
    done = {label for step in steps for label in (*(label for label, _ in step.rulings), *step.skipped)}
    parted = {label for step in steps for label in step.parted}
    left: list[Cluster] = []
    alone: list[Cluster] = []
    for cluster in clusters:
        members = [member for member in cluster.members if member.raw_label not in done]
        together = [member for member in members if member.raw_label not in parted]
        is_whole = len(together) == len(cluster.members)
        left += [cluster if is_whole else replace(cluster, members=together)] if together else []
        alone += [replace(cluster, members=[member]) for member in members if member.raw_label in parted]
    return [*left, *alone]


def resume_session(session: Session, steps: Sequence[Mapping[str, Any]], undecided: Collection[str]) -> Session:
    """The session with the steps of an earlier one, without what is no longer undecided or no longer a class."""
    read = [SessionStep.from_json(step) for step in steps]
    texts = {label: text for step in read for label, text in step.rulings}
    made = list_made(texts.values())
    labels = set(undecided) - {
        label for label, text in texts.items() if isinstance(read_meaning(text, (), session.finder, made), Problem)
    }
    kept = tuple(step for step in (step.keep(labels) for step in read) if not step.is_empty)
    resumed = replace(session, steps=kept)
    lost = sum(len(step.rulings) for step in read) - sum(len(step.rulings) for step in kept)
    text = f"resumed: {len(resumed.rulings)} decisions of the session before are taken up; u takes them back"
    return replace(resumed, message=text + (f". {lost} that do not fit the class map of today are left out" if lost else ""))


def run_command(session: Session, line: str) -> Session:
    """The session after one command; a command that cannot be meant changes nothing but the message."""
    line = line.strip()
    key, rest = line[:1], line[1:].strip()
    is_key = len(line) == 1 or line[1:2].isspace() or key in {"/", "="}
    if not line:
        return replace(session, message="")
    if is_key and key in _COMMANDS:
        return _COMMANDS[key](session, rest)
    if line.isdecimal() and session.found:
        return _pick_found(session, int(line[:9]))
    if is_key and key in _WORDS and not rest:
        line = _WORDS[key]
    elif is_key and key in _PREFIXES:
        if not rest:
            return replace(session, message=f"{key} needs something after it: see ?")
        line = f"{_PREFIXES[key]}: {rest}"
    return _rule(session, line)


def collect_rulings(session: Session) -> list[Ruling]:
    """Every decision of the session on an answer, in the order of the clusters; ``where`` is the answer in quotes.

    Raises:
        ValueError: a ruling is no ruling; ``run_command`` makes none such.
    """
    made = list_made(session.rulings.values())
    rulings = []
    order = [member.raw_label for cluster in session.clusters for member in cluster.members if member.raw_label in session.rulings]
    for label in dict.fromkeys([*order, *session.rulings]):
        meaning = read_meaning(session.rulings[label], (), session.finder, made)
        if meaning is None or isinstance(meaning, Problem):
            raise ValueError(f"{shorten(label)}: {meaning}")
        rulings.append(Ruling(label, meaning, shorten(label)))
    return rulings


def keep_rows(session: Session) -> list[SessionStep]:
    """The steps without what they did to answers: what is left of a session whose rulings are written."""
    return [SessionStep(rows=step.rows) for step in session.steps if step.rows]


def list_found(finder: ClassFinder, found: Sequence[str]) -> str:
    """What a search found, numbered, on one line."""
    names = finder.class_map.names
    return "   ".join(f"{number} {escape_text(names[class_id])}" for number, class_id in enumerate(found, 1))


def _rule(session: Session, text: str) -> Session:
    cluster = session.current
    if cluster is None:
        return replace(session, message="nothing is left to decide: u takes back, q writes", found=())
    candidates = [candidate.class_id for candidate in cluster.candidates]
    meaning = read_meaning(text, candidates, session.finder, list_made(session.rulings.values()))
    if isinstance(meaning, Problem):
        return replace(session, message=str(meaning), found=())
    labels = [member.raw_label for member in cluster.members]
    if meaning is None:
        return _advance(session, SessionStep(skipped=tuple(labels)), f"skipped {_name(cluster.members)}")
    return _advance(
        session,
        SessionStep(tuple((label, str(meaning)) for label in labels)),
        f"{_name(cluster.members)}: {escape_text(str(meaning))}",
    )


def _pick_found(session: Session, number: int) -> Session:
    if not 1 <= number <= len(session.found):
        return replace(session, message=f"the search found {len(session.found)} classes")
    return _rule(session, f"class: {session.found[number - 1]}")


def _search(session: Session, query: str) -> Session:
    found = session.finder.search(query)
    return replace(session, found=tuple(found), message=list_found(session.finder, found) or f"no class is like {shorten(query)}")


def _undo(session: Session, _rest: str) -> Session:
    if not session.steps:
        return replace(session, message="nothing to take back", found=())
    step = session.steps[-1]
    labels = [*(label for label, _ in step.rulings), *step.skipped, *step.parted, *(row_id for row_id, _ in step.rows)]
    text = f"taken back: {', '.join(map(shorten, labels[:5]))}{f' and {len(labels) - 5} more' if len(labels) > 5 else ''}"
    return replace(session, steps=session.steps[:-1], found=(), message=text)


def _take_out(session: Session, rest: str) -> Session:
    cluster = session.current
    members = [] if cluster is None else cluster.members
    if len(members) < 2:
        return replace(session, message="the cluster has one spelling: there is nothing to take out")
    if not rest.isdecimal() or not 1 <= int(rest[:9]) <= len(members):
        return replace(session, message=f"x needs the number of a spelling, 1 to {len(members)}")
    label = members[int(rest[:9]) - 1].raw_label
    return _advance(session, SessionStep(parted=(label,)), f"{shorten(label)} will be asked about by itself")


def _accept_all(session: Session, rest: str) -> Session:
    try:
        score = float(rest.rstrip("% "))
    except ValueError:
        return replace(session, message="a needs a score: a 0.9, or a 90")
    score = score / 100 if score > 1 or rest.endswith("%") else score
    taken = [cluster for cluster in session.queue if cluster.candidates and cluster.candidates[0].score >= score]
    rulings = [(member.raw_label, f"class: {cluster.candidates[0].class_id}") for cluster in taken for member in cluster.members]
    if not rulings:
        return replace(session, message=f"no cluster left has a candidate from {score:.2f} on", found=())
    return _advance(
        session, SessionStep(tuple(rulings)), f"accepted the first candidate of {len(taken)} clusters ({len(rulings)} spellings)"
    )


def _finish(session: Session, _rest: str) -> Session:
    return replace(session, is_finished=True, message="", found=())


def _help(session: Session, _rest: str) -> Session:
    return replace(session, message=HELP)


def _advance(session: Session, step: SessionStep, message: str) -> Session:
    return replace(session, steps=(*session.steps, step), message=message, found=())


def _name(members: Sequence[OpenLabel]) -> str:
    more = f" and {len(members) - 1} more" if len(members) > 1 else ""
    return shorten(members[0].raw_label) + more


_COMMANDS: Mapping[str, Callable[[Session, str], Session]] = {
    "/": _search,
    "u": _undo,
    "x": _take_out,
    "a": _accept_all,
    "q": _finish,
    "?": _help,
}
