"""Faults of a container that browsers overlook and Pillow does not, taken out without touching a pixel's code.

| fault | mended by |
|---|---|
| a PNG's ancillary chunk with a wrong checksum, of a wrong length, too large unpacked, or cut short | leaving out what no pixel needs |
| a JPEG that ends without its end marker | the marker; it only counts when every pixel was there |
| EXIF in an AVIF that cannot be read | giving the item another type, so that nobody reads it |
"""

from __future__ import annotations

import struct
import zlib

from logoingest.pictures.containers import iterate_boxes, iterate_png_chunks

_PNG_HEADER = b"\x89PNG\r\n\x1a\n"
_END_OF_IMAGE = b"\xff\xd9"
#: Pillow unpacks no text or colour profile beyond this (``PngImagePlugin.MAX_TEXT_CHUNK``).
_MAX_UNPACKED_BYTES = 1 << 20
_TRANSPARENCY_BYTES = {0: (2,), 2: (6,), 3: range(1, 257)}
_MAX_CHUNKS = 100_000


def mend_container(data: bytes, picture_format: str) -> bytes | None:
    """The file without what Pillow stumbles over; None where nothing is known to help."""
    if picture_format == "PNG":
        return _keep_pixels(data)
    if picture_format == "AVIF":
        return _hide_exif(data)
    return None


def mend_jpeg(data: bytes, first_scan: int) -> bytes | None:
    """A JPEG with an end marker; None where one stands behind ``first_scan`` already."""
    return None if data.endswith(_END_OF_IMAGE) or data.find(_END_OF_IMAGE, first_scan) >= 0 else data + _END_OF_IMAGE


def _keep_pixels(data: bytes) -> bytes | None:
    """The header, the palette, transparency and colour profile where they are sound, the pixels; None for an animation.

    Which picture of a broken animation is shown differs from browser to browser.
    """
    kept, colour_type = [_PNG_HEADER], -1
    for number, (kind, content, checksum) in enumerate(iterate_png_chunks(data)):
        if kind == b"IEND" or number == _MAX_CHUNKS:
            break
        if kind == b"acTL":
            return None
        if kind == b"IHDR" and len(content) >= 10:
            colour_type = content[9]
        sound = checksum is not None and zlib.crc32(content, zlib.crc32(kind)) == checksum
        if kind == b"iCCP":
            needed = sound and _is_profile(content)
        elif kind == b"tRNS":
            needed = sound and len(content) in _TRANSPARENCY_BYTES.get(colour_type, ())
        else:
            needed = kind in {b"IHDR", b"PLTE", b"IDAT"}
        if needed:
            end = b"" if checksum is None else checksum.to_bytes(4, "big")
            kept += [struct.pack(">I4s", len(content), kind), bytes(content), end]
    return b"".join([*kept, struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))])


def _is_profile(content: memoryview) -> bool:
    name, _, packed = bytes(content).partition(b"\0")
    if not 0 < len(name) < 80 or packed[:1] != b"\0":
        return False
    unpack = zlib.decompressobj()
    try:
        unpack.decompress(packed[1:], _MAX_UNPACKED_BYTES)
    except zlib.error:
        return False
    return not unpack.unconsumed_tail


def _hide_exif(data: bytes) -> bytes | None:
    """Item information entries (``infe``, ISO/IEC 14496-12, 8.11.6) of the type Exif get a type that nobody knows."""
    for kind, start, end in iterate_boxes(data):
        if kind == b"meta" and b"infe" in data[start:end]:
            parts = data[start:end].split(b"infe")
            hidden = [part[:8] + b"free" + part[12:] if part[8:12] == b"Exif" else part for part in parts[1:]]
            meta = b"infe".join([parts[0], *hidden])
            return None if meta == data[start:end] else data[:start] + meta + data[end:]
    return None
