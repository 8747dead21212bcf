"""Exact search for all pairs of near-duplicates in any of the eight turns, without looking at every pair.

Two pictures are near when one of the eight turns and mirrors (``turns``) brings them so close that their steps differ in at most
``max_distance`` bits **and** their signatures correlate by at least ``min_correlation``. Correlation is a distance: for signatures
brought to zero mean and unit length, |a - b|² = 2 - 2r. An orthonormal projection never lengthens a distance, nor does the
difference of the two lengths left over. So:

1. signatures are projected on their 44 lowest cosines and the length left over, and these points are folded so that all turns of a picture have
   the same (``cosines``);
2. the folded points are cut into blocks by medians, as a k-d tree's leaves; two blocks whose boxes are too far apart are passed over, and so
   are a block's points too far from the other's box;
3. of the rest one matrix product bounds every pair in all turns from below; of noise .01 % remain, of photos .4 %;
4. those are bounded in each turn by the points as they were; of photos .04 % remain;
5. those are decided on steps and signature, in whole numbers: the same pairs come out whatever the order of the input and however
   its pictures are turned.

Nothing near is ever lost: each step drops only what cannot be near.

``NearSearch`` does the same between two sets, one of which comes in pieces: only the other must fit into memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, starmap
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logoingest.images.alike.cosines import add_swapped, fold_turns, multiply_turned, project_signatures
from logoingest.images.alike.ordered import map_in_order
from logoingest.images.alike.steps import SIDE, count_differing, measure_steps, turn_steps
from logoingest.images.alike.turns import INVERSES, TURNS, turn_squares

#: At most this many of the 1,088 bits of the steps differ …
MAX_DISTANCE = 136
#: … and the signatures correlate at least so much (Pearson). Both measured: ``benchmarks/duplicates.py``.
MIN_CORRELATION = 0.90
#: Below this standard deviation (grey levels of 0 to 255) a signature shows nothing that could be compared.
MIN_SPREAD = 2.0
_PART = 8_192
_BLOCK = 1_024
_AT_ONCE_BITS = 8
_AT_ONCE = 1 << _AT_ONCE_BITS  # products of 1 MB stay in the processor's cache
_SIFTED_AT_ONCE = 16_384
_TURNED_AT_ONCE = 2_048  # as do these
_VERIFIED_AT_ONCE = 8_192
_COMPARED_AT_ONCE = 2_048
_FEW = 4  # under a quarter of a block at once is turned by itself
_SAMPLED_EVERY, _WORTH_DROPPING = 32, 0.25  # whether points are dropped one by one is asked of a sample: of noise none are
_SLACK = 1e-3  # float32 rounding; what it lets through is decided exactly afterwards

Indices = NDArray[np.int64]


class NearPairs(NamedTuple):
    """Pairs of row numbers, ``first < second``: how many of their steps differ (bits), how their signatures correlate (-1 to 1), and
    which of ``TURNS`` makes the second of the first.
    """

    first: Indices
    second: Indices
    distance: NDArray[np.int64]
    correlation: NDArray[np.float64]
    turn: NDArray[np.int64]

    def take(self, rows: Indices | slice) -> NearPairs:
        return NearPairs(self.first[rows], self.second[rows], self.distance[rows], self.correlation[rows], self.turn[rows])


class Fingerprints(NamedTuple):
    """What is compared: ``signatures`` n x 1,024, and the ``steps`` made of them, n x 136, both uint8."""

    signatures: NDArray[np.uint8]
    steps: NDArray[np.uint8]

    @classmethod
    def make(cls, signatures: NDArray[np.uint8]) -> Fingerprints:
        return cls(signatures, measure_steps(signatures))

    def take(self, rows: Indices) -> Fingerprints:
        return Fingerprints(self.signatures[rows], self.steps[rows])

    def turn(self, number: int) -> Fingerprints:
        """Those of the pictures turned by ``TURNS[number]``."""
        if not number:
            return self
        squares = self.signatures.reshape(-1, SIDE, SIDE)
        return Fingerprints(turn_squares(squares, number).reshape(-1, SIDE * SIDE), turn_steps(self.steps, number))


class Limits(NamedTuple):
    """How near is near."""

    max_distance: int = MAX_DISTANCE
    min_correlation: float = MIN_CORRELATION


def find_structured(signatures: NDArray[np.uint8], among: Indices | None = None) -> Indices:
    """The rows, of all or of some, whose signature shows something; pictures of one colour look like each other and are near nothing."""
    rows = np.arange(len(signatures)) if among is None else among
    parts = (rows[start : start + _PART] for start in range(0, len(rows), _PART))
    shown = [part[signatures[part].std(axis=1, dtype=np.float32) >= MIN_SPREAD] for part in parts]
    return np.concatenate([np.empty(0, np.int64), *shown])


def compare_rows(
    prints: Fingerprints, first: Indices, second: Indices, others: Fingerprints | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(Differing steps, correlation) of each pair of rows as they are, from whole numbers; ``second`` are rows of ``others`` if given."""
    others = prints if others is None else others
    distance = count_differing(prints.steps[first], others.steps[second])
    a, b = prints.signatures[first].astype(np.int32), others.signatures[second].astype(np.int32)
    size, sum_a, sum_b = a.shape[1], a.sum(axis=1, dtype=np.int64), b.sum(axis=1, dtype=np.int64)
    covariance = size * np.einsum("ij,ij->i", a, b).astype(np.int64) - sum_a * sum_b
    variance_a = size * np.einsum("ij,ij->i", a, a).astype(np.int64) - sum_a**2
    variance_b = size * np.einsum("ij,ij->i", b, b).astype(np.int64) - sum_b**2
    length = np.sqrt(variance_a.astype(np.float64)) * np.sqrt(variance_b.astype(np.float64))
    return distance, covariance / np.maximum(length, 1.0)


