"""Rows that say again what another row says: one submission is one vote, however often it was downloaded.

Two rows are one submission when they have one source id, URL and worker. Without ids, rows of *different* sources that are equal in
all that is read are one, where the sources overlap: what they say about the URLs they share is the same. Within one source, equal rows
without an id or a worker are different people's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.schemas import Reason
from logoingest.sources.records.tabulating import ID_BYTES, Chunk

#: Share of the URLs two sources have in common about which they must say the same, to count as overlapping downloads.
_SAME = 0.99
_DAWN = datetime.min.replace(tzinfo=UTC)


class _Row(NamedTuple):
    """What of a row is compared."""

    number: int
    source: int
    digest: bytes
    key: tuple[Any, ...]
    state: tuple[bool, datetime]
    """Whether the requester has judged it, and when it was submitted: the later state counts."""
    has_box: bool


def find_repeats(chunks: Iterable[Chunk]) -> dict[int, str]:
    """The number of each row (over all chunks, from 0) that repeats another → which, in words."""
    chunks = list(chunks)
    return _find_same_ids(chunks) | _find_overlaps(chunks)


# -- one id ------------------------------------------------------------------------------------------------------------


def _find_same_ids(chunks: Sequence[Chunk]) -> dict[int, str]:
    ids = pa.chunked_array([chunk.table.column("source_id").combine_chunks() for chunk in chunks], pa.string()).drop_null()
    if pc.count_distinct(ids).as_py() == len(ids):
        return {}
    counts = ids.value_counts()
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    submissions: defaultdict[tuple[Any, ...], list[_Row]] = defaultdict(list)
    for row in _list_rows(chunks, repeated):
        submissions[row.key].append(row)
    return {number: why for rows in submissions.values() if len(rows) > 1 for number, why in _settle_submission(rows)}


def _list_rows(chunks: Sequence[Chunk], repeated: pa.Array) -> Iterator[_Row]:
    """The rows with one of these ids; those that are refused already can only be somebody's rejected work."""
    first = 0
    for chunk in chunks:
        table = chunk.table
        possible = pc.is_in(table.column("reason"), pa.array([None, Reason.ASSIGNMENT_REJECTED.value], pa.string()))
        chosen = pc.and_(pc.is_in(table.column("source_id"), repeated), possible)
        numbers = np.flatnonzero(chosen.to_numpy(zero_copy_only=False))
        names = ["source_id", "url", "worker_id", "status", "submitted_at", "bbox"]
        for number, row in zip(numbers.tolist(), table.select(names).filter(chosen).to_pylist(), strict=True):
            yield _Row(
                first + number,
                chunk.source,
                chunk.digests[number * ID_BYTES : (number + 1) * ID_BYTES],
                (row["source_id"], row["url"], row["worker_id"]),
                (row["status"] != "submitted", row["submitted_at"] or _DAWN),
                row["bbox"] is not None,
            )
        first += table.num_rows


def _settle_submission(rows: Sequence[_Row]) -> Iterator[tuple[int, str]]:
    """The rows of one submission that do not count: equal ones, and those of an earlier state. Boxes of one source are its parts."""
    by_source: defaultdict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        by_source[row.source].append(row)
    winner = _choose_latest(list(by_source.values()))
    first_equal = {row.digest: row for row in reversed(winner)}
    distinct = sorted(first_equal.values())
    counting = set(distinct) if any(row.has_box for row in distinct) else {_choose_latest([[row] for row in distinct])[0]}
    for row in rows:
        if row not in counting:
            same = any(row.digest == other.digest for other in counting)
            said = "the same again" if same else "another row with this id and a later state counts"
            yield row.number, f"{said}: id {row.key[0][:100]}"


def _choose_latest(groups: Sequence[list[_Row]]) -> list[_Row]:
    """The group of rows in the latest state; of equal states the last, of equal contents the first."""
    best = groups[0]
    for group in groups[1:]:
        state, best_state = max(row.state for row in group), max(row.state for row in best)
        other = Counter(row.digest for row in group) != Counter(row.digest for row in best)
        if state > best_state or (state == best_state and other):
            best = group
    return best


# -- no id -------------------------------------------------------------------------------------------------------------


def _find_overlaps(chunks: Sequence[Chunk]) -> dict[int, str]:
    sources = sorted({chunk.source for chunk in chunks})
    if len(sources) < 2 or not _have_equal_rows(chunks):
        return {}
    seen: defaultdict[str, Counter[bytes]] = defaultdict(Counter)
    repeats: dict[int, str] = {}
    for source in sources:
        told: defaultdict[str, list[tuple[int, bytes]]] = defaultdict(list)
        for number, url, digest in _list_plain_rows(chunks, source):
            told[url].append((number, digest))
        again = _list_overlap({url: rows for url, rows in told.items() if url in seen}, seen)
        repeats |= dict.fromkeys(again, "the same row again, in a source that overlaps an earlier one")
        for url, rows in told.items():
            seen[url] |= Counter(digest for _, digest in rows)
    return repeats


def _have_equal_rows(chunks: Sequence[Chunk]) -> bool:
    halves = np.frombuffer(b"".join(chunk.digests for chunk in chunks), dtype="<u8").reshape(-1, 2)
    firsts = np.sort(halves[:, 0])
    return bool((firsts[1:] == firsts[:-1]).any())


def _list_plain_rows(chunks: Sequence[Chunk], source: int) -> Iterator[tuple[int, str, bytes]]:
    """Number, URL and digest of a source's sound rows without an id."""
    first = 0
    for chunk in chunks:
        table = chunk.table
        if chunk.source == source:
            plain = pc.and_(pc.is_null(table.column("source_id")), pc.is_null(table.column("reason")))
            numbers = np.flatnonzero(plain.to_numpy(zero_copy_only=False)).tolist()
            for number, url in zip(numbers, table.column("url").filter(plain).to_pylist(), strict=True):
                yield first + number, url, chunk.digests[number * ID_BYTES : (number + 1) * ID_BYTES]
        first += table.num_rows


def _list_overlap(common: dict[str, list[tuple[int, bytes]]], seen: dict[str, Counter[bytes]]) -> list[int]:
    """The numbers of the rows that repeat what earlier sources say; none where the sources do not agree about what they share."""
    agree = 0
    again: list[int] = []
    for url, rows in common.items():
        counts = Counter(digest for _, digest in rows)
        agree += counts <= seen[url] or counts >= seen[url]
        left = Counter(seen[url])
        for number, digest in rows:
            if left[digest] > 0:
                left[digest] -= 1
                again.append(number)
    return again if agree >= _SAME * len(common) else []
