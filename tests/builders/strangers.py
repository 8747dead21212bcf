"""Small pictures as strangers send them, drawn: chunks, segments and boxes with something wrong in them."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from datasets import Image as ImageFeature
from PIL import Image

from logoingest.images import inspect_image
from logoingest.pictures.loading import check_picture, load_picture
from logoingest.pictures.normal_form import normalise_picture
from logoingest.pictures.rgb import convert_to_rgb

REMEDY = ': images.store = "rgb" saves it'
UPRIGHT = bytes.fromhex("49492a0008000000010012010300010000000100000000000000")
SIDEWAYS = bytes.fromhex("49492a0008000000010012010300010000000600000000000000")
XMP_SIDEWAYS = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def draw_halves(size: tuple[int, int] = (40, 30)) -> Image.Image:
    """Red at the left, blue at the right."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    return image


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def make_chunk(kind: bytes, content: bytes, checksum: int | None = None) -> bytes:
    """A PNG chunk; with a wrong checksum where one is given."""
    found = zlib.crc32(kind + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", found)


def put_chunk(png: bytes, chunk: bytes, before: bytes = b"IDAT") -> bytes:
    at = png.index(before) - 4
    return png[:at] + chunk + png[at:]


def put_segment(jpeg: bytes, content: bytes, marker: bytes = b"\xff\xe1") -> bytes:
    """A JPEG with another segment behind its first marker."""
    return jpeg[:2] + marker + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


def make_webp(*chunks: tuple[bytes, bytes], flags: int = 0, size: tuple[int, int] = (40, 30)) -> bytes:
    """An extended WebP of a lossless picture and further chunks."""
    plain = encode(draw_halves(size), "WEBP", lossless=True)
    pixels = plain[20 : 20 + struct.unpack("<I", plain[16:20])[0]]
    header = bytes([flags, 0, 0, 0]) + (size[0] - 1).to_bytes(3, "little") + (size[1] - 1).to_bytes(3, "little")
    body = b"WEBP"
    for kind, content in ((b"VP8X", header), (b"VP8L", pixels), *chunks):
        body += kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def make_gif(screen: tuple[int, int], frame: tuple[int, int], offset: tuple[int, int], transparent: int | None = None) -> bytes:
    """A GIF of one blue frame, somewhere on its screen; colour 0 is black, the background is yellow."""
    colours = bytes([0, 0, 0, 255, 255, 0, 255, 0, 0, 0, 0, 255])
    control = b"" if transparent is None else b"\x21\xf9\x04" + bytes([1, 0, 0, transparent]) + b"\0"
    image = Image.new("P", frame, 3)
    image.putpalette(colours)
    saved = encode(image, "GIF", optimize=False)
    table = 3 * (2 << (saved[10] & 7))
    start = saved.index(b"\x2c", 13 + table)
    local = bytes([0x80 | (saved[10] & 7)]) + saved[13 : 13 + table]
    descriptor = b"\x2c" + struct.pack("<HHHH", *offset, *frame) + local
    return b"GIF89a" + struct.pack("<HH", *screen) + bytes([0xF1, 1, 0]) + colours + control + descriptor + saved[start + 10 :]


def decode_as_datasets(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ImageFeature().decode_example({"bytes": data, "path": None})


def check_everywhere(data, size):
    """``datasets``, our loader and the readers' check show one picture of that size."""
    theirs = decode_as_datasets(data)
    assert theirs.size == size
    shown = np.asarray(convert_to_rgb(theirs))
    assert np.array_equal(shown, np.asarray(load_picture(data)))
    assert np.array_equal(shown, np.asarray(check_picture(data).picture))


def check_saved(data, size):
    """In normal form it is whole, upright, clean and open to everybody."""
    form = normalise_picture(data)
    facts = inspect_image(form.data)
    assert (facts["image_reason"], facts["original_fault"], facts["damaged"], facts["orientation"]) == (None, None, False, 1)
    assert (form.width, form.height) == (facts["width"], facts["height"]) == size
    check_everywhere(form.data, size)
    return np.asarray(load_picture(form.data))


def check_refused_but_saved(data, size, says, reason="decode_error"):
    facts = inspect_image(data)
    assert (facts["image_reason"], facts["original_fault"].partition(": ")[0]) == (reason, reason)
    assert says in facts["image_detail"]
    assert facts["image_detail"].endswith(REMEDY)
    saved = inspect_image(data, store="rgb")
    assert (saved["image_reason"], saved["width"], saved["height"]) == (None, *size)
    with pytest.raises(ValueError, match=r"."):
        check_picture(data)
    return check_saved(data, size)
