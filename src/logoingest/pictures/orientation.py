"""Which way up a picture is, as browsers read it.

Only the EXIF of the place that the format names for it counts: the first APP1 segment of a JPEG that begins with ``Exif`` and a zero byte, the first
eXIf chunk of a PNG that stands before its pixels, what ``irot`` and ``imir`` of an AVIF say. The tag must be one SHORT of 1 to 8 (Exif 2.32,
4.6.4 and tag 0x0112); anything else is as good as none. XMP, EXIF in a WebP and EXIF in a PNG's texts turn nothing in browsers. Measured
with Chromium by ``benchmarks/pictures_in_browsers.py``.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping

from PIL import Image

from logoingest.pictures.containers import iterate_png_chunks
from logoingest.pictures.sniffing import sniff_format

ORIENTATION_TAG = 0x0112
_EXIF_POINTER = 0x8769
_SHORT, _LONG = 3, 4
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}

#: EXIF orientation → what brings the picture the right way up (Exif 2.32, tag 0x0112); 1 needs nothing.
TRANSPOSITIONS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_orientation(image: Image.Image, data: bytes = b"") -> int:
    """1 to 8; of a TIFF, which no browser shows, as Pillow reads it.

    Args:
        image: opened by Pillow, decoded or not.
        data: the file's bytes; without them a PNG is taken at Pillow's word for its eXIf chunk.
    """
    if image.format in {"JPEG", "MPO"}:
        return _read_exif(_find_segment(image)[6:])
    if image.format == "PNG" and data:
        return _read_exif(_find_chunk(data))
    if image.format == "TIFF":
        return _ask_pillow(image)
    if image.format in {"AVIF", "PNG", None}:
        return _read_exif(image.info.get("exif", b"").removeprefix(b"Exif\0\0"))
    return 1


def _find_segment(image: Image.Image) -> bytes:
    segments = getattr(image, "applist", ())
    return next((content for name, content in segments if name == "APP1" and content.startswith(b"Exif\0")), b"")


def _find_chunk(data: bytes) -> bytes:
    if b"eXIf" not in data:
        return b""
    for kind, content, checksum in iterate_png_chunks(data):
        if kind == b"IDAT":
            break
        if kind == b"eXIf" and zlib.crc32(content, zlib.crc32(kind)) == checksum:
            return bytes(content)
    return b""


def _ask_pillow(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001  unreadable is as good as none
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _read_exif(tiff: bytes) -> int:
    order = _ORDERS.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return 1
    (offset,) = struct.unpack_from(order + "I", tiff, 4)
    return _search_directory(tiff, order, offset) or 1


def _search_directory(tiff: bytes, order: str, offset: int, nested: bool = False) -> int | None:
    """The first orientation of a directory, or of the Exif directory that it points to; None where there is none."""
    if offset + 2 > len(tiff):
        return None
    (count,) = struct.unpack_from(order + "H", tiff, offset)
    for place in range(offset + 2, min(offset + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind, number = struct.unpack_from(order + "HHI", tiff, place)
        if tag == ORIENTATION_TAG and (kind, number) == (_SHORT, 1):
            (value,) = struct.unpack_from(order + "H", tiff, place + 8)
            if 1 <= value <= 8:
                return int(value)
        elif tag == _EXIF_POINTER and (kind, number) == (_LONG, 1) and not nested:
            (pointer,) = struct.unpack_from(order + "I", tiff, place + 8)
            found = _search_directory(tiff, order, pointer, nested=True)
            if found is not None:
                return found
    return None


def is_turned(data: bytes) -> bool:
    """Whether a whole picture says that it lies on its side, on its head or mirrored; False where it cannot be opened.

    Only its header is read: no pixel is decoded.
    """
    kind = sniff_format(data).format
    if kind is None or (kind not in {"AVIF", "TIFF"} and b"Exif\0" not in data and b"eXIf" not in data):
        return False  # nothing in it that could say so
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            return read_orientation(image, data) != 1
    except Exception:  # noqa: BLE001  Pillow's readers of damaged files raise whatever comes
        return False
