"""Pictures that show the same thing, found and put into groups.

A group is what must not be divided between train and test. Pictures belong together when their pixels are equal, and when they
are near in any of the eight turns and mirrors (``neighbours``). Nearness isn't transitive, so chains of near pairs are bounded: see
``group_duplicates``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from logoingest.images.alike.bounds import Unsearched
from logoingest.images.alike.copies import SAME_PIXELS, CopyPairs, PairFinding, find_copy_pairs, judge_pairs
from logoingest.images.alike.neighbours import (
    MAX_DISTANCE,
    MIN_CORRELATION,
    Fingerprints,
    Indices,
    Limits,
    NearPairs,
    compare_turned,
    find_structured,
    iterate_near_pairs,
    join_pairs,
    keep_best,
)
from logoingest.images.alike.signatures import Bytes, stack_signatures
from logoingest.schemas import CopyRow

_EDGES_KEPT = 4_000_000
_MOST_MIDDLES = 8


def find_duplicate_pairs(
    signatures: Sequence[bytes],
    max_distance: int = MAX_DISTANCE,
    min_correlation: float = MIN_CORRELATION,
) -> NearPairs:
    """All pairs of near pictures; an exact search.

    Args:
        signatures: ``signature`` of each picture, 1,024 bytes.
        max_distance: bits of the steps that may differ, 0 to 1,088.
        min_correlation: of the signatures, Pearson's r, above 0 to 1.

    Returns:
        row numbers (``first < second``, sorted), distance and correlation. Pictures of one colour are in no pair.

    Raises:
        ValueError: an entry has another size.
    """
    return find_near_rows(Fingerprints.make(stack_signatures(signatures)), Limits(max_distance, min_correlation))


def find_near_rows(prints: Fingerprints, limits: Limits) -> NearPairs:
    """As ``find_duplicate_pairs``, of stacked fingerprints."""
    return keep_best(join_pairs(list(iterate_near_pairs(prints, limits, find_structured(prints.signatures)))))


class Grouping(NamedTuple):
    """Which pictures belong together, and why."""

    groups: list[str]
    """The group of each picture, named by the smallest image_id in it."""
    copies: pa.Table
    """``CopyRow``, sorted: each picture that was near its group's first, and the pairs through which such groups became one."""
    unsearched: Unsearched = Unsearched()


def group_duplicates(image_ids: Sequence[str], signatures: Sequence[bytes], pixel_hashes: Sequence[str]) -> list[str]:
    """The groups of ``group_copies`` alone."""
    return group_copies(image_ids, signatures, pixel_hashes).groups


def group_copies(
    image_ids: Sequence[str], signatures: Bytes | Sequence[bytes], pixel_hashes: Sequence[str], further: int = 0
) -> Grouping:
    """The group of each picture; the order of the input changes nothing, nor does how a picture is turned.

    Equal pixels always share a group. Near pictures are joined to connected components. A component is one group as long as all of
    it is within twice the limits (bits, and 1 - r) of its centre, the picture with most near ones. A looser one, a chain whose
    ends show different things, is cut: the centre and what is near it become a group, the rest is looked at again. So every member
    is within twice the limits of its group's centre, and pictures that are near but in different groups exist only around such
    cuts.

    Of each such group the first picture is then looked for among all others, in any guise (``copies``), and the groups that are found to
    show the same are joined, as long as they are within two steps of the one in the middle.

    Args:
        image_ids: distinct ids.
        signatures: ``signature`` of each picture, 1,024 bytes, or all as n x 1,024.
        pixel_hashes: ``pixel_hash`` of each picture.
        further: pictures of the set that are not here, since nothing is near to them; see ``find_copy_pairs``.

    Raises:
        ValueError: the sequences differ in length, or an entry has another size.
    """
    if len(pixel_hashes) != len(image_ids) or len(signatures) != len(image_ids):
        raise ValueError("image_ids, signatures and pixel_hashes must be equally long")
    order = np.array(sorted(range(len(image_ids)), key=image_ids.__getitem__), np.int64)
    is_sorted = bool((np.diff(order) == 1).all())
    stacked = stack_signatures(signatures)
    prints = Fingerprints.make(stacked if is_sorted else stacked[order])
    units = _fold_equal([pixel_hashes[row] for row in order.tolist()])
    leader = np.arange(len(order))
    for members in _iterate_groups(prints, np.unique(units), Limits()):
        leader[members] = members.min()
    near = leader[units]
    leaders, place = np.unique(near, return_inverse=True)
    found = find_copy_pairs(prints.signatures, leaders, further)
    joined = join_groups(len(leaders), np.searchsorted(leaders, found.first), np.searchsorted(leaders, found.second))
    names = [image_ids[row] for row in order.tolist()]
    result = [""] * len(image_ids)
    for row, group in zip(order.tolist(), leaders[joined[place]].tolist(), strict=True):
        result[row] = names[group]
    return Grouping(result, _tabulate(names, prints, units, near, found), found.unsearched)


def join_groups(count: int, first: Indices, second: Indices) -> Indices:
    """For each of ``count`` things the first of those it belongs to, by the pairs of what is alike; chains are cut.

    Those within two steps of the one with most pairs are one group if nothing else hangs on them; else it and what it is in a pair
    with are a group, and the rest is looked at again.
    """
    partners: dict[int, set[int]] = defaultdict(set)
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        partners[one].add(other)
        partners[other].add(one)
    leader = np.arange(count)
    waiting = [set(partners)]
    while waiting:
        for members in _iterate_connected(waiting.pop(), partners):
            most = max(len(partners[member] & members) for member in members)
            middle = sorted(member for member in members if len(partners[member] & members) == most)[:_MOST_MIDDLES]
            centre = max(middle, key=lambda member: len(_reach_twice(member, members, partners)))
            near = {centre} | partners[centre] & members
            within = _reach_twice(centre, members, partners)
            group = members if within == members else near
            leader[sorted(group)] = min(group)
            if members - group:
                waiting.append(members - group)
    return leader


