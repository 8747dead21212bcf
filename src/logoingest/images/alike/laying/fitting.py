"""Small grey pictures laid upon each other: the affine map from one into the other, and what is left between them then.

Gauss-Newton over six affine parameters, inversely composed (S. Baker and I. Matthews, IJCV 2004: slopes are those of the first picture, once for all
steps, and so is the matrix to be inverted). What gain and offset of the grey values would do is taken out of slopes and differences, so that these need no
unknowns. Many pairs at once, first at half the size: what can't come to be alike any more is left after each step, and steps end where they gain nothing. Two causes of false differences are taken away before a pair is judged: the one with the smaller pixels is smoothed as the other is by its
larger ones, and edges that lie inside the other picture are left out, for what is around them there is mixed in. Places are counted from -1 to 1 across and down a picture, so that a map is (2, 3): place in the second = map · (x, y, 1).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logoingest.images.alike.laying.comparison import compare_squares
from logoingest.images.alike.laying.places import (
    LEAST_SHARE,
    FoundPlaces,
    correlate_inside,
    divide_lengths,
    list_pixel_places,
    look_up_grey,
    map_places,
    standardise_squares,
)
from logoingest.images.alike.steps import SIDE
from logoingest.workers import Workers

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Rows = NDArray[np.int64]
Marks = NDArray[np.bool_]

#: Where less than this share of the larger picture is seen in both, or a border was cut off, shapes alone fit too easily: more agreement is asked for.
PARTIAL = 0.85


class _Looks(NamedTuple):
    """How many looks, and what makes a pair worth another one."""

    slacks: tuple[float, ...]
    """By how much the correlation, and twice what the last step gained of it, may fall short after each look but the last."""
    whole: float
    """What is to be reached in the end …"""
    partial: float
    """… and by pairs of which one shows but a part of the other."""

    def ask(self, is_partial: Marks) -> Floats:
        return np.where(is_partial, np.float32(self.partial), np.float32(self.whole))


#: Measured against all steps for all, with weaker bounds: of 8,968 pairs of copies among 63,035 candidates (photos, drawn logos, their guises, guises
#: among themselves) 16 are lost and 19 come. In full size copies reach .915 (whole) and .93 (partial) but for 1 to 3 in 1,000.
_NEVER = -9.0
_COARSE = _Looks((0.65, 0.1, 0.05, 0.03, 0.01), 0.89, 0.93)
_FINE = _Looks((0.1, 0.02), 0.87, 0.87)
_LAST = _Looks((0, 0, 0), _NEVER, _NEVER)
#: A step that gains less of the correlation is not taken, nor any after it where what is asked for was reached: along what makes no difference to be
#: seen, pictures would drift. Where it was not, the next step may.
_LEAST_GAIN = np.float32(5e-5)
#: What the slopes must correlate by at half the size (whole, partial pairs), where there are some …
_COARSE_DETAIL = (0.82, 0.85)
#: … and the grey values and the slopes in full size, before a pair is looked at further: where the last step still gained so much. The rest is settled.
_FINE_CORRELATION, _FINE_DETAIL, _FINE_GAIN = (0.92, 0.955), (0.82, 0.86), 1.5e-4
_AT_ONCE, _HALVES_AT_ONCE = 64, 256
_MOST_STEP = np.float32(0.12)
_UNKNOWNS = 6


class Fits(NamedTuple):
    """What came of each pair."""

    maps: Floats
    """n x 2 x 3, from places in the first to places in the second."""
    overlap: Floats
    """Share of the first that lies inside the second, 0 to 1."""
    correlation: Floats
    """Of the grey values where they overlap, -1 to 1."""
    detail: Floats
    """Of their slopes there, -1 to 1: fine lines count, light does not; -1 where the pair was left before."""


class Laying(NamedTuple):
    """Pairs that are to be laid upon each other."""

    first: Bytes
    """n x 32 x 32."""
    second: Bytes
    maps: Floats
    """Where they begin, n x 2 x 3."""
    is_cut: Marks
    """Those that are partial whatever is seen of them."""


class _Look(NamedTuple):
    """What a look at a lot came to."""

    rows: NDArray[np.intp]
    """Of the lot: what was not left on the way."""
    fits: Fits
    """Of these; at half the size, maps alone."""
    moves: Marks
    """Those of them that are worth another look."""


def fit_pairs(take: Callable[[Rows], Laying], count: int, workers: Workers, leave_early: bool = True) -> Fits:
    """Lay each first picture upon its second, starting from a map; ``take`` has the pairs of some of ``count`` rows.

    What is clearly not alike is left on the way, unless ``leave_early`` is false. Each round looks at all that is left, in even lots, so
    that it makes no difference who does them.
    """
    fits = Fits(np.zeros((count, 2, 3), np.float32), *(np.full(count, value, np.float32) for value in (0, -1, -1)))
    coarse, fine = (looks if leave_early else looks._replace(whole=_NEVER, partial=_NEVER) for looks in (_COARSE, _FINE))

    def take_again(mine: Rows) -> Laying:
        return take(mine)._replace(maps=fits.maps[mine])

    def go_through(rows: Rows, at_once: int, look: Callable[[Laying], _Look], take: Callable[[Rows], Laying]) -> Rows:
        lots = [rows[start : start + at_once] for start in range(0, len(rows), at_once)]
        kept = [rows[:0]]
        for mine, seen in zip(lots, workers.map(look, map(take, lots)), strict=True):
            for known, new in zip(fits, seen.fits, strict=True):
                known[mine[seen.rows]] = new
            kept.append(mine[seen.rows[seen.moves]])
        return np.concatenate(kept)

    rows = go_through(np.arange(count), _HALVES_AT_ONCE, partial(_look_at_halves, coarse, leave_early), take)
    rows = go_through(rows, _AT_ONCE, partial(_look, fine, leave_early), take_again)
    go_through(rows, _AT_ONCE, partial(_look, _LAST, leave_early), take_again)
    return fits


def _look_at_halves(looks: _Looks, leave_early: bool, pairs: Laying) -> _Look:
    halves = standardise_squares(_halve(pairs.first.astype(np.float32)))
    second = standardise_squares(_COARSE_SMOOTHING @ pairs.second.astype(np.float32) @ _COARSE_SMOOTHING.T)
    settled = _settle(halves, second, pairs.maps, pairs.is_cut, looks)
    kept, maps = settled.rows, settled.maps[settled.rows]
    fits = Fits(maps, *(np.full(len(kept), value, np.float32) for value in (0, -1, -1)))
    moves = np.ones(len(kept), bool)
    if leave_early and len(kept):
        moves = _agree_roughly(halves[kept], second[kept], maps, pairs.is_cut[kept])
    return _Look(kept, fits, moves)


def _look(looks: _Looks, leave_early: bool, pairs: Laying) -> _Look:
    first, second = (standardise_squares(pictures.astype(np.float32)) for pictures in (pairs.first, pairs.second))
    settled = _settle(first, second, pairs.maps, pairs.is_cut, looks)
    kept, maps = settled.rows, settled.maps[settled.rows]
    if not len(kept):
        nothing = np.empty(0, np.float32)
        return _Look(kept, Fits(maps, nothing, nothing, nothing), np.empty(0, bool))
    overlap, grey, detail = compare_squares(first[kept], second[kept], maps)
    parts = is_partial(maps, overlap) | pairs.is_cut[kept]
    moves = (grey >= np.where(parts, *_FINE_CORRELATION[::-1])) & (detail >= np.where(parts, *_FINE_DETAIL[::-1]))
    moves &= settled.gain[kept] > _FINE_GAIN
    return _Look(kept, Fits(maps, overlap, grey, detail), moves if leave_early else np.ones_like(moves))


def is_partial(maps: Floats, overlap: Floats) -> Marks:
    """Whether the two show less than ``PARTIAL`` of the larger one in common; ``overlap`` is the share of the first that lies inside the second."""
    area = measure_area(maps)
    return np.asarray(overlap * area / np.maximum(area, 1.0) < PARTIAL)


def measure_area(maps: Floats) -> Floats:
    """The area of the first, that of the second being 1; mirrored maps don't come up, since firsts are turned before."""
    return np.asarray(np.maximum(maps[:, 0, 0] * maps[:, 1, 1] - maps[:, 0, 1] * maps[:, 1, 0], 1e-6), np.float32)


