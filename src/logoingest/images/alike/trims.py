"""Borders that are left: what a small grey picture shows inside an even border of its own.

Fingerprints are made without the uniform border, as far as its pixels are of one colour. Of a dithered ground all is left: the same
drawing without it fills its signature, and this one's doesn't. So whatever is left of an even border is cut off once more, from the signature,
with the thin line around it where somebody framed it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from logoingest.images.alike.steps import SIDE
from logoingest.workers import Workers

#: A grey value (0 to 255) further from the median of the outermost ones is no border.
TOLERANCE = 16
#: Less than this is not worth another look: share of the area that is left.
MOST_LEFT = 0.9
#: Of fewer lines a drawing would be too coarse to be told from others.
LEAST_LINES = 12
#: A line around an even border is so wide at most, in pixels of the small picture.
_WIDEST_LINE = 2
_AT_ONCE = 512


class Trimmed(NamedTuple):
    """Pictures without what was left of their border."""

    owners: NDArray[np.int64]
    """The row of each, sorted."""
    signatures: NDArray[np.uint8]
    """n x 1,024."""
    shares: NDArray[np.float64]
    """What is left of the area, 0 to 1."""


def trim_signatures(signatures: NDArray[np.uint8], among: NDArray[np.int64], workers: Workers) -> Trimmed:
    """Those of some rows of signatures (n x 1,024) that have an even border, without it."""
    lots = [among[start : start + _AT_ONCE] for start in range(0, len(among), _AT_ONCE)]
    found = [Trimmed(among[:0], np.empty((0, SIDE * SIDE), np.uint8), np.empty(0))]
    for rows, part in zip(lots, workers.map(_trim, (signatures[rows] for rows in lots)), strict=True):
        found.append(part._replace(owners=rows[part.owners]))
    return Trimmed(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _trim(signatures: NDArray[np.uint8]) -> Trimmed:
    """Those of some signatures that have an even border."""
    boxes = _find_boxes(signatures.reshape(-1, SIDE, SIDE))
    lines = boxes[:, 2:] - boxes[:, :2]
    shares = lines.prod(axis=1) / (SIDE * SIDE)
    chosen = np.flatnonzero((shares <= MOST_LEFT) & (lines.min(axis=1) >= LEAST_LINES))
    cut = [_cut(signatures[row], box) for row, box in zip(chosen.tolist(), boxes[chosen].tolist(), strict=True)]
    return Trimmed(chosen, np.array(cut, np.uint8).reshape(-1, SIDE * SIDE), shares[chosen])


def _find_boxes(squares: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(Left, top, right, bottom) inside the even border of each, or inside the one that a line goes around."""
    boxes = _find_inside(squares)
    waiting = np.flatnonzero((boxes[:, 2:] - boxes[:, :2]).prod(axis=1) > MOST_LEFT * SIDE**2)
    for width in range(1, _WIDEST_LINE + 1):
        waiting = waiting[_is_line(squares[waiting], width - 1)]
        inner = _find_inside(squares[waiting, width:-width, width:-width])
        is_around = (inner[:, :2] > 0).all(axis=1) & (inner[:, 2:] < SIDE - 2 * width).all(axis=1)
        for row, box in zip(waiting[is_around].tolist(), inner[is_around] + width, strict=True):
            if _shows_something(squares[row], box.tolist()):
                boxes[row] = box
        waiting = waiting[~is_around]
    return boxes


def _shows_something(square: NDArray[np.uint8], box: list[int]) -> bool:
    """Whether there is more inside than the edge of what was cut off: an empty square would be like every other one."""
    left, top, right, bottom = box
    inside = square[top + 2 : bottom - 2, left + 2 : right - 2]
    return bool(inside.size and np.ptp(inside) > 2 * TOLERANCE)


def _is_line(squares: NDArray[np.uint8], depth: int) -> NDArray[np.bool_]:
    """Whether the pixels so far from the edge are even on each side, whatever the others are."""
    near, far, along = depth, SIDE - 1 - depth, slice(depth + 1, SIDE - 1 - depth)
    sides = (squares[:, near, along], squares[:, far, along], squares[:, along, near], squares[:, along, far])
    return np.asarray(np.all([np.ptp(side, axis=1) <= 2 * TOLERANCE for side in sides], axis=0))


def _find_inside(squares: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(Left, top, right, bottom) of what differs from the outermost pixels of each."""
    values, side = squares.astype(np.int16), squares.shape[1]
    edges = np.concatenate([values[:, 0], values[:, -1], values[:, :, 0], values[:, :, -1]], axis=1)
    differs = np.abs(values - np.median(edges, axis=1).astype(np.int16)[:, None, None]) > TOLERANCE
    ends = [(marks.argmax(axis=1), side - marks[:, ::-1].argmax(axis=1)) for marks in (differs.any(axis=1), differs.any(axis=2))]
    return np.stack([ends[0][0], ends[1][0], ends[0][1], ends[1][1]], axis=1)


def _cut(signature: NDArray[np.uint8], box: list[int]) -> NDArray[np.uint8]:
    left, top, right, bottom = box
    picture = Image.fromarray(signature.reshape(SIDE, SIDE))
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=(left, top, right, bottom))).ravel()
