"""Small grey pictures laid upon each other: the affine map from one into the other, and what is left between them then.

B. D. Lucas and T. Kanade (IJCAI 1981), by Gauss-Newton over six affine parameters and gain and offset of the grey values, many pairs at
once. Places are counted from -1 to 1 across and down a picture, so that a map is (2, 3): place in the second = map · (x, y, 1).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logoingest.images.alike.steps import SIDE

Floats = NDArray[np.float32]

_AT_ONCE = 512
_STEPS = 8
_MOST_STEP = np.float32(0.12)
_UNKNOWNS = 8
_LEAST_PIXELS = SIDE * SIDE // 5


class Fits(NamedTuple):
    """What came of each pair."""

    maps: Floats
    """n x 2 x 3, from places in the first to places in the second."""
    overlap: Floats
    """Share of the first that lies inside the second, 0 to 1."""
    correlation: Floats
    """Of the grey values where they overlap, -1 to 1."""
    detail: Floats
    """Of their slopes there, -1 to 1: fine lines count, light does not."""


def fit_pairs(first: NDArray[np.uint8], second: NDArray[np.uint8], starts: Floats) -> Fits:
    """Lay each of ``first`` (n x 32 x 32) upon its ``second``, starting from a map (n x 2 x 3)."""
    parts = [
        _fit(*(part[start : start + _AT_ONCE].astype(np.float32) for part in (first, second, starts)))
        for start in range(0, len(first), _AT_ONCE)
    ]
    none = Fits(np.empty((0, 2, 3), np.float32), *(np.empty(0, np.float32) for _ in range(3)))
    return Fits(*(np.concatenate(columns) for columns in zip(none, *parts, strict=True)))


def _fit(first: Floats, second: Floats, maps: Floats) -> Fits:
    first = _standardise(first)
    slopes = [np.gradient(first, axis=axis) for axis in (2, 1)]
    layers = np.stack([*(np.gradient(_standardise(second), axis=axis) for axis in (2, 1)), _standardise(second)], axis=-1).astype(
        np.float32
    )
    best = Fits(maps, *(np.full(len(first), -1, np.float32) for _ in range(3)))
    for step in range(_STEPS + 1):
        moved, inside = _look_up(layers, maps)
        correlation = _correlate([first], [moved[..., 2]], inside)
        along = maps[:, :, :2] * np.float32(1)
        turned = [moved[..., 0] * along[:, 0, axis, None, None] + moved[..., 1] * along[:, 1, axis, None, None] for axis in (0, 1)]
        detail = _correlate(slopes, turned, inside)
        better = correlation > best.correlation
        found = Fits(maps, inside.mean(axis=(1, 2), dtype=np.float32), correlation, detail)
        best = Fits(*(np.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old) for new, old in zip(found, best, strict=True)))
        if step < _STEPS:
            maps = maps + _find_step(first, moved, inside)
    return best


def _standardise(pictures: Floats) -> Floats:
    centred = pictures - pictures.mean(axis=(1, 2), keepdims=True)
    return np.asarray(centred / np.maximum(centred.std(axis=(1, 2), keepdims=True), 1e-3), np.float32)


_AXIS = ((np.arange(SIDE) + 0.5) / SIDE * 2 - 1).astype(np.float32)
_X, _Y = np.meshgrid(_AXIS, _AXIS)


def _look_up(layers: Floats, maps: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """The layers (n x 32 x 32 x c) at the mapped places, between pixels; and which places lie inside."""
    x, y = (maps[:, row, 0, None, None] * _X + maps[:, row, 1, None, None] * _Y + maps[:, row, 2, None, None] for row in (0, 1))
    inside = (np.abs(x) <= 1) & (np.abs(y) <= 1)
    column, line = (np.clip((place + 1) * (SIDE / 2) - 0.5, 0, SIDE - 1.001) for place in (x, y))
    left, top = column.astype(np.intp), line.astype(np.intp)
    across, down = (column - left)[..., None], (line - top)[..., None]
    place = (np.arange(len(layers))[:, None, None] * SIDE + top) * SIDE + left
    flat = layers.reshape(-1, layers.shape[-1])
    above = flat[place] * (1 - across) + flat[place + 1] * across
    below = flat[place + SIDE] * (1 - across) + flat[place + SIDE + 1] * across
    return np.asarray(above * (1 - down) + below * down, np.float32), inside


def _find_step(first: Floats, moved: Floats, inside: NDArray[np.bool_]) -> Floats:
    """One damped Gauss-Newton step of the maps."""
    along, down, grey = (moved[..., layer] for layer in range(3))
    along, down = along * (SIDE / 2), down * (SIDE / 2)
    columns = np.stack([along * _X, along * _Y, along, down * _X, down * _Y, down, -grey, -np.ones_like(grey)], axis=-1)
    columns = (columns * inside[..., None]).reshape(len(first), -1, _UNKNOWNS)
    rest = ((first - grey) * inside).reshape(len(first), -1, 1)
    normal = columns.transpose(0, 2, 1) @ columns
    damping = np.trace(normal, axis1=1, axis2=2)[:, None, None] / _UNKNOWNS * 1e-3 + 1e-5
    step = np.linalg.solve(normal + damping * np.eye(_UNKNOWNS, dtype=np.float32), columns.transpose(0, 2, 1) @ rest)
    return np.asarray(np.clip(np.nan_to_num(step[:, :6, 0]), -_MOST_STEP, _MOST_STEP).reshape(-1, 2, 3), np.float32)


def _correlate(first: list[Floats], second: list[Floats], inside: NDArray[np.bool_]) -> Floats:
    """Of some layers together, each brought to mean zero; -1 where too little overlaps, 0 where nothing is to be seen."""
    count = inside.sum(axis=(1, 2))
    product = squares = others = np.zeros(len(inside), np.float64)
    for one, other in zip(first, second, strict=True):
        a, b = (
            (part - (part * inside).sum(axis=(1, 2), keepdims=True) / np.maximum(count, 1)[:, None, None]) * inside
            for part in (one, other)
        )
        product = product + (a * b).sum(axis=(1, 2))
        squares, others = squares + (a * a).sum(axis=(1, 2)), others + (b * b).sum(axis=(1, 2))
    length = np.sqrt(squares * others)
    return np.where(count < _LEAST_PIXELS, -1, np.where(length > 1e-3, product / np.maximum(length, 1e-3), 0)).astype(np.float32)
