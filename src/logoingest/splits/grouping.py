"""Samples → groups that must not be divided, as arrays: their classes, and where an earlier release or a fixed set puts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import Problem, UsageError
from logoingest.refusals import Refusal
from logoingest.schemas import Reason

Integers = npt.NDArray[np.int64]

#: No split, no group.
NOWHERE = -1
_MOST_PROBLEMS = 20


@dataclass(frozen=True)
class Samples:
    """The samples as arrays; one entry a row unless said otherwise.

    ``class_of`` and ``row_of`` have an entry for each class of each row (a row without classes has the nameless class ""), classes
    and groups are numbered in the order of their names.
    """

    image_ids: pa.Array
    class_ids: Sequence[str]
    class_of: Integers
    row_of: Integers
    group_names: Sequence[str]
    group_of: Integers


@dataclass(frozen=True)
class Groups:
    """Groups in the order of their names; ``classes`` in ascending order. ``split`` is ``NOWHERE`` where nothing places a group."""

    names: Sequence[str]
    sizes: Sequence[int]
    classes: Sequence[Sequence[int]]
    split: Sequence[int]
    group_of: Integers
    """Row → group; ``NOWHERE`` for a refused row."""


def read_samples(samples: pa.Table) -> Samples:
    """The columns image_id, group_id and class_ids as arrays."""
    lists = samples.column("class_ids").combine_chunks()
    lists = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    row_of = np.repeat(np.arange(len(lengths)), lengths)
    class_ids, class_of = _number_names(pc.list_flatten(lists))
    bare = np.flatnonzero(lengths == 0)
    if len(bare):
        class_of = np.concatenate([class_of + 1, np.zeros(len(bare), np.int64)])
        row_of, class_ids = np.concatenate([row_of, bare]), ["", *class_ids]
    group_names, group_of = _number_names(samples.column("group_id"))
    return Samples(_join(samples.column("image_id")), class_ids, class_of, row_of, group_names, group_of)


def _join(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _number_names(column: pa.ChunkedArray | pa.Array) -> tuple[list[str], Integers]:
    """The distinct names in order, and the number of each value."""
    encoded = _join(column).dictionary_encode()
    names = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    return [names[index] for index in order], rank[encoded.indices.to_numpy(zero_copy_only=False)] if names else np.empty(
        0, np.int64
    )


def look_up(image_ids: pa.Array, places: Mapping[str, str], splits: Sequence[str]) -> Integers:
    """The split's number of each picture, ``NOWHERE`` where ``places`` lacks it."""
    if not places:
        return np.full(len(image_ids), NOWHERE, np.int64)
    numbers = pc.index_in(pa.array(list(places.values()), pa.string()), value_set=pa.array(splits, pa.string()))
    found = pc.index_in(image_ids, value_set=pa.array(list(places), pa.string()))
    return np.asarray(pc.fill_null(numbers.take(found), NOWHERE).to_numpy(zero_copy_only=False), np.int64)


def refuse_small_classes(samples: Samples, least: int) -> dict[int, Refusal]:
    """Row → refusal; leaving a picture out may make another class too small, so it is repeated."""
    refused: dict[int, Refusal] = {}
    left = np.ones(len(samples.image_ids), bool)
    while least > 1:
        kept = left[samples.row_of]
        counts = np.bincount(samples.class_of[kept], minlength=len(samples.class_ids))
        small = kept & (counts < least)[samples.class_of] & np.array([bool(name) for name in samples.class_ids])[samples.class_of]
        if not small.any():
            break
        pairs = sorted(zip(samples.row_of[small].tolist(), samples.class_of[small].tolist(), strict=True))
        for row, number in pairs:
            what = f"{samples.class_ids[number]} has {counts[number]} pictures, fewer than splits.min_class_images = {least}"
            refused.setdefault(row, Refusal(Reason.CLASS_TOO_SMALL, what))
        left[samples.row_of[small]] = False
    return refused


