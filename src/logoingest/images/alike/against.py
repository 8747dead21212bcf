"""Our pictures against those of another dataset: which are the same file, the same pixels, or near.

A pair is a *leak* when our picture is in another split than theirs: what one of the two datasets trains on, the other tests with.
Where theirs is in no split that can be told, that may be so, and it counts; where ours is in none, it is not released.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.images.alike.bounds import Unsearched
from logoingest.images.alike.copies import CopySearch, find_copy_pairs
from logoingest.images.alike.neighbours import (
    Fingerprints,
    Indices,
    Limits,
    NearPairs,
    NearSearch,
    compare_turned,
    join_pairs,
    put_in_order,
)
from logoingest.images.alike.signatures import Bytes, join_signatures, stack_signatures
from logoingest.images.alike.turns import TURNS
from logoingest.schemas import AgainstRow, CopyKind, Likeness

#: How a pair is alike, the strongest first.
KINDS = tuple(Likeness)
#: Pairs that are kept of one of our pictures and one other dataset: leaks first, then the most alike.
MOST_PAIRS = 10
#: The limits within which two pictures are one, saved twice: quality, size and format apart.
SAVED_AGAIN = Limits(51, 0.98)
_PENDING_PAIRS = 200_000

#: What is known of our pictures; ``split`` is null where a picture is in none.
OURS_SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("split", pa.string()),
        ("pixel_hash", pa.string()),
        ("signature", pa.binary()),
    ]
)
_LIGHT_SCHEMA = OURS_SCHEMA.remove(OURS_SCHEMA.get_field_index("signature"))


class Ours(NamedTuple):
    """Our pictures: ``OURS_SCHEMA`` but for the signatures, and what is made of these."""

    table: pa.Table
    prints: Fingerprints

    @classmethod
    def gather(cls, parts: Iterable[pa.Table]) -> Ours:
        """Of tables (``OURS_SCHEMA``) that come one after the other; signatures are never held twice.

        Raises:
            ValueError: a signature has another size.
        """
        tables = [_LIGHT_SCHEMA.empty_table()]

        def iterate_signatures() -> Iterator[Bytes]:
            for part in parts:
                tables.append(part.drop_columns("signature"))
                yield stack_signatures(part.column("signature"))

        signatures = join_signatures(iterate_signatures())
        return cls(pa.concat_tables(tables).combine_chunks(), Fingerprints.make(signatures))


class Theirs(NamedTuple):
    """Some pictures of the other dataset: ``prints`` (``elsewhere.PRINT_SCHEMA``), and each one's name and split (None: unknown)."""

    prints: pa.Table
    names: Sequence[str]
    splits: Sequence[str | None]


class Found(NamedTuple):
    """What a comparison came to."""

    pairs: pa.Table
    """``AgainstRow``, sorted by image_id, the strongest first."""
    pictures: int
    """Pictures of the other dataset that could be compared."""
    unusable: int
    """Those that are no usable pictures."""
    unsearched: Unsearched
    """What bounds left out of the search for copies, of all parts together."""


class Comparison:
    """One comparison: made of our pictures, told theirs part by part; memory holds ours, one part, and the pairs kept."""

    def __init__(self, ours: Ours, limits: Limits | None = None) -> None:
        """Prepare the search among our pictures."""
        self._ours, self._prints = ours.table, ours.prints
        self._search = NearSearch(self._prints, limits)
        self._copies = CopySearch(self._prints.signatures)
        self._by_file = _index_rows(self._ours.column("image_id").to_pylist())
        self._by_pixels = _index_rows(self._ours.column("pixel_hash").to_pylist())
        self._splits = self._ours.column("split").to_pylist()

    def compare(self, other: str, parts: Iterable[Theirs]) -> Found:
        """Compare our pictures with all parts of one other dataset, named ``other``."""
        kept = AgainstRow.empty_table()
        waiting: list[pa.Table] = []
        pictures = unusable = 0
        unsearched = Unsearched()
        for part in parts:
            usable = pc.is_valid(part.prints.column("signature")).to_numpy()
            pictures, unusable = pictures + int(usable.sum()), unusable + int((~usable).sum())
            pairs, left_out = self._match(other, part, np.flatnonzero(usable))
            waiting.append(pairs)
            unsearched = unsearched.add(left_out)
            if sum(table.num_rows for table in waiting) > _PENDING_PAIRS:
                kept, waiting = keep_strongest(pa.concat_tables([kept, *waiting])), []
        return Found(keep_strongest(pa.concat_tables([kept, *waiting])), pictures, unusable, unsearched)

    def _match(self, other: str, part: Theirs, rows: Indices) -> tuple[pa.Table, Unsearched]:
        """The pairs with the ``rows`` of a part that are pictures, and what the search for copies left out."""
        usable = part.prints.take(pa.array(rows, pa.int64()))
        prints = stack_columns(usable)
        kinds: dict[tuple[int, int], int] = {}
        near, copies = self._search.find_pairs(prints), self._copies.find(prints.signatures)
        findings = dict(zip(zip(copies.first.tolist(), copies.second.tolist(), strict=True), copies.findings, strict=True))
        for pair in (*findings, *zip(near.first.tolist(), near.second.tolist(), strict=True)):
            kinds[pair] = KINDS.index(Likeness.NEAR)
        for column, index, kind in (("pixel_hash", self._by_pixels, 1), ("sha256", self._by_file, 0)):
            for place, key in enumerate(usable.column(column).to_pylist()):
                kinds.update({(row, place): kind for row in index.get(key, ())})
        first, second = (np.array([pair[side] for pair in kinds], np.int64) for side in (0, 1))
        _, _, distance, correlation, turn = compare_turned(self._prints, first, second, prints)
        told = [TURNS[number].name for number in turn.tolist()]
        for row, pair in enumerate(kinds):
            if pair in findings and kinds[pair] == KINDS.index(Likeness.NEAR):
                told[row], correlation[row] = findings[pair].transformation, 1.0 - findings[pair].residual
        our_splits = [self._splits[row] for row in first.tolist()]
        their_splits = [part.splits[row] for row in rows[second].tolist()]
        columns = {
            "image_id": self._ours.column("image_id").take(pa.array(first, pa.int64())),
            "split": pa.array(our_splits, pa.string()),
            "other": pa.array([other] * len(kinds), pa.string()),
            "other_name": pa.array([part.names[row] for row in rows[second].tolist()], pa.string()),
            "other_split": pa.array(their_splits, pa.string()),
            "other_sha256": usable.column("sha256").take(pa.array(second, pa.int64())),
            "kind": pa.array([KINDS[kind] for kind in kinds.values()], pa.string()),
            "distance": pa.array(distance, pa.int32()),
            "correlation": pa.array(np.round(correlation, 4), pa.float64()),
            "transformation": pa.array(told, pa.string()),
            "leak": pa.array([is_leak(*splits) for splits in zip(our_splits, their_splits, strict=True)], pa.bool_()),
        }
        schema = AgainstRow.arrow_schema()
        return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema), copies.unsearched


