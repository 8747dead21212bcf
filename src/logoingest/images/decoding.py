"""Bytes to a small RGB picture: one decode, which proves the file whole and gives everything that is measured.

- JPEG is decoded by libjpeg-turbo in strict mode at 1/1, 1/2, 1/4 or 1/8 scale. The whole entropy-coded stream is read at every
  scale, and strict mode notices four times as many damaged files as Pillow does. What it refuses, Pillow decides: truncated,
  broken, or usable with a warning.
- Everything else is decoded whole by one named Pillow decoder, the one the content asks for: no guessing among plug-ins, nothing
  that calls another program. No process-wide switch of Pillow is touched; sizes are checked before pixels are.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

import simplejpeg
from PIL import Image

from logoingest.images.frames import count_frames
from logoingest.images.normalising import convert_to_rgb, find_range
from logoingest.images.opening import TRANSPOSITIONS, open_picture, read_orientation
from logoingest.refusals import Refusal
from logoingest.schemas import Reason

#: The shorter side of the inspected picture is at least this, and less than twice this, where the file has as much.
INSPECTED_SIDE_PX = 128
#: Longer sides exist only in hostile headers: JPEG ends at 65,535, WebP at 16,383.
MAX_SIDE_PX = 100_000
_MAX_SCANS = 64
_MAX_SCANNED_PIXELS = 1_000_000_000
_BAND_PIXELS = 4_000_000


class Picture(NamedTuple):
    """A decoded picture, the right way up."""

    small: Image.Image
    """RGB, alpha on white, the shorter side about ``INSPECTED_SIDE_PX`` to twice that."""
    format: str
    mode: str
    """Pillow's, as stored."""
    width: int
    """Pixels of the whole picture, as shown."""
    height: int
    frames: int
    orientation: int
    """EXIF, 1 to 8."""
    warning: str | None
    """What the strict decoder said of a damaged, yet usable file."""
    profile: bytes | None
    """The embedded ICC profile."""
    pixel_hash: str
    """sha256 over width, height, orientation and the RGB pixels: of a JPEG those at the decoded scale, else all of them."""


def decode_picture(data: bytes, picture_format: str, max_pixels: int) -> Picture | Refusal:
    """Decode the first frame of ``data``.

    Args:
        data: a file's bytes.
        picture_format: what ``sniff_format`` says they are: one of the accepted formats.
        max_pixels: larger pictures are refused by their header, before decoding.

    Returns:
        the picture, or why there is none (``TRUNCATED``, ``DECODE_ERROR``, ``BOMB``). Never raises.
    """
    try:
        refusal = _refuse_icon(data, max_pixels) if picture_format == "ICO" else None
        if refusal is not None:
            return refusal
        image = open_picture(data, picture_format)
        refusal = _refuse_size(image, data, picture_format, max_pixels)
        if refusal is not None:
            return refusal
        if picture_format == "PNG":
            image.load()  # reading EXIF loads a PNG as well, but would swallow what is wrong with it
        orientation = read_orientation(image)
        mode = image.mode
        frames = count_frames(data, image)
        if picture_format == "JPEG":
            small, size, digest, warning = _decode_jpeg(data, image)
        else:
            small, size, digest = _decode_whole(image)
            warning = None
        left = orientation if picture_format != "TIFF" else read_orientation(image)  # Pillow turns TIFFs while loading
        profile = image.info.get("icc_profile")
    except Exception as error:  # noqa: BLE001  decoders meet strangers' bytes: anything may come out, and the job goes on
        return _explain_failure(error)
    if left in TRANSPOSITIONS:
        small = small.transpose(TRANSPOSITIONS[left])
    width, height = size if left < 5 else size[::-1]
    digest.update(f"{width}x{height}:{left}".encode())
    return Picture(small, picture_format, mode, width, height, frames, orientation, warning, profile or None, digest.hexdigest())


def _refuse_size(image: Image.Image, data: bytes, picture_format: str, max_pixels: int) -> Refusal | None:
    refusal = _judge_size(*image.size, max_pixels)
    if refusal is not None:
        return refusal
    if picture_format == "JPEG" and not _has_one_scan(image, data):
        scans = data.count(b"\xff\xda")
        if scans > _MAX_SCANS and scans * image.width * image.height > _MAX_SCANNED_PIXELS:
            return Refusal(Reason.BOMB, f"{scans} scans over {image.width} x {image.height} pixels")
    return None


