"""Which pictures may show a part of another, or the same a little changed: candidates for ``laying``, without comparing all with all.

A crop shows what a window of the original shows. So of every signature 30 windows (all of it, nine, eight and seven tenths of both sides,
a tenth apart) are described by their 35 lowest cosines, higher ones weighted up as much as pictures have less of them, brought to
length 1; and every picture as a whole is looked up among the windows of all others, in all eight turns. What is alike by ``likest.MIN_LIKENESS`` is a
candidate: of each picture the ``RIVALS`` likest that show it, and the ``RIVALS`` likest that it shows.

Windows are kept in lists around centres taken from among them (an inverted file, as in J. Sivic and A. Zisserman, ICCV 2003). Centres
stand for all eight turns of themselves: a window is put into the list of the nearest turned centre after it was turned back by that
one's turn, a picture is looked up likewise in its nearest lists, and so the eight turns cost no more than one. In small sets all lists
are looked through, and nothing is missed. What cannot be among the likest is dropped before anything is sorted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from logoingest.images.alike.bounds import Unsearched
from logoingest.images.alike.cosines import ACROSS, DOWN, TURNED
from logoingest.images.alike.likest import Alike, Floors, join_alike, keep_likest
from logoingest.images.alike.steps import SIDE
from logoingest.images.alike.turns import INVERSES, TURNS
from logoingest.workers import Workers

Floats = NDArray[np.float32]
Indices = NDArray[np.integer]
Numbers = NDArray[np.uint8]

_PLACES = ((1.0, 0.0), *((scale, shift / 10) for scale in (0.9, 0.8, 0.7) for shift in range(round(11 - 10 * scale))))
_CELLS = 8
_WINDOWS_A_LIST = 6_000
_MOST_CENTRES = 512
_FEW_CENTRES = 8
_LISTS_LOOKED_THROUGH = 12
_DESCRIBED_AT_ONCE, _DESCRIBED_IN_A_LOT = 32, 256
_QUERIES_AT_ONCE, _WINDOWS_AT_ONCE = 128, 2_048  # products of 1 MB stay in the processor's cache
_POSES_AT_ONCE = 512
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

    def describe(
        self, signatures: NDArray[np.uint8], among: NDArray[np.int64], workers: Workers, windows: int = len(WINDOWS)
    ) -> Described:
        """Describe some rows of signatures, in their order: of each so many windows, 1 where only others' windows are looked through for them."""
        looked = len(self._all) if self.count <= _FEW_CENTRES else _LISTS_LOOKED_THROUGH
        count = len(among) * windows
        points, lists = np.empty((count, len(DOWN)), np.int8), np.empty(count, np.int16)
        nearest, own = np.empty((len(among), looked), np.int16), np.empty((len(among), len(DOWN)), np.float16)
        lots = [slice(start, start + _DESCRIBED_IN_A_LOT) for start in range(0, len(among), _DESCRIBED_IN_A_LOT)]
        describe = partial(_describe, self._all, looked, windows)
        for lot, part in zip(lots, workers.map(describe, (signatures[among[lot]] for lot in lots)), strict=True):
            here = slice(lot.start * windows, lot.stop * windows)
            points[here], lists[here], nearest[lot], own[lot] = part
        return Described(signatures, among, points, lists, nearest, own)


class _Lot(NamedTuple):
    """Some pictures, as in ``Described``."""

    points: NDArray[np.int8]
    lists: NDArray[np.int16]
    nearest: NDArray[np.int16]
    own: NDArray[np.float16]


