"""Which pictures may show a part of another, or the same a little changed: candidates for ``fitting``, without comparing all with all.

A crop shows what a window of the original shows. So of every signature 30 windows (all of it, nine, eight and seven tenths of both sides,
a tenth apart) are described by their 35 lowest cosines, higher ones weighted up as much as pictures have less of them, brought to
length 1; and every picture as a whole is looked up among the windows of all others, in all eight turns. What is alike by ``MIN_LIKENESS`` is a
candidate: of each picture the ``RIVALS`` likest that show it, and the ``RIVALS`` likest that it shows.

Windows are kept in lists around centres taken from among them (an inverted file, as in J. Sivic and A. Zisserman, ICCV 2003). Centres
stand for all eight turns of themselves: a window is put into the list of the nearest turned centre after it was turned back by that
one's turn, a picture is looked up likewise in its nearest lists, and so the eight turns cost no more than one. In small sets all lists
are looked through, and nothing is missed.
"""

from __future__ import annotations

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
_MOST_HITS = 64
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


class Described(NamedTuple):
    """Pictures as they are looked up: ``points`` of all windows (n·30 x 35), the list of each, and the turn it was turned back by."""

    points: NDArray[np.float16]
    lists: Indices
    turns: Indices
    nearest: Indices
    """n x some: the lists a whole picture is looked up in, each with a turn (number · 8 + turn)."""


