"""Bytes → the picture a model sees."""

from __future__ import annotations

import io

from PIL import ExifTags, Image, ImageOps


def decode_picture(data: bytes) -> Image.Image:
    """The picture as RGB, the right way up.

    EXIF orientation is applied; transparency lies on white; 16-bit grey is scaled (not clipped) to 8 bits; of an animation the
    first frame is taken.

    Raises:
        ValueError: the bytes are no whole picture that Pillow can read.
    """
    return to_rgb(open_picture(data))


def open_picture(data: bytes) -> Image.Image:
    """The picture as stored, fully decoded, the right way up.

    Raises:
        ValueError: the bytes are no whole picture that Pillow can read.
    """
    try:
        image: Image.Image = Image.open(io.BytesIO(data))
        image.load()
        if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:
            ImageOps.exif_transpose(image, in_place=True)
    except Exception as error:
        # Pillow's readers of damaged files raise whatever comes: OSError, SyntaxError, struct.error, IndexError …
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return image


def to_rgb(image: Image.Image) -> Image.Image:
    """An RGB picture of any other."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    if image.mode in {"I", "F"}:
        return _scale(image).convert("RGB")
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        ground = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(ground, layered).convert("RGB")
    return image.convert("RGB")


def _scale(image: Image.Image) -> Image.Image:
    """32-bit grey to 8 bits: what fits in 8 or 16 bits is taken for that, anything else is stretched."""
    low, high = image.getextrema()
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    if low >= 0 and high <= 255:
        return image.convert("L")
    if low >= 0 and high <= 65535:
        return image.point(lambda value: value / 256).convert("L")
    span = (high - low) or 1
    return image.point(lambda value: value * (255 / span) + (-low * 255 / span)).convert("L")