def compare_turned(prints: Fingerprints, first: Indices, second: Indices, others: Fingerprints | None = None) -> NearPairs:
    """Each pair of rows in the turn in which they correlate most; of equal ones the first of ``TURNS``."""
    parts = (slice(start, start + _COMPARED_AT_ONCE) for start in range(0, len(first), _COMPARED_AT_ONCE))
    return join_pairs([_compare_some(prints, first[part], second[part], prints if others is None else others) for part in parts])


def _compare_some(prints: Fingerprints, first: Indices, second: Indices, others: Fingerprints) -> NearPairs:
    best = NearPairs(first, second, *compare_rows(prints, first, second, others), np.zeros(len(first), np.int64))
    for number in range(1, len(TURNS)):
        distance, correlation = compare_rows(prints.take(first).turn(number), np.arange(len(first)), second, others)
        better = correlation > best.correlation
        columns = (np.where(better, distance, best.distance), np.where(better, correlation, best.correlation))
        best = NearPairs(first, second, *columns, np.where(better, number, best.turn))
    return best


def iterate_near_pairs(prints: Fingerprints, limits: Limits, among: Indices) -> Iterator[NearPairs]:
    """All near pairs among some rows (sorted), a block of them at a time; each must be structured (``find_structured``)."""
    tree, limit = _plant(prints.signatures, among), _bound(limits)

    def search(number: int) -> list[NearPairs]:
        block = tree.blocks[number]
        reached = number + _reach(tree, tree.lows[number], tree.highs[number], limit, start=number)
        rows = among[tree.rows[block]]
        own, found = _Turning(prints.take(rows)), []
        for first, second, turn in _find_candidates(tree.take(block), tree, _join_blocks(tree, reached), limit):
            wanted = block.start + first < second  # a pair within the block comes twice, and each row meets itself
            near = own.verify(first[wanted], prints, among[tree.rows[second[wanted]]], turn[wanted], limits)
            found.append(put_in_order(near._replace(first=rows[near.first])))
        return [keep_best(join_pairs(found))]

    for found in map_in_order(search, len(tree.blocks)):
        yield from found


def put_in_order(pairs: NearPairs) -> NearPairs:
    """The same pairs with ``first < second``."""
    swapped = pairs.first > pairs.second
    turn = np.where(swapped, INVERSES[pairs.turn], pairs.turn)
    first, second = np.minimum(pairs.first, pairs.second), np.maximum(pairs.first, pairs.second)
    return NearPairs(first, second, pairs.distance, pairs.correlation, turn)


def keep_best(pairs: NearPairs) -> NearPairs:
    """Every pair once, sorted, in the turn in which it correlates most."""
    order = np.lexsort((pairs.turn, -pairs.correlation, pairs.second, pairs.first))
    ordered = pairs.take(order)
    fresh = np.ones(len(order), bool)
    fresh[1:] = (np.diff(ordered.first) != 0) | (np.diff(ordered.second) != 0)
    return ordered.take(np.flatnonzero(fresh))


