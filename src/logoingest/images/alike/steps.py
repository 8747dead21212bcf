"""Steps of small grey pictures: where they grow clearly brighter or darker from a cell to the next, and how many of these differ.

A difference hash (N. Krawetz, "Kind of like that", 2013), changed in three ways. A step counts only above 1/64 of the picture's range,
so that flat areas, most of a logo, are zeros, not noise. Falls are kept beside rises, and cells reach to both edges alike, so that a turned
picture has the same bits in other places: what differs between two pictures does not depend on how they are turned. And
everything is computed in whole numbers, so that it is the same everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logoingest.images.alike.turns import TURNS

Bytes = NDArray[np.uint8]

SIDE = 32
_CELLS = 17
#: Rises and falls between neighbours in a row and in a column.
STEP_BITS = 4 * _CELLS * (_CELLS - 1)


def measure_steps(signatures: Bytes) -> Bytes:
    """The steps of signatures (n x 1,024), n x 136: bits of rises to the right, falls to the right, rises downwards, falls downwards."""
    parts = [np.empty((0, STEP_BITS // 8), np.uint8)]
    for start in range(0, len(signatures), 8_192):
        cells = _WEIGHTS @ signatures[start : start + 8_192].reshape(-1, SIDE, SIDE).astype(np.float32) @ _WEIGHTS.T
        least = np.ptp(cells, axis=(1, 2))[:, None, None]
        right, down = (np.diff(cells, axis=axis) * 64 for axis in (2, 1))
        marks = [part.reshape(len(cells), -1) for part in (right > least, -right > least, down > least, -down > least)]
        parts.append(np.packbits(np.concatenate(marks, axis=1), axis=1))
    return np.concatenate(parts)


def turn_steps(steps: Bytes, number: int) -> Bytes:
    """The steps of the same pictures turned by ``TURNS[number]``."""
    return np.packbits(np.unpackbits(steps, axis=1)[:, _PLACES[number]], axis=1) if number else steps


def count_differing(first: Bytes, second: Bytes) -> NDArray[np.int64]:
    """Bits that differ, of 0 to 1,088, row by row."""
    return np.asarray(np.bitwise_count(first ^ second).sum(axis=1, dtype=np.int64))


def _overlap_cells() -> NDArray[np.float32]:
    """How much of each of 17 cells is each of 32 pixels, in 17ths of a pixel: whole numbers, exact in float32 as their sums are."""
    cells, pixels = np.arange(_CELLS)[:, None] * SIDE, np.arange(SIDE)[None, :] * _CELLS
    return (np.minimum(cells + SIDE, pixels + _CELLS) - np.maximum(cells, pixels)).clip(min=0).astype(np.float32)


def _find_places(number: int) -> NDArray[np.int64]:
    """Where each bit of a turned picture stood."""
    turn, quarter = TURNS[number], STEP_BITS // 4
    rises, falls = np.arange(quarter).reshape(_CELLS, -1), np.arange(quarter, 2 * quarter).reshape(_CELLS, -1)
    lower, fallen = (part.reshape(_CELLS - 1, -1) for part in np.arange(2 * quarter, STEP_BITS).reshape(2, quarter))
    if turn.swap:
        rises, falls, lower, fallen = lower.T, fallen.T, rises.T, falls.T
    if turn.down:
        rises, falls, lower, fallen = rises[::-1], falls[::-1], fallen[::-1], lower[::-1]
    if turn.across:
        rises, falls, lower, fallen = falls[:, ::-1], rises[:, ::-1], lower[:, ::-1], fallen[:, ::-1]
    return np.concatenate([part.ravel() for part in (rises, falls, lower, fallen)])


_WEIGHTS = _overlap_cells()
_PLACES = [_find_places(number) for number in range(len(TURNS))]