class Centres:
    """The centres of the lists, chosen evenly from some pictures' windows."""

    def __init__(self, signatures: NDArray[np.uint8]) -> None:
        count = len(signatures) * len(_WINDOWS)
        wanted = min(_MOST_CENTRES, max(1, count // _WINDOWS_A_LIST))
        rows = np.linspace(0, max(len(signatures) - 1, 0), wanted).astype(np.int64)
        picked = describe_windows(signatures[rows]) if len(signatures) else np.zeros((1, len(_WINDOWS), len(_DOWN)), np.float32)
        centres = picked[np.arange(len(picked)), np.arange(len(picked)) * 7 % len(_WINDOWS)]
        self.count = len(centres)
        self._all = np.stack([turn_points(centres, number) for number in range(len(TURNS))], axis=1).reshape(-1, len(_DOWN))

    def describe(self, signatures: NDArray[np.uint8]) -> Described:
        looked = len(self._all) if self.count <= _FEW_CENTRES else _LISTS_LOOKED_THROUGH
        none = np.empty(0, np.int64)
        parts = [Described(np.empty((0, len(_DOWN)), np.float16), none, none, np.empty((0, looked), np.int64))]
        parts += map_in_order(
            lambda number: self._describe(signatures[number * _DESCRIBED_AT_ONCE :][:_DESCRIBED_AT_ONCE], looked),
            -(-len(signatures) // _DESCRIBED_AT_ONCE),
        )
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return Described(columns[0], columns[1], columns[2], columns[3])

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
        return Described(points, chosen // len(TURNS), chosen % len(TURNS), nearest)


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


def find_candidates(parts: Described, wholes: Described, centres: Centres, same: bool) -> Search:
    """Pictures of ``parts`` that may be seen in a window of pictures of ``wholes``; ``same`` where both are the same set."""
    place, ends = _list_windows(wholes, centres.count)
    asked, turned = parts.nearest // len(TURNS), parts.nearest % len(TURNS)
    own = turn_points_of_wholes(parts)
    by_list = np.argsort(asked, axis=None, kind="stable")
    starts = np.searchsorted(asked.ravel()[by_list], np.arange(centres.count + 1))

    def search(number: int) -> tuple[Candidates, int]:
        windows = place[ends[number] : ends[number + 1]][:_MOST_IN_LIST]
        rows, columns = np.divmod(by_list[starts[number] : starts[number + 1]], asked.shape[1])
        turns = turned[rows, columns]
        query, window, likeness, passed = _look_through(turn_back(own[rows], turns), wholes.points[windows].astype(np.float32))
        part, whole = rows[query], windows[window] // len(_WINDOWS)
        # a window was turned back by its turn, a query by its own: what takes the query to the window
        turn = _COMPOSED[wholes.turns[windows[window]], INVERSES[turns[query]]]
        wanted = (part != whole) if same else np.ones(len(part), bool)
        found = Candidates(part, whole, windows[window] % len(_WINDOWS), turn, likeness)
        return keep_likest(found.take(np.flatnonzero(wanted))), passed

    waiting, pending, hits = [], 0, 0
    for found, passed in map_in_order(search, centres.count):
        waiting.append(found)
        hits += passed
        pending += len(found.part)
        if pending > _FEW:
            waiting = [keep_likest(join_candidates(waiting))]
            pending = 0
    windows = int((np.diff(ends) - _MOST_IN_LIST).clip(min=0).sum())
    return Search(keep_likest(join_candidates(waiting)), Unsearched(windows=windows, hits=hits))


def _list_windows(wholes: Described, count: int) -> tuple[Indices, Indices]:
    """(Windows list by list, whole pictures first, and where each list begins and ends)."""
    place = np.lexsort((np.arange(len(wholes.lists)) % len(_WINDOWS), wholes.lists))
    return place, np.searchsorted(wholes.lists[place], np.arange(count + 1))


def turn_points_of_wholes(described: Described) -> Floats:
    """The points of whole pictures as they are, n x 35: the first window's, its turn undone."""
    rows = np.arange(0, len(described.points), len(_WINDOWS))
    points, turned = described.points[rows].astype(np.float32), np.empty((len(rows), len(_DOWN)), np.float32)
    for number in range(len(TURNS)):
        mine = described.turns[rows] == number
        turned[mine] = turn_points(points[mine], number)
    return turned


def _look_through(queries: Floats, points: Floats) -> tuple[Indices, Indices, Floats, int]:
    """(Query, window, likeness) of what is alike; where much is, of each query the ``_MOST_HITS`` likest of some windows; what that cut."""
    passed = 0
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
    for start in range(0, len(queries), _QUERIES_AT_ONCE):
        some = queries[start : start + _QUERIES_AT_ONCE]
        for first in range(0, len(points), _WINDOWS_AT_ONCE):
            near = some @ points[first : first + _WINDOWS_AT_ONCE].T
            query, window = np.divmod(np.flatnonzero(near >= MIN_LIKENESS), near.shape[1])
            if len(query) > _MOST_HITS * len(some):
                alike, (query, window) = len(query), _choose_likest(near)
                passed += alike - len(query)
            found.append((query + start, window + first, near[query, window]))
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    return columns[0], columns[1], columns[2], passed


def _choose_likest(near: Floats) -> tuple[Indices, Indices]:
    columns = np.argpartition(near, -_MOST_HITS, axis=1)[:, -_MOST_HITS:]
    rows = np.arange(len(near))[:, None]
    chosen, place = np.nonzero(near[rows, columns] >= MIN_LIKENESS)
    return chosen, columns[chosen, place]


def keep_likest(candidates: Candidates, most: int = RIVALS) -> Candidates:
    """Every pair once, in its likest window and turn; of each part the ``most`` likest wholes, of each whole the ``most`` likest parts."""
    pair = candidates.part * (candidates.whole.max(initial=0) + 1) + candidates.whole
    order = np.lexsort((candidates.turn * len(_WINDOWS) + candidates.window, -candidates.likeness, pair))
    fresh = np.ones(len(order), bool)
    fresh[1:] = np.diff(pair[order]) != 0
    once = candidates.take(order[fresh])
    wanted = _mark_likest(once.part, once.whole, once.likeness, most) | _mark_likest(once.whole, once.part, once.likeness, most)
    return once.take(np.flatnonzero(wanted))


def _mark_likest(owners: Indices, others: Indices, likeness: Floats, most: int) -> NDArray[np.bool_]:
    """Which rows are among the ``most`` likest of their owner; of equal ones the first others."""
    order = np.lexsort((others, -likeness, owners))
    ordered = owners[order]
    marks = np.empty(len(owners), bool)
    marks[order] = np.arange(len(ordered)) - np.searchsorted(ordered, ordered) < most
    return marks


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
