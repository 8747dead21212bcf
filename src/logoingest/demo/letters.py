"""Names in letters: the font inside Pillow knows ASCII only, so accents are put on with strokes of our own."""

from __future__ import annotations

import math
import unicodedata
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from logoingest.errors import LogoingestError

_STROKED = {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}


@cache
def load_font(size_px: int) -> ImageFont.FreeTypeFont:
    """Pillow's built-in font at a size.

    Raises:
        LogoingestError: this Pillow has no FreeType, and so no scalable font.
    """
    font = ImageFont.load_default(size_px)
    if not isinstance(font, ImageFont.FreeTypeFont):  # a Pillow built without FreeType has a bitmap font of one size
        raise LogoingestError(
            "this Pillow was built without FreeType", "install Pillow's own wheel: pip install --force-reinstall pillow"
        )
    return font


def _draw_accent(draw: ImageDraw.ImageDraw, accent: str, middle: float, span: tuple[float, float], size_px: int) -> None:
    """An accent over (or under) a letter whose ink spans the rows ``span`` about the column ``middle``."""
    top, bottom = span
    unit, thick, above = size_px / 14, max(2, size_px // 10), top - size_px / 9
    if accent == "\N{COMBINING ACUTE ACCENT}":
        draw.line([(middle - unit * 0.6, above + unit * 0.4), (middle + unit, above - unit)], fill=255, width=thick)
    elif accent == "\N{COMBINING DIAERESIS}":
        for side in (-1, 1):
            x = middle + side * unit * 1.5
            draw.ellipse([x - unit * 0.8, above - unit * 0.8, x + unit * 0.8, above + unit * 0.8], fill=255)
    elif accent == "\N{COMBINING RING ABOVE}":
        draw.ellipse(
            [middle - unit * 1.6, above - unit * 2.2, middle + unit * 1.6, above + unit], outline=255, width=thick * 2 // 3
        )
    elif accent == "\N{COMBINING CARON}":
        draw.line(
            [(middle - unit * 1.3, above - unit), (middle, above + unit * 0.3), (middle + unit * 1.3, above - unit)],
            255,
            thick * 3 // 4,
        )
    elif accent == "\N{COMBINING TILDE}":
        points = [(middle + unit * step / 2, above - unit * 0.7 * math.sin(step * math.pi / 4)) for step in range(-4, 5)]
        draw.line(points, fill=255, width=thick * 3 // 4, joint="curve")
    elif accent == "\N{COMBINING CEDILLA}":
        draw.line(
            [(middle, bottom), (middle + unit, bottom + unit * 1.2), (middle - unit, bottom + unit * 2.2)], 255, thick * 3 // 4
        )
    elif accent == "/":
        height = bottom - top
        draw.line([(middle - unit * 2, bottom - height * 0.15), (middle + unit * 2, top + height * 0.15)], 255, thick)


@cache
def draw_name(name: str, size_px: int = 58) -> Image.Image:
    """A name as a mask, cropped to its ink."""
    font, weight = load_font(size_px), max(1, size_px // 26)
    mask = Image.new("L", (round(font.getlength(name)) + size_px * 2, size_px * 2), 0)
    draw, x, base = ImageDraw.Draw(mask), float(size_px // 2), size_px * 0.4
    for letter in name:
        plain = _STROKED.get(letter, unicodedata.normalize("NFD", letter)[0])
        accents = "/" if letter in _STROKED else unicodedata.normalize("NFD", letter)[1:]
        draw.text((x, base), plain, fill=255, font=font, stroke_width=weight)
        left, top, right, bottom = font.getbbox(plain)
        for accent in accents:
            _draw_accent(draw, accent, x + (left + right) / 2 + weight, (base + top, base + bottom), size_px)
        x += font.getlength(plain) + weight * 0.8
    return mask.crop(mask.getbbox())
