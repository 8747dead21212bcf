"""What is handed to whoever fetches shards, and what comes back: plain values, light to import."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa

from logoingest.workspace import FileRecord

#: The body → what one decode of it tells, by FACT_COLUMNS.
Inspect: TypeAlias = Callable[[bytes], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ShardJob:
    """What one shard needs: plain values, so that any executor can carry it elsewhere."""

    workspace_url: str
    shard: str
    urls: Sequence[str] | pa.Array | pa.ChunkedArray
    """Every URL of the shard, in the shard's order."""
    only: Collection[str] | None = None
    """Fetch just these and keep the shard's other rows; None fetches all."""
    alternatives: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """URL → the other URLs that the source gives for the same picture; only those that have any."""
    expected: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """URL → the hashes that its bytes must have (``sha256:…``, ``md5:…``); only those that have any."""
    refresh: bool = False
    """Those of ``only`` are there: ask whether they still are as they were, and keep what is there unless it has changed."""
    lease: str = ""
    """The token of the lease under which it is written; "" is nobody's: it is not asked for."""


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """What a shard holds after a run of it."""

    shard: str
    urls: int
    ok: int
    failed: int
    byte_count: int
    """Bytes of the bodies it holds."""
    fetched: int
    """URLs requested in this run; the others were kept."""
    reasons: dict[str, int] = field(default_factory=dict)
    """Failed rows by Reason."""
    record: FileRecord | None = None
    """sha256 and length of the file; None where that was not looked at."""
    finished: bool = True
    """False when it was stopped: the counts, but for ``kept``, are of nothing."""
    kept: int = 0
    """URLs requested in this run whose rows are on disk: all of them, or when it was stopped those that came."""


class FetchProgress(NamedTuple):
    """Counts since the start of ``run_shards``; they only grow."""

    urls: int = 0
    ok: int = 0
    failed: int = 0
    byte_count: int = 0
    shards: int = 0

    def add(self, other: FetchProgress) -> FetchProgress:
        """The sum, field by field."""
        return FetchProgress(*(mine + more for mine, more in zip(self, other, strict=True)))
