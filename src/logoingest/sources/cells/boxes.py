"""Boxes as the formats write them: two corners, a corner and a size, a centre and a size; in pixels or in shares of the picture.

All leave as [x, y, width, height] in pixels from the top left. Shares need the picture's size; where the source does not give it the
box stays in shares, among the attributes, and is put into pixels when the picture is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logoingest.schemas import SHARES
from logoingest.sources.cells.answers import AnswerError, read_box, read_number


def join_corners(corners: Sequence[Any]) -> list[float]:
    """The box between [x0, y0, x1, y1].

    Raises:
        AnswerError: they are no numbers, or span no area.
    """
    try:
        x0, y0, x1, y1 = (float(corner) for corner in corners)
    except (TypeError, ValueError, OverflowError):
        raise AnswerError("a box needs xmin, ymin, xmax and ymax") from None
    return read_box([x0, y0, x1 - x0, y1 - y0])


def place_shares(shares: Sequence[Any], size: Sequence[Any] | None) -> tuple[list[float] | None, Mapping[str, Any]]:
    """A box in shares as (pixels, no attributes) where the picture's [width, height] is known, else as (None, the attribute).

    Raises:
        AnswerError: the shares are no box, or the size no two positive numbers.
    """
    box = [read_number(share) for share in shares]
    if not all(-1 <= share <= 2 for share in box) or box[2] <= 0 or box[3] <= 0:
        raise AnswerError(f"a box in shares of the picture has four numbers between 0 and 1 and an area, not {shares}"[:200])
    if size is None:
        return None, {SHARES: box}
    try:
        width, height = (float(side) for side in size)
    except (TypeError, ValueError, OverflowError):
        raise AnswerError("a picture's width and height are two numbers") from None
    return read_box([box[0] * width, box[1] * height, box[2] * width, box[3] * height]), {}
