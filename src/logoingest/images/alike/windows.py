"""Which pictures may show a part of another, or the same a little changed: candidates for ``fitting``, without comparing all with all.

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
from logoingest.images.alike.ordered import map_in_order
from logoingest.images.alike.steps import SIDE
from logoingest.images.alike.turns import INVERSES, TURNS, turn_cosines, turn_squares

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

#: Likeness (cosine, 0 to 1) from which a pair is looked at, and how many others of each picture are.
MIN_LIKENESS = 0.75
RIVALS = 4
_PLACES = ((1.0, 0.0), *((scale, shift / 10) for scale in (0.9, 0.8, 0.7) for shift in range(round(11 - 10 * scale))))
_CELLS = 8
_HIGHEST_COSINE = 7
_WINDOWS_A_LIST = 6_000
_MOST_CENTRES = 512
_FEW_CENTRES = 8
_LISTS_LOOKED_THROUGH = 24
_DESCRIBED_AT_ONCE = 32
_QUERIES_AT_ONCE, _WINDOWS_AT_ONCE = 128, 2_048  # products of 1 MB stay in the processor's cache
_POSES_AT_ONCE = 512
_MANY = 4 * RIVALS  # of a picture in some windows: more than its likest
_SLIGHT = np.float32(1e-4)  # of likeness: rounding
_MOST_IN_LIST = 24_000
_FEW = 3_000_000  # candidates that are kept before the likest are chosen


def _list_frequencies() -> tuple[Indices, Indices]:
    pairs = [(down, total - down) for total in range(1, _HIGHEST_COSINE + 1) for down in range(total + 1)]
    down, across = np.array(pairs, np.int64).T
    return down, across


_DOWN, _ACROSS = _list_frequencies()
_WEIGHTS = np.hypot(_DOWN, _ACROSS).astype(np.float32) ** 0.5
_TURNED = [turn_cosines(_DOWN, _ACROSS, number) for number in range(len(TURNS))]
#: (down, across) places of each window.
_WINDOWS = [(one, other) for one in range(len(_PLACES)) for other in range(len(_PLACES)) if _PLACES[one][0] == _PLACES[other][0]]


def _map_axis(scale: float, shift: float) -> Floats:
    """Cosines of what lies between shift and shift + scale of a line of 32 pixels, 8 x 32."""
    edges = SIDE * (shift + scale * np.arange(_CELLS + 1) / _CELLS)
    pixels = np.arange(SIDE)
    cells = np.minimum(pixels + 1, edges[1:, None]) - np.maximum(pixels, edges[:-1, None])
    return np.asarray(dct(np.eye(_CELLS), norm="ortho", axis=0) @ cells.clip(min=0) * (_CELLS / (SIDE * scale)), np.float32)


_MAPS = np.stack([_map_axis(*place) for place in _PLACES])


def find_start(windows: Indices) -> Floats:
    """The map (n x 2 x 3, see ``fitting``) from the whole of a picture into these windows of another."""
    down, across = (np.array([_PLACES[pair[axis]] for pair in _WINDOWS], np.float32)[windows] for axis in (0, 1))
    maps = np.zeros((len(windows), 2, 3), np.float32)
    for row, (scale, shift) in enumerate((across.T, down.T)):
        maps[:, row, row], maps[:, row, 2] = scale, 2 * shift + scale - 1
    return maps


class Candidates(NamedTuple):
    """Pairs to look at: ``part`` turned by ``turn`` may be what ``window`` of ``whole`` shows."""

    part: Indices
    whole: Indices
    window: Indices
    turn: Indices
    likeness: Floats

    def take(self, rows: Indices) -> Candidates:
        return Candidates(self.part[rows], self.whole[rows], self.window[rows], self.turn[rows], self.likeness[rows])

    def rename(self, parts: Indices, wholes: Indices) -> Candidates:
        """The same with other numbers: ``parts`` and ``wholes`` have that of each."""
        return self._replace(part=parts[self.part], whole=wholes[self.whole])


class Described(NamedTuple):
    """Pictures as they are looked up: ``points`` of all windows (n·30 x 35), the list of each, and the turn it was turned back by."""

    points: NDArray[np.float16]
    lists: NDArray[np.int16]
    turns: NDArray[np.uint8]
    nearest: NDArray[np.int16]
    """n x some: the lists a whole picture is looked up in, each with a turn (number · 8 + turn)."""


class Centres:
    """The centres of the lists, chosen evenly from some pictures' windows."""

    def __init__(self, signatures: NDArray[np.uint8], among: Indices) -> None:
        wanted = min(_MOST_CENTRES, max(1, len(among) * len(_WINDOWS) // _WINDOWS_A_LIST))
        chosen = np.linspace(0, max(len(among) - 1, 0), wanted).astype(np.int64)
        picked = describe_windows(signatures[among[chosen]]) if len(among) else np.zeros((1, len(_WINDOWS), len(_DOWN)), np.float32)
        centres = picked[np.arange(len(picked)), np.arange(len(picked)) * 7 % len(_WINDOWS)]
        self.count = len(centres)
        self._all = np.stack([turn_points(centres, number) for number in range(len(TURNS))], axis=1).reshape(-1, len(_DOWN))

    def describe(self, signatures: NDArray[np.uint8], among: Indices) -> Described:
        """Describe some rows of signatures, in their order."""
        looked = len(self._all) if self.count <= _FEW_CENTRES else _LISTS_LOOKED_THROUGH
        count = len(among) * len(_WINDOWS)
        lists, turns = np.empty(count, np.int16), np.empty(count, np.uint8)
        whole = Described(np.empty((count, len(_DOWN)), np.float16), lists, turns, np.empty((len(among), looked), np.int16))
        parts = map_in_order(
            lambda number: self._describe(signatures[among[number * _DESCRIBED_AT_ONCE :][:_DESCRIBED_AT_ONCE]], looked),
            -(-len(among) // _DESCRIBED_AT_ONCE),
        )
        for number, part in enumerate(parts):
            row = number * _DESCRIBED_AT_ONCE
            windows = slice(row * len(_WINDOWS), row * len(_WINDOWS) + len(part.lists))
            whole.points[windows], whole.lists[windows], whole.turns[windows] = part.points, part.lists, part.turns
            whole.nearest[row : row + len(part.nearest)] = part.nearest
        return whole

    def _describe(self, signatures: NDArray[np.uint8], looked: int) -> Described:
        found = describe_windows(signatures)
        near = found.reshape(-1, found.shape[-1]) @ self._all.T
        chosen = near.argmax(axis=1)
        wholes = near[:: len(_WINDOWS)]
        if looked < wholes.shape[1]:
            nearest = np.argpartition(-wholes, looked - 1, axis=1)[:, :looked]
        else:
            nearest = np.tile(np.arange(looked), (len(found), 1))
        points = turn_back(found.reshape(-1, found.shape[-1]), chosen % len(TURNS)).astype(np.float16)
        lists, turns = (chosen // len(TURNS)).astype(np.int16), (chosen % len(TURNS)).astype(np.uint8)
        return Described(points, lists, turns, nearest.astype(np.int16))


def describe_windows(signatures: NDArray[np.uint8]) -> Floats:
    """Points of all windows, n x 30 x 35, each of length 1; of length 0 where there is nothing to be seen."""
    squares = signatures.reshape(-1, SIDE, SIDE).astype(np.float32)
    lines = _MAPS.reshape(-1, SIDE) @ squares
    lines = lines.reshape(len(squares), len(_PLACES), _CELLS, SIDE)
    found = np.empty((len(squares), len(_WINDOWS), len(_DOWN)), np.float32)
    for number, (down, across) in enumerate(_WINDOWS):
        cosines = lines[:, down] @ _MAPS[across].T
        found[:, number] = cosines[:, _DOWN, _ACROSS] * _WEIGHTS
    length = np.linalg.norm(found, axis=2, keepdims=True)
    return np.where(length > 2.0, found / np.maximum(length, 2.0), 0).astype(np.float32)


def turn_points(points: Floats, number: int) -> Floats:
    places, signs = _TURNED[number]
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
    own, asked = turn_points_of_wholes(parts), parts.nearest
    by_list = np.argsort(asked, axis=None, kind="stable")
    starts = np.searchsorted(asked.ravel()[by_list], np.arange(centres.count * len(TURNS) + 1))
    floors = _Floors(len(own), len(wholes.nearest), same)

    def search(number: int) -> Alike:
        windows = np.sort(place[ends[number] : ends[number + 1]][:_MOST_IN_LIST])
        points = wholes.points[windows].astype(np.float32)
        found: list[Alike] = []
        for turn in range(len(TURNS)):
            rows = by_list[slice(*starts[number * len(TURNS) + turn :][:2])] // asked.shape[1]
            queries = turn_points(own[rows], int(INVERSES[turn]))
            found += _look_through(rows, queries, windows // len(_WINDOWS), points, floors)
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
    return Search(_find_poses(keep_likest(join_alike(waiting)), own, wholes), Unsearched(windows=left_out))


def _list_windows(wholes: Described, count: int) -> tuple[Indices, Indices]:
    """(Windows list by list, whole pictures first, and where each list begins and ends)."""
    keys = wholes.lists.reshape(-1, len(_WINDOWS)) * np.int16(len(_WINDOWS)) + np.arange(len(_WINDOWS), dtype=np.int16)
    place = np.argsort(keys, axis=None, kind="stable")
    return place, np.searchsorted(wholes.lists[place], np.arange(count + 1))


def turn_points_of_wholes(described: Described) -> Floats:
    """The points of whole pictures as they are, n x 35: the first window's, its turn undone."""
    rows = np.arange(0, len(described.points), len(_WINDOWS))
    points, turned = described.points[rows].astype(np.float32), np.empty((len(rows), len(_DOWN)), np.float32)
    for number in range(len(TURNS)):
        mine = described.turns[rows] == number
        turned[mine] = turn_points(points[mine], number)
    return turned


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
            order = np.lexsort((-alike.likeness, owner))
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
    pair = pairs.part * (pairs.whole.max(initial=0) + 1) + pairs.whole
    order = np.lexsort((-pairs.likeness, pair))
    fresh = np.ones(len(order), bool)
    fresh[1:] = np.diff(pair[order]) != 0
    once = pairs.take(order[fresh])
    wanted = _mark_likest(once.part, once.whole, once.likeness, most) | _mark_likest(once.whole, once.part, once.likeness, most)
    return once.take(np.flatnonzero(wanted))


def _mark_likest(owners: Indices, others: Indices, likeness: Floats, most: int) -> NDArray[np.bool_]:
    """Which rows are among the ``most`` likest of their owner; of equal ones the first others."""
    order = np.lexsort((others, -likeness, owners))
    ordered = owners[order]
    marks = np.empty(len(owners), bool)
    marks[order] = _rank(ordered) < most
    return marks


def _rank(owners: Indices) -> Indices:
    """The places of rows among their owner's, from 0; owners are sorted."""
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    return np.arange(len(owners)) - np.repeat(first, np.diff(first, append=len(owners)))


def join_alike(parts: Sequence[Alike]) -> Alike:
    """Several lots as one, in the order they come."""
    none = np.empty(0, np.int64)
    columns = [np.concatenate(column) for column in zip(Alike(none, none, np.empty(0, np.float32)), *parts, strict=True)]
    return Alike(columns[0], columns[1], columns[2])


def _find_poses(pairs: Alike, own: Floats, wholes: Described) -> Candidates:
    """The likest of all windows and turns of each pair, as it is where it is as like."""
    points, turns = wholes.points.reshape(-1, len(_WINDOWS), len(_DOWN)), wholes.turns.reshape(-1, len(_WINDOWS))

    def find(number: int) -> Candidates:
        part, whole, _ = pairs.take(np.arange(number * _POSES_AT_ONCE, min((number + 1) * _POSES_AT_ONCE, len(pairs.part))))
        turned = np.stack([turn_points(own[part], number) for number in range(len(TURNS))], axis=1)
        near = points[whole].astype(np.float32) @ turned.swapaxes(1, 2)
        # a window was turned back by its turn: what takes the part to the window is the one after the other
        back = _COMPOSED[turns[whole]]
        likest = (near + (back == 0) * _SLIGHT).reshape(len(part), -1).argmax(axis=1)
        here = np.arange(len(part))
        return Candidates(
            part,
            whole,
            likest // len(TURNS),
            back.reshape(len(part), -1)[here, likest],
            near.reshape(len(part), -1)[here, likest],
        )

    return join_candidates(list(map_in_order(find, -(-len(pairs.part) // _POSES_AT_ONCE))))


def join_candidates(parts: list[Candidates]) -> Candidates:
    """Several lots as one, in the order they come."""
    none = np.empty(0, np.int64)
    empty = Candidates(none, none, none, none, np.empty(0, np.float32))
    columns = [np.concatenate(column) for column in zip(empty, *parts, strict=True)]
    return Candidates(columns[0], columns[1], columns[2], columns[3], columns[4])


def _compose() -> Indices:
    """The one turn that does what two do: row after column."""
    marks = np.arange(4).reshape(2, 2)
    from_marks = {turn_marks(marks, number): number for number in range(len(TURNS))}
    return np.array(
        [
            [from_marks[turn_marks(np.array(turn_marks(marks, before)).reshape(2, 2), after)] for before in range(8)]
            for after in range(8)
        ]
    )


def turn_marks(marks: Indices, number: int) -> tuple[int, ...]:
    return tuple(turn_squares(marks, number).ravel().tolist())


_COMPOSED = _compose()
