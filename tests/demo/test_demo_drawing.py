from __future__ import annotations

import random
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from logoingest.demo.brands import BRANDS
from logoingest.demo.letters import draw_name
from logoingest.demo.marks import BADGES, GLYPHS, draw_logo, draw_mark
from logoingest.demo.scenes import Scene, _solve_perspective, render_picture


def _read(content: bytes, mode: str, side: int) -> np.ndarray:
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image.convert(mode).resize((side, side)), np.float32)


@pytest.fixture(scope="module")
def thumbnails(demo_plan) -> dict[str, list[np.ndarray]]:
    """RGB thumbnails of the plain pictures, per class."""
    found: dict[str, list[np.ndarray]] = {}
    for entry in demo_plan.entries:
        if entry.kind == "ok" and len(entry.brands) == 1 and not entry.hard:
            page = demo_plan.pages[entry.url.removeprefix("http://")]
            found.setdefault(entry.brands[0], []).append(_read(page.body, "RGB", 32))
    return found


def test_every_brand_has_its_own_mark():
    """No two brands share a badge and glyph, and each is drawn from known shapes."""
    assert len({(brand.badge, brand.glyph) for brand in BRANDS}) == len(BRANDS) >= 24
    assert {brand.badge for brand in BRANDS} <= BADGES.keys()
    assert {brand.glyph for brand in BRANDS} == GLYPHS.keys()


@pytest.mark.parametrize("brand", BRANDS, ids=lambda brand: brand.class_id)
def test_marks_fill_their_square_and_show_both_colours(brand):
    """A mark reaches towards its edges and keeps its badge's and its glyph's colour."""
    mark = draw_mark(brand.class_id)
    left, top, right, bottom = mark.getchannel("A").getbbox()
    assert max(right - left, bottom - top) > 0.8 * mark.width
    colours = {"#{:02x}{:02x}{:02x}".format(*colour[:3]) for _, colour in mark.getcolors(1 << 20) if colour[3] == 255}
    assert {brand.badge_colour, brand.glyph_colour} <= colours
    for layout in ("stacked", "beside"):
        assert draw_logo(brand.class_id, layout, "#000000").width > mark.width / 2


def test_accents_are_drawn_although_the_font_has_none():
    """An accented name differs from the plain one, and from the font's empty box."""
    for accented, plain in (("Näkkäri", "Nakkari"), ("Møllebro", "Mollebro"), ("Çinarika", "Cinarika"), ("Ñandurama", "Nandurama")):
        assert draw_name(accented).tobytes() != draw_name(plain).tobytes()
        assert abs(draw_name(accented).width - draw_name(plain).width) <= 3


def test_perspective_carries_corners_back_to_the_sign():
    """The coefficients map each corner of the quad to its corner of the sign."""
    quad = [(12.0, 9.0), (96.0, 22.0), (88.0, 80.0), (5.0, 71.0)]
    a, b, c, d, e, f, g, h = _solve_perspective(200, 100, quad)
    for (x, y), corner in zip(quad, [(0, 0), (200, 0), (200, 100), (0, 100)], strict=True):
        below = g * x + h * y + 1
        assert ((a * x + b * y + c) / below, (d * x + e * y + f) / below) == pytest.approx(corner, abs=1e-6)


def test_pictures_do_not_depend_on_the_order_of_drawing():
    """The same picture has the same bytes whatever was drawn before; another seed gives another."""
    one, other = Scene("a", ("brisavel",)), Scene("b", ("umbrakey",))
    first = render_picture(one, 7)
    render_picture(other, 7)
    assert render_picture(one, 7) == first
    assert render_picture(one, 8) != first


@pytest.mark.slow
def test_sides_formats_and_orientation_are_as_promised(demo_plan):
    """Pictures are 120 to 320 px a side; PNG, WebP and EXIF-rotated ones are among them."""
    formats, turned = set(), 0
    for entry in demo_plan.entries:
        if entry.kind != "ok":
            continue
        with Image.open(BytesIO(demo_plan.pages[entry.url.removeprefix("http://")].body)) as image:
            assert 120 <= min(image.size) <= max(image.size) <= 320
            formats.add(image.format)
            turned += image.getexif().get(0x0112, 1) == 6
    assert formats == {"JPEG", "PNG", "WEBP"}
    assert turned > 0


def test_classes_can_be_told_apart_by_their_average(thumbnails):
    """The nearest class average, on halves of the pictures, is right far more often than chance: there is something to learn."""
    names = sorted(thumbnails)
    centroids = np.stack([np.mean(thumbnails[name][::2], axis=0).ravel() for name in names])
    right = total = 0
    for index, name in enumerate(names):
        for picture in thumbnails[name][1::2]:
            right += np.linalg.norm(centroids - picture.ravel(), axis=1).argmin() == index
            total += 1
    assert right / total > 3 / len(names)


def test_no_two_pictures_of_a_class_are_alike(thumbnails):
    """Different pictures of one class differ by far more than encoding anew would make them differ."""
    rng = random.Random(0)
    for pictures in thumbnails.values():
        for _ in range(60):
            one, other = rng.sample(pictures, 2)
            assert np.abs(one.mean(axis=2) - other.mean(axis=2)).mean() > 14
