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

#: Correlation after each look at half the size (at the start, and after each step) below which a pair is left: of 7,847 copies in any guise
#: among photos, logos and parts of photos the first two looks lose none.
_COARSE_LOOKS = (-2.0, 0.58, 0.7, 0.78, -2.0, 0.88)
#: The same in full size; after these looks the slopes must correlate by so much, before the pair is looked at further.
_FINE_LOOKS, _LAST_LOOKS = (-2.0, -2.0, 0.87), (-2.0, -2.0, -2.0, -2.0)
_FIRST_DETAIL = 0.75
_AT_ONCE, _HALVES_AT_ONCE = 64, 128
_MOST_STEP = np.float32(0.12)
_UNKNOWNS = 8
_MOVED, _ONES, _FIRST = 6, 7, 8
_LEAST_SHARE = 0.2
#: A pixel is a tent of this variance (pixels², each side), and looking between pixels adds as much.
_PIXEL = np.float32(1 / 6)
#: How much the second is smoothed (pixels²) where the first is looked at in half its size.
_COARSE_SMOOTHING = np.float32(0.2)
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
    rows: Rows = np.arange(count)
    for looks, least in ((_COARSE_LOOKS, None), (_FINE_LOOKS, _FIRST_DETAIL), (_LAST_LOOKS, -2.0)):
        rows = _go_round(take, fits, rows, _Round(looks if leave_early else [-2.0] * len(looks), least))
        if least is not None and leave_early:
            rows = rows[fits.detail[rows] >= least]
    return fits


class _Round(NamedTuple):
    """Looks at pairs: the least correlation after each, and the slopes' in the end; None where it is at half the size."""

    looks: Sequence[float]
    least: float | None


