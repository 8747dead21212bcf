"""What people do to pictures, each at three strengths: the guises that ``copies.py`` looks for copies in."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Random = np.random.Generator
_ORIENTATION = 0x0112


class Guise(NamedTuple):
    """One thing done to a picture, and how strongly."""

    family: str
    """turn, colour, compression, size, crop, rotation, overlay, frame, or none of the copies: ground, burst."""
    name: str
    make: Callable[[Image.Image, Random], bytes]


def encode(image: Image.Image, picture_format: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, picture_format, **(options or {"quality": 85} if picture_format == "JPEG" else options))
    return buffer.getvalue()


def transpose(method: Image.Transpose) -> Callable[[Image.Image, Random], bytes]:
    return lambda image, _random: encode(image.transpose(method))


def turn_by_exif(orientation: int) -> Callable[[Image.Image, Random], bytes]:
    """The same pixels, shown turned: what a camera held upright writes."""

    def make(image: Image.Image, _random: Random) -> bytes:
        exif = Image.Exif()
        exif[_ORIENTATION] = orientation
        return encode(image, quality=85, exif=exif)

    return make


def crop(area: float) -> Callable[[Image.Image, Random], bytes]:
    """A window of this share of the area, of the picture's aspect, anywhere in it."""

    def make(image: Image.Image, random: Random) -> bytes:
        width, height = (round(side * area**0.5) for side in image.size)
        left, top = int(random.integers(image.width - width + 1)), int(random.integers(image.height - height + 1))
        return encode(image.crop((left, top, left + width, top + height)))

    return make


def pad(share: float) -> Callable[[Image.Image, Random], bytes]:
    """This share of each side added on every side, in one colour."""
    return lambda image, random: encode(
        ImageOps.expand(image, round(max(image.size) * share), tuple(random.integers(256, size=3).tolist()))
    )


def frame(share: float) -> Callable[[Image.Image, Random], bytes]:
    """A dark line around, and white around that."""

    def make(image: Image.Image, _random: Random) -> bytes:
        line = max(2, round(max(image.size) * share / 4))
        return encode(ImageOps.expand(ImageOps.expand(image, line, "#222222"), round(max(image.size) * share), "white"))

    return make


def show_on_screen(area: float) -> Callable[[Image.Image, Random], bytes]:
    """A screenshot: the picture takes this share of it, bars, buttons and text the rest."""

    def make(image: Image.Image, random: Random) -> bytes:
        more = 1 / area**0.5
        width, height = round(image.width * more), round(image.height * more)
        screen = Image.new("RGB", (width, height), "#f2f2f5")
        draw = ImageDraw.Draw(screen)
        free = width - image.width, height - image.height
        left, top = int(random.integers(free[0] + 1)), max(int(free[1] * 0.7), 1)
        draw.rectangle((0, 0, width, top - 1), fill="#30343c")
        for place in range(6, width - 20, 46):
            draw.rectangle((place, top // 3, place + 30, 2 * top // 3), fill="#9aa4b5")
        draw.text((8, height - max(free[1] - top, 0)), "Shared by photo_fan_77 - 1,204 likes", fill="#222222")
        screen.paste(image, (left, top))
        return encode(screen)

    return make


def resize(share: float) -> Callable[[Image.Image, Random], bytes]:
    return lambda image, _random: encode(
        image.resize((max(8, round(image.width * share)), max(8, round(image.height * share))), Image.Resampling.BICUBIC)
    )


def compress(picture_format: str, quality: int) -> Callable[[Image.Image, Random], bytes]:
    return lambda image, _random: encode(image, picture_format, quality=quality)


def adjust(change: Callable[[Image.Image], Image.Image]) -> Callable[[Image.Image, Random], bytes]:
    return lambda image, _random: encode(change(image))


def gamma(exponent: float) -> Callable[[Image.Image, Random], bytes]:
    table = [round(255 * (level / 255) ** exponent) for level in range(256)] * 3
    return adjust(lambda image: image.point(table))


def balance_white(strength: float) -> Callable[[Image.Image, Random], bytes]:
    table = [min(255, round(level * factor)) for factor in (1 + strength, 1.0, 1 - strength) for level in range(256)]
    return adjust(lambda image: image.point(table))


def add_noise(spread: float) -> Callable[[Image.Image, Random], bytes]:
    def make(image: Image.Image, random: Random) -> bytes:
        pixels = np.asarray(image).astype(np.float32) + random.normal(0, spread, (image.height, image.width, 3))
        return encode(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)))

    return make


def rotate(degrees: float) -> Callable[[Image.Image, Random], bytes]:
    """Turned slightly, to either side, corners filled with the picture's edge colour."""

    def make(image: Image.Image, random: Random) -> bytes:
        return encode(image.rotate(degrees * random.choice([-1, 1]), Image.Resampling.BICUBIC, fillcolor=image.getpixel((0, 0))))

    return make


