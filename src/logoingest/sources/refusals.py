"""Why rows are refused, in few lines: kinds of refusals with their counts and the first row of each."""

from __future__ import annotations

import re
from typing import NamedTuple

import pyarrow as pa

from logoingest.schemas import Reason

#: Reasons whose details are the readers' own words; others repeat what a person wrote, or an id.
_TOLD = frozenset({Reason.INVALID_ROW.value})
_KIND_CHARS = 80
_SHOWN_CHARS = 160


class Refusals(NamedTuple):
    """Rows that are refused for one kind of reason."""

    reason: str
    rows: int
    source_file: str
    source_row: int
    detail: str
    """What is wrong with the first of them."""

    def describe(self) -> str:
        """In words, without the count."""
        detail = f": {self.detail[:_SHOWN_CHARS]}" if self.detail else ""
        return f"{self.reason}, the first in row {self.source_row:,} of {self.source_file}{detail}"


def summarise_refusals(rejected: pa.Table, limit: int = 8) -> list[Refusals]:
    """The most frequent kinds of refusals, in falling order; what is beyond the limit is counted together.

    Rows that cannot be read are of one kind when their details are equal up to the first colon, numbers aside; all others by reason.

    Args:
        rejected: ``RejectedRow`` rows.
        limit: kinds told apart.
    """
    groups: dict[tuple[str, str], Refusals] = {}
    columns = [rejected.column(name).to_pylist() for name in ("reason", "source_file", "source_row", "detail")]
    for reason, source_file, source_row, detail in zip(*columns, strict=True):
        kind = (reason, re.sub(r"\d+", "#", (detail or "").split(":")[0][:_KIND_CHARS]) if reason in _TOLD else "")
        group = groups.get(kind)
        groups[kind] = group._replace(rows=group.rows + 1) if group else Refusals(reason, 1, source_file, source_row, detail or "")
    ordered = sorted(groups.values(), key=lambda group: -group.rows)
    rest = ordered[limit:]
    if not rest:
        return ordered
    return [*ordered[:limit], rest[0]._replace(reason="others", rows=sum(group.rows for group in rest))]
