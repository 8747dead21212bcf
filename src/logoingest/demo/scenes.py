"""The photographs of the demo: a scene of clutter, a sign with a logo somewhere in it, light, blur, noise, a file format.

Equal (seed, picture) give equal bytes with equal Pillow: randomness is ``random.Random`` seeded by text, never by order of
drawing, and no function of numpy takes part.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from logoingest.demo.brands import BRAND_BY_ID
from logoingest.demo.letters import draw_name
from logoingest.demo.marks import draw_logo, measure_luma, pick_ink

Colour = tuple[int, int, int]
Point = tuple[float, float]

_WORDS = ("OPEN", "SALE", "EXIT", "42", "No 7", "TAXI", "BAR", "24 h", "P", "KM 18")


@dataclass(frozen=True)
class Scene:
    """What is to be drawn: no brand is clutter only, two stand side by side; ``hard`` is far, blurred and dim."""

    picture_id: str
    brands: tuple[str, ...] = ()
    hard: bool = False
    file_format: str = "JPEG"
    orientation: int = 1
    """EXIF orientation: 1, or 6 for a file that is stored lying on its side."""


# ---- scenes ----------------------------------------------------------------------------------------------------------------


def _pick_colour(rng: random.Random, low: int = 20, high: int = 235, spread: int = 90) -> Colour:
    """A colour of the street: seldom as loud as a logo."""
    base = rng.randint((low + high) // 3 if rng.random() < 0.6 else low, high)
    red, green, blue = (min(255, max(0, base + rng.randint(-spread // 2, spread // 2))) for _ in range(3))
    return red, green, blue


def _blend_grid(rng: random.Random, size: tuple[int, int], columns: int, rows: int, spread: int = 90) -> Image.Image:
    """A soft field of ``columns`` × ``rows`` colours."""
    grid = Image.new("RGB", (columns, rows))
    grid.putdata([_pick_colour(rng, spread=spread) for _ in range(columns * rows)])
    return grid.resize(size, Image.Resampling.BICUBIC)


def _paint_bokeh(rng: random.Random, picture: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    for _ in range(rng.randint(8, 22)):
        x, y, radius = rng.randrange(picture.width), rng.randrange(picture.height), rng.randint(5, 34)
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=_pick_colour(rng, 60, 250, 120))


def _paint_bricks(rng: random.Random, picture: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    wide, high, base = rng.randint(22, 52), rng.randint(9, 22), _pick_colour(rng, 60, 190)
    for row in range(picture.height // high + 1):
        for left in range(-wide * (row % 2) // 2, picture.width, wide):
            shade = rng.randint(-26, 26)
            colour = (base[0] + shade, base[1] + shade, base[2] + shade)
            draw.rectangle([left + 1, row * high + 1, left + wide - 1, row * high + high - 1], fill=colour)


def _paint_planks(rng: random.Random, picture: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    base, left = _pick_colour(rng, 50, 200, 70), 0
    while left < picture.width:
        wide, shade = rng.randint(12, 46), rng.randint(-30, 30)
        draw.rectangle([left, 0, left + wide, picture.height], fill=(base[0] + shade, base[1] + shade, base[2] + shade))
        for _ in range(3):
            x = left + rng.randrange(wide)
            draw.line([(x, rng.randrange(picture.height)), (x, rng.randrange(picture.height))], fill=_pick_colour(rng, 30, 200, 30))
        left += wide + rng.randint(0, 3)


def _paint_windows(rng: random.Random, picture: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    wide, high, lit = rng.randint(16, 40), rng.randint(20, 48), _pick_colour(rng, 120, 250)
    dark = _pick_colour(rng, 20, 90, 40)
    for top in range(rng.randint(0, 12), picture.height, high):
        for left in range(rng.randint(0, 8), picture.width, wide):
            colour = lit if rng.random() < 0.35 else dark
            draw.rectangle([left, top, left + wide * 6 // 10, top + high * 6 // 10], fill=colour)


def _paint_stripes(rng: random.Random, picture: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    slant, step = rng.randint(-120, 120), rng.randint(9, 34)
    colours = [_pick_colour(rng) for _ in range(rng.randint(2, 4))]
    for index, left in enumerate(range(-140, picture.width + 140, step)):
        colour = colours[index % len(colours)]
        draw.polygon(
            [(left, 0), (left + step, 0), (left + step + slant, picture.height), (left + slant, picture.height)], fill=colour
        )


def _paint_leaves(rng: random.Random, picture: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    greenish = rng.random() < 0.6
    for _ in range(70):
        x, y, long, flat = rng.randrange(picture.width), rng.randrange(picture.height), rng.randint(6, 24), rng.randint(2, 8)
        shade = rng.randint(30, 130)
        colour = (shade // 2, shade + 20, shade // 3) if greenish else (shade + 60, shade + 20, shade // 3)
        draw.polygon([(x, y - long), (x + flat, y), (x, y + long), (x - flat, y)], fill=colour)


def _paint_street(rng: random.Random, picture: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    width, height = picture.size
    horizon, left = height * rng.randint(45, 75) // 100, 0
    while left < width:
        wide, top = rng.randint(18, 60), rng.randint(0, horizon * 3 // 4)
        draw.rectangle([left, top, left + wide, horizon], fill=_pick_colour(rng, 50, 200))
        left += wide
    draw.rectangle([0, horizon, width, height], fill=_pick_colour(rng, 40, 130, 20))
    middle = rng.randrange(width)
    draw.polygon([(middle, horizon), (middle - 14, height), (middle + 14, height)], fill=_pick_colour(rng, 190, 250, 20))


def _paint_shelf(rng: random.Random, picture: Image.Image, draw: ImageDraw.ImageDraw) -> None:
    step = rng.randint(34, 70)
    for floor in range(step, picture.height + step, step):
        left = rng.randint(-10, 4)
        while left < picture.width:
            wide, high = rng.randint(8, 26), rng.randint(step // 2, step - 6)
            draw.rounded_rectangle([left, floor - high, left + wide, floor - 4], radius=3, fill=_pick_colour(rng, 40, 240, 130))
            left += wide + rng.randint(1, 6)
        draw.rectangle([0, floor - 4, picture.width, floor], fill=_pick_colour(rng, 40, 160, 30))


_SCENES: Sequence[Callable[[random.Random, Image.Image, ImageDraw.ImageDraw], None]] = (
    _paint_bokeh,
    _paint_bricks,
    _paint_planks,
    _paint_windows,
    _paint_stripes,
    _paint_leaves,
    _paint_street,
    _paint_shelf,
)


def _paint_clutter(rng: random.Random, picture: Image.Image, draw: ImageDraw.ImageDraw, count: int) -> None:
    """Things that are in every photo: boxes, discs, poles, other people's letters."""
    width, height = picture.size
    for _ in range(count):
        x, y, colour = rng.randrange(width), rng.randrange(height), _pick_colour(rng, 20, 240, 120)
        reach, kind = rng.randint(10, 60), rng.randrange(5)
        if kind == 0:
            draw.rectangle([x, y, x + reach, y + rng.randint(8, 60)], fill=colour)
        elif kind == 1:
            draw.ellipse([x, y, x + reach, y + reach], fill=colour)
        elif kind == 2:
            draw.line([(x, y), (rng.randrange(width), rng.randrange(height))], fill=colour, width=rng.randint(2, 8))
        elif kind == 3:
            draw.polygon([(x, y), (x + reach, y + rng.randint(-30, 30)), (x + rng.randint(-20, 20), y + reach)], fill=colour)
        else:
            picture.paste(colour, (x, y), draw_name(rng.choice(_WORDS), rng.choice((16, 24, 32))))


