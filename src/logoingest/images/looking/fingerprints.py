"""The fingerprint near-duplicates are found by: a border-trimmed difference hash, and a small grey picture that checks it.

A difference hash (N. Krawetz, "Kind of like that", 2013) tells whether neighbouring cells of a shrunken picture grow brighter.
Two things are changed for logos. The uniform border is cut away first, so that padding and cropping white space change nothing.
And a step counts only above 1/64 of the picture's range, so that flat areas, most of a logo, are zeros, not noise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]

#: A pixel further than this from the border's colour, in any channel of 0 to 255, is no border.
BORDER_TOLERANCE = 32
_CELLS = 16
SIGNATURE_SIDE = 32


class Fingerprint(NamedTuple):
    """What one picture is compared by."""

    hash: bytes
    """512 bits: 16 x 16 steps to the right, then 16 x 16 steps downwards."""
    signature: bytes
    """32 x 32 grey values of the trimmed picture, row by row."""
    border_share: float
    """Share of the area that was trimmed, 0 to 1; 1 for a picture of one colour."""


def fingerprint_picture(rgb: Image.Image, grey: Image.Image, pixels: Pixels | None = None) -> Fingerprint:
    """The fingerprint of a small RGB picture and of its grey version; ``pixels`` are those of ``rgb``, where they are at hand."""
    box, border_share = trim_border(rgb, np.asarray(rgb) if pixels is None else pixels)
    small = grey.resize((_CELLS + 1, _CELLS + 1), Image.Resampling.BILINEAR, box=box)
    cells = np.frombuffer(small.tobytes(), np.uint8).reshape(_CELLS + 1, _CELLS + 1).astype(np.int16)
    least = np.int16((cells.max() - cells.min()) // 64)
    steps = np.empty((2, _CELLS, _CELLS), np.bool_)
    np.greater(cells[:_CELLS, 1:] - cells[:_CELLS, :_CELLS], least, out=steps[0])
    np.greater(cells[1:, :_CELLS] - cells[:_CELLS, :_CELLS], least, out=steps[1])
    return Fingerprint(np.packbits(steps).tobytes(), _shrink(grey, box), border_share)


def sign_picture(rgb: Image.Image, grey: Image.Image, pixels: Pixels) -> bytes:
    """The signature alone of ``fingerprint_picture``."""
    return _shrink(grey, trim_border(rgb, pixels)[0])


def _shrink(grey: Image.Image, box: tuple[int, int, int, int]) -> bytes:
    return grey.resize((SIGNATURE_SIDE, SIGNATURE_SIDE), Image.Resampling.BILINEAR, box=box).tobytes()


def trim_border(rgb: Image.Image, pixels: Pixels) -> tuple[tuple[int, int, int, int], float]:
    """The box (left, top, right, bottom) inside the uniform border, and the share of the area outside it.

    The border's colour is the median of the outermost pixels. A picture of one colour keeps its whole box, with share 1.
    """
    width, height = rgb.size
    edge = np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))
    middle = ((len(edge) - 1) // 2, len(edge) // 2)
    ranked = np.partition(np.ascontiguousarray(edge.T), middle, axis=1)[:, middle].tolist()
    borders = [_find_levels((low + high) // 2) for low, high in ranked]
    lows, spans = np.array([(low, high - low) for low, high in borders], np.uint8).T
    strange = ((edge - lows) > spans).reshape(-1)  # what is below wraps around
    starts = (0, 3 * width, 6 * width, 6 * width + 3 * height)
    if np.logical_or.reduceat(strange, starts).all():  # on each side, as in most photos: nothing to trim
        return (0, 0, width, height), 0.0
    inside = [level for low, high in borders for level in _mark_inside(low, high)]
    box = rgb.point(inside).getbbox()
    if box is None:
        return (0, 0, width, height), 1.0
    return box, 1.0 - (box[2] - box[0]) * (box[3] - box[1]) / (width * height)


def _find_levels(colour: int) -> tuple[int, int]:
    """The least and the greatest level of a channel that are border, where the border's is ``colour``."""
    return max(colour - BORDER_TOLERANCE, 0), min(colour + BORDER_TOLERANCE, 255)


def _mark_inside(low: int, high: int) -> list[int]:
    """For each level of a channel: 0 when it is border, else 255."""
    return [255] * low + [0] * (high - low + 1) + [255] * (255 - high)
