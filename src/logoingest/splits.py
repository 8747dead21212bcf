"""Which pictures train, which validate, which test: stratified, leak-free, and never moved again.

1. What an earlier release placed stays where it is, and new members of its group join it.
2. New groups are taken class by class, the class of fewest groups first; in it large groups before small ones, since those can
   still even out, and else in the order of a hash of their name and the seed.
3. A class first gets what it must have: one group in train; of two groups one in test; of as many as there are splits, one in each.
   Further groups go where the class lacks most of its share, counted in pictures; ties where the whole dataset lacks most.
4. A group of several classes counts for all of them. Where that left a class without a split it must have, a new group is moved
   there; a class that loses its last one by that is served first, up to a chain of four.

Neither the order of the input nor anything but ids, groups, classes, shares, seed and the earlier places decides. The order by
rarity follows K. Sechidis et al., "On the stratification of multi-label data", 2011, doi:10.1007/978-3-642-23808-6_10.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from logoingest.config import SplitsConfig
from logoingest.refusals import Refusal, reject_annotations
from logoingest.schemas import Reason, SplitRow, Stage, StageResult

KEPT, QUOTA, HASH = "kept", "quota", "hash"
#: Who must be served first where a class has fewer groups than there are splits.
_PRIORITY = ("train", "test", "validation")
#: How many classes one filled need may pass on to the next, and how many groups are tried for each: bounds the search.
_DEPTH, _TRIED = 3, 24


@dataclass(slots=True)
class _Group:
    """Pictures that must not be divided; ``split`` is None until it is placed."""

    name: str
    members: list[int]
    classes: tuple[str, ...]
    split: str | None = None
    origin: str = HASH


@dataclass(slots=True)
class _Tally:
    """What one class, or the whole dataset, has where; ``pictures`` against shares, ``groups`` against needs."""

    total: int = 0
    group_count: int = 0
    needed: tuple[str, ...] = ()
    pictures: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    groups: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def place(self, split: str, pictures: int, groups: int) -> None:
        self.pictures[split] += pictures
        self.groups[split] += groups

    def lacks(self, split: str) -> bool:
        return split in self.needed and not self.groups[split]


@dataclass(slots=True)
class _Pool:
    """What ``_fill_need`` chooses from: the new groups of each class and the counts; and its moves, to be undone."""

    of_class: Mapping[str, Sequence[_Group]]
    tallies: Mapping[str, _Tally]
    moves: list[tuple[_Group, str, str]] = field(default_factory=list)


def assign_splits(samples: pa.Table, annotations: pa.Table, config: SplitsConfig, previous: Mapping[str, str]) -> StageResult:
    """Give every sample its split.

    Args:
        samples: ``SampleRow``; ``image_id``, ``group_id``, ``class_ids`` and ``annotation_ids`` are looked at.
        annotations: ``AnnotationRow`` of at least the samples' annotations.
        config: shares, seed and ``min_class_images``. A split with share 0 gets nothing new.
        previous: image_id → split of an earlier release. Never moved; a split the config doesn't know is an error of ours.

    Returns:
        kept: ``SplitRow`` sorted by image_id; no group is in two splits. Where two groups of an earlier release turn out to be one,
        each part keeps its place and is a group of its own, named by its smallest image_id.
        rejected: ``RejectedRow`` of the samples left out: ``CLASS_TOO_SMALL`` (any of a picture's classes has fewer than
        ``min_class_images`` pictures; repeated until none has), ``GROUP_CONFLICT`` (a new picture near earlier ones of two splits).

    Raises:
        ValueError: ``previous`` names a split that does not exist.
    """
    unknown = sorted(set(previous.values()) - set(config.shares))
    if unknown:
        raise ValueError(f"previous names splits that do not exist: {', '.join(unknown)}")
    image_ids: list[str] = samples.column("image_id").to_pylist()
    group_ids: list[str] = samples.column("group_id").to_pylist()
    class_ids: list[list[str]] = samples.column("class_ids").to_pylist()
    refused = _refuse_small_classes(class_ids, config.min_class_images)
    left = (row for row in range(len(image_ids)) if row not in refused)
    groups = _form_groups(left, image_ids, group_ids, class_ids, previous, refused=refused)
    _place_groups(groups, config)
    rows = [
        {
            "image_id": image_ids[row],
            "group_id": group.name,
            "class_ids": class_ids[row],
            "split": group.split,
            "origin": group.origin,
        }
        for group in groups
        for row in group.members
    ]
    rows.sort(key=lambda row: str(row["image_id"]))
    voters = samples.column("annotation_ids").take(pa.array(sorted(refused), pa.int64())).to_pylist()
    costs = {voter: refused[row] for row, ids in zip(sorted(refused), voters, strict=True) for voter in ids}
    rejected = reject_annotations(annotations, costs, Stage.SPLITS).sort_by("annotation_id")
    return StageResult(SplitRow.table(rows), rejected)


def _refuse_small_classes(class_ids: Sequence[Sequence[str]], least: int) -> dict[int, Refusal]:
    """Row → refusal; leaving a picture out may make another class too small, so it is repeated."""
    refused: dict[int, Refusal] = {}
    if least <= 1:
        return refused
    counts = Counter(name for names in class_ids for name in names)
    while True:
        small = {name: count for name, count in counts.items() if 0 < count < least}
        rows = [row for row, names in enumerate(class_ids) if row not in refused and not small.keys().isdisjoint(names)]
        if not rows:
            return refused
        for row in rows:
            name = min(small.keys() & set(class_ids[row]))
            refused[row] = Refusal(Reason.CLASS_TOO_SMALL, f"{name} has {small[name]} pictures, fewer than {least}")
        for row in rows:
            counts.subtract(class_ids[row])


def _form_groups(
    rows: Iterable[int],
    image_ids: Sequence[str],
    group_ids: Sequence[str],
    class_ids: Sequence[Sequence[str]],
    previous: Mapping[str, str],
    *,
    refused: dict[int, Refusal],
) -> list[_Group]:
    """Groups with the earlier places filled in; a group the earlier release divided comes in parts, new members refused."""
    members: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        members[group_ids[row]].append(row)
    groups = []
    for name, inside in members.items():
        places = {previous[image_ids[row]] for row in inside if image_ids[row] in previous}
        if len(places) <= 1:
            group = _Group(name, inside, _join_classes(inside, class_ids))
            if places:
                group.split, group.origin = places.pop(), KEPT
            groups.append(group)
            continue
        for place in sorted(places):
            part = [row for row in inside if previous.get(image_ids[row]) == place]
            groups.append(_Group(min(image_ids[row] for row in part), part, _join_classes(part, class_ids), place, KEPT))
        for row in inside:
            if image_ids[row] not in previous:
                detail = f"near pictures that an earlier release has in {' and '.join(sorted(places))}"
                refused[row] = Refusal(Reason.GROUP_CONFLICT, detail)
    return groups


def _join_classes(rows: Sequence[int], class_ids: Sequence[Sequence[str]]) -> tuple[str, ...]:
    if len(rows) == 1:
        return tuple(class_ids[rows[0]]) or ("",)
    return tuple(sorted({name for row in rows for name in class_ids[row]})) or ("",)


def _place_groups(groups: Sequence[_Group], config: SplitsConfig) -> None:
    shares = {name: share for name, share in config.shares.items() if share > 0}
    whole, tallies = _count_classes(groups, shares)
    ordered = sorted(groups, key=lambda group: (-len(group.members), _hash_name(group.name, config.seed), group.name))
    of_class: dict[str, list[_Group]] = defaultdict(list)
    for group in ordered:
        if group.split is None:
            for name in group.classes:
                of_class[name].append(group)
    rarest_first = sorted(of_class, key=lambda name: (tallies[name].group_count, name))
    for name in rarest_first:
        for group in of_class[name]:
            if group.split is None:
                _place_group(group, tallies[name], tallies, whole, shares)
    pool = _Pool(of_class, tallies)
    for name in rarest_first:
        for split in tallies[name].needed:
            if tallies[name].lacks(split):
                pool.moves.clear()
                _fill_need(name, split, pool, _DEPTH)


def _count_classes(groups: Iterable[_Group], shares: Mapping[str, float]) -> tuple[_Tally, dict[str, _Tally]]:
    """What there is, and what the earlier release placed already."""
    whole = _Tally()
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    for group in groups:
        size = len(group.members)
        for tally in (whole, *(tallies[name] for name in group.classes)):
            tally.total += size
            tally.group_count += 1
            if group.split is not None:
                tally.place(group.split, size, 1)
    active = [name for name in _PRIORITY if name in shares]
    for tally in tallies.values():
        tally.needed = tuple(active[: tally.group_count])
    return whole, tallies


def _hash_name(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def _place_group(group: _Group, tally: _Tally, tallies: Mapping[str, _Tally], whole: _Tally, shares: Mapping[str, float]) -> None:
    """Put a group where ``tally``, its rarest class, wants it."""
    lacking = [split for split in tally.needed if tally.lacks(split)]
    others = [tallies[name] for name in group.classes] if len(group.classes) > 1 else []

    def want(split: str) -> tuple[float, ...]:
        share = shares[split]
        return (
            sum(other.lacks(split) for other in others),
            share * tally.total - tally.pictures[split],
            sum(share * other.total - other.pictures[split] for other in others),
            share * whole.total - whole.pictures[split],
        )

    group.split = max(lacking or shares, key=want)
    group.origin = QUOTA if lacking else HASH
    for counted in (whole, *(tallies[name] for name in group.classes)):
        counted.place(group.split, len(group.members), 1)


def _fill_need(needy: str, split: str, pool: _Pool, depth: int) -> bool:
    """Move a new group of the class to the split; a class that thereby loses its last one there is served the same way first."""
    for group in pool.of_class[needy][:_TRIED]:
        place = group.split
        if place is None or group.origin == KEPT or any(group is moved for moved, _, _ in pool.moves):
            continue
        mark = len(pool.moves)
        pool.moves.append((group, place, group.origin))
        _move(group, split, QUOTA, pool.tallies)
        bereft = [name for name in group.classes if pool.tallies[name].lacks(place)]
        if not bereft or (depth and all(_fill_need(name, place, pool, depth - 1) for name in bereft)):
            return True
        while len(pool.moves) > mark:
            _move(*pool.moves.pop(), pool.tallies)
    return False


def _move(group: _Group, split: str, origin: str, tallies: Mapping[str, _Tally]) -> None:
    assert group.split is not None
    for name in group.classes:
        tallies[name].place(group.split, -len(group.members), -1)
        tallies[name].place(split, len(group.members), 1)
    group.split, group.origin = split, origin
