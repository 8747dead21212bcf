"""Rows of ``downloads`` as dictionaries, and the table they make."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from logoingest.fetch.rules.integrity import write_expected
from logoingest.fetch.rules.policy import FetchFault
from logoingest.fetch.turns.pursuit import Pursuit
from logoingest.schemas import DownloadRow, Outcome, Reason

_ROWS_PER_PIECE = 100
_CANCELLED = FetchFault(Reason.CANCELLED, "stopped before it was fetched")


def compose_row(pursuit: Pursuit) -> dict[str, Any]:
    """What every row says, however its URL ended."""
    return {
        "url": pursuit.url,
        "final_url": pursuit.final_url,
        "http_status": pursuit.status,
        "attempts": pursuit.attempts,
        "elapsed_ms": round(pursuit.took_s * 1000, 1),
        "fetched_at": datetime.now(UTC),
        "expected": write_expected(pursuit.batch.expected.get(pursuit.url, ())),
    }


def describe_failure(verdict: FetchFault) -> dict[str, Any]:
    """What the row of a URL that failed says beside."""
    return {"outcome": Outcome.FAILED.value, "reason": verdict.reason.value, "detail": verdict.detail}


def build_table(urls: Sequence[str], rows: list[dict[str, Any] | None]) -> pa.Table:
    """The rows as a table, None as a cancelled URL, in pieces: each piece's dictionaries are let go before the next is made."""
    tables = [DownloadRow.empty_table()]
    for start in range(0, len(rows), _ROWS_PER_PIECE):
        end = min(start + _ROWS_PER_PIECE, len(rows))
        piece = [
            {"url": url, "attempts": 0, **describe_failure(_CANCELLED)} if row is None else row
            for url, row in zip(urls[start:end], rows[start:end], strict=True)
        ]
        rows[start:end] = [None] * (end - start)
        tables.append(DownloadRow.table(piece))
    return pa.concat_tables(tables)
