"""How many frames or pages a file has, without decoding them and without trusting it to end.

Pillow finds the number of a GIF's or a TIFF's frames by stepping through all of them, some ten microseconds to a millisecond each:
a hostile file of ten megabytes takes minutes. These walk the containers' own structure and stop at ``MAX_FRAMES``.
"""

from __future__ import annotations

import struct

from PIL import Image

#: Counting stops here; a file with more reports this number.
MAX_FRAMES = 10_000


def count_frames(data: bytes, picture_format: str, image: Image.Image) -> int:
    """Frames of an animation or pages of a document, 1 to ``MAX_FRAMES``; what cannot be read is not counted.

    A JPEG is one picture: what multi-picture files (CIPA DC-007) hold besides, previews and gain maps, is no second frame to anybody.
    """
    if picture_format == "GIF":
        count = _count_gif_frames(data)
    elif picture_format == "TIFF":
        count = _count_tiff_pages(data)
    elif picture_format == "JPEG":
        count = 1
    else:  # a number in the header
        count = int(getattr(image, "n_frames", 1))
    return min(max(count, 1), MAX_FRAMES)


def _count_gif_frames(data: bytes) -> int:
    """Image descriptors of a GIF (GIF89a specification, sections 18 to 26)."""
    position = 13 + _colour_table_size(data, 10)
    count = 0
    while position < len(data) and count < MAX_FRAMES:
        kind = data[position]
        if kind == 0x21:  # extension: introducer, label, sub-blocks
            position = _skip_sub_blocks(data, position + 2)
        elif kind == 0x2C:  # descriptor, local colours, code size, sub-blocks
            count += 1
            position = _skip_sub_blocks(data, position + 11 + _colour_table_size(data, position + 9))
        else:
            break
    return count


def _colour_table_size(data: bytes, position: int) -> int:
    flags = data[position] if position < len(data) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_sub_blocks(data: bytes, position: int) -> int:
    while position < len(data) and data[position]:
        position += data[position] + 1
    return position + 1


def _count_tiff_pages(data: bytes) -> int:
    """Image file directories of a TIFF (TIFF 6.0, section 2) or BigTIFF; a loop among them ends the count."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    offset_format, count_format, entry_size = ("Q", "Q", 20) if big else ("I", "H", 12)
    seen: set[int] = set()
    try:
        (offset,) = struct.unpack_from(order + offset_format, data, 8 if big else 4)
        while offset and offset not in seen and len(seen) < MAX_FRAMES:
            (entries,) = struct.unpack_from(order + count_format, data, offset)
            seen.add(offset)
            after = offset + struct.calcsize(order + count_format) + entries * entry_size
            (offset,) = struct.unpack_from(order + offset_format, data, after)
    except struct.error:
        pass
    return len(seen)