def _describe(centres: Floats, looked: int, windows: int, signatures: NDArray[np.uint8]) -> _Lot:
    """Some signatures described, few at once; ``centres`` are those of the lists, in all turns."""
    lots = []
    for start in range(0, len(signatures), _DESCRIBED_AT_ONCE):
        found = describe_windows(signatures[start : start + _DESCRIBED_AT_ONCE])[:, :windows]
        near = found.reshape(-1, found.shape[-1]) @ centres.T
        chosen = near.argmax(axis=1)
        wholes = near[::windows]
        if looked < wholes.shape[1]:
            nearest = np.argpartition(-wholes, looked - 1, axis=1)[:, :looked]
        else:
            nearest = np.tile(np.arange(looked), (len(found), 1))
        points = np.rint(turn_back(found.reshape(-1, found.shape[-1]), chosen % len(TURNS)) * _LEVELS).astype(np.int8)
        lists = (chosen // len(TURNS)).astype(np.int16)
        lots.append(_Lot(points, lists, nearest.astype(np.int16), found[:, 0].astype(np.float16)))
    return _Lot(*(np.concatenate(column) for column in zip(*lots, strict=True)))


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


def find_candidates(parts: Described, wholes: Described, lists: int, same: bool, workers: Workers) -> Search:
    """Pictures of ``parts`` that may be seen in a window of pictures of ``wholes``; ``same`` where both are the same set."""
    place, ends = _list_windows(wholes, lists)
    by_list, starts = _sort(parts.nearest, lists * len(TURNS))
    floors = Floors.start(len(parts.own), len(wholes.own), same)

    def iterate_lists() -> Iterator[_List]:
        for number in range(lists):
            windows = np.sort(place[ends[number] : ends[number + 1]][:_MOST_IN_LIST])
            turns = starts[number * len(TURNS) :][: len(TURNS) + 1]
            rows, row = np.unique(by_list[turns[0] : turns[-1]] // parts.nearest.shape[1], return_inverse=True)
            some, whole = np.unique(windows // len(WINDOWS), return_inverse=True)
            asked = _Asked(parts.own[rows], row.astype(np.int32), turns - turns[0])
            yield _List(asked, wholes.points[windows], whole.astype(np.int32), floors.pick(rows, some))

    waiting: list[Alike] = []
    pending = 0
    for found, raised in workers.map(_search_list, iterate_lists()):
        floors.raise_to(raised)
        waiting.append(found)
        pending += len(found.part)
        if pending > _FEW:
            waiting, pending = [keep_likest(join_alike(waiting))], 0
    left_out = int((np.diff(ends) - _MOST_IN_LIST).clip(min=0).sum())
    return Search(_find_poses(keep_likest(join_alike(waiting)), parts.own, wholes, workers), Unsearched(windows=left_out))


class _Asked(NamedTuple):
    """Pictures that are looked up in one list."""

    own: NDArray[np.float16]
    """Their points, as in ``Described``."""
    row: NDArray[np.int32]
    """Of these points: all that are looked up in the first turn, then in the second …"""
    turns: Indices
    """Where each turn begins and ends."""


class _List(NamedTuple):
    """A list, and what is looked up in it."""

    asked: _Asked
    points: NDArray[np.int8]
    """Of its windows."""
    whole: NDArray[np.int32]
    """Whose each window is, sorted; by its place in the floors."""
    floors: Floors


def _search_list(searched: _List) -> tuple[Alike, Floors]:
    """(The likest in one list, by number, and the floors as far as it raised them)."""
    asked, floors = searched.asked, searched.floors
    points = searched.points.astype(np.float32)
    found: list[Alike] = []
    for turn in range(len(TURNS)):
        rows = asked.row[asked.turns[turn] : asked.turns[turn + 1]]
        queries = turn_points(asked.own[rows] / _LEVELS, int(INVERSES[turn]))
        found += _look_through(rows, queries, searched.whole, points, floors)
    likest = keep_likest(floors.sift(join_alike(found)))
    floors.raise_to_last(likest)
    return floors.name(likest), floors


def _list_windows(wholes: Described, count: int) -> tuple[NDArray[np.int32], Indices]:
    """(Windows list by list, whole pictures first, and where each list begins and ends)."""
    keys = wholes.lists.reshape(-1, len(WINDOWS)) * np.int16(len(WINDOWS)) + np.arange(len(WINDOWS), dtype=np.int16)
    place, starts = _sort(np.asarray(keys, np.int16), count * len(WINDOWS))
    return place, starts[:: len(WINDOWS)]


def _sort(keys: NDArray[np.int16], count: int) -> tuple[NDArray[np.int32], Indices]:
    """(Places in the flat keys, in order of these, and where each of ``count`` keys begins and ends)."""
    place = np.argsort(keys, axis=None, kind="stable").astype(np.int32)
    return place, np.concatenate([[0], np.cumsum(np.bincount(keys.ravel(), minlength=count))])


def _look_through(rows: Indices, queries: Floats, wholes: Indices, points: Floats, floors: Floors) -> Iterator[Alike]:
    """What is alike of parts in one turn (rows and points of each) and windows (whole and point of each, sorted by whole)."""
    for start in range(0, len(wholes), _WINDOWS_AT_ONCE):
        here = slice(start, start + _WINDOWS_AT_ONCE)
        for place in range(0, len(rows), _QUERIES_AT_ONCE):
            asking = rows[place : place + _QUERIES_AT_ONCE]
            near = points[here] @ queries[place : place + _QUERIES_AT_ONCE].T
            chosen = floors.choose(asking, wholes[here], near)
            window, row = np.divmod(chosen, len(asking))
            yield Alike(asking[row], wholes[here][window], near.ravel()[chosen])


class _Posed(NamedTuple):
    """Pairs whose likest window and turn are to be found."""

    own: NDArray[np.float16]
    """Points of their parts."""
    signatures: NDArray[np.uint8]
    """Of the wholes among them."""
    place: NDArray[np.intp]
    """Of each pair's whole in these."""


def _find_poses(pairs: Alike, own: NDArray[np.float16], wholes: Described, workers: Workers) -> Candidates:
    """The likest of all windows and turns of each pair, as it is where it is as like."""
    pairs = pairs.take(np.argsort(pairs.whole, kind="stable"))

    def iterate_lots() -> Iterator[_Posed]:
        for start in range(0, len(pairs.part), _POSES_AT_ONCE):
            lot = slice(start, start + _POSES_AT_ONCE)
            some, place = np.unique(pairs.whole[lot], return_inverse=True)
            yield _Posed(own[pairs.part[lot]], wholes.signatures[wholes.rows[some]], place)

    none = np.empty(0, np.uint8)
    found = [(none, none, np.empty(0, np.float32)), *workers.map(_find_pose, iterate_lots())]
    window, turn, likeness = (np.concatenate(column) for column in zip(*found, strict=True))
    return Candidates(pairs.part, pairs.whole, window, turn, likeness)


def _find_pose(pairs: _Posed) -> tuple[Numbers, Numbers, Floats]:
    """(Window, turn, likeness) of each pair."""
    points = describe_windows(pairs.signatures).astype(np.float16).astype(np.float32)  # as ``own`` is
    turned = np.stack([turn_points(pairs.own, number) for number in range(len(TURNS))], axis=2)
    near = (points[pairs.place] @ turned).reshape(len(pairs.own), -1)
    likest = (near + _AS_IT_IS).argmax(axis=1)
    window, turn = (ends.astype(np.uint8) for ends in np.divmod(likest, len(TURNS)))
    return window, turn, near[np.arange(len(near)), likest]


def join_candidates(parts: list[Candidates]) -> Candidates:
    """Several lots as one, in the order they come."""
    none, few = np.empty(0, np.int32), np.empty(0, np.uint8)
    empty = Candidates(none, none, few, few, np.empty(0, np.float32))
    columns = [np.concatenate(column) for column in zip(empty, *parts, strict=True)]
    return Candidates(columns[0], columns[1], columns[2], columns[3], columns[4])
