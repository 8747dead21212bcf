"""A picture's bytes in the form an export was asked for; as they are where they are so already."""

from __future__ import annotations

import io
from typing import NamedTuple

from logoingest.pictures.loading import open_whole
from logoingest.pictures.normal_form import JPEG_QUALITY, MAX_JPEG_SIDE_PX, normalise_picture, show_picture
from logoingest.pictures.orientation import is_turned

_EXTENSIONS = {"JPEG": "jpg", "PNG": "png"}


class Rewritten(NamedTuple):
    """The new bytes, the ending of their name, and their size."""

    data: bytes
    extension: str
    size: tuple[int, int]
    """Width and height, pixels."""


def rewrite_picture(data: bytes, *, jpeg: bool, upright: bool) -> Rewritten | None:
    """A picture brought into the form asked for; None where it is so already.

    Args:
        data: a released picture.
        jpeg: 8-bit JPEG of RGB or grey. What is rewritten is in the normal form of pictures (upright, sRGB, on white, the first frame).
        upright: no EXIF orientation but the plain one; what is rewritten is in that normal form.

    Raises:
        ValueError: it cannot be decoded, or is too long for a JPEG.
    """
    turned = upright and is_turned(data)
    if jpeg and (turned or not _is_plain_jpeg(data)):
        return _encode_jpeg(data)
    if turned:
        normal = normalise_picture(data)
        return Rewritten(normal.data, _EXTENSIONS[normal.format], (normal.width, normal.height))
    return None


def _is_plain_jpeg(data: bytes) -> bool:
    opened = open_whole(data)
    return opened.format == "JPEG" and opened.mode in {"RGB", "L"}


def _encode_jpeg(data: bytes) -> Rewritten:
    shown = show_picture(data)
    if max(shown.size) > MAX_JPEG_SIDE_PX:
        raise ValueError(f"its {shown.width} x {shown.height} pixels are too many for a JPEG")
    shown.info = {}  # comments and profiles would be written again
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return Rewritten(buffer.getvalue(), _EXTENSIONS["JPEG"], shown.size)
