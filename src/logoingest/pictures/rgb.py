"""Any Pillow mode to RGB, the documented way: the only one there is (tests/data/pictures/modes.json has a case for each line).

| stored | becomes |
|---|---|
| 1, L | grey |
| P, PA | the palette's colours |
| anything with alpha or a transparent colour | composited on white |
| CMYK, YCbCr, HSV | Pillow's conversion, no colour profile applied |
| LAB | sRGB by Pillow's colour management |
| I;16 and I within 0 to 65,535 | the upper eight bits, as browsers show a 16-bit PNG |
| I beyond that | stretched from minimum to maximum |
| F | within 0 to 1: times 255; within 0 to 255: as it is; else stretched from minimum to maximum; no number is black |

Fractions are cut off. What is wider than eight bits is never clipped: a picture of 16 bits whose values are all below 256 is black, as
browsers show it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

#: Pixels that are converted at a time, so that no second full-size copy is made of a large picture.
BAND_PIXELS = 4_000_000
_DEEP_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_TRANSPARENT_MODES = ("RGBA", "LA", "PA", "RGBa", "La")


class Range(NamedTuple):
    """Of a picture with more than eight bits a channel: what becomes black, and what white."""

    black: float
    white: float


#: Sixteen bits, of which the upper eight are taken.
SIXTEEN_BITS = Range(0.0, 65_535.0)


def find_range(image: Image.Image) -> Range | None:
    """The range of a picture with more than eight bits a channel; None for the others. Loads the picture."""
    if image.mode not in _DEEP_MODES:
        return None
    if image.mode.startswith("I;16"):
        return SIXTEEN_BITS
    values = np.asarray(image)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if image.mode == "I" and low >= 0 and high <= 65_535:
        return SIXTEEN_BITS
    for limit in (1.0, 255.0):
        if image.mode == "F" and low >= 0 and high <= limit:
            return Range(0.0, limit)
    return Range(low, high)


def convert_to_rgb(image: Image.Image, value_range: Range | None = None) -> Image.Image:
    """The picture as RGB.

    Args:
        image: a picture, or a band of one.
        value_range: what ``find_range`` says of the whole picture, where ``image`` is a band.
    """
    if image.mode in _DEEP_MODES:
        return _convert_deep(image, value_range or find_range(image) or SIXTEEN_BITS)
    if image.mode == "LAB":
        return _convert_lab(image)
    if is_transparent(image):
        shown = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(shown, mask=shown.getchannel("A"))
        return white
    image.load()
    return image if image.mode == "RGB" else image.convert("RGB")


def convert_in_bands(image: Image.Image, convert: Callable[[Image.Image], Image.Image] | None = None) -> Image.Image:
    """The picture as RGB, band by band: beside the picture and the result there is no third one in memory.

    ``convert`` makes RGB of a band; left out, it is ``convert_to_rgb``.
    """
    value_range = find_range(image)
    width, height = image.size
    rows = max(1, BAND_PIXELS // width)
    change = convert or (lambda band: convert_to_rgb(band, value_range))
    if rows >= height:
        return change(image)
    result = Image.new("RGB", image.size)
    for top in range(0, height, rows):
        result.paste(change(image.crop((0, top, width, min(top + rows, height)))), (0, top))
    return result


def is_transparent(image: Image.Image) -> bool:
    """Whether parts of the picture may let the ground show through."""
    return image.mode in _TRANSPARENT_MODES or "transparency" in image.info


def _convert_deep(image: Image.Image, value_range: Range) -> Image.Image:
    black, white = value_range
    if value_range is SIXTEEN_BITS:
        grey = (np.asarray(image) >> 8).astype(np.uint8)
    else:
        with np.errstate(invalid="ignore"):  # numbers that are none
            values = np.nan_to_num(np.asarray(image).astype(np.float64), nan=black, posinf=white, neginf=black)
        scaled = (values - black) * (255.0 / max(white - black, 1e-9))
        grey = np.clip(scaled, 0, 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _convert_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    source, target = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    assert converted is not None  # not in place
    return converted