def find_saved_again(ours: Ours) -> list[tuple[int, int]]:
    """Rows of two pictures in different splits that are one picture saved twice, as far as can be told; sorted.

    Equal pixels, or much nearer than near-duplicates must be (``SAVED_AGAIN``), turned or cropped as may be: what is merely near may
    be in two splits where a chain of near pictures was cut, see ``group_copies``.
    """
    prints, split = ours.prints, _number_values(ours.table.column("split"))
    near, copies = find_between(prints, split), find_copy_pairs(prints.signatures)
    least = 1.0 - SAVED_AGAIN.min_correlation
    same = [at for at, finding in enumerate(copies.findings) if finding.kind != CopyKind.NEAR and finding.residual <= least]
    equal = _pair_equal(ours.table.column("pixel_hash"))
    first = np.concatenate([near.first, copies.first[same], equal[0]]).astype(np.int64)
    second = np.concatenate([near.second, copies.second[same], equal[1]]).astype(np.int64)
    apart = split[first] != split[second]
    return sorted(set(zip(first[apart].tolist(), second[apart].tolist(), strict=True)))


def find_between(prints: Fingerprints, splits: Indices) -> NearPairs:
    """Pairs of rows of different splits within ``SAVED_AGAIN``; each split is held against all that are larger."""
    numbers, sizes = np.unique(splits, return_counts=True)
    rank = np.empty(len(numbers), np.int64)
    rank[np.argsort(sizes, kind="stable")] = np.arange(len(numbers))
    ranks, found = rank[np.searchsorted(numbers, splits)], []
    for number in range(len(numbers) - 1):
        search = NearSearch(prints, SAVED_AGAIN, np.flatnonzero(ranks == number))
        found.append(search.find_pairs(prints, np.flatnonzero(ranks > number)))
    return put_in_order(join_pairs(found))


def _pair_equal(keys: pa.ChunkedArray) -> tuple[Indices, Indices]:
    """(first, further): each row of a key but the first, and that first one."""
    numbers = _number_values(keys)
    _, first = np.unique(numbers, return_index=True)
    start = first[numbers] if len(numbers) else first
    further = np.flatnonzero(start != np.arange(len(numbers)))
    return start[further], further


def _number_values(column: pa.ChunkedArray) -> Indices:
    """The column's distinct values as numbers, in the order they come; null is -1."""
    encoded = column.combine_chunks().dictionary_encode().indices
    return np.asarray(encoded.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def is_leak(ours: str | None, theirs: str | None) -> bool:
    """Whether a picture in these splits of two datasets is learnt from in one and judged by in the other, as far as is known."""
    return ours is not None and ours != theirs


def keep_strongest(pairs: pa.Table, most: int = MOST_PAIRS) -> pa.Table:
    """Of each of our pictures and each other dataset the ``most`` strongest pairs; sorted."""
    rank = pc.index_in(pairs.column("kind"), value_set=pa.array(KINDS))
    keyed = pairs.append_column("harmless", pc.invert(pairs.column("leak"))).append_column("rank", rank)
    keys = ("image_id", "other", "harmless", "rank", "distance", "correlation", "other_name")
    keyed = keyed.sort_by([(key, "descending" if key == "correlation" else "ascending") for key in keys])
    owners = zip(keyed.column("image_id").to_pylist(), keyed.column("other").to_pylist(), strict=True)
    seen: dict[tuple[str, str], int] = defaultdict(int)
    wanted = []
    for owner in owners:
        seen[owner] += 1
        wanted.append(seen[owner] <= most)
    return keyed.filter(pa.array(wanted, pa.bool_())).select(pairs.column_names).combine_chunks()


def stack_columns(table: pa.Table) -> Fingerprints:
    """The fingerprints of a table's column ``signature``, which may have no nulls.

    Raises:
        ValueError: an entry has another size.
    """
    return Fingerprints.make(stack_signatures(table.column("signature")))


def _index_rows(keys: Sequence[str]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        rows[key].append(row)
    return dict(rows)