def _halve(pictures: Floats) -> Floats:
    lines = pictures[:, ::2] + pictures[:, 1::2]
    return np.asarray((lines[:, :, ::2] + lines[:, :, 1::2]) * np.float32(0.25), np.float32)


class _Settled(NamedTuple):
    """What some steps lead to."""

    maps: Floats
    """The ones that correlate most on the way."""
    gain: Floats
    """How much more of correlation the last step brought."""
    rows: NDArray[np.intp]
    """Of which all looks saw enough; the others are left."""


def _settle(first: Floats, second: Floats, maps: Floats, is_cut: Marks, looks: _Looks) -> _Settled:
    """Steps from some maps, one fewer than looks, each of which sees whether a pair may still come to what is asked for; of standardised pictures.

    The first's outermost pixels are left out, for where the second goes on around it they are mixed with what is there.
    """
    side, rows = first.shape[1], np.arange(len(first))
    places = list_pixel_places(side, 1)
    laid = _Laid.prepare(first, places)
    best, share = maps.copy(), np.ones(len(first), np.float32)
    most = np.full((2, len(first)), _NEVER, np.float32)  # before the last step, and after it
    hopeful = np.ones(len(first), bool)
    for look in range(len(looks.slacks) + 1):
        seen = _see(laid, second, map_places(maps, side, 1, rows))
        most[0, rows] = most[1, rows]
        better = seen.correlation >= most[0, rows] + _LEAST_GAIN
        best[rows[better]], most[1, rows[better]], share[rows[better]] = maps[better], seen.correlation[better], seen.share[better]
        if look == len(looks.slacks):
            break
        gained = most[1, rows] - most[0, rows] if look else np.ones(len(rows), np.float32)
        reach = most[1, rows] + (2 * gained if look else 0) + np.float32(looks.slacks[look])
        asked = looks.ask(is_partial(maps, seen.share) | is_cut[rows])
        hopeful[rows] = reach >= asked
        moving = hopeful[rows] & ((gained > 0) | (most[1, rows] < asked))
        if not moving.all():
            rows, maps = rows[moving], maps[moving]
            laid, seen = _Laid(*(part[moving] for part in laid)), _Seen(*(part[moving] for part in seen))
        maps = _move(maps, laid, seen, places)
    hopeful &= most[1] >= looks.ask(is_partial(best, share) | is_cut)
    return _Settled(best, most[1] - most[0], np.flatnonzero(hopeful))


