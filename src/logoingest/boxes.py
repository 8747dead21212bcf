"""What a box is, once for all: sources, samples, ``verify`` and exports ask here.

A box is [x, y, width, height] in pixels of the upright picture, from its left upper corner. As it arrives it is

- *sound* when it has four finite numbers, none beyond a million pixels, and sides of a pixel at least: a smaller one is mostly a share
  of the picture's size taken for pixels;
- *fitted* to its picture: what hangs over is cut off, without a word where that is a pixel at most (tools round, and count corners
  from 0 or 1), and as ``clipped`` where it is more;
- *refused* when less than half of it lies in the picture: it was drawn on another one, or on the picture in another size.

What is released *lies within* its picture; only the rounding of a thousandth of a pixel is passed over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

#: Coordinates beyond this are no place in a picture.
MAX_COORDINATE = 1_000_000

#: The shortest side of a box as it arrives, in pixels.
MIN_SIDE = 1.0

#: So far a box may hang over the picture's edge and be cut without a word, in pixels.
EDGE_TOLERANCE = 1.0

#: The least share of a box's area that lies in its picture.
MIN_SHARE_INSIDE = 0.5

#: What arithmetic may add to a released box, in pixels.
ROUNDING = 1e-3

Box = tuple[float, float, float, float]


class FittedBox(NamedTuple):
    """A box cut to its picture; ``clipped`` says that more than the tolerance was cut off."""

    box: Box
    clipped: bool


def find_box_fault(box: Sequence[float]) -> str | None:
    """Why this is no box whatever its picture, in words that follow "a box"; None when it is sound."""
    if len(box) != 4:
        return f"has four numbers [x, y, width, height], not {len(box)}"
    if not all(map(math.isfinite, box)):
        return "has finite numbers"
    if max(map(abs, box)) > MAX_COORDINATE:
        return f"has numbers of at most {MAX_COORDINATE:,} pixels, not {max(box, key=abs):g}"
    width, height = box[2:]
    if width <= 0 or height <= 0:
        return f"needs an area, not {width:g} × {height:g}"
    if min(width, height) < MIN_SIDE - ROUNDING:
        return f"needs sides of a pixel, not {width:g} × {height:g} (are these shares of the picture's size?)"
    return None


def fit_box(box: Sequence[float], width: float, height: float) -> FittedBox | str:
    """A box as it lies in a picture of ``width`` × ``height`` pixels, or why it is none, in words that follow "a box"."""
    fault = find_box_fault(box)
    if fault is not None:
        return fault
    x, y, across, down = box
    left, top, right, bottom = max(x, 0.0), max(y, 0.0), min(x + across, width), min(y + down, height)
    overhang = max(left - x, top - y, x + across - right, y + down - bottom)
    if overhang <= 0:
        return FittedBox((x, y, across, down), clipped=False)
    inside = max(right - left, 0.0) * max(bottom - top, 0.0)
    where = f"{_describe(box)} of a picture of {width:g} × {height:g}"
    if inside <= 0:
        return f"lies in its picture, not outside: {where}"
    if overhang > EDGE_TOLERANCE and inside < MIN_SHARE_INSIDE * across * down:
        return f"lies in its picture by half at least, not by {inside / (across * down):.0%}: {where}"
    if min(right - left, bottom - top) < MIN_SIDE - ROUNDING:
        return f"needs sides of a pixel in its picture: {where}"
    return FittedBox((left, top, right - left, bottom - top), clipped=overhang > EDGE_TOLERANCE)


def lies_within(box: Sequence[float], width: float, height: float) -> bool:
    """Whether a released box is four finite numbers with an area, within its picture but for rounding."""
    if len(box) != 4 or not all(map(math.isfinite, box)):
        return False
    x, y, across, down = box
    has_area = across > 0 and down > 0
    return has_area and min(x, y) >= -ROUNDING and x + across <= width + ROUNDING and y + down <= height + ROUNDING


def _describe(box: Sequence[float]) -> str:
    return f"[{', '.join(f'{value:g}' for value in box)}]"
