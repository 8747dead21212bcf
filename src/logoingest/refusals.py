"""From "this was refused" to the source rows it costs: the join that keeps the conservation law."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pyarrow as pa

from logoingest.schemas import Reason, RejectedRow, Stage


class Refusal(NamedTuple):
    """Why something was refused: a closed reason and one line for people (no times, nothing that differs between runs)."""

    reason: Reason
    detail: str | None = None


def reject_annotations(annotations: pa.Table, refusals: Mapping[str, Refusal], stage: Stage, on: str = "annotation_id") -> pa.Table:
    """The ``RejectedRow`` table of the annotations whose ``on`` column (annotation_id, url …) is a key of ``refusals``.

    Rows keep the order of ``annotations``.
    """
    keys = annotations.column(on).to_pylist()
    indices = [index for index, key in enumerate(keys) if key in refusals]
    picked = annotations.take(pa.array(indices, pa.int64()))
    found = [refusals[keys[index]] for index in indices]
    columns = {
        "stage": pa.array([stage.value] * len(indices), pa.string()),
        "reason": pa.array([refusal.reason.value for refusal in found], pa.string()),
        "detail": pa.array([refusal.detail for refusal in found], pa.string()),
    }
    schema = RejectedRow.arrow_schema()
    return pa.Table.from_arrays([columns[name] if name in columns else picked.column(name) for name in schema.names], schema=schema)