def _agree_roughly(halves: Floats, second: Floats, maps: Floats, is_cut: Marks) -> Marks:
    """Whether slopes at half the size agree, or there are none to be seen there."""
    side = halves.shape[1]
    found = map_places(maps, side, 1)
    shown = look_up_grey(second, found).reshape(-1, side - 2, side - 2)
    one, other = (
        [
            (part[:, 1:-1, 2:] - part[:, 1:-1, :-2]).reshape(len(part), -1),
            (part[:, 2:, 1:-1] - part[:, :-2, 1:-1]).reshape(len(part), -1),
        ]
        for part in (halves[:, 1:-1, 1:-1], shown)
    )
    inside = found.inside.reshape(shown.shape)[:, 1:-1, 1:-1].reshape(len(shown), -1)
    detail = correlate_inside(one, other, inside)
    whole, partial = _COARSE_DETAIL
    least = np.where(is_partial(maps, found.inside.mean(axis=1)) | is_cut, partial, whole)
    return np.asarray((detail >= least) | (detail == 0))


class _Laid(NamedTuple):
    """Pictures that are moved over others."""

    grey: Floats
    """n x places, without the outermost pixels; its mean is 0."""
    squared: Floats
    """The same, squared."""
    length: Floats
    """The sums of these, n; .001 at least."""
    across: Floats
    """Its slopes, n x places."""
    down: Floats
    inverse: Floats
    """Of the products of slopes times places with each other, freed of what gain and offset would do, damped; n x 6 x 6."""

    @classmethod
    def prepare(cls, first: Floats, places: Floats) -> _Laid:
        inner, half = slice(1, -1), np.float32(first.shape[1] / 4)
        grey = first[:, inner, inner].reshape(len(first), -1)
        grey = grey - grey.mean(axis=1, keepdims=True)
        across = ((first[:, inner, 2:] - first[:, inner, :-2]) * half).reshape(grey.shape)
        down = ((first[:, 2:, inner] - first[:, :-2, inner]) * half).reshape(grey.shape)
        squared = grey * grey
        length = np.maximum(squared.sum(axis=1), np.float32(1e-3))
        products = _multiply_slopes(across, down, places)
        offset = _sum_slopes(across, down, places)
        gain = _sum_slopes(across * grey, down * grey, places)
        products -= offset[:, :, None] * (offset / np.float32(grey.shape[1]))[:, None]
        products -= gain[:, :, None] * (gain / length[:, None])[:, None]
        damping = np.trace(products, axis1=1, axis2=2) / _UNKNOWNS * np.float32(1e-3) + np.float32(1e-5)
        inverse = np.linalg.inv(products + damping[:, None, None] * np.eye(_UNKNOWNS, dtype=np.float32))
        return cls(grey, squared, length, across, down, inverse)


