"""Small JPEGs of pictures, decoded by the rules that the pictures were inspected by."""

from __future__ import annotations

import io

from PIL import Image

from logoingest.pictures.decoding import decode_picture
from logoingest.pictures.loading import load_picture
from logoingest.pictures.opening import open_picture
from logoingest.pictures.sniffing import sniff_format
from logoingest.refusals import Refusal

_QUALITY = 72
_VIEW_QUALITY = 85
#: Larger pictures, unless they are JPEGs, which come at a part of their size, are shown as they were inspected: small.
_WHOLE_PIXELS = 30_000_000


def draw_thumbnail(data: bytes, side_px: int, max_pixels: int = 100_000_000) -> bytes | None:
    """The first frame, upright, on white, as a JPEG of ``side_px`` at most; None for what cannot be decoded."""
    kind = sniff_format(data).format
    picture = None if kind is None else decode_picture(data, kind, max_pixels)
    if picture is None or isinstance(picture, Refusal):
        return None
    return _write_jpeg(picture.small, side_px, _QUALITY)


def draw_view(data: bytes, side_px: int, max_pixels: int = 100_000_000) -> bytes | None:
    """The same of any size: as much of the picture as ``side_px`` shows; what opens only partly is shown as it was inspected."""
    kind = sniff_format(data).format
    try:
        width, height = (0, 0) if kind is None else open_picture(data, kind, max_pixels).size
        if kind is None or width * height > (max_pixels if kind == "JPEG" else _WHOLE_PIXELS):
            return draw_thumbnail(data, side_px, max_pixels)
        return _write_jpeg(load_picture(data, side_px), side_px, _VIEW_QUALITY)
    except Exception:  # noqa: BLE001  as in decode_picture: strangers' bytes, of which anything may come out
        return draw_thumbnail(data, side_px, max_pixels)


def _write_jpeg(picture: Image.Image, side_px: int, quality: int) -> bytes:
    picture.thumbnail((side_px, side_px))
    picture.info.clear()  # the stranger's comment would be written again
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
