"""Which pictures may show a part of another, or the same a little changed: candidates for ``laying``, without comparing all with all.

A crop shows what a window of the original shows. So of every signature 30 windows (all of it, nine, eight and seven tenths of both sides,
a tenth apart) are described by their 35 lowest cosines, higher ones weighted up as much as pictures have less of them, brought to
length 1; and every picture as a whole is looked up among the windows of all others, in all eight turns. What is alike by ``MIN_LIKENESS`` is a
candidate: of each picture the ``RIVALS`` likest that show it, and the ``RIVALS`` likest that it shows.

Windows are kept in lists around centres taken from among them (an inverted file, as in J. Sivic and A. Zisserman, ICCV 2003). Centres
stand for all eight turns of themselves: a window is put into the list of the nearest turned centre after it was turned back by that
one's turn, a picture is looked up likewise in its nearest lists, and so the eight turns cost no more than one. In small sets all lists
are looked through, and nothing is missed. What cannot be among the likest is dropped before anything is sorted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from logoingest.images.alike.bounds import Unsearched
from logoingest.images.alike.cosines import ACROSS, DOWN, TURNED
from logoingest.images.alike.ordered import map_in_order
from logoingest.images.alike.steps import SIDE
from logoingest.images.alike.turns import INVERSES, TURNS

Floats = NDArray[np.float32]
Indices = NDArray[np.integer]
Numbers = NDArray[np.uint8]

#: Likeness (cosine, 0 to 1) from which a pair is looked at, and how many others of each picture are.
MIN_LIKENESS = 0.75
RIVALS = 4
_PLACES = ((1.0, 0.0), *((scale, shift / 10) for scale in (0.9, 0.8, 0.7) for shift in range(round(11 - 10 * scale))))
_CELLS = 8
_WINDOWS_A_LIST = 6_000
_MOST_CENTRES = 512
_FEW_CENTRES = 8
_LISTS_LOOKED_THROUGH = 12
_DESCRIBED_AT_ONCE = 32
_QUERIES_AT_ONCE, _WINDOWS_AT_ONCE = 128, 2_048  # products of 1 MB stay in the processor's cache
_POSES_AT_ONCE = 512
_MANY = 4 * RIVALS  # of a picture in some windows: more than its likest
_MOST_IN_LIST = 24_000
_FEW = 500_000  # candidates that are kept before the likest are chosen
_LEVELS = np.float32(127)  # of a coordinate, -1 to 1, in a byte


_WEIGHTS = np.hypot(DOWN, ACROSS).astype(np.float32) ** 0.5
#: (down, across) places of each window.
WINDOWS = [(one, other) for one in range(len(_PLACES)) for other in range(len(_PLACES)) if _PLACES[one][0] == _PLACES[other][0]]
#: A little more likeness where nothing is cropped, and where nothing is turned: more than rounding.
_AS_IT_IS = np.add.outer([1e-3] + [0] * (len(WINDOWS) - 1), [1e-4] + [0] * (len(TURNS) - 1)).astype(np.float32).ravel()


def _map_axis(scale: float, shift: float) -> Floats:
    """Cosines of what lies between shift and shift + scale of a line of 32 pixels, 8 x 32."""
    edges = SIDE * (shift + scale * np.arange(_CELLS + 1) / _CELLS)
    pixels = np.arange(SIDE)
    cells = np.minimum(pixels + 1, edges[1:, None]) - np.maximum(pixels, edges[:-1, None])
    return np.asarray(dct(np.eye(_CELLS), norm="ortho", axis=0) @ cells.clip(min=0) * (_CELLS / (SIDE * scale)), np.float32)


_MAPS = np.stack([_map_axis(*place) for place in _PLACES])


def find_start(windows: Indices) -> Floats:
    """The map (n x 2 x 3, see ``laying.fitting``) from the whole of a picture into these windows of another."""
    down, across = (np.array([_PLACES[pair[axis]] for pair in WINDOWS], np.float32)[windows] for axis in (0, 1))
    maps = np.zeros((len(windows), 2, 3), np.float32)
    for row, (scale, shift) in enumerate((across.T, down.T)):
        maps[:, row, row], maps[:, row, 2] = scale, 2 * shift + scale - 1
    return maps


class Candidates(NamedTuple):
    """Pairs to look at: ``part`` turned by ``turn`` may be what ``window`` of ``whole`` shows."""

    part: Indices
    whole: Indices
    window: Numbers
    turn: Numbers
    likeness: Floats

    def take(self, rows: Indices) -> Candidates:
        return Candidates(self.part[rows], self.whole[rows], self.window[rows], self.turn[rows], self.likeness[rows])

    def rename(self, parts: Indices, wholes: Indices) -> Candidates:
        """The same with other numbers: ``parts`` and ``wholes`` have that of each."""
        return self._replace(part=parts[self.part], whole=wholes[self.whole])


class Described(NamedTuple):
    """Pictures as they are looked up."""

    signatures: NDArray[np.uint8]
    rows: NDArray[np.int64]
    """Of signatures: the n that are looked up."""
    points: NDArray[np.int8]
    """Of all windows, turned back by the turn of their list's centre, n·30 x 35; in 127ths. Of whole pictures alone where they are but parts."""
    lists: NDArray[np.int16]
    """Of all windows: the list of each."""
    nearest: NDArray[np.int16]
    """n x some: the lists a whole picture is looked up in, each with a turn (number · 8 + turn)."""
    own: NDArray[np.float16]
    """n x 35: the points of whole pictures, as they are."""


