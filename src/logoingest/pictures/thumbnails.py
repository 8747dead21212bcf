"""Small JPEGs of pictures, decoded by the rules that the pictures were inspected by."""

from __future__ import annotations

import io

from logoingest.pictures.decoding import decode_picture
from logoingest.pictures.sniffing import sniff_format
from logoingest.refusals import Refusal

_QUALITY = 72


def draw_thumbnail(data: bytes, side_px: int, max_pixels: int = 100_000_000) -> bytes | None:
    """The first frame, upright, on white, as a JPEG of ``side_px`` at most; None for what cannot be decoded."""
    kind = sniff_format(data).format
    picture = None if kind is None else decode_picture(data, kind, max_pixels)
    if picture is None or isinstance(picture, Refusal):
        return None
    small = picture.small
    small.thumbnail((side_px, side_px))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
