"""A filled-in sheet taken into the dataset, and a session as such a sheet: whatever way people decide, it is applied in one way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from logoingest.errors import Problem, UsageError
from logoingest.labels.class_map.entries import Signature
from logoingest.labels.crowd.contradictions import Contradiction
from logoingest.pipeline.session import Run
from logoingest.review.conflicts import AppliedGroups, read_group_sheet, write_group_rulings
from logoingest.review.rounds import Applied, Review, apply_rulings, read_contradiction_sheet
from logoingest.review.rulings import ClassFinder
from logoingest.review.session import Session
from logoingest.review.sheets.conflict_sheet import OpenConflict, render_conflicts
from logoingest.review.sheets.contradiction_sheet import render_contradictions
from logoingest.review.sheets.sheet import SheetReading, read_sheet, read_sheet_rows, write_sheet
from logoingest.review.suggestions import Cluster, list_spellings, make_label_id

_NAME = "session"


class AppliedDecisions(NamedTuple):
    """What came of a sheet."""

    labels: Applied
    """Rulings on answers, in the class map."""
    reading: SheetReading
    groups: AppliedGroups
    """Rulings on pictures, in the file of them."""


class AppliedSession(NamedTuple):
    """What came of a session."""

    decisions: AppliedDecisions
    problems: Sequence[Problem]
    """What could not be written; the rest was."""
    left: Collection[str]
    """The ids of those rows: of answers, conflicts and contradictions."""


def apply_sheet(run: Run, review: Review, data: bytes, name: str, signature: Signature) -> AppliedDecisions:
    """Write what a sheet decides: answers into the class map, pictures into the file of rulings.

    Args:
        run: whose class map and rulings are written.
        review: the answers there are; its clusters are not needed.
        data: the file, as a spreadsheet left it.
        name: the file's, for messages.
        signature: stands beside each entry.

    Raises:
        UsageError: anything in it cannot be meant, or would not decide as it says; all faults at once, and nothing is written.
    """
    reading = read_sheet(data, name, list_spellings(review.labels), ClassFinder(review.class_map))
    groups = read_group_sheet(run, data, name, signature)
    against = read_contradiction_sheet(run, review, data, name)
    reading = reading._replace(gone=[*reading.gone, *against.gone], empty=reading.empty + against.empty)
    applied = apply_rulings(run, review, [*reading.rulings, *against.rulings], signature, against.undoing)
    write_group_rulings(groups, signature)
    return AppliedDecisions(applied, reading, groups)


def list_decided(session: Session) -> dict[str, str]:
    """``label_id`` of a sheet's row → what the session decided of it."""
    return {make_label_id(label): text for label, text in session.rulings.items()} | dict(session.rows)


def write_session(
    session: Session,
    contradictions: Sequence[Contradiction],
    conflicts: Sequence[OpenConflict],
    decided: Mapping[str, str] | None = None,
) -> bytes:
    """A session as a sheet: all that was asked about, with what was decided of it.

    Args:
        session: its clusters are the rows.
        contradictions: what the crowd says against the class map.
        conflicts: sets of pictures that contradict each other, and suspects.
        decided: what is written of ``list_decided``; rows without are left out. All rows, and everything, where it is None.
    """
    clusters: Sequence[Cluster] = session.clusters
    if decided is not None:
        clusters = [one for one in clusters if any(member.label_id in decided for member in one.members)]
        contradictions = [one for one in contradictions if one.contradiction_id in decided]
        conflicts = [one for one in conflicts if one.conflict_id in decided]
    against = render_contradictions(contradictions, session.finder.class_map, str)
    made = list_decided(session) if decided is None else decided
    return write_sheet(clusters, str, [*against, *render_conflicts(conflicts, str)], made)


def apply_session(
    run: Run, review: Review, session: Session, conflicts: Sequence[OpenConflict], signature: Signature
) -> AppliedSession:
    """Write all that a session decided, but for what cannot be: as ``apply_sheet`` does of the session's sheet without that.

    Raises:
        UsageError: a file cannot be read or written.
    """
    decided = list_decided(session)
    problems: list[Problem] = []
    left: set[str] = set()
    while True:
        data = write_session(session, review.contradictions, conflicts, decided)
        try:
            return AppliedSession(apply_sheet(run, review, data, _NAME, signature), problems, left)
        except UsageError as error:
            rows = {row.where: row for row in read_sheet_rows(data, _NAME)}
            faulty = [problem for problem in error.problems if problem.where in rows]
            if not faulty:
                raise
            problems += [Problem(rows[one.where].read("label"), one.what, one.hint) for one in faulty]
            left |= {rows[one.where].read("label_id") for one in faulty}
            decided = {row_id: text for row_id, text in decided.items() if row_id not in left}