def _reach_twice(member: int, members: set[int], partners: Mapping[int, set[int]]) -> set[int]:
    """The members within two steps of one."""
    near = {member} | partners[member] & members
    return near.union(*(partners[one] & members for one in near))


def _iterate_connected(members: set[int], partners: Mapping[int, set[int]]) -> Iterator[set[int]]:
    """The members by what they are connected to, in order of the smallest."""
    left = set(members)
    for member in sorted(members):
        if member not in left:
            continue
        reached, edge = {member}, {member}
        while edge:
            edge = set().union(*(partners[one] for one in edge)) & left - reached
            reached |= edge
        left -= reached
        yield reached


def _tabulate(names: Sequence[str], prints: Fingerprints, units: Indices, leaders: Indices, between: CopyPairs) -> pa.Table:
    """``CopyRow`` of the pairs: equal pixels with the first that has them, near ones with their group's first, and ``between``."""
    rows = np.arange(len(names))
    equal = rows[units != rows]
    near = rows[(units == rows) & (leaders != rows)]
    turns = compare_turned(prints, leaders[near], near).turn
    told = [SAME_PIXELS] * len(equal) + judge_pairs(prints.signatures, leaders[near], near, turns) + between.findings
    first, second = np.concatenate([units[equal], leaders[near], between.first]), np.concatenate([equal, near, between.second])
    columns = {
        "image_id": [names[row] for row in first.tolist()],
        "other_id": [names[row] for row in second.tolist()],
        **{field: [finding[place] for finding in told] for place, field in enumerate(PairFinding._fields)},
    }
    return pa.table(columns, CopyRow.arrow_schema()).sort_by([("image_id", "ascending"), ("other_id", "ascending")])


def group_equal(image_ids: Sequence[str], pixel_hashes: Sequence[str]) -> list[str]:
    """As ``group_duplicates``, for equal pixels alone."""
    smallest: dict[str, str] = {}
    for image_id, pixel_hash in zip(image_ids, pixel_hashes, strict=True):
        smallest[pixel_hash] = min(smallest.get(pixel_hash, image_id), image_id)
    return [smallest[pixel_hash] for pixel_hash in pixel_hashes]


def _fold_equal(keys: Sequence[str]) -> Indices:
    """For each row the first row with the same key."""
    first: dict[str, int] = {}
    return np.array([first.setdefault(key, row) for row, key in enumerate(keys)], np.int64)


def _iterate_groups(prints: Fingerprints, among: Indices, limits: Limits) -> Iterator[Indices]:
    """Groups of two or more of some rows, chains cut."""
    waiting = [np.intersect1d(find_structured(prints.signatures), among, assume_unique=True)]
    while waiting:
        rows = waiting.pop()
        labels, degrees = _connect(prints, rows, limits)
        groups = [members for members in _split_by_label(rows, labels) if len(members) > 1]
        for members, (_, _, distance, correlation, _) in zip(groups, _compare_groups(prints, groups, rows, degrees), strict=True):
            loose = (distance > 2 * limits.max_distance) | (1.0 - correlation > 2.0 * (1.0 - limits.min_correlation))
            if not loose.any():
                yield members
                continue
            near = (distance <= limits.max_distance) & (correlation >= limits.min_correlation)
            yield members[near]
            waiting.append(members[~near])


def _compare_groups(prints: Fingerprints, groups: Sequence[Indices], rows: Indices, degrees: Indices) -> Iterator[NearPairs]:
    """Each group's centre, the first with the most near ones, beside each of its members."""
    if not groups:
        return
    centres = [members[np.argmax(degrees[np.searchsorted(rows, members)])] for members in groups]  # of the best the smallest id
    sizes = [len(members) for members in groups]
    compared = compare_turned(prints, np.repeat(centres, sizes), np.concatenate(groups))
    for start, stop in pairwise(np.cumsum([0, *sizes]).tolist()):
        yield compared.take(slice(start, stop))


def _connect(prints: Fingerprints, rows: Indices, limits: Limits) -> tuple[Indices, Indices]:
    """(component, number of near pictures) of each of some rows; edges are thinned as they come, so that memory stays bounded."""
    count = len(rows)
    degrees = np.zeros(count, np.int64)
    labels = np.arange(count)
    first, second, pending = [labels], [labels], 0
    for pairs in iterate_near_pairs(prints, limits, rows):
        ends = np.searchsorted(rows, pairs.first), np.searchsorted(rows, pairs.second)
        degrees += np.bincount(ends[0], minlength=count) + np.bincount(ends[1], minlength=count)
        first.append(ends[0])
        second.append(ends[1])
        pending += len(pairs.first)
        if pending > _EDGES_KEPT:
            labels = _label_components(first, second, count)
            first, second, pending = [np.arange(count)], [labels], 0
    return _label_components(first, second, count), degrees


def _label_components(first: Sequence[Indices], second: Sequence[Indices], count: int) -> Indices:
    """For each row the first row of its component."""
    rows, columns = np.concatenate(first), np.concatenate(second)
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    _, heads = np.unique(labels, return_index=True)
    first_rows: Indices = heads[labels].astype(np.int64)
    return first_rows


def _split_by_label(rows: Indices, labels: Indices) -> list[Indices]:
    order = np.argsort(labels, kind="stable")
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    return [part for part in np.split(rows[order], cuts) if len(part)]
