"""From "this was refused" to the source rows it costs: the join that keeps the conservation law."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa

from logoingest.schemas import Reason, RejectedRow, Stage

#: The columns of ``AnnotationRow`` that a rejection shows.
SOURCE_COLUMNS = tuple(name for name in RejectedRow.arrow_schema().names if name not in {"stage", "reason", "detail"})


class Refusal(NamedTuple):
    """Why something was refused: a closed reason and one line for people (no times, nothing that differs between runs)."""

    reason: Reason
    detail: str | None = None


def reject_annotations(annotations: pa.Table, refusals: Mapping[str, Refusal], stage: Stage, on: str = "annotation_id") -> pa.Table:
    """The ``RejectedRow`` table of the annotations whose ``on`` column (annotation_id, url …) is a key of ``refusals``.

    Rows keep the order of ``annotations``.
    """
    import pyarrow.compute as pc  # not at the top: fetch processes know refusals, and do without its 8 MB

    found = pc.index_in(annotations.column(on), value_set=pa.array(refusals, pa.string()), skip_nulls=True)
    indices = pc.indices_nonzero(pc.is_valid(found))
    picked = annotations.select(SOURCE_COLUMNS).take(indices)
    given, reasons = found.take(indices), list(refusals.values())
    columns = {
        "stage": pa.repeat(stage.value, len(indices)),
        "reason": pa.array([refusal.reason.value for refusal in reasons], pa.string()).take(given),
        "detail": pa.array([refusal.detail for refusal in reasons], pa.string()).take(given),
    }
    schema = RejectedRow.arrow_schema()
    return pa.Table.from_arrays([columns[name] if name in columns else picked.column(name) for name in schema.names], schema=schema)