def _go_round(take: Callable[[Rows], tuple[Bytes, Bytes, Floats]], fits: Fits, rows: Rows, what: _Round) -> Rows:
    """Write what one round finds of some rows; those that it saw enough of."""
    at_once = _AT_ONCE if what.least is not None else _HALVES_AT_ONCE

    def look(number: int) -> Rows:
        mine = rows[number * at_once : (number + 1) * at_once]
        one, two, start = take(mine)
        first, second = one.astype(np.float32), two.astype(np.float32)
        if what.least is None:
            halves, smoothed = _halve(first), _smooth(second, np.full((len(second), 2), _COARSE_SMOOTHING))
            fits.maps[mine], fits.correlation[mine], kept = _settle(halves, smoothed, start, what.looks)
            return mine[kept]
        maps, correlation, kept = _settle(first, second, fits.maps[mine], what.looks)
        fits.maps[mine], fits.correlation[mine], mine = maps, correlation, mine[kept]
        if len(mine):
            compared = _compare(first[kept], second[kept], maps[kept])
            fits.overlap[mine], fits.correlation[mine], fits.detail[mine] = compared
        return mine

    return np.concatenate([rows[:0], *map_in_order(look, -(-len(rows) // at_once))])


def _halve(pictures: Floats) -> Floats:
    return np.asarray(pictures.reshape(len(pictures), SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4)), np.float32)


def _settle(first: Floats, second: Floats, maps: Floats, looks: Sequence[float]) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """The maps that correlate most of those that some steps lead to, how much they do, and the rows of which all looks saw enough.

    The first's outermost pixels are left out, for where the second goes on around it they are mixed with what is there.
    """
    side, rows = first.shape[1], np.arange(len(first))
    x, y = _list_places(side)
    within = (np.maximum(np.abs(x), np.abs(y)) < 1 - 2 / side).astype(np.float32)
    fixed, second = _list_columns(_standardise(first), x, y), _standardise(second)
    best, best_correlation = maps.copy(), np.full(len(first), -2, np.float32)
    for look, least in enumerate(looks):
        place, weights, inside = _find_places(maps, side, second.shape[1])
        fixed[:, _MOVED] = -_look_up(second, place, weights)
        columns = fixed * (inside * within)[:, None]
        products = columns @ columns.transpose(0, 2, 1)
        correlation = _correlate(products, side)
        better = correlation > best_correlation[rows]
        best[rows[better]], best_correlation[rows[better]] = maps[better], correlation[better]
        if least > -1:
            kept = best_correlation[rows] >= least
            rows, maps, products, fixed, second = rows[kept], maps[kept], products[kept], fixed[kept], second[kept]
        if look < len(looks) - 1:
            maps = _move(maps, products)
    return best, best_correlation, rows


def _list_columns(pictures: Floats, x: Floats, y: Floats) -> Floats:
    """What a step is solved from (n x 9 x places): slopes times places, gain and offset, and the picture itself."""
    count, side = pictures.shape[:2]
    down, along = (slope.reshape(count, -1) * np.float32(side / 2) for slope in np.gradient(pictures, axis=(1, 2)))
    flat = pictures.reshape(count, -1)
    return np.stack([along * x, along * y, along, down * x, down * y, down, down, -np.ones_like(down), flat], axis=1)


def _standardise(pictures: Floats) -> Floats:
    centred = pictures - pictures.mean(axis=(1, 2), keepdims=True)
    spread = np.sqrt(np.einsum("ijk,ijk->i", centred, centred) / np.float32(pictures[0].size))[:, None, None]
    return np.asarray(centred / np.maximum(spread, 1e-3), np.float32)


def _list_places(side: int) -> tuple[Floats, Floats]:
    axis = ((np.arange(side) + 0.5) / side * 2 - 1).astype(np.float32)
    return np.tile(axis, side), np.repeat(axis, side)


def _find_places(maps: Floats, own: int, side: int) -> tuple[NDArray[np.intp], tuple[Floats, Floats], Floats]:
    """Where the mapped places lie in some pictures in a row: the pixel, the shares of the next one and the next line; inside (1) or not."""
    x, y = _list_places(own)
    half = np.float32(side / 2)
    pixels = (maps * half) @ np.stack([x, y, np.ones_like(x)]) + (half - np.float32(0.5))
    inside = (np.abs(pixels - (half - np.float32(0.5))).max(axis=1) <= half).astype(np.float32)
    pixels = np.clip(pixels, 0, np.float32(side - 1.001))
    corners = pixels.astype(np.intp)
    pixels -= corners.astype(np.float32)
    start = np.arange(len(maps), dtype=np.intp)[:, None] * (side * side)
    return corners[:, 1] * side + corners[:, 0] + start, (pixels[:, 0], pixels[:, 1]), inside


def _look_up(pictures: Floats, place: NDArray[np.intp], weights: tuple[Floats, Floats]) -> Floats:
    """The grey values (n x places) between pixels."""
    side, flat = pictures.shape[1], pictures.ravel()
    across, down = weights
    corners = [flat[more:].take(place) for more in (0, 1, side, side + 1)]
    above = corners[0] + (corners[1] - corners[0]) * across
    below = corners[2] + (corners[3] - corners[2]) * across
    return np.asarray(above + (below - above) * down, np.float32)


def _move(maps: Floats, products: Floats) -> Floats:
    """The maps after one damped Gauss-Newton step: where the first would have to be moved, they are moved back."""
    normal = products[:, :_UNKNOWNS, :_UNKNOWNS]
    rest = -products[:, :_UNKNOWNS, _MOVED] - products[:, :_UNKNOWNS, _FIRST]
    damping = np.trace(normal, axis1=1, axis2=2)[:, None, None] / _UNKNOWNS * 1e-3 + 1e-5
    step = np.linalg.solve(normal + damping * np.eye(_UNKNOWNS, dtype=np.float32), rest[..., None])
    moved = np.tile(np.eye(3, dtype=np.float32), (len(maps), 1, 1))
    moved[:, :2] += np.clip(np.nan_to_num(step[:, :6, 0]), -_MOST_STEP, _MOST_STEP).reshape(-1, 2, 3)
    wholes = np.tile(np.eye(3, dtype=np.float32), (len(maps), 1, 1))
    wholes[:, :2] = maps
    return np.asarray((wholes @ np.linalg.inv(moved))[:, :2], np.float32)


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
    place, weights, inside = _find_places(maps, SIDE, SIDE)
    values = _look_up(second, place, weights)
    slopes = np.asarray(np.gradient(second, axis=(1, 2)), np.float32)
    down, across = (_look_up(slope, place, weights) for slope in slopes)
    own = [slope.reshape(len(first), -1) for slope in np.gradient(first, axis=(2, 1))]
    moved = [across * maps[:, 0, axis, None] + down * maps[:, 1, axis, None] for axis in (0, 1)]
    count = inside.sum(axis=1)
    inside = inside * _leave_edges(maps)
    grey = _correlate_inside(first.reshape(len(first), 1, -1), values[:, None], inside)
    detail = _correlate_inside(np.stack(own, axis=1), np.stack(moved, axis=1), inside)
    return count / np.float32(SIDE * SIDE), grey, detail


def _leave_edges(maps: Floats) -> Floats:
    """1 but for places (n x 1,024) at an edge of one picture that lies inside the other: there it is mixed with what is around it."""
    places = np.stack(_list_places(SIDE))
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
    return _divide(both, ones, others, count < _LEAST_SHARE * SIDE * SIDE)


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
