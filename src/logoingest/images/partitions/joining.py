"""Which pictures of a large set have any near one: every partition searched within itself and with every other.

The search for near pairs is exact (``neighbours``), so all its pairs lie within a partition or between two, and a group is made of
pictures that have a near one. Only those need be looked at together afterwards; whoever searches holds two partitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from logoingest.images.alike.neighbours import Fingerprints, Limits, NearSearch, find_structured, iterate_near_pairs
from logoingest.images.partitions.dealing import Indices, Partition, deal_pictures


class PartitionPair(NamedTuple):
    """What one search looks through."""

    first: Partition
    second: Partition | None
    """None where the first is searched within itself."""


class Touched(NamedTuple):
    """What came of searches."""

    rows: Indices
    """The pictures that are near to another; sorted."""
    structured: int
    """How many show something, of the partitions that were searched within themselves."""


#: Has every pair searched, in any order, somewhere.
Searcher: TypeAlias = Callable[[Sequence[PartitionPair]], Iterable[Touched]]


def pair_partitions(partitions: Sequence[Partition]) -> list[PartitionPair]:
    """Each partition by itself, and each two."""
    numbers = combinations_with_replacement(range(len(partitions)), 2)
    return [PartitionPair(partitions[one], None if one == other else partitions[other]) for one, other in numbers]


def search_pair(pair: PartitionPair) -> Touched:
    """One search: what a task does, on whatever machine it is.

    Raises:
        WorkspaceError: a shard is damaged, or not there.
    """
    held = Fingerprints.make(pair.first.read())
    if pair.second is None:
        return _search_within(pair.first, held)
    return _search_between(pair.first, held, pair.second, Fingerprints.make(pair.second.read()))


def _search_within(partition: Partition, prints: Fingerprints) -> Touched:
    structured, near = find_structured(prints.signatures), np.zeros(len(prints.signatures), bool)
    for pairs in iterate_near_pairs(prints, Limits(), structured):
        near[pairs.first] = near[pairs.second] = True
    return Touched(np.sort(partition.rows[near]), len(structured))


def _search_between(one: Partition, held: Fingerprints, other: Partition, others: Fingerprints) -> Touched:
    near, theirs = (np.zeros(len(prints.signatures), bool) for prints in (held, others))
    for pairs in NearSearch(held).iterate_pairs(others):
        near[pairs.first] = theirs[pairs.second] = True
    return Touched(np.union1d(one.rows[near], other.rows[theirs]), 0)


def search_here(pairs: Sequence[PartitionPair]) -> Iterator[Touched]:
    """One search after the other, each on all cores."""
    return map(search_pair, pairs)


def join_touched(found: Iterable[Touched]) -> Touched:
    """Several searches as one."""
    rows, structured = np.empty(0, np.int64), 0
    for one in found:
        rows, structured = np.union1d(rows, one.rows), structured + one.structured
    return Touched(rows, structured)


def find_partners(pictures: pa.Table, count: int, workspace_url: str, search: Searcher) -> Touched:
    """Which of the pictures (``find_distinct``) have a near one; of equal pixels the first alone is looked at.

    Args:
        pictures: the set.
        count: partitions, at most.
        workspace_url: whose shards hold their signatures.
        search: has the pairs of partitions searched.
    """
    rows = find_first(pictures)
    return join_touched(search(pair_partitions(deal_pictures(pictures, rows, count, workspace_url))))


def find_first(pictures: pa.Table) -> Indices:
    """The first row of each ``pixel_hash``, sorted."""
    numbers = pictures.column("pixel_hash").combine_chunks().dictionary_encode().indices.to_numpy()
    return np.sort(np.unique(numbers, return_index=True)[1]).astype(np.int64)
