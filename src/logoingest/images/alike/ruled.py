"""What people said of pictures that show the same, or do not: groups are joined and parted by it after the search.

Equal pixels always share a group, whatever was said. Two that are said not to show the same end in different groups, even where they
hang together by a third; every other picture of their group goes with the one that it is most like.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from logoingest.images.alike.copies import judge_pairs
from logoingest.images.alike.duplicates import Grouping, group_equal
from logoingest.images.alike.neighbours import Fingerprints, compare_turned
from logoingest.images.alike.signatures import stack_signatures
from logoingest.schemas import CopyKind, CopyRow

Pair: TypeAlias = "tuple[str, str]"


class RuledPairs(NamedTuple):
    """Pairs of image_ids, the smaller first."""

    same: frozenset[Pair] = frozenset()
    apart: frozenset[Pair] = frozenset()

    @classmethod
    def sort(cls, pairs: Mapping[Pair, bool]) -> RuledPairs:
        """By whether a person said that the two show the same."""
        said = {answer: frozenset(pair for pair, value in pairs.items() if value == answer) for answer in (True, False)}
        return cls(said[True], said[False])


NOTHING_RULED = RuledPairs()


class SignedPictures(NamedTuple):
    """Pictures with what they are compared by, a row each."""

    image_ids: Sequence[str]
    signatures: NDArray[np.uint8] | Sequence[bytes]
    """n x 1,024, or 1,024 bytes each."""
    pixel_hashes: Sequence[str]


def apply_ruled(grouping: Grouping, photos: SignedPictures, ruled: RuledPairs) -> Grouping:
    """The groups, and the evidence, after what people said; pictures that are not there are passed over.

    ``copies`` loses the pairs that are said to be apart, and gains those that are said to be the same and were not found.
    """
    units = dict(zip(photos.image_ids, group_equal(photos.image_ids, photos.pixel_hashes), strict=True))
    same, apart = (_fold_pairs(pairs, units) for pairs in ruled)
    same -= apart
    if not same and not apart:
        return grouping
    group_of = dict(zip(photos.image_ids, grouping.groups, strict=True))
    heads = _join({(group_of[one], group_of[other]) for one, other in same})
    touched = {heads.get(group_of[unit], group_of[unit]) for pair in same | apart for unit in pair}
    blocks = _join(same, apart)
    members: dict[str, list[int]] = defaultdict(list)
    for row, group in enumerate(grouping.groups):
        if (head := heads.get(group, group)) in touched:
            members[head].append(row)
    groups = list(grouping.groups)
    for rows in members.values():
        for part in _part(_gather_atoms(rows, photos, units, blocks), photos, _fold_pairs(apart, blocks, keep=True)):
            name = min(photos.image_ids[row] for row in part)
            for row in part:
                groups[row] = name
    return grouping._replace(groups=groups, copies=_tabulate(grouping.copies, photos, units, same, apart))


def _fold_pairs(pairs: Iterable[Pair], names: Mapping[str, str], *, keep: bool = False) -> frozenset[Pair]:
    """The pairs under other names, the smaller first; those that have none stay (``keep``) or are left out. One name is no pair."""
    folded = ((names.get(one, one if keep else None), names.get(other, other if keep else None)) for one, other in pairs)
    return frozenset((min(one, other), max(one, other)) for one, other in folded if one and other and one != other)


def _join(pairs: Iterable[Pair], apart: frozenset[Pair] = frozenset()) -> dict[str, str]:
    """Name → the smallest of those that pairs join it with, but for joints that bring together what is apart."""
    held: dict[str, set[str]] = {}
    for one, other in sorted(pairs):
        first, second = held.setdefault(one, {one}), held.setdefault(other, {other})
        if first is not second and not any((min(a, b), max(a, b)) in apart for a in first for b in second):
            first |= second
            held.update(dict.fromkeys(second, first))
    return {name: min(members) for name, members in held.items()}


def _gather_atoms(
    rows: Sequence[int], photos: SignedPictures, units: Mapping[str, str], blocks: Mapping[str, str]
) -> dict[str, list[int]]:
    """What must stay together → its rows: equal pixels, and what is said to be the same."""
    atoms: dict[str, list[int]] = defaultdict(list)
    for row in sorted(rows, key=photos.image_ids.__getitem__):
        unit = units[photos.image_ids[row]]
        atoms[blocks.get(unit, unit)].append(row)
    return atoms


def _part(atoms: Mapping[str, Sequence[int]], photos: SignedPictures, apart: frozenset[Pair]) -> list[list[int]]:
    """The rows of a group in parts, none with two atoms that are apart; atoms that nobody spoke of go where they are most alike."""
    pairs = {pair for pair in apart if pair[0] in atoms and pair[1] in atoms}
    seeds = sorted({name for pair in pairs for name in pair})
    if not seeds:
        return [[row for rows in atoms.values() for row in rows]]
    likeness = {seed: _compare(atoms, atoms[seed][0], photos) for seed in seeds}
    parts: list[list[str]] = []
    for seed in seeds:
        free = [part for part in parts if not any((min(seed, one), max(seed, one)) in pairs for one in part)]
        if free:
            max(free, key=lambda part: max(likeness[one][seed] for one in part)).append(seed)  # used within the turn
        else:
            parts.append([seed])
    place = {seed: number for number, part in enumerate(parts) for seed in part}
    for name in atoms:
        place.setdefault(name, place[max(seeds, key=lambda seed: likeness[seed][name])])
    return [[row for name in atoms if place[name] == number for row in atoms[name]] for number in range(len(parts))]


def _compare(atoms: Mapping[str, Sequence[int]], with_row: int, photos: SignedPictures) -> dict[str, float]:
    """How alike each atom is with a picture: Pearson's r of the likest of its pictures, in the turn that fits best."""
    rows = [row for members in atoms.values() for row in members]
    prints = Fingerprints.make(stack_signatures(photos.signatures)[[with_row, *rows]])
    count = len(rows)
    found = compare_turned(prints, np.zeros(count, np.int64), np.arange(1, count + 1)).correlation.tolist()
    by_row = dict(zip(rows, found, strict=True))
    return {name: max(by_row[row] for row in members) for name, members in atoms.items()}


def _tabulate(
    copies: pa.Table, photos: SignedPictures, units: Mapping[str, str], same: frozenset[Pair], apart: frozenset[Pair]
) -> pa.Table:
    named = zip(copies.column("image_id").to_pylist(), copies.column("other_id").to_pylist(), strict=True)
    found = [_fold_pairs([pair], units) for pair in named]
    kept = copies.filter(pa.array([not pair & apart for pair in found], pa.bool_()))
    fresh = sorted(same - frozenset().union(*found))
    if not fresh:
        return kept
    rows = {image_id: row for row, image_id in enumerate(photos.image_ids)}
    prints = Fingerprints.make(stack_signatures(photos.signatures)[[rows[unit] for pair in fresh for unit in pair]])
    first = np.arange(0, 2 * len(fresh), 2)
    findings = judge_pairs(prints.signatures, first, first + 1, compare_turned(prints, first, first + 1).turn)
    told = CopyRow.table(
        {"image_id": one, "other_id": other, **finding._replace(kind=CopyKind.RULED)._asdict()}
        for (one, other), finding in zip(fresh, findings, strict=True)
    )
    return pa.concat_tables([kept, told]).sort_by([("image_id", "ascending"), ("other_id", "ascending")])
