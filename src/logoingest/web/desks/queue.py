"""The queue: what is open by how much it settles; what a decision would change; deciding, taking back, writing.

Each person has a session, the same that the terminal has (``review.session``), in the same journal: the one is taken up in the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from logoingest.config import Config
from logoingest.errors import ClassMapError, Problem, UsageError
from logoingest.labels.class_map.entries import Signature
from logoingest.labels.crowd.contradictions import Contradiction
from logoingest.plain_json import to_json
from logoingest.review import Journal, apply_session, pick_copies, plan_rulings, read_journals, write_session
from logoingest.review.applying import AppliedSession
from logoingest.review.map_editing import find_faults
from logoingest.review.rounds import SideEffect
from logoingest.review.rulings import Ruling, Undoing
from logoingest.review.session import Session, SessionStep, collect_rulings, resume_session, run_command
from logoingest.review.sheets.conflict_sheet import OpenConflict, read_conflicts, render_conflicts
from logoingest.review.sheets.contradiction_sheet import read_contradictions, render_contradictions
from logoingest.review.sheets.sheet import write_sheet
from logoingest.review.suggestions import Cluster, make_label_id
from logoingest.web.background.effects import PreviewedEffects
from logoingest.web.background.planned import PlannedEdits
from logoingest.web.desks.gathering import GatheredDecisions
from logoingest.web.desks.late import LateDecision, list_late
from logoingest.web.desks.open_decisions import OpenDecision, OpenDecisions
from logoingest.web.desks.queue_lines import LineChooser, QueueChoice, list_lines
from logoingest.web.desks.written import WrittenDesk
from logoingest.web.indexes.pictures import IndexedPictures
from logoingest.wording import spell_count

PAGE = 50
"""Lines of the queue at once."""
_PATIENCE_S = 0.1


class QueuePage(NamedTuple):
    """Some lines of the queue."""

    decisions: Sequence[OpenDecision]
    left: int
    """Open decisions that were chosen."""
    left_rows: int
    left_in_all: int
    decided: int
    """Decisions that this person made and that are not written yet."""
    unknown: int = 0
    """Where a class is asked for: lines whose classes are still looked for."""
    late: Sequence[LateDecision] = ()
    """What this person decided after somebody else's decision was written."""


class OtherDecision(NamedTuple):
    """What somebody else decided of the same, not written yet."""

    by: str
    text: str
    at: str


class Preview(NamedTuple):
    """What a decision would change."""

    rows: int
    """Source rows that it settles."""
    pictures: int
    """Distinct URLs of those."""
    changes: Sequence[str]
    """What is written, a line each."""
    problems: Sequence[str] = ()
    """Why it cannot be."""
    touches_answers: bool = True
    """Other answers may come out otherwise: ``list_effects`` tells."""


class _Tried(NamedTuple):
    """A decision that is not taken."""

    rulings: Sequence[Ruling]
    undoing: Undoing | None
    rows: int
    pictures: int


class QueueOutcome(NamedTuple):
    """What came of a command."""

    message: str
    is_done: bool


class PersonalDesk:
    """One person's session."""

    def __init__(self, found: OpenDecisions, by: str) -> None:
        self.found, self.by = found, by
        self.journal = Journal(found.run, by)
        session = Session(tuple(found.review.clusters), found.finder)
        steps = self.journal.load()
        self.session = resume_session(session, steps, set(found.labels.values())) if steps else session
        self.late = list_late(steps, self.session, found.finder)

    def ask(self, label: str) -> Session:
        """The session, asked about one answer: of all clusters only its own has to be looked through."""
        cluster = self.found.cluster_of.get(label)
        return Session(() if cluster is None else (cluster,), self.found.finder, self.session.steps, asked=label)

    def keep(self, session: Session) -> None:
        """Take a session on, and into the journal first: what is not there is not decided.

        Raises:
            WorkspaceError: another session of the same person writes there too.
        """
        if session.steps != self.session.steps:
            self.journal.save([to_json(step) for step in session.steps])
            self.session = Session(self.session.clusters, self.found.finder, session.steps)