class NearSearch:
    """Search of further pictures among a set that is held: its fingerprints, its points and its blocks."""

    def __init__(self, held: Fingerprints, limits: Limits | None = None, among: Indices | None = None) -> None:
        """Prepare the search.

        Args:
            held: the set; pictures of one colour may be among them and are near nothing.
            limits: how near is near.
            among: the rows of it that are searched; all when left out.
        """
        self._limits = limits or Limits()
        self._held, self._rows = held, find_structured(held.signatures, among)
        self._tree = _plant(held.signatures, self._rows)

    def find_pairs(self, others: Fingerprints, among: Indices | None = None) -> NearPairs:
        """Near pairs of a held picture (``first``) and another (``second``, of all others or some), rows of the two sets, sorted."""
        return keep_best(join_pairs(list(self.iterate_pairs(others, among))))

    def iterate_pairs(self, others: Fingerprints, among: Indices | None = None) -> Iterator[NearPairs]:
        """The same, a block of others at a time; a pair may come in several turns."""
        among = find_structured(others.signatures, among)
        if not len(among) or not len(self._rows):
            return
        tree, limit = _plant(others.signatures, among), _bound(self._limits)

        def search(number: int) -> list[NearPairs]:
            rows = among[tree.rows[tree.blocks[number]]]
            held = _join_blocks(self._tree, _reach(self._tree, tree.lows[number], tree.highs[number], limit))
            own, found = _Turning(others.take(rows)), []
            for first, second, turn in _find_candidates(tree.take(tree.blocks[number]), self._tree, held, limit):
                near = own.verify(first, self._held, self._rows[self._tree.rows[second]], turn, self._limits)
                found.append(near._replace(first=near.second, second=rows[near.first], turn=INVERSES[near.turn]))
            return found

        for found in map_in_order(search, len(tree.blocks)):
            yield from found


def join_pairs(parts: Sequence[NearPairs]) -> NearPairs:
    """Several lots of pairs as one, in the order they come."""
    if not parts:
        none = np.empty(0, np.int64)
        return NearPairs(none, none, none, np.empty(0), none)
    return NearPairs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


class _Points(NamedTuple):
    """Points as they are, and folded; n x 45 each."""

    turned: NDArray[np.float32]
    folded: NDArray[np.float32]


class _Tree(NamedTuple):
    """Points cut into blocks, block after block, and the box around each, of folded points."""

    points: _Points
    rows: Indices
    """Which of the planted rows each point is."""
    blocks: list[slice]
    lows: NDArray[np.float32]
    highs: NDArray[np.float32]

    def take(self, block: slice) -> _Points:
        return _Points(self.points.turned[block], self.points.folded[block])


def _plant(signatures: NDArray[np.uint8], rows: Indices) -> _Tree:
    turned = project_signatures(signatures, rows)
    points = _Points(turned, fold_turns(turned))
    cut = _cut_blocks(points.folded, np.arange(len(rows))) if len(rows) else []
    order = np.concatenate([np.empty(0, np.int64), *cut])
    points = _Points(turned.take(order, axis=0), points.folded.take(order, axis=0))
    ends = np.cumsum([0, *map(len, cut)]).tolist()
    blocks = list(starmap(slice, pairwise(ends)))
    none = np.empty((0, turned.shape[1]), np.float32)
    lows = np.stack([points.folded[block].min(axis=0) for block in blocks]) if blocks else none
    highs = np.stack([points.folded[block].max(axis=0) for block in blocks]) if blocks else none
    return _Tree(points, order, blocks, lows, highs)


def _join_blocks(tree: _Tree, numbers: Indices) -> Indices:
    """The places of the points of some blocks."""
    blocks = (tree.blocks[number] for number in numbers.tolist())
    return np.concatenate([np.empty(0, np.int64), *(np.arange(block.start, block.stop) for block in blocks)])


def _pick(points: NDArray[np.float32], places: Indices) -> NDArray[np.float32]:
    """The points in some places, ascending; as they lie where these follow each other."""
    if len(places) and places[-1] - places[0] == len(places) - 1:
        return points[places[0] : places[-1] + 1]
    return points.take(places, axis=0)


def _reach(tree: _Tree, low: NDArray[np.float32], high: NDArray[np.float32], limit: float, start: int = 0) -> Indices:
    """The blocks from ``start`` on, counted from there, that a box may have something near in."""
    gaps = np.maximum(tree.lows[start:] - high, low - tree.highs[start:]).clip(min=0)
    return np.flatnonzero((gaps**2).sum(axis=1) <= limit)


def _bound(limits: Limits) -> float:
    """The squared distance of points beyond which nothing is near."""
    return 2.0 - 2.0 * limits.min_correlation + _SLACK


def _cut_blocks(points: NDArray[np.float32], rows: Indices) -> list[Indices]:
    """Rows cut at the median of their widest coordinate until ``_BLOCK`` or fewer remain together."""
    if len(rows) <= _BLOCK:
        return [rows]
    widest = int(points[rows].std(axis=0).argmax())
    order = rows[np.argsort(points[rows, widest], kind="stable")]
    half = len(order) // 2
    return _cut_blocks(points, order[:half]) + _cut_blocks(points, order[half:])