def form_groups(
    samples: Samples, previous: Mapping[str, str], fixed: Mapping[str, str], splits: Sequence[str], refused: dict[int, Refusal]
) -> Groups:
    """Groups with the earlier and the fixed places filled in; a group that earlier releases divided comes in parts, and its new
    members are refused (added to ``refused``).

    Raises:
        UsageError: fixed places contradict each other or an earlier release; all of them (the first twenty) at once.
    """
    group_of = samples.group_of.copy()
    group_of[list(refused)] = NOWHERE
    before, given = (look_up(samples.image_ids, places, splits) for places in (previous, fixed))
    before[group_of == NOWHERE] = given[group_of == NOWHERE] = NOWHERE
    claims = _Claims(samples, splits, before, given, group_of, list(samples.group_names))
    _part_divided(claims, refused)
    earlier, by_set = (_place_once(claims, places) for places in (before, given))
    _check_fixed(claims, earlier)
    there = group_of >= 0
    used, group_of[there] = np.unique(group_of[there], return_inverse=True)
    order = np.array(sorted(range(len(used)), key=[claims.names[number] for number in used].__getitem__), np.int64)
    rank = np.empty(len(used), np.int64)
    rank[order] = np.arange(len(used))
    group_of[there] = rank[group_of[there]]
    earlier, by_set = earlier[used[order]], by_set[used[order]]
    return Groups(
        [claims.names[number] for number in used[order]],
        np.bincount(group_of[there], minlength=len(used)).tolist(),
        _list_classes(samples, group_of, len(used)),
        np.where(earlier >= 0, earlier, by_set).tolist(),
        group_of,
    )


@dataclass(frozen=True)
class _Claims:
    """What is said of where rows are: by earlier releases (``before``), by the fixed set (``given``); and their groups, changing."""

    samples: Samples
    splits: Sequence[str]
    before: Integers
    given: Integers
    group_of: Integers
    names: list[str]

    def name(self, row: int) -> str:
        return str(self.samples.image_ids[row].as_py())


def _place_once(claims: _Claims, places: Integers) -> Integers:
    """Group → one of the places of its rows (there is one alone, or ``_check_fixed`` says what is wrong)."""
    placed = np.full(len(claims.names), NOWHERE, np.int64)
    rows = np.flatnonzero((places >= 0) & (claims.group_of >= 0))
    placed[claims.group_of[rows]] = places[rows]
    return placed


def _part_divided(claims: _Claims, refused: dict[int, Refusal]) -> None:
    """Make a group of each part of a group that lies in several splits; its members without a place are refused."""
    before, group_of, splits = claims.before, claims.group_of, claims.splits
    rows = np.flatnonzero(before >= 0)
    pairs = np.unique(np.stack([group_of[rows], before[rows]]), axis=1)
    numbers, counts = np.unique(pairs[0], return_counts=True)
    members = np.flatnonzero(np.isin(group_of, numbers[counts > 1]))
    for number in numbers[counts > 1].tolist():
        inside = members[group_of[members] == number]
        there = sorted(splits[place] for place in set(before[inside].tolist()) if place >= 0)
        for row in inside[before[inside] < 0].tolist():
            refused[row] = Refusal(Reason.GROUP_CONFLICT, f"near pictures that an earlier release has in {' and '.join(there)}")
            group_of[row] = NOWHERE
        for name in there:
            part = inside[before[inside] == splits.index(name)]
            group_of[part] = len(claims.names)
            claims.names.append(min(claims.name(row) for row in part.tolist()))


def _check_fixed(claims: _Claims, earlier: Integers) -> None:
    """A fixed picture, and each of its group, is in one split by every account; ``earlier`` is group → split of earlier releases."""
    splits, first = claims.splits, dict[int, int]()
    problems = []
    rows = np.flatnonzero((claims.given >= 0) & (claims.group_of >= 0)).tolist()
    for image_id, row in sorted((claims.name(row), row) for row in rows):
        group, place = int(claims.group_of[row]), int(claims.given[row])
        other = first.setdefault(group, row)
        if earlier[group] not in {NOWHERE, place}:
            holder = "it" if claims.before[row] >= 0 else "a near-duplicate of it"
            what = f"is given to {splits[place]}, but an earlier release has {holder} in {splits[earlier[group]]}"
            hint = "a released picture never moves: take it out of the fixed set, or start anew with splits.keep_previous = false"
            problems.append(Problem(f"splits.fixed: picture {image_id[:16]}", what, hint))
        elif claims.given[other] != place:
            what = f"is given to {splits[place]}, but its near-duplicate {claims.name(other)[:16]} to {splits[claims.given[other]]}"
            problems.append(Problem(f"splits.fixed: picture {image_id[:16]}", what, "a group of near-duplicates stays together"))
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        raise UsageError(
            problems[:_MOST_PROBLEMS] + ([Problem("splits.fixed", f"and {more:,} more like these")] if more > 0 else [])
        )


def _list_classes(samples: Samples, group_of: Integers, count: int) -> list[list[int]]:
    groups = group_of[samples.row_of]
    width = max(len(samples.class_ids), 1)
    pairs = np.unique(groups[groups >= 0] * width + samples.class_of[groups >= 0])
    owner, numbers = pairs // width, (pairs % width).tolist()
    ends = np.searchsorted(owner, np.arange(count + 1)).tolist()
    return [numbers[ends[group] : ends[group + 1]] for group in range(count)]