def _draw_scene(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    picture = _blend_grid(rng, size, rng.randint(2, 5), rng.randint(2, 5))
    draw = ImageDraw.Draw(picture)
    rng.choice(_SCENES)(rng, picture, draw)
    _paint_clutter(rng, picture, draw, rng.randint(4, 9))
    tint = _blend_grid(rng, size, 3, 3, 60)
    picture = Image.blend(picture, tint, rng.uniform(0.15, 0.45))
    return picture.filter(ImageFilter.BoxBlur(rng.choice((0.4, 0.8, 1.4, 2.4))))


# ---- signs -----------------------------------------------------------------------------------------------------------------


def _build_sign(rng: random.Random, class_id: str, *, hard: bool) -> Image.Image:
    """A logo, mostly on a plate: a shop sign, a sticker, a lid."""
    layout = rng.choices(("mark", "stacked", "beside"), (56, 34, 10))[0]
    plated = layout != "mark" or rng.random() < 0.45
    dark = plated and rng.random() < 0.22 and measure_luma(BRAND_BY_ID[class_id].badge_colour) > 45
    logo = draw_logo(class_id, layout, pick_ink(BRAND_BY_ID[class_id], dark_ground=dark))
    if not plated:
        return logo
    margin = rng.randint(8, 36)
    plate = Image.new("RGBA", (logo.width + 2 * margin, logo.height + 2 * margin))
    draw = ImageDraw.Draw(plate)
    ground = _pick_colour(rng, 22, 60, 30) if dark else _pick_colour(rng, 214, 250, 24)
    rim = _pick_colour(rng, 30, 220)
    radius = rng.choice((0, 10, 32, 72)) if not hard else 10
    box = [2, 2, plate.width - 3, plate.height - 3]
    draw.rounded_rectangle(box, radius=radius, fill=ground, outline=rim, width=rng.choice((0, 3, 7)))
    plate.alpha_composite(logo, (margin, margin))
    return plate


def _solve_perspective(width: float, height: float, quad: Sequence[Point]) -> tuple[float, ...]:
    """The eight coefficients that carry picture points back to a ``width`` × ``height`` sign whose corners lie at ``quad``.

    The unit square to a quad in closed form, then its adjugate (Heckbert, Fundamentals of Texture Mapping, 1989, 2.2.3):
    the same to the last bit everywhere, which a solver's is not.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = quad
    dx1, dx2, dx3 = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, dy3 = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    det = dx1 * dy2 - dx2 * dy1
    g, h = (dx3 * dy2 - dx2 * dy3) / det, (dx1 * dy3 - dx3 * dy1) / det
    a, b, c = x1 - x0 + g * x1, x3 - x0 + h * x3, x0
    d, e, f = y1 - y0 + g * y1, y3 - y0 + h * y3, y0
    back = (e - f * h, c * h - b, b * f - c * e, f * g - d, a - c * g, c * d - a * f, d * h - e * g, b * g - a * h, a * e - b * d)
    scaled = [value / back[8] for value in back[:8]]
    return tuple(width * value for value in scaled[:3]) + tuple(height * value for value in scaled[3:6]) + tuple(scaled[6:])


def _pick_quad(rng: random.Random, sign: Image.Image, frame: tuple[float, float, float, float], *, hard: bool) -> list[Point]:
    """Where the corners of a sign fall inside a frame (left, top, right, bottom): scaled, turned, seen from aside."""
    left, top, right, bottom = frame
    room = min((right - left) / sign.width, (bottom - top) / sign.height)
    scale = room * (rng.uniform(0.3, 0.45) if hard else rng.uniform(0.7, 1.06))
    half_width, half_height = sign.width * scale / 2, sign.height * scale / 2
    slack_x, slack_y = max(0.0, (right - left) / 2 - half_width), max(0.0, (bottom - top) / 2 - half_height)
    x = (left + right) / 2 + slack_x * rng.uniform(-0.9, 0.9)
    y = (top + bottom) / 2 + slack_y * rng.uniform(-0.9, 0.9)
    turn = rng.triangular(-0.2, 0.2, 0.0)  # tangent of half the angle: at most 23 degrees
    cosine, sine = (1 - turn * turn) / (1 + turn * turn), 2 * turn / (1 + turn * turn)
    corners = []
    for side_x, side_y in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        out_x = side_x * half_width * rng.uniform(0.86, 1.06)
        out_y = side_y * half_height * rng.uniform(0.86, 1.06)
        corners.append((x + out_x * cosine - out_y * sine, y + out_x * sine + out_y * cosine))
    return corners


def _place_sign(rng: random.Random, picture: Image.Image, sign: Image.Image, quad: Sequence[Point]) -> None:
    """Puts a sign into the picture, with a soft shadow."""
    across = max(abs(quad[1][0] - quad[0][0]), abs(quad[2][0] - quad[3][0]), 8.0)
    if across < sign.width * 0.7:  # reduce first: the transform samples four by four points only
        sign = sign.resize(
            (max(8, round(across * 1.2)), max(8, round(sign.height * across * 1.2 / sign.width))), Image.Resampling.BOX
        )
    left, top = (max(0, int(min(point[axis] for point in quad)) - 12) for axis in (0, 1))
    right, bottom = (min(picture.size[axis], int(max(point[axis] for point in quad)) + 14) for axis in (0, 1))
    coefficients = _solve_perspective(sign.width, sign.height, [(x - left, y - top) for x, y in quad])
    seen = sign.transform((right - left, bottom - top), Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BILINEAR)
    alpha = seen.getchannel("A")
    shadow = ImageChops.offset(alpha.filter(ImageFilter.BoxBlur(3)), rng.randint(-5, 5), rng.randint(2, 6))
    picture.paste((12, 12, 18), (left, top), shadow.point([value * 4 // 10 for value in range(256)]))
    picture.paste(seen.convert("RGB"), (left, top), alpha)


# ---- camera ----------------------------------------------------------------------------------------------------------------


def _light(rng: random.Random, picture: Image.Image, *, hard: bool) -> Image.Image:
    """A field of uneven light, then each channel's gain and the camera's contrast."""
    field = Image.new("L", (2, 2))
    field.putdata([rng.randint(165, 255) for _ in range(4)])
    lit = field.resize(picture.size, Image.Resampling.BICUBIC)
    picture = ImageChops.multiply(picture, Image.merge("RGB", (lit, lit, lit)))
    gain, contrast = rng.uniform(0.95, 1.4) * (0.5 if hard else 1.0), rng.uniform(0.8, 1.12)
    table: list[float] = []
    for channel_gain in (rng.uniform(0.93, 1.07) for _ in range(3)):
        slope, start = contrast * gain * channel_gain, 128 * gain * (1 - contrast * channel_gain)
        table += [slope * value + start for value in range(256)]
    return picture.point([0 if value < 0 else 255 if value > 255 else int(value) for value in table])


def _add_noise(rng: random.Random, picture: Image.Image) -> Image.Image:
    grain = Image.frombytes("L", picture.size, rng.randbytes(picture.width * picture.height))
    return Image.blend(picture, Image.merge("RGB", (grain, grain, grain)), rng.uniform(0.01, 0.07))


def draw_photograph(picture: Scene, seed: int) -> Image.Image:
    """A picture's pixels, RGB, sides of 120 to 320 px."""
    rng = random.Random(f"{seed}/{picture.picture_id}")
    wide = len(picture.brands) > 1
    size = (
        (rng.randint(240, 320), rng.randint(140, 180))
        if wide
        else (int(rng.triangular(124, 300, 150)), int(rng.triangular(124, 250, 140)))
    )
    scene = _draw_scene(rng, size)
    for index, class_id in enumerate(picture.brands):
        share = size[0] / len(picture.brands)
        frame = (share * index + 4, 4.0, share * (index + 1) - 4, size[1] - 4.0)
        sign = _build_sign(rng, class_id, hard=picture.hard)
        _place_sign(rng, scene, sign, _pick_quad(rng, sign, frame, hard=picture.hard))
    if rng.random() < 0.3:  # something stands in the way, at the edge
        _paint_clutter(rng, scene, ImageDraw.Draw(scene), 1)
    scene = _light(rng, scene, hard=picture.hard)
    blur = rng.uniform(2.6, 3.6) if picture.hard else rng.choice((0.0, 0.0, 0.5, 0.9, 1.3))
    return _add_noise(rng, scene.filter(ImageFilter.BoxBlur(blur)) if blur else scene)


def encode_photograph(image: Image.Image, file_format: str, quality: int, orientation: int = 1) -> bytes:
    """A picture's bytes; with ``orientation`` 6 the pixels lie on their side and EXIF says so."""
    file, options = BytesIO(), {"quality": quality}
    if orientation == 6:
        exif = Image.Exif()
        exif[0x0112] = orientation
        image.transpose(Image.Transpose.ROTATE_90).save(file, file_format, exif=exif, **options)
    elif file_format == "PNG":
        image.quantize(64).save(file, "PNG")
    else:
        image.save(file, file_format, **options)
    return file.getvalue()


def render_picture(picture: Scene, seed: int) -> bytes:
    """A picture's bytes, as its site serves them."""
    quality = random.Random(f"{seed}/{picture.picture_id}/quality").randint(58, 92)
    return encode_photograph(draw_photograph(picture, seed), picture.file_format, quality, picture.orientation)


def shrink_picture(content: bytes, share: float, quality: int) -> bytes:
    """The same picture as another site serves it: resized by ``share`` and encoded anew as JPEG."""
    with Image.open(BytesIO(content)) as image:
        size = (round(image.width * share), round(image.height * share))
        smaller = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    return encode_photograph(smaller, "JPEG", quality)