class Centres:
    """The centres of the lists, chosen evenly from some pictures' windows."""

    def __init__(self, signatures: NDArray[np.uint8], among: Indices) -> None:
        wanted = min(_MOST_CENTRES, max(1, len(among) * len(WINDOWS) // _WINDOWS_A_LIST))
        chosen = np.linspace(0, max(len(among) - 1, 0), wanted).astype(np.int64)
        picked = describe_windows(signatures[among[chosen]]) if len(among) else np.zeros((1, len(WINDOWS), len(DOWN)), np.float32)
        centres = picked[np.arange(len(picked)), np.arange(len(picked)) * 7 % len(WINDOWS)]
        self.count = len(centres)
        self._all = np.stack([turn_points(centres, number) for number in range(len(TURNS))], axis=1).reshape(-1, len(DOWN))

    def describe(self, signatures: NDArray[np.uint8], among: NDArray[np.int64], windows: int = len(WINDOWS)) -> Described:
        """Describe some rows of signatures, in their order: of each so many windows, 1 where only others' windows are looked through for them."""
        looked = len(self._all) if self.count <= _FEW_CENTRES else _LISTS_LOOKED_THROUGH
        count = len(among) * windows
        points, lists = np.empty((count, len(DOWN)), np.int8), np.empty(count, np.int16)
        nearest, own = np.empty((len(among), looked), np.int16), np.empty((len(among), len(DOWN)), np.float16)
        parts = map_in_order(
            lambda number: self._describe(signatures, among[number * _DESCRIBED_AT_ONCE :][:_DESCRIBED_AT_ONCE], looked, windows),
            -(-len(among) // _DESCRIBED_AT_ONCE),
        )
        for number, part in enumerate(parts):
            row = number * _DESCRIBED_AT_ONCE
            here = slice(row * windows, row * windows + len(part.lists))
            points[here], lists[here] = part.points, part.lists
            nearest[row : row + len(part.nearest)], own[row : row + len(part.own)] = part.nearest, part.own
        return Described(signatures, among, points, lists, nearest, own)

    def _describe(self, signatures: NDArray[np.uint8], rows: NDArray[np.int64], looked: int, windows: int) -> Described:
        found = describe_windows(signatures[rows])[:, :windows]
        near = found.reshape(-1, found.shape[-1]) @ self._all.T
        chosen = near.argmax(axis=1)
        wholes = near[::windows]
        if looked < wholes.shape[1]:
            nearest = np.argpartition(-wholes, looked - 1, axis=1)[:, :looked]
        else:
            nearest = np.tile(np.arange(looked), (len(found), 1))
        points = np.rint(turn_back(found.reshape(-1, found.shape[-1]), chosen % len(TURNS)) * _LEVELS).astype(np.int8)
        lists = (chosen // len(TURNS)).astype(np.int16)
        return Described(signatures, rows, points, lists, nearest.astype(np.int16), found[:, 0].astype(np.float16))


def describe_windows(signatures: NDArray[np.uint8]) -> Floats:
    """Points of all windows, n x 30 x 35, each of length 1; of length 0 where there is nothing to be seen."""
    squares = signatures.reshape(-1, SIDE, SIDE).astype(np.float32)
    lines = _MAPS.reshape(-1, SIDE) @ squares
    lines = lines.reshape(len(squares), len(_PLACES), _CELLS, SIDE)
    found = np.empty((len(squares), len(WINDOWS), len(DOWN)), np.float32)
    for number, (down, across) in enumerate(WINDOWS):
        cosines = lines[:, down] @ _MAPS[across].T
        found[:, number] = cosines[:, DOWN, ACROSS] * _WEIGHTS
    length = np.linalg.norm(found, axis=2, keepdims=True)
    return np.where(length > 2.0, found / np.maximum(length, 2.0), 0).astype(np.float32)


def turn_points(points: NDArray[np.floating], number: int) -> Floats:
    places, signs = TURNED[number]
    return np.asarray(points[:, places] * signs, np.float32)


def turn_back(points: Floats, turns: Indices) -> Floats:
    """Each of some points turned by the inverse of its turn."""
    turned = np.empty_like(points)
    for number in range(len(TURNS)):
        rows = turns == number
        turned[rows] = turn_points(points[rows], int(INVERSES[number]))
    return turned


class Search(NamedTuple):
    """What came of one search."""

    candidates: Candidates
    unsearched: Unsearched


def join_searches(searches: Sequence[Search]) -> Search:
    """Several searches as one, in the order they come."""
    unsearched = Unsearched()
    for search in searches:
        unsearched = unsearched.add(search.unsearched)
    return Search(join_candidates([search.candidates for search in searches]), unsearched)


def find_candidates(parts: Described, wholes: Described, centres: Centres, same: bool) -> Search:
    """Pictures of ``parts`` that may be seen in a window of pictures of ``wholes``; ``same`` where both are the same set."""
    place, ends = _list_windows(wholes, centres.count)
    by_list, starts = _sort(parts.nearest, centres.count * len(TURNS))
    floors = _Floors(len(parts.own), len(wholes.own), same)

    def search(number: int) -> Alike:
        windows = np.sort(place[ends[number] : ends[number + 1]][:_MOST_IN_LIST])
        points = wholes.points[windows].astype(np.float32)
        found: list[Alike] = []
        for turn in range(len(TURNS)):
            rows = by_list[slice(*starts[number * len(TURNS) + turn :][:2])] // parts.nearest.shape[1]
            queries = turn_points(parts.own[rows] / _LEVELS, int(INVERSES[turn]))
            found += _look_through(rows, queries, windows // len(WINDOWS), points, floors)
        likest = keep_likest(floors.sift(join_alike(found)))
        floors.raise_to(likest)
        return likest

    waiting: list[Alike] = []
    pending = 0
    for found in map_in_order(search, centres.count):
        waiting.append(found)
        pending += len(found.part)
        if pending > _FEW:
            waiting, pending = [keep_likest(join_alike(waiting))], 0
    left_out = int((np.diff(ends) - _MOST_IN_LIST).clip(min=0).sum())
    return Search(_find_poses(keep_likest(join_alike(waiting)), parts.own, wholes), Unsearched(windows=left_out))


def _list_windows(wholes: Described, count: int) -> tuple[NDArray[np.int32], Indices]:
    """(Windows list by list, whole pictures first, and where each list begins and ends)."""
    keys = wholes.lists.reshape(-1, len(WINDOWS)) * np.int16(len(WINDOWS)) + np.arange(len(WINDOWS), dtype=np.int16)
    place, starts = _sort(np.asarray(keys, np.int16), count * len(WINDOWS))
    return place, starts[:: len(WINDOWS)]


def _sort(keys: NDArray[np.int16], count: int) -> tuple[NDArray[np.int32], Indices]:
    """(Places in the flat keys, in order of these, and where each of ``count`` keys begins and ends)."""
    place = np.argsort(keys, axis=None, kind="stable").astype(np.int32)
    return place, np.concatenate([[0], np.cumsum(np.bincount(keys.ravel(), minlength=count))])


class Alike(NamedTuple):
    """Pairs that are alike in some window and turn, and how much."""

    part: Indices
    whole: Indices
    likeness: Floats

    def take(self, rows: Indices) -> Alike:
        return Alike(self.part[rows], self.whole[rows], self.likeness[rows])


class _Floors:
    """From which likeness on a pair may be among the likest of its part or of its whole, as far as is known.

    What lies below both is not, so that floors only spare work: what is found doesn't depend on when the threads raise them.
    """

    def __init__(self, parts: int, wholes: int, same: bool) -> None:
        self._parts, self._wholes = np.full(parts, MIN_LIKENESS, np.float32), np.full(wholes, MIN_LIKENESS, np.float32)
        self._same = same

    def choose(self, rows: Indices, wholes: Indices, near: Floats) -> Indices:
        """Places in ``near`` (windows, sorted by their whole, x rows) of what may be among the likest."""
        mine = self._mark(rows, wholes, near)
        if np.count_nonzero(mine) > _MANY * len(rows) and self._raise(rows, wholes, near):
            mine = self._mark(rows, wholes, near)
        return np.flatnonzero(mine)

    def sift(self, alike: Alike) -> Alike:
        """Those that may be among the likest."""
        wanted = (alike.likeness >= self._parts[alike.part]) | (alike.likeness >= self._wholes[alike.whole])
        return alike.take(np.flatnonzero(wanted & ((alike.part != alike.whole) | (not self._same))))

    def raise_to(self, alike: Alike) -> None:
        """To the last of the likest of these, each pair of which is there once."""
        for floors, owner in ((self._parts, alike.part), (self._wholes, alike.whole)):
            order = _order_by_likeness(owner, alike.likeness)
            last = order[_rank(owner[order]) == RIVALS - 1]
            floors[owner[last]] = np.maximum(floors[owner[last]], alike.likeness[last])

    def _mark(self, rows: Indices, wholes: Indices, near: Floats) -> NDArray[np.bool_]:
        return np.asarray((near >= self._parts[rows]) | (near >= self._wholes[wholes, None]))

    def _raise(self, rows: Indices, wholes: Indices, near: Floats) -> bool:
        """To the last of the likest of these, where there are so many; a picture is none of its own likest."""
        borders = np.flatnonzero(np.diff(wholes, prepend=-1))
        if min(len(rows), len(borders)) <= RIVALS:
            return False
        best, some = np.maximum.reduceat(near, borders, axis=0), wholes[borders]
        if self._same:
            place = np.searchsorted(some, rows).clip(max=len(some) - 1)
            own = np.flatnonzero(some[place] == rows)
            best[place[own], own] = 0
        self._parts[rows] = np.maximum(self._parts[rows], np.partition(best, -RIVALS, axis=0)[-RIVALS])
        self._wholes[some] = np.maximum(self._wholes[some], np.partition(best, -RIVALS, axis=1)[:, -RIVALS])
        return True


def _look_through(rows: Indices, queries: Floats, wholes: Indices, points: Floats, floors: _Floors) -> Iterator[Alike]:
    """What is alike of parts in one turn (rows and points of each) and windows (whole and point of each, sorted by whole)."""
    for start in range(0, len(wholes), _WINDOWS_AT_ONCE):
        here = slice(start, start + _WINDOWS_AT_ONCE)
        for place in range(0, len(rows), _QUERIES_AT_ONCE):
            asking = rows[place : place + _QUERIES_AT_ONCE]
            near = points[here] @ queries[place : place + _QUERIES_AT_ONCE].T
            chosen = floors.choose(asking, wholes[here], near)
            window, row = np.divmod(chosen, len(asking))
            yield Alike(asking[row], wholes[here][window], near.ravel()[chosen])


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


def _find_poses(pairs: Alike, own: NDArray[np.float16], wholes: Described) -> Candidates:
    """The likest of all windows and turns of each pair, as it is where it is as like."""
    pairs = pairs.take(np.argsort(pairs.whole, kind="stable"))

    def find(number: int) -> Candidates:
        part, whole, _ = pairs.take(np.arange(number * _POSES_AT_ONCE, min((number + 1) * _POSES_AT_ONCE, len(pairs.part))))
        some, place = np.unique(whole, return_inverse=True)
        points = describe_windows(wholes.signatures[wholes.rows[some]]).astype(np.float16).astype(np.float32)  # as ``own`` is
        turned = np.stack([turn_points(own[part], number) for number in range(len(TURNS))], axis=2)
        near = (points[place] @ turned).reshape(len(part), -1)
        likest = (near + _AS_IT_IS).argmax(axis=1)
        window, turn = (ends.astype(np.uint8) for ends in np.divmod(likest, len(TURNS)))
        return Candidates(part, whole, window, turn, near[np.arange(len(part)), likest])

    return join_candidates(list(map_in_order(find, -(-len(pairs.part) // _POSES_AT_ONCE))))


def join_candidates(parts: list[Candidates]) -> Candidates:
    """Several lots as one, in the order they come."""
    none, few = np.empty(0, np.int32), np.empty(0, np.uint8)
    empty = Candidates(none, none, few, few, np.empty(0, np.float32))
    columns = [np.concatenate(column) for column in zip(empty, *parts, strict=True)]
    return Candidates(columns[0], columns[1], columns[2], columns[3], columns[4])
