"""The containers of pictures, walked by their own structure: where chunks begin and end, and which files end too early."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_PNG_HEADER_BYTES = 8
#: Boxes of a file's top level that are looked at, at most: a picture has three.
_MAX_BOXES = 1_000


def iterate_png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, int | None]]:
    """Yields (kind, content, checksum) of every chunk (PNG specification, section 5.3); the checksum is None where the file ends."""
    view, position = memoryview(data), _PNG_HEADER_BYTES
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 8 + length
        checksum = int.from_bytes(view[end : end + 4], "big") if end + 4 <= len(data) else None
        yield kind, view[position + 8 : end], checksum
        position = end + 4


def iterate_boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yields (kind, start of the content, end) of the boxes of an ISO base media file (ISO/IEC 14496-12, 4.2), the top level alone."""
    position = 0
    for _ in range(_MAX_BOXES):
        if position + 8 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, position)
        header = 8
        if size == 1 and position + 16 <= len(data):
            (size,), header = struct.unpack_from(">Q", data, position + 8), 16
        elif size == 0:
            size = len(data) - position
        if size < header:
            return
        yield kind, position + header, position + size
        position += size


def ends_early(data: bytes, picture_format: str) -> bool:
    """Whether the container says that more bytes belong to it: of a WebP (RIFF) or an AVIF (ISO base media); False for the others."""
    if picture_format == "WEBP":
        return len(data) < 12 or int.from_bytes(data[4:8], "little") + 8 > len(data)
    if picture_format == "AVIF":
        return any(end > len(data) for _, _, end in iterate_boxes(data))
    return False