def _sum_slopes(across: Floats, down: Floats, places: Floats) -> Floats:
    """Slopes (n x places) times places, summed: n x 6."""
    return np.concatenate([across @ places.T, down @ places.T], axis=1)


def _multiply_slopes(across: Floats, down: Floats, places: Floats) -> Floats:
    """Products of slopes times places with each other, summed: n x 6 x 6."""
    squares = (places[:, None] * places).reshape(9, -1).T
    one, mixed, other = ((pair @ squares).reshape(-1, 3, 3) for pair in (across * across, across * down, down * down))
    return np.concatenate([np.concatenate([one, mixed], axis=2), np.concatenate([mixed, other], axis=2)], axis=1)


class _Seen(NamedTuple):
    """The first over the second."""

    correlation: Floats
    """Of the grey values; -1 where too little overlaps, 0 where nothing is to be seen."""
    share: Floats
    """Of the first's places that lie inside the second, 0 to 1."""
    rest: Floats
    """n x places: what the second has more, in the light of the first; 0 outside."""


def _see(laid: _Laid, second: Floats, found: FoundPlaces) -> _Seen:
    inside, shown = found.inside, look_up_grey(second, found)
    shown *= inside
    count = np.maximum(inside.sum(axis=1), 1)
    sums = shown.sum(axis=1)
    own, squares, both, shown_squares = (
        np.einsum("ij,ij->i", *pair) for pair in ((laid.grey, inside), (laid.squared, inside), (laid.grey, shown), (shown, shown))
    )
    both -= own * sums / count
    squares -= own * own / count
    shown_squares -= sums * sums / count
    share = count / np.float32(inside.shape[1])
    correlation = divide_lengths(both, squares, shown_squares, share < LEAST_SHARE)
    gain = np.sqrt(np.maximum(squares, 0) / np.maximum(shown_squares, np.float32(1e-3)))
    shown *= gain[:, None]
    shown -= laid.grey
    shown += ((own - sums * gain) / count)[:, None]
    shown *= inside
    shown -= laid.grey * (np.einsum("ij,ij->i", laid.grey, shown) / laid.length)[:, None]
    shown /= share[:, None]
    return _Seen(correlation, share, shown)


def _move(maps: Floats, laid: _Laid, seen: _Seen, places: Floats) -> Floats:
    """The maps after one damped Gauss-Newton step: where the first would have to be moved, they are moved back."""
    towards = _sum_slopes(laid.across * seen.rest, laid.down * seen.rest, places)
    step = (laid.inverse @ towards[:, :, None])[:, :, 0]
    moved = np.clip(np.nan_to_num(step), -_MOST_STEP, _MOST_STEP).reshape(-1, 2, 3)
    moved[:, 0, 0] += 1
    moved[:, 1, 1] += 1
    back = np.empty_like(moved)
    back[:, 0, 0], back[:, 0, 1], back[:, 1, 0], back[:, 1, 1] = moved[:, 1, 1], -moved[:, 0, 1], -moved[:, 1, 0], moved[:, 0, 0]
    back[:, :, :2] /= measure_area(moved)[:, None, None]
    back[:, :, 2] = -(back[:, :, :2] @ moved[:, :, 2:])[:, :, 0]
    found = np.asarray(maps[:, :, :2] @ back, np.float32)
    found[:, :, 2] += maps[:, :, 2]
    return found


def _make_smoothing(variance: float) -> Floats:
    rises = np.diff(np.eye(SIDE), axis=0)
    return np.asarray(np.eye(SIDE) - rises.T @ rises * (variance / 2), np.float32)


#: Smooths lines of 32 pixels by .2 pixels²: so the second is, where the first is looked at in half its size.
_COARSE_SMOOTHING = _make_smoothing(0.2)