class Queue:
    """The queue of a workspace, for everybody who decides."""

    def __init__(self, config: Config, gathered: GatheredDecisions, pictures: IndexedPictures, written: WrittenDesk) -> None:
        self._config, self._gathered, self._pictures, self._written = config, gathered, pictures, written
        self._lock = threading.RLock()
        self._desks: dict[str, PersonalDesk] = {}
        self._planned = PlannedEdits(config.class_map_path)
        self._chooser = LineChooser(pictures)

    # -- looking -------------------------------------------------------------------------------------------------------

    def list_open(self, by: str, choice: QueueChoice) -> QueuePage:
        """The lines that were chosen, those that settle most rows first."""
        found, desk = self._open_desk(by)
        lines = list_lines(found, desk.session)
        chosen = self._chooser.choose(found, lines, choice)
        start = max(0, min(choice.start, len(chosen) - 1))
        unknown = sum(line.classes is None for line in lines) if choice.class_id else 0
        rows, decided = sum(line.rows for line in chosen), _count_decided(desk.session)
        return QueuePage(chosen[start : start + PAGE], len(chosen), rows, len(lines), decided, unknown, desk.late)

    def list_splits(self) -> list[str]:
        """The splits there are."""
        return sorted(self._pictures.read().splits)

    def find_cluster(self, by: str, key: str) -> Cluster | None:
        """The cluster of a key, as far as this person has not decided it."""
        found, desk = self._open_desk(by)
        label = found.labels.get(key)
        return None if label is None else desk.ask(label).current

    def find_row(self, by: str, key: str) -> OpenConflict | Contradiction | None:
        """The set of pictures, suspect or contradiction of a key, unless this person decided it."""
        found, desk = self._open_desk(by)
        return None if key in desk.session.rows else found.find_row(key)

    def list_others(self, by: str, keys: Sequence[str]) -> list[OtherDecision]:
        """What others decided of rows of the sheet, and have not written yet."""
        found, _ = self._open_desk(by)
        wanted = set(keys)
        others: dict[tuple[str, str], OtherDecision] = {}
        for entries in read_journals(found.run):
            for raw in entries.steps if entries.by != by else ():
                step = SessionStep.from_json(raw)
                for row_id, text in [*((make_label_id(label), text) for label, text in step.rulings), *step.rows]:
                    if row_id in wanted:
                        others[entries.by, row_id] = OtherDecision(entries.by, text, str(raw.get("at", "")))
        return list(dict.fromkeys(others.values()))

    def preview(self, by: str, key: str, text: str) -> Preview:
        """What a decision would settle and write if it were written now; nothing is decided.

        Raises:
            UsageError: it cannot be meant.
        """
        found, _ = self._open_desk(by)
        found.effects.forget(by)
        row = found.find_row(key)
        if isinstance(row, OpenConflict):
            line = f"{_read_conflict(found, row, text) or 'left open'}: {len(row.image_ids)} pictures, into {self._config.samples.rulings}"
            return Preview(sum(row.votes), len(row.image_ids), [line], touches_answers=False)
        tried = self._try(by, key, text)
        try:
            edit = self._planned.plan(found.run, tried.rulings, tried.undoing)
        except ClassMapError as error:
            problems = [f"{one.what}; {one.hint}" if one.hint else one.what for one in error.problems]
            return Preview(tried.rows, tried.pictures, [], problems, touches_answers=False)
        return Preview(tried.rows, tried.pictures, list(edit.changes), touches_answers=bool(edit.changes))

    def list_effects(self, by: str, key: str, text: str) -> PreviewedEffects | None:
        """Other answers that would come out otherwise: dearer than ``preview``, as answers are decided again; None: ask again.

        Raises:
            ClassMapError: it cannot be.
            UsageError: it cannot be meant.
        """
        found, _ = self._open_desk(by)
        if isinstance(found.find_row(key), OpenConflict):
            return PreviewedEffects([], 0)
        tried = self._try(by, key, text)

        def seek(check: Callable[[], None]) -> Sequence[SideEffect]:
            def go_on() -> None:
                check()
                self._gathered.quiet.wait(pause_s=0.0)

            planned = self._planned.plan(found.run, tried.rulings, tried.undoing)
            told = (found.run, found.review, tried.rulings, Signature("", None), tried.undoing)
            return plan_rulings(*told, planned=planned, keys=found.effects.keys, check=go_on).side_effects

        return found.effects.find(by, (tuple(tried.rulings), repr(tried.undoing)), seek, _PATIENCE_S)

    def _try(self, by: str, key: str, text: str) -> _Tried:
        found, desk = self._open_desk(by)
        cluster = self.find_cluster(by, key)
        if cluster is None:
            row = found.find_row(key)
            if not isinstance(row, Contradiction):
                raise UsageError("this is decided already")
            return _Tried(*_read_contradiction(found, row, text), row.answers, row.pictures)
        tried = run_command(desk.ask(cluster.members[0].raw_label), text)
        if tried.steps == desk.session.steps:
            raise UsageError(tried.message)
        labels = {member.raw_label for member in cluster.members}
        rulings = [ruling for ruling in collect_rulings(tried) if ruling.raw_label in labels]
        return _Tried(rulings, None, cluster.answers, len(cluster.urls))

    def search(self, by: str, text: str) -> list[tuple[str, str]]:
        """Classes by id, name or alias, in any script: (id, name)."""
        found, _ = self._open_desk(by)
        names = found.finder.class_map.names
        return [(class_id, names[class_id]) for class_id in found.finder.search(text[:200])]

    # -- deciding ------------------------------------------------------------------------------------------------------

    def decide(self, by: str, key: str, text: str) -> QueueOutcome:
        """Do what a person says of a line; ``text`` is a command of the terminal, or what the sheet's cell would hold.

        Raises:
            UsageError: it cannot be meant.
            WorkspaceError: another session of the same person writes here too.
        """
        with self._lock:
            found, desk = self._open_desk(by)
            label = found.labels.get(key)
            if label is None:
                return _decide_row(found, desk, key, found.find_row(key), text)
            before = desk.session
            after = run_command(desk.ask(label), text)
            if after.steps != before.steps:
                _refuse_faults(before, after)
            desk.keep(after)
            return QueueOutcome(after.message, after.steps != before.steps)

    def decide_pair(self, by: str, pair: OpenConflict, text: str) -> QueueOutcome:
        """Do what a person says of two pictures that were found to be copies, or contradict each other, as ``decide`` does of a line.

        Raises:
            UsageError: it cannot be meant, or is decided already.
            WorkspaceError: another session of the same person writes here too.
        """
        with self._lock:
            found, desk = self._open_desk(by)
            return _decide_row(found, desk, pair.conflict_id, pair, text)

    def undo(self, by: str) -> QueueOutcome:
        """Take the last step back."""
        with self._lock:
            _, desk = self._open_desk(by)
            before = desk.session
            after = run_command(before, "u")
            desk.keep(after)
            return QueueOutcome(after.message, after.steps != before.steps)

    def accept_all(self, by: str, score: str) -> QueueOutcome:
        """Accept the first candidate of every cluster that is left, from a score on."""
        with self._lock:
            _, desk = self._open_desk(by)
            before = desk.session
            after = run_command(before, f"a {score}")
            desk.keep(after)
            return QueueOutcome(after.message, after.steps != before.steps)

    def write(self, by: str) -> AppliedSession:
        """Write what this person decided, but for what cannot be; that stays in the session.

        Raises:
            UsageError: nothing was decided, or a file cannot be read or written.
        """
        with self._lock:
            found, desk = self._open_desk(by)
            if not _count_decided(desk.session):
                raise UsageError("nothing is decided yet: there is nothing to write")
            with self._written.record(by, "queue", spell_count(_count_decided(desk.session), "decision")) as steps:
                applied = apply_session(found.run, found.review, desk.session, _list_asked(found, desk.session), _sign(by))
                left = {found.labels.get(row_id, row_id) for row_id in applied.left}
                steps.extend(_choose_steps(desk.session, lambda name: name not in left))
            desk.journal.replace([to_json(step) for step in _choose_steps(desk.session, left.__contains__)])
            self._desks.clear()
            self._gathered.renew()
            return applied

    def export(self, by: str) -> bytes:
        """This person's session as a filled-in sheet."""
        found, desk = self._open_desk(by)
        return write_session(desk.session, found.review.contradictions, _list_asked(found, desk.session))

    def _open_desk(self, by: str) -> tuple[OpenDecisions, PersonalDesk]:
        found = self._gathered.require()
        with self._lock:
            desk = self._desks.get(by)
            if desk is None or desk.found is not found:
                desk = self._desks[by] = PersonalDesk(found, by)
            return found, desk


