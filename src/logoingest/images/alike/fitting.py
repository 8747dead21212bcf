"""Small grey pictures laid upon each other: the affine map from one into the other, and what is left between them then.

Gauss-Newton over six affine parameters and gain and offset of the grey values, inversely composed (S. Baker and I. Matthews, IJCV 2004:
slopes are those of the first picture, once for all steps), many pairs at once, first at half the size: what is not alike
is left after few steps. Two causes of false differences are taken away before a pair is judged: the one with the smaller pixels is smoothed as the other is by its
larger ones, and edges that lie inside the other picture are left out, for what is around them there is mixed in. Places are counted from -1 to 1 across and down a picture, so that a map is (2, 3): place in the second = map · (x, y, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logoingest.images.alike.ordered import map_in_order
from logoingest.images.alike.steps import SIDE

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Rows = NDArray[np.int64]

#: Correlation after each look (at the start, and after each step) below which a pair is left, at half the size and in full size: of 9,921 copies in
#: any guise among photos, logos and parts of photos one is lost by them.
_COARSE_LOOKS, _FINE_LOOKS = (0.2, 0.6, 0.76, 0.82, 0.84, 0.88), (0.65, 0.85, 0.87)
#: What the slopes must correlate by at half the size, where there are some (of the same copies 7 are lost, of all others six in ten), …
_COARSE_DETAIL = 0.8
#: … and the grey values and the slopes in full size, before a pair is looked at further: where the last step still gained so much. The rest is settled.
_FINE_CORRELATION, _FINE_DETAIL, _FINE_GAIN = 0.92, 0.78, 3e-5
_LAST_LOOKS = 4
_NEVER = -2.0
_AT_ONCE, _HALVES_AT_ONCE = 32, 96
_MOST_STEP = np.float32(0.12)
_UNKNOWNS = 8
_MOVED, _ONES, _FIRST = 6, 7, 8
_LEAST_SHARE = 0.2
#: A pixel is a tent of this variance (pixels², each side), and looking between pixels adds as much.
_PIXEL = np.float32(1 / 6)
#: How much the second is smoothed (pixels²) where the first is looked at in half its size.
_COARSE_SMOOTHING = np.full((1, 2), 0.2, np.float32)
#: An edge that lies inside the other picture by more than this (of -1 to 1) has something else around it: so much of it is left out.
_INSIDE, _EDGE = np.float32(0.03), np.float32(0.07)


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


def fit_pairs(take: Callable[[Rows], tuple[Bytes, Bytes, Floats]], count: int, leave_early: bool = True) -> Fits:
    """Lay each first picture upon its second, starting from a map; ``take`` has those of some rows (n x 32 x 32, the same, n x 2 x 3).

    What is clearly not alike is left on the way, unless ``leave_early`` is false. Each round looks at all that is left, in even lots.
    """
    fits = Fits(np.zeros((count, 2, 3), np.float32), *(np.full(count, value, np.float32) for value in (0, -1, -1)))
    coarse, fine = (looks if leave_early else [_NEVER] * len(looks) for looks in (_COARSE_LOOKS, _FINE_LOOKS))

    def look_at_halves(mine: Rows) -> Rows:
        one, two, start = take(mine)
        halves, second = _halve(one.astype(np.float32)), _smooth(two.astype(np.float32), _COARSE_SMOOTHING)
        settled = _settle(halves, second, start, coarse)
        maps, kept = settled.maps[settled.rows], settled.rows
        fits.maps[mine[kept]] = maps
        if leave_early and len(kept):
            kept = kept[_agree_roughly(halves[kept], second[kept], maps)]
        return mine[kept]

    def look(mine: Rows, looks: Sequence[float]) -> Rows:
        first, second = (pictures.astype(np.float32) for pictures in take(mine)[:2])
        settled = _settle(first, second, fits.maps[mine], looks)
        kept, mine = settled.rows, mine[settled.rows]
        if not len(mine):
            return mine
        fits.maps[mine] = settled.maps[kept]
        fits.overlap[mine], grey, detail = _compare(first[kept], second[kept], settled.maps[kept])
        fits.correlation[mine], fits.detail[mine] = grey, detail
        moves = (settled.gain[kept] > _FINE_GAIN) & (grey >= _FINE_CORRELATION) & (detail >= _FINE_DETAIL)
        return mine[moves] if leave_early else mine

    rows = _go_through(np.arange(count), _HALVES_AT_ONCE, look_at_halves)
    rows = _go_through(rows, _AT_ONCE, lambda mine: look(mine, fine))
    _go_through(rows, _AT_ONCE, lambda mine: look(mine, [_NEVER] * _LAST_LOOKS))
    return fits


def _go_through(rows: Rows, at_once: int, look: Callable[[Rows], Rows]) -> Rows:
    """What ``look`` leaves of all rows, some at once."""
    lots = map_in_order(lambda number: look(rows[number * at_once : (number + 1) * at_once]), -(-len(rows) // at_once))
    return np.concatenate([rows[:0], *lots])


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


def _settle(first: Floats, second: Floats, maps: Floats, looks: Sequence[float]) -> _Settled:
    """Steps from some maps, one fewer than ``looks``, each of which says the least correlation that is seen by then.

    The first's outermost pixels are left out, for where the second goes on around it they are mixed with what is there.
    """
    side, rows = first.shape[1], np.arange(len(first))
    places = _list_places(side, 1)
    fixed, second = _list_columns(_standardise(first), places), _standardise(second)
    best, most = maps.copy(), np.full((2, len(first)), _NEVER, np.float32)  # before the last step, and after it
    for look, least in enumerate(looks):
        found = _find_places(maps, places, second.shape[1])
        np.negative(_look_up(second, found), out=fixed[:, _MOVED])
        products = np.asarray((fixed * found.inside[:, None]) @ fixed.transpose(0, 2, 1), np.float32)
        correlation = _correlate(products, side)
        most[0, rows] = most[1, rows]
        better = correlation > most[0, rows]
        best[rows[better]], most[1, rows[better]] = maps[better], correlation[better]
        kept = most[1, rows] >= least
        if not kept.all():
            rows, maps, products, fixed, second = rows[kept], maps[kept], products[kept], fixed[kept], second[kept]
        if look < len(looks) - 1:
            maps = _move(maps, products)
    return _Settled(best, most[1] - most[0], rows)


def _agree_roughly(halves: Floats, second: Floats, maps: Floats) -> NDArray[np.bool_]:
    """Whether slopes at half the size agree, or there are none to be seen there."""
    side = halves.shape[1]
    found = _find_places(maps, _list_places(side, 1), second.shape[1])
    shown = _look_up(_standardise(second), found).reshape(-1, side - 2, side - 2)
    one, other = (
        np.stack([part[:, 1:-1, 2:] - part[:, 1:-1, :-2], part[:, 2:, 1:-1] - part[:, :-2, 1:-1]], axis=1).reshape(len(part), 2, -1)
        for part in (_standardise(halves)[:, 1:-1, 1:-1], shown)
    )
    inside = found.inside.reshape(shown.shape)[:, 1:-1, 1:-1].reshape(len(shown), -1)
    detail = _correlate_inside(one, other, inside)
    return np.asarray((detail >= _COARSE_DETAIL) | (detail == 0))


def _list_columns(pictures: Floats, places: Floats) -> Floats:
    """What a step is solved from (n x 9 x places): slopes times places, gain and offset, and the picture itself; without the outermost pixels."""
    count, side = pictures.shape[:2]
    half, inner = np.float32(side / 4), slice(1, -1)
    columns = np.empty((count, _FIRST + 1, (side - 2) ** 2), np.float32)
    squares = columns.reshape(count, -1, side - 2, side - 2)
    np.multiply(pictures[:, inner, 2:] - pictures[:, inner, :-2], half, out=squares[:, 2])
    np.multiply(pictures[:, 2:, inner] - pictures[:, :-2, inner], half, out=squares[:, 5])
    for slope in (2, 5):
        np.multiply(columns[:, slope, None], places[:2], out=columns[:, slope - 2 : slope])
    columns[:, _ONES], squares[:, _FIRST] = -1, pictures[:, inner, inner]
    return columns


def _standardise(pictures: Floats) -> Floats:
    centred = pictures - pictures.mean(axis=(1, 2), keepdims=True)
    spread = np.sqrt(np.einsum("ijk,ijk->i", centred, centred) / np.float32(pictures[0].size))[:, None, None]
    return np.asarray(centred / np.maximum(spread, 1e-3), np.float32)


def _list_places(side: int, border: int = 0) -> Floats:
    """Across, down and 1 of every place (3 x places), without so many pixels at each edge."""
    axis = ((np.arange(border, side - border) + 0.5) / side * 2 - 1).astype(np.float32)
    return np.stack([np.tile(axis, len(axis)), np.repeat(axis, len(axis)), np.ones(len(axis) ** 2, np.float32)])


class _Found(NamedTuple):
    """Where mapped places (n x places) lie in some pictures in a row."""

    pixel: NDArray[np.intp]
    across: Floats
    """Share of the next pixel, 0 to 1."""
    down: Floats
    """Share of the next line, 0 to 1."""
    inside: Floats
    """1, or 0 outside the picture."""


def _find_places(maps: Floats, places: Floats, side: int) -> _Found:
    half = np.float32(side / 2)
    pixels = np.asarray((maps * half) @ places, np.float32)
    inside = np.abs(pixels) <= half
    pixels += half - np.float32(0.5)
    np.clip(pixels, 0, np.float32(side - 1.001), out=pixels)
    corners = np.floor(pixels)
    pixels -= corners
    start = np.arange(0, len(maps) * side * side, side * side, dtype=np.float32)[:, None]  # exact up to 2²⁴
    pixel = (corners[:, 1] * np.float32(side) + corners[:, 0] + start).astype(np.intp)
    return _Found(pixel, pixels[:, 0], pixels[:, 1], (inside[:, 0] & inside[:, 1]).astype(np.float32))


def _look_up(pictures: Floats, found: _Found) -> Floats:
    """The grey values (n x places) between pixels."""
    side, flat = pictures.shape[1], pictures.ravel()
    above, across, below, next_below = (flat[more:].take(found.pixel, mode="clip") for more in (0, 1, side, side + 1))
    across -= above
    across *= found.across
    above += across
    next_below -= below
    next_below *= found.across
    below += next_below
    below -= above
    below *= found.down
    above += below
    return above


def _move(maps: Floats, products: Floats) -> Floats:
    """The maps after one damped Gauss-Newton step: where the first would have to be moved, they are moved back."""
    normal = products[:, :_UNKNOWNS, :_UNKNOWNS]
    rest = -products[:, :_UNKNOWNS, _MOVED] - products[:, :_UNKNOWNS, _FIRST]
    damping = np.trace(normal, axis1=1, axis2=2)[:, None, None] / _UNKNOWNS * 1e-3 + 1e-5
    step = np.linalg.solve(normal + damping * np.eye(_UNKNOWNS, dtype=np.float32), rest[..., None])
    moved = np.zeros((len(maps), 3, 3), np.float32)
    moved[:, :2] = np.clip(np.nan_to_num(step[:, :6, 0]), -_MOST_STEP, _MOST_STEP).reshape(-1, 2, 3)
    moved += np.eye(3, dtype=np.float32)
    found = np.asarray(maps[:, :, :2] @ np.linalg.inv(moved)[:, :2], np.float32)
    found[:, :, 2] += maps[:, :, 2]
    return found


def _correlate(products: Floats, side: int) -> Floats:
    """Of the grey values, from the sums of products of all columns; -1 where too little overlaps, 0 where nothing is to be seen."""
    count = products[:, _ONES, _ONES]
    sums = -products[:, _ONES, (_FIRST, _MOVED)]
    means = sums / np.maximum(count, 1)[:, None]
    both = products[:, _FIRST, _MOVED] - means[:, 0] * sums[:, 1]
    squares = [products[:, row, row] - means[:, place] * sums[:, place] for place, row in enumerate((_FIRST, _MOVED))]
    return _divide(-both, squares[0], squares[1], count < _LEAST_SHARE * side * side)


def _compare(first: Floats, second: Floats, maps: Floats) -> tuple[Floats, Floats, Floats]:
    """(Share of the first that lies inside, correlation of the grey values and of the slopes there), in the maps found.

    The finer of the two is smoothed as much as the other is by its larger pixels and by looking between them.
    """
    first, second = _match_sharpness(_standardise(first), _standardise(second), maps)
    found = _find_places(maps, _list_places(SIDE), SIDE)
    values = _look_up(second, found)
    slopes = np.asarray(np.gradient(second, axis=(1, 2)), np.float32)
    down, across = (_look_up(slope, found) for slope in slopes)
    own = [slope.reshape(len(first), -1) for slope in np.gradient(first, axis=(2, 1))]
    moved = [across * maps[:, 0, axis, None] + down * maps[:, 1, axis, None] for axis in (0, 1)]
    count = found.inside.sum(axis=1)
    inside = found.inside * _leave_edges(maps)
    grey = _correlate_inside(first.reshape(len(first), 1, -1), values[:, None], inside)
    detail = _correlate_inside(np.stack(own, axis=1), np.stack(moved, axis=1), inside)
    return count / np.float32(SIDE * SIDE), grey, detail


def _leave_edges(maps: Floats) -> Floats:
    """1 but for places (n x 1,024) at an edge of one picture that lies inside the other: there it is mixed with what is around it."""
    places = _list_places(SIDE)[:2]
    there = np.abs(maps[:, :, :2] @ places + maps[:, :, 2:]).max(axis=1)
    here = np.abs(places).max(axis=0)[None]
    mixed = (here > 1 - _EDGE) & (there < here - _INSIDE) | (there > 1 - _EDGE) & (here < there - _INSIDE)
    return np.where(mixed, np.float32(0), np.float32(1))


def _correlate_inside(one: Floats, other: Floats, inside: Floats) -> Floats:
    """Of several values (n x some x places) at the places inside; -1 where these are few."""
    count = inside.sum(axis=1)
    one, other = (part * inside[:, None] for part in (one, other))
    one, other = (
        (part - part.sum(axis=2)[..., None] / np.maximum(count, 1)[:, None, None]) * inside[:, None] for part in (one, other)
    )
    both, ones, others = (np.einsum("ijk,ijk->i", *pair) for pair in ((one, other), (one, one), (other, other)))
    return _divide(both, ones, others, count < _LEAST_SHARE * inside.shape[1])


def _match_sharpness(first: Floats, second: Floats, maps: Floats) -> tuple[Floats, Floats]:
    """The finer one smoothed as much as the other is by larger pixels; the second is looked at between its pixels besides."""
    scale = np.stack([np.hypot(maps[:, 0, axis], maps[:, 1, axis]) for axis in (1, 0)], axis=1)
    finer = (2 / np.maximum(scale, 0.1) ** 2 - 1) * _PIXEL
    coarser = (scale**2 - 2) * _PIXEL
    return _smooth(first, finer.clip(min=0)), _smooth(second, coarser.clip(min=0))


def _smooth(pictures: Floats, variance: Floats) -> Floats:
    """Pictures smoothed down and across by so much (n x 2, pixels²), as far as a kernel of three goes."""
    smoothed = pictures.copy()
    for axis, lines in ((1, smoothed.swapaxes(0, 1)), (2, smoothed.transpose(2, 0, 1))):
        share = np.minimum(variance[:, axis - 1] / 2, 0.25).astype(np.float32)[:, None]
        rises = np.diff(lines, axis=0) * share
        lines[:-1] += rises
        lines[1:] -= rises
    return smoothed


def _divide(
    both: NDArray[np.floating], one: NDArray[np.floating], other: NDArray[np.floating], is_little: NDArray[np.bool_]
) -> Floats:
    length = np.sqrt(np.maximum(one, 0) * np.maximum(other, 0))
    return np.where(is_little, -1, np.where(length > 1e-3, both / np.maximum(length, 1e-3), 0)).astype(np.float32)
