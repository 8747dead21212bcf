"""Small grey pictures laid upon each other: the affine map from one into the other, and what is left between them then.

Gauss-Newton over six affine parameters and gain and offset of the grey values, inversely composed (S. Baker and I. Matthews, IJCV 2004:
slopes are those of the first picture, once for all steps), many pairs at once, first at half the size: what is not alike there is
left. Two causes of false differences are taken away before a pair is judged: the one with the smaller pixels is smoothed as the other is by its
larger ones, and edges that lie inside the other picture are left out, for what is around them there is mixed in. Places are counted from -1 to 1 across and down a picture, so that a map is (2, 3): place in the second = map · (x, y, 1).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logoingest.images.alike.ordered import map_in_order
from logoingest.images.alike.steps import SIDE

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

#: Correlation at half the size from which a pair is laid upon each other in full.
MIN_COARSE = 0.88
_AT_ONCE = 64
_FIRST_STEPS, _COARSE_STEPS, _FINE_STEPS = 2, 3, 5
#: What is gained after the first steps, where two pictures are alike.
_STILL_TO_COME = 0.2
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
    """Of their slopes there, -1 to 1: fine lines count, light does not; -1 where the pair was left at half the size."""


def fit_pairs(first: Bytes, second: Bytes, starts: Floats, min_coarse: float = MIN_COARSE) -> Fits:
    """Lay each of ``first`` (n x 32 x 32) upon its ``second``, starting from a map (n x 2 x 3); those below ``min_coarse`` roughly."""

    def fit(number: int) -> list[Fits]:
        here = slice(number * _AT_ONCE, (number + 1) * _AT_ONCE)
        one, two, start = (part[here].astype(np.float32) for part in (first, second, starts))
        return [_fit(one, two, start, min_coarse)]

    none = Fits(np.empty((0, 2, 3), np.float32), *(np.empty(0, np.float32) for _ in range(3)))
    parts = [none, *(part for found in map_in_order(fit, -(-len(first) // _AT_ONCE)) for part in found)]
    return Fits(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _fit(first: Floats, second: Floats, maps: Floats, min_coarse: float) -> Fits:
    halves, smoothed = _halve(first), _smooth(second, np.full((len(second), 2), _COARSE_SMOOTHING))
    maps, correlation = _settle(halves, smoothed, maps, _FIRST_STEPS)
    rows = np.flatnonzero(correlation >= min_coarse - _STILL_TO_COME)
    if len(rows):
        maps[rows], correlation[rows] = _settle(halves[rows], smoothed[rows], maps[rows], _COARSE_STEPS)
    overlap, detail = np.zeros(len(first), np.float32), np.full(len(first), -1, np.float32)
    rows = np.flatnonzero(correlation >= min_coarse)
    if len(rows):
        first, second = first[rows], second[rows]
        maps[rows], _ = _settle(first, second, maps[rows], _FINE_STEPS)
        overlap[rows], correlation[rows], detail[rows] = _compare(first, second, maps[rows])
    return Fits(maps, overlap, correlation, detail)


def _invert(maps: Floats) -> Floats:
    squares = np.tile(np.eye(3, dtype=np.float32), (len(maps), 1, 1))
    squares[:, :2] = maps
    return np.asarray(np.linalg.pinv(squares)[:, :2], np.float32)


def _halve(pictures: Floats) -> Floats:
    return np.asarray(pictures.reshape(len(pictures), SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4)), np.float32)


def _settle(first: Floats, second: Floats, maps: Floats, steps: int) -> tuple[Floats, Floats]:
    """The maps that correlate most of those that some steps lead to, and how much they do; the first's outermost pixels are left out,
    for where the second goes on around it they are mixed with what is there.
    """
    count, side = first.shape[:2]
    x, y = _list_places(side)
    first, second = _standardise(first), _standardise(second)
    down, along = (slope.reshape(count, -1) * np.float32(side / 2) for slope in np.gradient(first, axis=(1, 2)))
    fixed = np.stack(
        [along * x, along * y, along, down * x, down * y, down, down, -np.ones_like(down), first.reshape(count, -1)], axis=1
    )
    best, best_correlation = maps, np.full(count, -2, np.float32)
    within = (np.maximum(np.abs(x), np.abs(y)) < 1 - 2 / side).astype(np.float32)
    for step in range(steps + 1):
        place, weights, inside = _find_places(maps, side, second.shape[1])
        fixed[:, _MOVED] = -_look_up(second, place, weights)
        columns = fixed * (inside * within)[:, None]
        products = columns @ columns.transpose(0, 2, 1)
        correlation = _correlate(products, side)
        better = correlation > best_correlation
        best, best_correlation = np.where(better[:, None, None], maps, best), np.where(better, correlation, best_correlation)
        if step < steps:
            maps = _move(maps, products)
    return best, best_correlation


def _standardise(pictures: Floats) -> Floats:
    centred = pictures - pictures.mean(axis=(1, 2), keepdims=True)
    return np.asarray(centred / np.maximum(centred.std(axis=(1, 2), keepdims=True), 1e-3), np.float32)


def _list_places(side: int) -> tuple[Floats, Floats]:
    axis = ((np.arange(side) + 0.5) / side * 2 - 1).astype(np.float32)
    return np.tile(axis, side), np.repeat(axis, side)


def _find_places(maps: Floats, own: int, side: int) -> tuple[NDArray[np.intp], tuple[Floats, Floats], Floats]:
    """Where the mapped places lie in some pictures in a row: the pixel, the shares of the next one and the next line; inside (1) or not."""
    places = _list_places(own)
    x, y = (maps[:, row, 0, None] * places[0] + maps[:, row, 1, None] * places[1] + maps[:, row, 2, None] for row in (0, 1))
    inside = (np.maximum(np.abs(x), np.abs(y)) <= 1).astype(np.float32)
    column, line = (np.clip((place + 1) * np.float32(side / 2) - np.float32(0.5), 0, np.float32(side - 1.001)) for place in (x, y))
    left, top = column.astype(np.int32), line.astype(np.int32)
    start = np.arange(len(maps), dtype=np.intp)[:, None] * (side * side)
    return start + (top * side + left), ((column - left).astype(np.float32), (line - top).astype(np.float32)), inside


def _look_up(pictures: Floats, place: NDArray[np.intp], weights: tuple[Floats, Floats]) -> Floats:
    """The grey values (n x places) between pixels."""
    side, flat = pictures.shape[1], pictures.ravel()
    across, down = weights
    corners = [flat.take(place + more) for more in (0, 1, side, side + 1)]
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
    for axis in (1, 2):
        share = np.minimum(variance[:, axis - 1] / 2, 0.25).astype(np.float32)[:, None, None]
        padded = np.pad(pictures, [(0, 0), *((1, 1) if place == axis else (0, 0) for place in (1, 2))], mode="edge")
        before, after = (padded[:, :-2], padded[:, 2:]) if axis == 1 else (padded[:, :, :-2], padded[:, :, 2:])
        pictures = pictures + (before + after - 2 * pictures) * share
    return pictures


def _divide(
    both: NDArray[np.floating], one: NDArray[np.floating], other: NDArray[np.floating], is_little: NDArray[np.bool_]
) -> Floats:
    length = np.sqrt(np.maximum(one, 0) * np.maximum(other, 0))
    return np.where(is_little, -1, np.where(length > 1e-3, both / np.maximum(length, 1e-3), 0)).astype(np.float32)