def _has_one_scan(image: Image.Image, data: bytes) -> bool:
    """Whether the first scan must be the last: not progressive, all components in it (libjpeg then expects the end).

    Pillow stops reading behind the header of the first scan (ITU T.81, B.2.3); where that is not found there, scans are counted.
    """
    file, components = getattr(image, "fp", None), getattr(image, "layers", 0)
    start = 0 if file is None else file.tell() - 2 * components - 8
    header = data[start : start + 5] if start > 0 else b""
    return "progressive" not in image.info and header[:2] == b"\xff\xda" and header[4:] == bytes([components])


def _refuse_icon(data: bytes, max_pixels: int) -> Refusal | None:
    """Pillow decodes an icon when it opens it; an entry may be a PNG with a header, and a size, of its own."""
    for found in re.finditer(b"IHDR", data):
        width, height = (int.from_bytes(data[start : start + 4], "big") for start in (found.end(), found.end() + 4))
        refusal = _judge_size(width, height, max_pixels)
        if refusal is not None:
            return refusal
    return None


def _judge_size(width: int, height: int, max_pixels: int) -> Refusal | None:
    if width <= 0 or height <= 0:
        return Refusal(Reason.DECODE_ERROR, f"the header says {width} x {height} pixels")
    if width * height > max_pixels or max(width, height) > MAX_SIDE_PX:
        return Refusal(Reason.BOMB, f"the header says {width} x {height} pixels")
    return None


def _decode_jpeg(data: bytes, image: Image.Image) -> tuple[Image.Image, tuple[int, int], hashlib._Hash, str | None]:
    """(small picture, full size, digest, warning of the strict decoder)."""
    size = image.size
    scale = next((scale for scale in (8, 4, 2) if min(size) >= scale * INSPECTED_SIDE_PX), 1)
    least = {"min_width": -(-size[0] // scale), "min_height": -(-size[1] // scale)}
    warning = None
    try:
        if image.mode == "CMYK":
            simplejpeg.decode_jpeg(data, "CMYK", **least)
        else:
            pixels = simplejpeg.decode_jpeg(data, "RGB", **least)
            picture = Image.fromarray(pixels)
            digest = hashlib.sha256(pixels)
    except ValueError as error:
        warning = _clean(str(error))
    if warning is not None or image.mode == "CMYK":
        image.draft(None, (size[0] // scale, size[1] // scale))
        picture = convert_to_rgb(image, None)
        digest = hashlib.sha256(picture.tobytes())
    return _reduce(picture), size, digest, warning


def _decode_whole(image: Image.Image) -> tuple[Image.Image, tuple[int, int], hashlib._Hash]:
    """(small picture, full size, digest); in bands, so that no second full-size copy is made of a large picture."""
    image.load()
    width, height = image.size
    value_range = find_range(image)
    factor = max(1, min(width, height) // INSPECTED_SIDE_PX)
    rows = max(1, _BAND_PIXELS // (width * factor)) * factor
    small = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    digest = hashlib.sha256()
    for top in range(0, height, rows):
        whole = top == 0 and rows >= height
        band = image if whole else image.crop((0, top, width, min(top + rows, height)))
        pixels = convert_to_rgb(band, value_range)
        digest.update(pixels.tobytes())
        small.paste(pixels.reduce(factor) if factor > 1 else pixels, (0, top // factor))
    return small, (width, height), digest


def _reduce(picture: Image.Image) -> Image.Image:
    factor = min(picture.size) // INSPECTED_SIDE_PX
    return picture.reduce(factor) if factor > 1 else picture


def _explain_failure(error: Exception) -> Refusal:
    text = _clean(str(error) or type(error).__name__)
    if isinstance(error, Image.DecompressionBombError) or "too large" in text.lower():
        return Refusal(Reason.BOMB, text)
    if isinstance(error, EOFError) or re.search(
        r"truncated|not enough image data|premature end|buffer overrun", text, re.IGNORECASE
    ):
        return Refusal(Reason.TRUNCATED, text)
    return Refusal(Reason.DECODE_ERROR, text)


def _clean(text: str) -> str:
    """One line; without object addresses, which differ between runs."""
    return re.sub(r"0x[0-9a-fA-F]{6,}", "…", " ".join(text.split()))[:200]
