"""The conservation law: every source row voted for a released sample or has exactly one row among the rejected."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import GateError, Problem
from logoingest.schemas import RejectedRow
from logoingest.stage_names import FUNNEL
from logoingest.workspace import Workspace
from logoingest.workspace.rows import pick_rows


class Ledger(NamedTuple):
    """Where every source row is: ``voted`` holds annotation ids, ``rejected`` is a ``RejectedRow`` table, one row an id."""

    total: int
    voted: pa.ChunkedArray
    rejected: pa.Table
    pending: int

    @property
    def counts(self) -> dict[str, int]:
        """The figures of the law: annotations = voted + rejected (+ pending while stages are still to run)."""
        return {
            "annotations": self.total,
            "voted": len(self.voted),
            "rejected": self.rejected.num_rows,
            "pending": self.pending,
        }

    def count_reasons(self) -> dict[tuple[str, str], int]:
        """(stage, reason) → rejected rows, the most frequent of a stage first."""
        counted = self.rejected.group_by(["stage", "reason"]).aggregate([([], "count_all")])
        rows = zip(*(counted.column(name).to_pylist() for name in ("stage", "reason", "count_all")), strict=True)
        return {(stage, reason): count for stage, reason, count in sorted(rows, key=lambda row: (row[0], -row[2], row[1]))}


def collect_ledger(workspace: Workspace) -> Ledger:
    """The ledger as far as the stages have run; a row refused twice counts where it was refused first (``FUNNEL``)."""
    if not workspace.has_table("annotations"):
        return Ledger(0, pa.chunked_array([], pa.string()), RejectedRow.empty_table(), 0)
    tables = [workspace.read_table(f"{name}_rejected") for name in FUNNEL if workspace.has_table(f"{name}_rejected")]
    known = pa.chunked_array(
        [
            *workspace.read_table("annotations", ["annotation_id"]).column(0).chunks,
            *tables[0].column("annotation_id").chunks,
        ],
        pa.string(),
    )
    rejected = _keep_first(pa.concat_tables(tables))
    rejected = rejected.filter(pc.is_in(rejected.column("annotation_id"), value_set=known))  # a stale table may know more
    voted = collect_voters(workspace)
    voted = voted.filter(pc.is_in(voted, value_set=known))
    return Ledger(len(known), voted, rejected, len(known) - len(voted) - rejected.num_rows)


def find_rejected(workspace: Workspace, column: str, value: object, list_known: Callable[[], pa.ChunkedArray]) -> pa.Table:
    """The rows of the ledger's ``rejected`` whose ``column`` holds a value; the rest is not read.

    Args:
        workspace: where the tables are.
        column: of ``AnnotationRow`` and ``RejectedRow`` alike.
        value: in it.
        list_known: annotation_ids of the ``annotations`` that have it; asked where a later stage refused something.
    """
    if not workspace.has_table("annotations"):
        return RejectedRow.empty_table()
    tables = [
        pick_rows(workspace, f"{name}_rejected", column, [value]) for name in FUNNEL if workspace.has_table(f"{name}_rejected")
    ]
    rejected = _keep_first(pa.concat_tables(tables))
    if rejected.num_rows == tables[0].num_rows:
        return rejected
    ids = pa.chunked_array([*list_known().chunks, *tables[0].column("annotation_id").chunks], pa.string())
    return rejected.filter(pc.is_in(rejected.column("annotation_id"), value_set=ids))


def collect_voters(workspace: Workspace) -> pa.ChunkedArray:
    """The annotation ids that voted for a sample that has a split."""
    if not (workspace.has_table("samples") and workspace.has_table("splits")):
        return pa.chunked_array([], pa.string())
    placed = workspace.read_table("splits", ["image_id"]).column("image_id")
    samples = workspace.read_table("samples", ["image_id", "annotation_ids"])
    samples = samples.filter(pc.is_in(samples.column("image_id"), value_set=placed))
    return pc.list_flatten(samples.column("annotation_ids"))


def check_law(ledger: Ledger) -> None:
    """Check the law over a whole route.

    Raises:
        GateError: a row is in no place or in two.
    """
    problems = []
    both = pc.sum(pc.is_in(ledger.voted, value_set=ledger.rejected.column("annotation_id"))).as_py() or 0
    if both:
        problems.append(Problem("conservation", f"{both} annotations both voted and were rejected"))
    if len(ledger.voted) != len(pc.unique(ledger.voted)):
        problems.append(Problem("conservation", "an annotation voted for two samples"))
    if ledger.pending:
        problems.append(Problem("conservation", f"{ledger.pending} of {ledger.total} annotations are nowhere"))
    if problems:
        raise GateError(problems)


def _keep_first(rejected: pa.Table) -> pa.Table:
    ids = rejected.column("annotation_id")
    numbered = pa.table({"id": ids, "row": pa.array(range(len(ids)), pa.int64())})
    first = numbered.group_by("id").aggregate([("row", "min")]).column("row_min")
    return rejected.take(first.take(pc.sort_indices(first)))
