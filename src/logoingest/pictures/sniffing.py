"""What some bytes are, by their content alone: one of the picture formats accepted here, or a name for people.

Neither a file's name nor its Content-Type is looked at: hosts answer ``photo.jpg`` with error pages and call everything image/jpeg.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Sniffed(NamedTuple):
    """``format`` is one of the accepted formats or None; ``name`` is what the bytes look like ("an HTML page")."""

    format: str | None
    name: str


#: (offset, magic bytes, format) of the accepted formats that a few bytes tell for certain.
_ACCEPTED: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (8, b"WEBP", "WEBP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"\0\0\1\0", "ICO"),
)
#: Everything else with a signature. Raster formats stand here too: few on the web, and their decoders have a history.
_REFUSED: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (4, b"ftyphei", "a HEIF picture"),
    (4, b"ftyphev", "a HEIF picture"),
    (4, b"ftypmif1", "a HEIF picture"),
    (4, b"ftypmsf1", "a HEIF picture"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"gimp xcf", "a GIMP document"),
    (0, b"DDS ", "a DDS texture"),
    (0, b"BLP1", "a BLP texture"),
    (0, b"BLP2", "a BLP texture"),
    (4, b"\x11\xaf", "an FLI animation"),
    (4, b"\x12\xaf", "an FLI animation"),
    (0, b"SIMPLE  =", "a FITS file"),
    (0, b"GRIB", "a GRIB file"),
    (0, b"BUFR", "a BUFR file"),
    (0, b"icns", "an Apple icon"),
    (0, b"qoif", "a QOI picture"),
    (0, b"\0\0\2\0", "a cursor"),
    (0, b"%!PS", "a PostScript file"),
    (0, b"\xc5\xd0\xd3\xc6", "a PostScript file"),
    (0, b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (0, b"\x01\0\0\0", "a Windows metafile"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"{\\rtf", "an RTF document"),
    (4, b"ftyp", "a video"),
    (4, b"moov", "a video"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (8, b"AVI ", "a video"),
    (0, b"FLV\x01", "a video"),
    (0, b"\0\0\1\xba", "a video"),
    (0, b"\0\0\1\xb3", "a video"),
    (0, b"OggS", "an audio or video file"),
    (0, b"ID3", "an audio file"),
    (8, b"WAVE", "an audio file"),
)
_BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
_MAX_BRAND_BYTES = 1_024
_TGA_FOOTER = b"TRUEVISION-XFILE."
#: Of a JPEG and a PNG; no text holds these bytes.
_PICTURE_MAGIC = re.compile(rb"\xff\xd8\xff[\xc0-\xfe]|\x89PNG\r\n\x1a\n")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_HTML = re.compile(rb"<(!doctype\s+html|html|head|body|title|script|meta|div|p|h1|center)\b")
_SVG = re.compile(rb"<(!doctype\s+)?svg\b")


def sniff_format(data: bytes) -> Sniffed:
    """What ``data`` is, judged by its first kilobyte (and its last bytes, for Targa)."""
    if not data:
        return Sniffed(None, "empty")
    for offset, magic, name in _ACCEPTED:
        if data.startswith(magic, offset):
            return Sniffed(name, name)
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return Sniffed("BMP", "BMP")
    if re.match(rb"P[1-6][\s#]", data):
        return Sniffed("PPM", "PPM")
    if _TGA_FOOTER in data[-26:]:
        return Sniffed("TGA", "TGA")
    if data[4:8] == b"ftyp" and _names_avif(data):
        return Sniffed("AVIF", "AVIF")
    for offset, magic, name in _REFUSED:
        if data.startswith(magic, offset):
            return Sniffed(None, name)
    behind = _PICTURE_MAGIC.search(data[:1024])
    if behind is not None:
        return Sniffed(None, f"a picture with stray bytes before it ({behind.start():,})")
    return Sniffed(None, _name_text(data[:1024]))


def _names_avif(data: bytes) -> bool:
    """Whether the major brand or a compatible one of an ISO base media file is AVIF's (av1-avif, section 6)."""
    end = min(int.from_bytes(data[:4], "big"), len(data), _MAX_BRAND_BYTES)
    brands = [data[8:12], *(data[start : start + 4] for start in range(16, end - 3, 4))]
    return b"avif" in brands or b"avis" in brands


def _name_text(head: bytes) -> str:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.decode("utf-16", "replace").encode()
    if _CONTROL.search(head):
        return "bytes of no known format"
    text = head.removeprefix(b"\xef\xbb\xbf").strip().lower()
    if not text:
        return "white space"
    if text.startswith(b"<"):
        if _SVG.search(text):
            return "an SVG drawing"
        return "an HTML page" if _HTML.search(text) else "an XML document" if text.startswith(b"<?xml") else "markup text"
    if re.match(rb"[{\[]\s*([\"{\[\]}\d-]|true|false|null)", text):
        return "a JSON document"
    return "text"
