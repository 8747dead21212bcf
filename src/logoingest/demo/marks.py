"""Logos from shapes and letters: a badge, a glyph in it, a name beside or below it.

Shapes are drawn on masks in units of half the mark's side (x right, y down, -1 to 1), three times too large, then reduced.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw

from logoingest.demo.brands import BRAND_BY_ID, Brand
from logoingest.demo.letters import draw_name, load_font

MARK_SIDE_PX = 192
_OVERSAMPLING = 3

Point = tuple[float, float]


class Pen:
    """Draws on a mask in units; ``on`` paints, ``off`` cuts out."""

    def __init__(self, side_px: int) -> None:
        self.mask = Image.new("L", (side_px, side_px), 0)
        self._draw = ImageDraw.Draw(self.mask)
        self._half = side_px / 2

    def _place(self, points: Sequence[Point]) -> list[Point]:
        return [(self._half * (1 + x), self._half * (1 + y)) for x, y in points]

    def polygon(self, points: Sequence[Point], *, on: bool = True) -> None:
        """A filled polygon."""
        self._draw.polygon(self._place(points), fill=255 if on else 0)

    def ellipse(self, x: float, y: float, rx: float, ry: float | None = None, *, on: bool = True) -> None:
        """A filled ellipse about (x, y); a circle when ``ry`` is left out."""
        ry = rx if ry is None else ry
        corners = self._place([(x - rx, y - ry), (x + rx, y + ry)])
        self._draw.ellipse([*corners[0], *corners[1]], fill=255 if on else 0)

    def box(self, left: float, top: float, right: float, bottom: float, radius: float = 0.0, *, on: bool = True) -> None:
        """A filled rectangle with rounded corners."""
        corners = self._place([(left, top), (right, bottom)])
        self._draw.rounded_rectangle([*corners[0], *corners[1]], radius=radius * self._half, fill=255 if on else 0)

    def line(self, points: Sequence[Point], width: float, *, on: bool = True) -> None:
        """A thick polyline with round ends."""
        fill = 255 if on else 0
        self._draw.line(self._place(points), fill=fill, width=round(width * self._half), joint="curve")
        for x, y in (points[0], points[-1]):
            self.ellipse(x, y, width / 2, on=on)


def _circle_points(count: int, radius: float = 1.0, turn: float = 0.0) -> list[Point]:
    steps = [2 * math.pi * (index / count + turn) for index in range(count)]
    return [(radius * math.sin(angle), -radius * math.cos(angle)) for angle in steps]


def _star_points(count: int, outer: float, inner: float) -> list[Point]:
    pairs = zip(_circle_points(count, outer), _circle_points(count, inner, 0.5 / count), strict=True)
    return [point for pair in pairs for point in pair]


# ---- badges ----------------------------------------------------------------------------------------------------------------


def _draw_ring(pen: Pen) -> None:
    pen.ellipse(0, 0, 0.98)
    pen.ellipse(0, 0, 0.78, on=False)


def _draw_shield(pen: Pen) -> None:
    curve = [(0.86 * math.cos(t), 0.1 + 0.88 * math.sin(t)) for t in (math.pi * step / 24 for step in range(25))]
    pen.polygon([(-0.86, -0.9), (0, -0.76), (0.86, -0.9), *curve])


def _draw_arch(pen: Pen) -> None:
    pen.ellipse(0, -0.2, 0.76)
    pen.box(-0.76, -0.2, 0.76, 0.96, 0.08)


def _draw_drop(pen: Pen, scale: float = 1.0) -> None:
    pen.ellipse(0, 0.28 * scale, 0.68 * scale)
    pen.polygon([(0, -0.98 * scale), (-0.61 * scale, -0.02 * scale), (0.61 * scale, -0.02 * scale)])


def _draw_sprout(pen: Pen) -> None:
    pen.box(-0.92, -0.92, 0.92, 0.92, 0.8)
    pen.box(-0.92, 0, 0, 0.92)
    pen.box(0, -0.92, 0.92, 0)


def _draw_pill(pen: Pen) -> None:
    pen.box(-0.98, -0.56, 0.98, 0.56, 0.56)


BADGES: Mapping[str, Callable[[Pen], None]] = {
    "circle": lambda pen: pen.ellipse(0, 0, 0.98),
    "square": lambda pen: pen.box(-0.9, -0.9, 0.9, 0.9, 0.26),
    "octagon": lambda pen: pen.polygon(_circle_points(8, 1.0, 1 / 16)),
    "hexagon": lambda pen: pen.polygon(_circle_points(6)),
    "diamond": lambda pen: pen.polygon(_circle_points(4)),
    "triangle": lambda pen: pen.polygon([(0, -0.95), (1.0, 0.85), (-1.0, 0.85)]),
    "sunburst": lambda pen: pen.polygon(_star_points(14, 1.0, 0.78)),
    "flag": lambda pen: pen.polygon([(-0.62, -0.72), (1.0, -0.72), (0.62, 0.72), (-1.0, 0.72)]),
    "egg": lambda pen: pen.ellipse(0, 0, 0.74, 0.98),
    "ring": _draw_ring,
    "shield": _draw_shield,
    "arch": _draw_arch,
    "drop": _draw_drop,
    "sprout": _draw_sprout,
    "pill": _draw_pill,
}


# ---- glyphs ----------------------------------------------------------------------------------------------------------------


def _draw_wave(pen: Pen) -> None:
    for middle in (-0.3, 0.08, 0.46):
        xs = [-0.66 + 1.32 * step / 30 for step in range(31)]
        pen.line([(x, middle - 0.13 * math.sin(4.76 * x)) for x in xs], 0.17)


def _draw_leaf(pen: Pen) -> None:
    rim = [(t / 12, 0.38 * math.sin(math.pi * t / 24)) for t in range(25)]
    sides = [*rim, *((x, -y) for x, y in reversed(rim))]
    pen.polygon([(0.62 * (x - 1) - y * 0.8, -0.62 * (x - 1) - y * 0.8) for x, y in sides])
    pen.line([(-0.62, 0.62), (0.28, -0.28)], 0.07, on=False)


def _draw_snow(pen: Pen) -> None:
    for x, y in _circle_points(6, 0.66):
        pen.line([(0, 0), (x, y)], 0.12)
        for side in (-1, 1):
            pen.line([(0.6 * x, 0.6 * y), (0.86 * x - 0.26 * y * side, 0.86 * y + 0.26 * x * side)], 0.1)


def _draw_bird(pen: Pen) -> None:
    pen.ellipse(-0.02, 0.1, 0.46, 0.36)
    pen.ellipse(0.32, -0.24, 0.25)
    pen.polygon([(0.5, -0.36), (0.84, -0.2), (0.52, -0.1)])
    pen.polygon([(-0.3, 0.1), (-0.86, -0.22), (-0.7, 0.3)])
    pen.ellipse(0.36, -0.28, 0.07, on=False)
    pen.line([(-0.08, 0.42), (-0.12, 0.68)], 0.08)
    pen.line([(0.12, 0.42), (0.12, 0.68)], 0.08)


def _draw_mill(pen: Pen) -> None:
    for x, y in _circle_points(4, 0.68, 0.06):
        pen.polygon([(0, 0), (x, y), (x - 0.42 * y, y + 0.42 * x), (-0.2 * y, 0.2 * x)])
    pen.ellipse(0, 0, 0.15)


def _draw_moon(pen: Pen) -> None:
    pen.ellipse(-0.06, 0, 0.56)
    pen.ellipse(0.2, -0.12, 0.46, on=False)
    pen.polygon([(0.36 + x, -0.12 + y) for x, y in _star_points(5, 0.22, 0.09)])


def _draw_eye(pen: Pen) -> None:
    pen.ellipse(0, 0, 0.62, 0.4)
    pen.ellipse(0, 0, 0.28, on=False)
    pen.ellipse(0, 0, 0.14)


def _draw_tree(pen: Pen) -> None:
    pen.box(-0.09, 0.2, 0.09, 0.68)
    for x, y, radius in ((0, -0.36, 0.3), (-0.3, -0.06, 0.3), (0.3, -0.06, 0.3), (0, 0.02, 0.3)):
        pen.ellipse(x, y, radius)


def _draw_wings(pen: Pen) -> None:
    for side in (-1, 1):
        for top, reach in ((-0.4, 0.66), (-0.12, 0.6), (0.16, 0.42)):
            pen.line([(0.14 * side, top + 0.3), (reach * 0.7 * side, top + 0.2), (reach * side, top)], 0.15)


def _draw_dots(pen: Pen) -> None:
    pen.ellipse(-0.5, 0, 0.3)
    pen.ellipse(0.5, 0, 0.3)
    pen.ellipse(0.5, 0, 0.17, on=False)


def _draw_chevrons(pen: Pen) -> None:
    for top in (-0.56, -0.18, 0.2):
        pen.line([(-0.5, top + 0.36), (0, top), (0.5, top + 0.36)], 0.17)


def _draw_crown(pen: Pen) -> None:
    pen.polygon([(-0.6, 0.36), (-0.68, -0.3), (-0.3, 0), (0, -0.5), (0.3, 0), (0.68, -0.3), (0.6, 0.36)])
    pen.box(-0.6, 0.44, 0.6, 0.6)
    for x, y in ((-0.68, -0.36), (0, -0.56), (0.68, -0.36)):
        pen.ellipse(x, y, 0.09)


def _draw_note(pen: Pen) -> None:
    pen.ellipse(-0.24, 0.56, 0.18, 0.14)
    pen.ellipse(0.3, 0.46, 0.18, 0.14)
    pen.polygon(
        [(-0.16, 0.56), (-0.16, -0.12), (0.48, -0.24), (0.48, 0.46), (0.38, 0.46), (0.38, -0.02), (-0.06, 0.06), (-0.06, 0.56)]
    )


def _draw_peaks(pen: Pen) -> None:
    pen.polygon([(-0.62, 0.66), (-0.2, -0.12), (0.04, 0.3), (0.22, 0.06), (0.6, 0.66)])
    pen.ellipse(0.02, -0.36, 0.12)


def _draw_flower(pen: Pen) -> None:
    for x, y in _circle_points(6, 0.4):
        pen.ellipse(x, y, 0.24)
    pen.ellipse(0, 0, 0.2, on=False)


def _draw_cross(pen: Pen) -> None:
    pen.line([(-0.4, -0.44), (0.4, 0.44)], 0.24)
    pen.line([(0.4, -0.44), (-0.4, 0.44)], 0.24)


def _draw_spiral(pen: Pen) -> None:
    angles = [3 * 2 * math.pi * step / 120 for step in range(12, 121)]
    pen.line([(0.033 * a * math.cos(a), 0.033 * a * math.sin(a) - 0.06) for a in angles], 0.1)


def _draw_gear(pen: Pen) -> None:
    for x, y in _circle_points(8, 0.62):
        pen.line([(0.6 * x, 0.6 * y), (x, y)], 0.22)
    pen.ellipse(0, 0, 0.5)
    pen.ellipse(0, 0, 0.24, on=False)


def _draw_horns(pen: Pen) -> None:
    for side in (-1, 1):
        pen.ellipse(0.36 * side, -0.06, 0.34, 0.44)
    for side in (-1, 1):
        pen.ellipse(0.44 * side, -0.14, 0.25, 0.36, on=False)
    pen.polygon([(-0.26, 0.1), (0.26, 0.1), (0, 0.62)])


def _draw_face(pen: Pen) -> None:
    for side in (-1, 1):
        pen.ellipse(0.26 * side, -0.26, 0.15, 0.2)
    pen.ellipse(0, 0.24, 0.4, 0.36)
    pen.box(-0.5, -0.2, 0.5, 0.22, on=False)
    for side in (-1, 1):
        pen.ellipse(0.26 * side, -0.26, 0.15, 0.2)


def _draw_fish(pen: Pen) -> None:
    pen.ellipse(-0.08, 0.26, 0.4, 0.24)
    pen.polygon([(0.2, 0.26), (0.54, 0), (0.54, 0.52)])
    pen.ellipse(-0.28, 0.2, 0.06, on=False)


def _draw_key(pen: Pen) -> None:
    pen.ellipse(-0.36, 0, 0.34)
    pen.ellipse(-0.42, 0, 0.14, on=False)
    pen.box(-0.1, -0.1, 0.74, 0.1)
    pen.box(0.36, 0, 0.5, 0.34)
    pen.box(0.6, 0, 0.74, 0.28)


GLYPHS: Mapping[str, Callable[[Pen], None]] = {
    "wave": _draw_wave,
    "leaf": _draw_leaf,
    "snow": _draw_snow,
    "bird": _draw_bird,
    "mill": _draw_mill,
    "bolt": lambda pen: pen.polygon([(0.16, -0.7), (-0.42, 0.12), (-0.04, 0.12), (-0.18, 0.72), (0.44, -0.16), (0.06, -0.16)]),
    "moon": _draw_moon,
    "eye": _draw_eye,
    "drop": lambda pen: _draw_drop(pen, 0.66),
    "tree": _draw_tree,
    "wings": _draw_wings,
    "dots": _draw_dots,
    "arrow": lambda pen: pen.polygon([(0, -0.72), (0.42, 0.5), (0, 0.24), (-0.42, 0.5)]),
    "chevrons": _draw_chevrons,
    "crown": _draw_crown,
    "note": _draw_note,
    "peaks": _draw_peaks,
    "flower": _draw_flower,
    "cross": _draw_cross,
    "spiral": _draw_spiral,
    "gear": _draw_gear,
    "seven": lambda pen: pen.line([(-0.3, -0.36), (0.3, -0.36), (-0.08, 0.4)], 0.2),
    "horns": _draw_horns,
    "face": _draw_face,
    "fish": _draw_fish,
    "key": _draw_key,
}


# ---- whole logos -----------------------------------------------------------------------------------------------------------


def _draw_mask(paint: Callable[[Pen], None]) -> Image.Image:
    pen = Pen(MARK_SIDE_PX * _OVERSAMPLING)
    paint(pen)
    return pen.mask.reduce(_OVERSAMPLING)


def _fill_mask(mask: Image.Image, colour: str) -> Image.Image:
    picture = Image.new("RGBA", mask.size, colour)
    picture.putalpha(mask)
    return picture


@cache
def draw_mark(class_id: str) -> Image.Image:
    """The badge with its glyph, RGBA, ``MARK_SIDE_PX`` square."""
    brand = BRAND_BY_ID[class_id]
    mark = _fill_mask(_draw_mask(BADGES[brand.badge]), brand.badge_colour)
    mark.alpha_composite(_fill_mask(_draw_mask(GLYPHS[brand.glyph]), brand.glyph_colour))
    return mark


@cache
def draw_logo(class_id: str, layout: str, ink: str) -> Image.Image:
    """A whole logo, RGBA: ``layout`` is mark, stacked (name below) or beside (name right of it); ``ink`` colours the name."""
    mark = draw_mark(class_id)
    if layout == "mark":
        return mark
    name = _fill_mask(draw_name(BRAND_BY_ID[class_id].name), ink)
    if layout == "stacked":
        width = max(mark.width, name.width)
        logo = Image.new("RGBA", (width, mark.height + 18 + name.height))
        logo.alpha_composite(mark, ((width - mark.width) // 2, 0))
        logo.alpha_composite(name, ((width - name.width) // 2, mark.height + 18))
        return logo
    small = mark.resize((mark.width * 2 // 3, mark.height * 2 // 3), Image.Resampling.LANCZOS)
    height = max(small.height, name.height)
    logo = Image.new("RGBA", (small.width + 20 + name.width, height))
    logo.alpha_composite(small, (0, (height - small.height) // 2))
    logo.alpha_composite(name, (small.width + 20, (height - name.height) // 2))
    return logo


def draw_placeholder() -> bytes:
    """The picture a host serves for a photo it no longer has, as PNG."""
    picture = Image.new("RGB", (240, 180), "#e8e8ea")
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle([78, 42, 162, 100], radius=10, fill="#b9b9be")
    draw.rectangle([104, 32, 136, 46], fill="#b9b9be")
    draw.ellipse([98, 50, 142, 94], fill="#e8e8ea")
    draw.ellipse([108, 60, 132, 84], fill="#b9b9be")
    draw.text((120, 132), "photo unavailable", fill="#8a8a90", font=load_font(20), anchor="mm")
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def measure_luma(colour: str) -> float:
    """How light "#rrggbb" is, 0 to 255 (ITU-R BT.601)."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def pick_ink(brand: Brand, *, dark_ground: bool) -> str:
    """The name's colour: the badge's own on a light ground unless it would drown there, else white."""
    if dark_ground:
        return "#f4f4f4"
    return brand.badge_colour if measure_luma(brand.badge_colour) < 150 else "#222222"
