"""Of many pairs that are alike, the likest of each picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.integer]

#: Likeness (cosine, 0 to 1) from which a pair is looked at, and how many others of each picture are.
MIN_LIKENESS = 0.75
RIVALS = 4
_MANY = 4 * RIVALS  # of a picture in some windows: more than its likest


class Alike(NamedTuple):
    """Pairs that are alike in some window and turn, and how much."""

    part: Indices
    whole: Indices
    likeness: Floats

    def take(self, rows: Indices) -> Alike:
        return Alike(self.part[rows], self.whole[rows], self.likeness[rows])


class Floors(NamedTuple):
    """From which likeness on a pair may be among the likest of its part or of its whole, as far as is known.

    What lies below both is not, so that floors only spare work: what is found doesn't depend on when they are raised. Parts and wholes go by
    their place in these floors, sorted by number.
    """

    part_numbers: Indices
    parts: Floats
    whole_numbers: Indices
    wholes: Floats
    same: bool
    """Whether both are the same set, in which a picture is none of its own likest."""

    @classmethod
    def start(cls, parts: int, wholes: int, same: bool) -> Floors:
        """Floors of all."""
        floors = (np.full(count, MIN_LIKENESS, np.float32) for count in (parts, wholes))
        return cls(np.arange(parts), next(floors), np.arange(wholes), next(floors), same)

    def pick(self, parts: Indices, wholes: Indices) -> Floors:
        """A copy of some of all."""
        return Floors(parts, self.parts[parts], wholes, self.wholes[wholes], self.same)

    def raise_to(self, some: Floors) -> None:
        """To what some of all were raised to."""
        for floors, numbers, raised in (
            (self.parts, some.part_numbers, some.parts),
            (self.wholes, some.whole_numbers, some.wholes),
        ):
            floors[numbers] = np.maximum(floors[numbers], raised)

    def name(self, alike: Alike) -> Alike:
        """Pairs by number."""
        return Alike(self.part_numbers[alike.part], self.whole_numbers[alike.whole], alike.likeness)

    def choose(self, rows: Indices, wholes: Indices, near: Floats) -> Indices:
        """Places in ``near`` (windows, sorted by their whole, x rows) of what may be among the likest."""
        mine = self._mark(rows, wholes, near)
        if np.count_nonzero(mine) > _MANY * len(rows) and self._raise(rows, wholes, near):
            mine = self._mark(rows, wholes, near)
        return np.flatnonzero(mine)

    def sift(self, alike: Alike) -> Alike:
        """Those that may be among the likest."""
        wanted = (alike.likeness >= self.parts[alike.part]) | (alike.likeness >= self.wholes[alike.whole])
        if self.same:
            wanted &= self.part_numbers[alike.part] != self.whole_numbers[alike.whole]
        return alike.take(np.flatnonzero(wanted))

    def raise_to_last(self, alike: Alike) -> None:
        """To the last of the likest of these, each pair of which is there once."""
        for floors, owner in ((self.parts, alike.part), (self.wholes, alike.whole)):
            order = _order_by_likeness(owner, alike.likeness)
            last = order[_rank(owner[order]) == RIVALS - 1]
            floors[owner[last]] = np.maximum(floors[owner[last]], alike.likeness[last])

    def _mark(self, rows: Indices, wholes: Indices, near: Floats) -> NDArray[np.bool_]:
        return np.asarray((near >= self.parts[rows]) | (near >= self.wholes[wholes, None]))

    def _raise(self, rows: Indices, wholes: Indices, near: Floats) -> bool:
        """To the last of the likest of these, where there are so many; a picture is none of its own likest."""
        borders = np.flatnonzero(np.diff(wholes, prepend=-1))
        if min(len(rows), len(borders)) <= RIVALS:
            return False
        best, some = np.maximum.reduceat(near, borders, axis=0), wholes[borders]
        if self.same:
            numbers = self.whole_numbers[some]
            place = np.searchsorted(numbers, self.part_numbers[rows]).clip(max=len(some) - 1)
            own = np.flatnonzero(numbers[place] == self.part_numbers[rows])
            best[place[own], own] = 0
        self.parts[rows] = np.maximum(self.parts[rows], np.partition(best, -RIVALS, axis=0)[-RIVALS])
        self.wholes[some] = np.maximum(self.wholes[some], np.partition(best, -RIVALS, axis=1)[:, -RIVALS])
        return True


def keep_likest(pairs: Alike, most: int = RIVALS) -> Alike:
    """Every pair once, as like as it ever is; of each part the ``most`` likest wholes, of each whole the ``most`` likest parts."""
    pair = pairs.part.astype(np.int64) * (int(pairs.whole.max(initial=0)) + 1) + pairs.whole
    order = np.argsort(pair)
    first = np.flatnonzero(np.diff(pair[order], prepend=-1))
    likeness = np.maximum.reduceat(pairs.likeness[order], first) if len(first) else pairs.likeness
    once = Alike(pairs.part[order[first]], pairs.whole[order[first]], likeness)
    return once.take(np.flatnonzero(_mark_likest(once.part, likeness, most) | _mark_likest(once.whole, likeness, most)))


def _mark_likest(owners: Indices, likeness: Floats, most: int) -> NDArray[np.bool_]:
    """Which rows are among the ``most`` likest of their owner; of equal ones the first."""
    order = _order_by_likeness(owners, likeness)
    marks = np.empty(len(owners), bool)
    marks[order] = _rank(owners[order]) < most
    return marks


def _order_by_likeness(owners: Indices, likeness: Floats) -> Indices:
    """Rows by owner, the likest (above 0) of each first, equal ones as they come. One key for both: bits of floats above 0 are in their order."""
    bits = np.ascontiguousarray(likeness, np.float32).view(np.int32)
    return np.argsort((owners.astype(np.int64) << 32) - bits, kind="stable")


def _rank(owners: Indices) -> Indices:
    """The places of rows among their owner's, from 0; owners are sorted."""
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    return np.arange(len(owners)) - np.repeat(first, np.diff(first, append=len(owners)))


def join_alike(parts: Sequence[Alike]) -> Alike:
    """Several lots as one, in the order they come."""
    none = np.empty(0, np.int32)
    columns = [np.concatenate(column) for column in zip(Alike(none, none, np.empty(0, np.float32)), *parts, strict=True)]
    return Alike(columns[0], columns[1], columns[2])