def _find_candidates(
    own: _Points, tree: _Tree, others: Indices, limit: float
) -> Iterator[tuple[Indices, Indices, NDArray[np.int64]]]:
    """Rows of ``own``, places in the tree among ``others`` (ascending), and turns of the first in which their distance² is within the limit.

    Points have length 1, so that |a - b|² = 2 - 2 a·b.
    """
    least, others = np.float32(1.0 - 0.5 * limit), _drop_distant(tree.points.folded, others, own.folded, limit)
    swapped, waiting = add_swapped(own.turned), _Waiting([], [])
    products, near = np.empty((len(swapped), _AT_ONCE), np.float32), np.zeros((len(swapped), _AT_ONCE), bool)
    for start in range(0, len(others), _AT_ONCE):
        part = others[start : start + _AT_ONCE]
        near[:, len(part) :] = False
        found = np.matmul(own.folded, _pick(tree.points.folded, part).T, out=products[:, : len(part)])
        np.greater_equal(found, least, out=near[:, : len(part)])
        hits = np.flatnonzero(near)
        waiting.first.append(hits >> _AT_ONCE_BITS)
        waiting.second.append(part.take(hits & (_AT_ONCE - 1)))
        if sum(map(len, waiting.first)) >= _SIFTED_AT_ONCE or start + _AT_ONCE >= len(others):
            yield _sift(swapped, tree.points.turned, waiting, least)
            waiting = _Waiting([], [])


class _Waiting(NamedTuple):
    """Pairs that are to be bounded in each turn, in lots."""

    first: list[Indices]
    second: list[Indices]


def _sift(
    swapped: NDArray[np.float32], points: NDArray[np.float32], pairs: _Waiting, least: np.float32
) -> tuple[Indices, Indices, NDArray[np.int64]]:
    """Those of some pairs, each with the turns of the first, whose inner product is large enough."""
    kept, first, second = [], np.concatenate(pairs.first), np.concatenate(pairs.second)
    for start in range(0, len(first), _TURNED_AT_ONCE):
        one, two = first[start : start + _TURNED_AT_ONCE], second[start : start + _TURNED_AT_ONCE]
        bounds = multiply_turned(swapped.take(one, axis=0), points.take(two, axis=0))
        pair, turn = np.divmod(np.flatnonzero(bounds >= least), len(TURNS))
        kept.append((one.take(pair), two.take(pair), turn))
    found = zip(*kept, strict=True) if kept else [np.empty((1, 0), np.int64)] * 3
    one, two, turn = map(np.concatenate, found)
    return one, two, turn


def _drop_distant(points: NDArray[np.float32], rows: Indices, inside_box: NDArray[np.float32], limit: float) -> Indices:
    """The rows whose point may be within the limit of the box around some points; all where few would be dropped."""
    low, high = inside_box.min(axis=0), inside_box.max(axis=0)

    def is_near(rows: Indices) -> NDArray[np.bool_]:
        inside = _pick(points, rows)
        inside = inside - inside.clip(low, high)
        return np.asarray(np.einsum("ij,ij->i", inside, inside) <= limit)

    sample = rows[::_SAMPLED_EVERY]
    if np.count_nonzero(is_near(sample)) >= len(sample) * (1.0 - _WORTH_DROPPING):
        return rows
    parts = (rows[start : start + _PART] for start in range(0, len(rows), _PART))
    return np.concatenate([part[is_near(part)] for part in parts])


class _Turning:
    """Some fingerprints, turned in each way that is asked for: all of them once, or the few that are asked for."""

    def __init__(self, prints: Fingerprints) -> None:
        self._prints = prints
        self._turned: dict[int, Fingerprints] = {0: prints}

    def verify(self, first: Indices, others: Fingerprints, second: Indices, turns: Indices, limits: Limits) -> NearPairs:
        """The near ones of some pairs: of these, turned, and of others."""
        found = []
        for turn in np.unique(turns).tolist():
            mine = np.flatnonzero(turns == turn)
            prints, places = self._turn(first[mine], turn)
            for start in range(0, len(mine), _VERIFIED_AT_ONCE):
                part = slice(start, start + _VERIFIED_AT_ONCE)
                own, one, two = places[part], first[mine[part]], second[mine[part]]
                close = count_differing(prints.steps[own], others.steps[two]) <= limits.max_distance
                own, one, two = own[close], one[close], two[close]
                distance, correlation = compare_rows(prints, own, two, others)
                near = correlation >= limits.min_correlation
                found.append(NearPairs(one[near], two[near], distance[near], correlation[near], np.full(int(near.sum()), turn)))
        return join_pairs(found)

    def _turn(self, rows: Indices, turn: int) -> tuple[Fingerprints, Indices]:
        """Turned fingerprints, and where those of ``rows`` are among them."""
        if turn not in self._turned and len(rows) * _FEW < len(self._prints.steps):
            return self._prints.take(rows).turn(turn), np.arange(len(rows))
        if turn not in self._turned:
            self._turned[turn] = self._prints.turn(turn)
        return self._turned[turn], rows
