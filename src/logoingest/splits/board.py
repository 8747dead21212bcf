"""What is where while groups are placed: counts, targets and needs by class and split, and the steps of a group that is watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from logoingest.splits.grouping import NOWHERE, Groups

#: Who is served first where a class has fewer groups than there are splits; then the others in their order.
PRIORITY = ("train", "test", "validation")


class Standing(NamedTuple):
    """What a class had in one split when a group's turn came."""

    split: str
    pictures: int
    wanted: float
    """Its share in pictures."""
    groups: int
    needed: int
    """Groups it must have there."""


class Motive(StrEnum):
    """Why a group was placed, or moved."""

    QUOTA = "quota"
    """The class had too few groups there."""
    SHARE = "share"
    """The class lacked most of its share there."""
    REPAIR = "repair"
    """Moved there, since the class had too few groups."""
    EVENING = "evening"
    """Moved there, since it evens out shares."""


class PlacementStep(NamedTuple):
    """One decision about the watched group: where from, where to, for which class, and why."""

    why: Motive
    class_id: str
    before: str | None
    """None where it had no place."""
    after: str
    standing: Sequence[Standing]
    """How the class stood at that moment, split by split."""


@dataclass(slots=True)
class Board:
    """The state of placing. Classes, splits and groups are numbers; ``have``, ``groups``, ``target`` and ``need`` are by class
    and split: pictures, groups, pictures wanted, groups needed.
    """

    splits: Sequence[str]
    class_ids: Sequence[str]
    sizes: Sequence[int]
    classes: Sequence[Sequence[int]]
    place: list[int]
    free: Sequence[bool]
    """Whether a group is new, so that it may be placed and moved."""
    open_splits: Sequence[int]
    """Splits with a share, in order."""
    served: Sequence[int]
    """The same in the order in which a class is served."""
    have: list[list[int]]
    groups: list[list[int]]
    target: list[list[float]]
    need: list[list[int]]
    group_count: Sequence[int]
    whole_have: list[int]
    whole_target: list[float]
    watched: int = NOWHERE
    steps: list[PlacementStep] = field(default_factory=list)

    def lacks(self, number: int, split: int) -> bool:
        """Whether the class has too few groups in the split."""
        return self.groups[number][split] < self.need[number][split]

    def put(self, group: int, split: int) -> None:
        """Place a group, or move it; counts follow."""
        size, before = self.sizes[group], self.place[group]
        self.place[group] = split
        for number in self.classes[group]:
            have, groups = self.have[number], self.groups[number]
            have[split] += size
            groups[split] += 1
            if before >= 0:
                have[before] -= size
                groups[before] -= 1
        self.whole_have[split] += size
        if before >= 0:
            self.whole_have[before] -= size

    def note(self, group: int, why: Motive, number: int, split: int) -> None:
        """Write down what is about to be done with the watched group."""
        if group == self.watched:
            before = self.place[group]
            step = PlacementStep(
                why,
                self.class_ids[number],
                None if before < 0 else self.splits[before],
                self.splits[split],
                self.describe_class(number),
            )
            self.steps.append(step)

    def describe_class(self, number: int) -> list[Standing]:
        """How a class stands in every split."""
        row = zip(self.splits, self.have[number], self.target[number], self.groups[number], self.need[number], strict=True)
        return [Standing(*cells) for cells in row]


def set_board(groups: Groups, class_ids: Sequence[str], shares: Mapping[str, float], least: int, watched: int = NOWHERE) -> Board:
    """The board with what is placed already.

    Args:
        groups: numbered as ``shares`` numbers the splits.
        class_ids: by number.
        shares: split → share, in order; closed splits have 0.
        least: groups a class should have in every open split, as far as it has groups.
        watched: the group whose steps are written down.
    """
    splits = list(shares)
    open_splits = [index for index, name in enumerate(splits) if shares[name] > 0]
    rank = {name: index for index, name in enumerate(PRIORITY)}
    served = sorted(open_splits, key=lambda index: (rank.get(splits[index], len(PRIORITY)), index))
    sizes, place = np.array(groups.sizes, np.int64), np.array(groups.split, np.int64)
    lengths = np.array([len(numbers) for numbers in groups.classes], np.int64)
    owner = np.repeat(np.arange(len(sizes)), lengths)
    numbers = np.array([number for inside in groups.classes for number in inside], np.int64)
    count = len(class_ids)
    total = np.bincount(numbers, sizes[owner], count).astype(np.float64)
    group_count = np.bincount(numbers, minlength=count)
    have, held = np.zeros((count, len(splits))), np.zeros((count, len(splits)), np.int64)
    settled = place[owner] >= 0
    np.add.at(have, (numbers[settled], place[owner][settled]), sizes[owner][settled])
    np.add.at(held, (numbers[settled], place[owner][settled]), 1)
    whole_have = np.bincount(place[place >= 0], sizes[place >= 0], len(splits)).astype(np.float64)
    share = np.array(list(shares.values()))
    return Board(
        splits,
        class_ids,
        groups.sizes,
        groups.classes,
        place.tolist(),
        (place < 0).tolist(),
        open_splits,
        served,
        have.astype(np.int64).tolist(),
        held.tolist(),
        spread_shares(total, have, share).tolist(),
        _count_needs(group_count, served, len(splits), least).tolist(),
        group_count.tolist(),
        whole_have.astype(np.int64).tolist(),
        spread_shares(np.array([sizes.sum()], float), whole_have[None, :], share)[0].tolist(),
        watched,
    )


def spread_shares(
    total: npt.NDArray[np.float64], have: npt.NDArray[np.float64], share: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """The pictures each class should have in each split, (classes, splits): its share of all of them; but a split that has more
    already keeps what it has, and the others divide the rest as their shares say.
    """
    target = total[:, None] * share
    full = np.zeros_like(have, bool)
    for _ in share:
        over = ~full & (have > target)
        if not over.any():
            break
        full |= over
        rest = total - np.where(full, have, 0.0).sum(axis=1)
        weight = np.where(full, 0.0, share)
        weight_sum = weight.sum(axis=1)
        scale = np.divide(rest, weight_sum, out=np.zeros_like(rest), where=weight_sum > 0)
        target = np.where(full, have, weight * scale[:, None])
    return target


def _count_needs(group_count: npt.NDArray[np.int64], served: Sequence[int], splits: int, least: int) -> npt.NDArray[np.int64]:
    """Groups each class must have in each split: ``least`` if it can, else its groups dealt out in turn."""
    needs = np.zeros((len(group_count), splits), np.int64)
    dealt = np.minimum(group_count, least * len(served))
    for turn, split in enumerate(served):
        needs[:, split] = (dealt + len(served) - 1 - turn) // len(served)
    return needs