def write_over(area: float) -> Callable[[Image.Image, Random], bytes]:
    """A banner with text over this share of the area, somewhere."""

    def make(image: Image.Image, random: Random) -> bytes:
        shown = image.copy()
        draw = ImageDraw.Draw(shown)
        width = image.width * min(0.9, (area * 4) ** 0.5)
        height = image.width * image.height * area / width
        left, top = random.uniform(0, image.width - width), random.uniform(0, image.height - height)
        draw.rectangle((left, top, left + width, top + height), fill="#101010")
        draw.text((left + 4, top), "SALE 50% www.shop.test", fill="white", font=ImageFont.load_default(max(8, height * 0.6)))
        return encode(shown)

    return make


def paste_on_ground(kind: int) -> Callable[[Image.Image, Random], bytes]:
    """The picture cut down to half a side, on a busy ground of its own: another picture."""

    def make(image: Image.Image, random: Random) -> bytes:
        cells = random.integers(0, 256, (6 + 5 * kind, 8 + 5 * kind, 3)).astype(np.uint8)
        ground = Image.fromarray(cells).resize(image.size, Image.Resampling.BICUBIC)
        small = image.resize((image.width // 2, image.height // 2))
        ground.paste(small, tuple(int(random.integers(side // 2)) for side in image.size))
        return encode(ground)

    return make


def shoot_again(shift: float) -> Callable[[Image.Image, Random], bytes]:
    """The next frame of a burst: moved, what stands in front moved on, another light, noise."""

    def make(image: Image.Image, random: Random) -> bytes:
        width, height = image.size
        dx, dy = (round(side * shift * random.choice([-1, 1])) for side in image.size)
        moved = image.transform(image.size, Image.Transform.AFFINE, (1, 0, dx, 0, 1, dy), Image.Resampling.BICUBIC)
        inner = image.crop((width // 3, height // 3, 2 * width // 3, 2 * height // 3))
        moved.paste(inner, (width // 3 + 2 * dx, height // 3))
        pixels = np.asarray(moved).astype(np.float32) * 1.08 + random.normal(0, 4, (height, width, 3))
        return encode(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)))

    return make


_T = Image.Transpose
GUISES = (
    *(Guise("turn", f"turned {name}", transpose(way)) for name, way in ((90, _T.ROTATE_270), (180, _T.ROTATE_180), (270, _T.ROTATE_90))),
    *(Guise("turn", name, transpose(way)) for name, way in (("mirrored", _T.FLIP_LEFT_RIGHT), ("upside down", _T.FLIP_TOP_BOTTOM), ("transposed", _T.TRANSPOSE))),
    *(Guise("turn", f"EXIF {tag}", turn_by_exif(tag)) for tag in (3, 6, 5)),
    *(Guise("colour", name, adjust(change)) for name, change in (
        ("grey", lambda image: image.convert("L").convert("RGB")),
        *((f"brightness x{factor}", lambda image, f=factor: ImageEnhance.Brightness(image).enhance(f)) for factor in (0.6, 0.8, 1.3)),
        *((f"contrast x{factor}", lambda image, f=factor: ImageEnhance.Contrast(image).enhance(f)) for factor in (0.5, 0.75, 1.4)),
    )),
    *(Guise("colour", f"gamma {exponent}", gamma(exponent)) for exponent in (0.6, 0.8, 1.6)),
    *(Guise("colour", f"white balance {strength}", balance_white(strength)) for strength in (0.1, 0.2, 0.3)),
    *(Guise("compression", f"{kind} {quality}", compress(kind, quality)) for kind, qualities in (("JPEG", (10, 40, 90)), ("WEBP", (10, 40, 90)), ("AVIF", (20, 50, 80))) for quality in qualities),
    *(Guise("compression", f"blur {radius}", adjust(lambda image, r=radius: image.filter(ImageFilter.GaussianBlur(r)))) for radius in (1, 2, 4)),
    *(Guise("compression", f"sharpen {percent}", adjust(lambda image, p=percent: image.filter(ImageFilter.UnsharpMask(2, p)))) for percent in (80, 150, 300)),
    *(Guise("compression", f"noise {spread}", add_noise(spread)) for spread in (5, 15, 25)),
    *(Guise("size", f"size {share:.0%}", resize(share)) for share in (0.2, 0.5, 3.0)),
    *(Guise("crop", f"crop to {area:.0%}", crop(area)) for area in (0.9, 0.75, 0.6)),
    Guise("crop 50 %", "crop to 50%", crop(0.5)),
    *(Guise("rotation", f"rotated {degrees}°", rotate(degrees)) for degrees in (1, 3, 5)),
    *(Guise("frame", f"padded {share:.0%}", pad(share)) for share in (0.05, 0.15, 0.3)),
    *(Guise("frame", f"framed {share:.0%}", frame(share)) for share in (0.04, 0.1, 0.2)),
    *(Guise("frame", f"on a screen {area:.0%}", show_on_screen(area)) for area in (0.85, 0.7, 0.55)),
    *(Guise("overlay", f"text over {area:.0%}", write_over(area)) for area in (0.05, 0.1, 0.15)),
    *(Guise("no copy: other ground", f"on a ground {kind}", paste_on_ground(kind)) for kind in (0, 1, 2)),
    *(Guise("burst", f"burst {shift:.0%}", shoot_again(shift)) for shift in (0.01, 0.02, 0.04)),
)  # fmt: skip