def _sign(by: str) -> Signature:
    return Signature(by, date.today())  # noqa: DTZ011  the day where the person sits


def _count_decided(session: Session) -> int:
    return len(session.rulings) + sum(1 for text in session.rows.values() if text)


def _choose_steps(session: Session, is_wanted: Callable[[str], bool]) -> list[SessionStep]:
    """The steps, as far as they decide what is wanted: answers, and ids of rows."""

    def choose(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return tuple(pair for pair in pairs if is_wanted(pair[0]))

    chosen = [SessionStep(rulings=choose(step.rulings), rows=choose(step.rows)) for step in session.steps]
    return [step for step in chosen if not step.is_empty]


def _list_asked(found: OpenDecisions, session: Session) -> list[OpenConflict]:
    """What was asked about pictures; copies that a person turned to without being asked, too."""
    further = {row_id for row_id in session.rows if found.find_row(row_id) is None}
    return [*found.conflicts, *pick_copies(found.run, further)]


def _decide_row(
    found: OpenDecisions, desk: PersonalDesk, key: str, row: OpenConflict | Contradiction | None, text: str
) -> QueueOutcome:
    if row is None or key in desk.session.rows:
        raise UsageError("this is decided already")
    if isinstance(row, OpenConflict):
        said = _read_conflict(found, row, text)
    else:
        rulings, undoing = _read_contradiction(found, row, text)
        targets = [f"class: {target}" for target in undoing.merged.values()] + [str(one.meaning) for one in rulings]
        said = targets[0] if targets else ""
    session = desk.session
    desk.keep(Session(session.clusters, session.finder, (*session.steps, SessionStep(rows=((key, said),)))))
    return QueueOutcome(said or "skipped", is_done=True)


def _refuse_faults(before: Session, after: Session) -> None:
    """Say what no entry can stand for while it can still be decided otherwise."""
    changed = [
        ruling for ruling in collect_rulings(after) if before.rulings.get(ruling.raw_label) != after.rulings[ruling.raw_label]
    ]
    known = {ruling.raw_label for ruling in changed}
    others = [ruling for ruling in collect_rulings(after) if ruling.raw_label not in known]
    faults = find_faults([*others, *changed])
    if faults:
        raise UsageError([Problem("", one.what, one.hint) for one in faults])


def _read_conflict(found: OpenDecisions, row: OpenConflict, text: str) -> str:
    """The ruling that a cell of the sheet with this text is; "" where it is left open."""
    sheet = write_sheet([], str, render_conflicts([row], str), {row.conflict_id: text})
    reading = read_conflicts(sheet, "", [row], (), found.review.class_map)
    return str(reading.rulings[0]) if reading.rulings else ""


def _read_contradiction(found: OpenDecisions, row: Contradiction, text: str) -> tuple[Sequence[Ruling], Undoing]:
    sheet = write_sheet([], str, render_contradictions([row], found.review.class_map, str), {row.contradiction_id: text})
    reading = read_contradictions(sheet, "", [row], found.review.class_map)
    return reading.rulings, reading.undoing
