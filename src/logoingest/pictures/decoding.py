"""Bytes to a small RGB picture: one decode, which proves the file whole and gives everything that is measured.

- JPEG is decoded by libjpeg-turbo in strict mode at 1/1, 1/2, 1/4 or 1/8 scale. The whole entropy-coded stream is read at every
  scale, and strict mode notices four times as many damaged files as Pillow does. What it refuses, Pillow decides: truncated,
  broken, or usable with a warning.
- Everything else is decoded whole, as it is opened.

A JPEG that Pillow did not decode itself is tried with it as well, once more, where anything is out of the ordinary: other readers have
Pillow alone.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

from logoingest.pictures.frames import count_frames
from logoingest.pictures.opening import Opened, clean_text, explain_failure, open_picture
from logoingest.pictures.orientation import TRANSPOSITIONS
from logoingest.pictures.rgb import convert_to_rgb, find_range
from logoingest.refusals import Refusal
from logoingest.schemas import Reason

Pixels = npt.NDArray[np.uint8]

#: The shorter side of the inspected picture is at least this, and less than twice this, where the file has as much.
INSPECTED_SIDE_PX = 128
_BAND_PIXELS = 4_000_000
_END_OF_IMAGE = b"\xff\xd9"


class Picture(NamedTuple):
    """A decoded picture, the right way up."""

    small: Image.Image
    """RGB, alpha on white, the shorter side about ``INSPECTED_SIDE_PX`` to twice that."""
    pixels: Pixels
    """Those of ``small``: (height, width, 3)."""
    format: str
    mode: str
    """Pillow's, as stored."""
    width: int
    """Pixels of the whole picture, as shown."""
    height: int
    frames: int
    orientation: int
    """As stored, 1 to 8, as browsers read it."""
    warning: str | None
    """What is wrong with a damaged, yet usable file."""
    obstacle: Refusal | None
    """Why other readers do not open the bytes, or not alike; None where they do."""
    profile: bytes | None
    """The embedded ICC profile."""
    pixel_hash: str
    """sha256 over width, height, orientation and the RGB pixels: of a JPEG those at the decoded scale, else all of them."""

    def draw_grey(self) -> Image.Image:
        """``small`` in grey."""
        return self.small.convert("L")


class _Decoded(NamedTuple):
    small: Image.Image
    digest: hashlib._Hash
    warning: str | None = None
    obstacle: Refusal | None = None
    pixels: Pixels | None = None
    """Those of ``small``, where the decoder gave them as an array."""


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
        opened = open_picture(data, picture_format, max_pixels)
        decoded = _decode_jpeg(opened) if picture_format == "JPEG" else _decode_whole(opened.image)
        frames = count_frames(data, picture_format, opened.image)
        profile = opened.image.info.get("icc_profile")
    except Exception as error:  # noqa: BLE001  decoders meet strangers' bytes: anything may come out, and the job goes on
        return explain_failure(error, data, picture_format)
    small, digest, warning, obstacle, pixels = decoded
    obstacle = opened.obstacle or obstacle
    if opened.is_mended and obstacle is not None:
        warning = obstacle.detail
    if opened.turn in TRANSPOSITIONS:
        small, pixels = small.transpose(TRANSPOSITIONS[opened.turn]), None
    width, height = opened.size if opened.turn < 5 else opened.size[::-1]
    digest.update(f"{width}x{height}:{opened.turn}".encode())
    pixels = np.asarray(small) if pixels is None else pixels
    return Picture(
        small, pixels, picture_format, opened.mode, width, height, frames, opened.orientation, warning, obstacle, profile or None, digest.hexdigest()
    )  # fmt: skip


def _decode_jpeg(opened: Opened) -> _Decoded:
    """The strict decoder's picture; Pillow's where that one refuses the file or converts no colours."""
    image, size = opened.image, opened.size
    scale = next((scale for scale in (8, 4, 2) if min(size) >= scale * INSPECTED_SIDE_PX), 1)
    least = {"min_width": -(-size[0] // scale), "min_height": -(-size[1] // scale)}
    drafted = (size[0] // scale, size[1] // scale)
    colours = "CMYK" if image.mode == "CMYK" else "RGB"
    try:
        pixels = simplejpeg.decode_jpeg(opened.data, colours, **least)
    except ValueError as error:
        small = _draft(opened, drafted)
        return _Decoded(_reduce(small), hashlib.sha256(small.tobytes()), clean_text(error), _try_whole(opened))
    obstacle = None if opened.data.endswith(_END_OF_IMAGE) else _try_whole(opened)
    if colours == "CMYK":
        small = _draft(opened, drafted)
        return _Decoded(_reduce(small), hashlib.sha256(small.tobytes()), None, obstacle)
    small = Image.fromarray(pixels)
    reduced = _reduce(small)
    return _Decoded(reduced, hashlib.sha256(pixels), None, obstacle, pixels if reduced is small else None)


def _draft(opened: Opened, size: tuple[int, int]) -> Image.Image:
    """By Pillow, at the scale that ``size`` asks for; whole where the file's kind knows no scales (lossless JPEG)."""
    opened.image.draft(None, size)
    try:
        opened.image.load()
    except OSError:
        return convert_to_rgb(opened.reopen())
    return convert_to_rgb(opened.image)


def _try_whole(opened: Opened) -> Refusal | None:
    """Why Pillow does not decode the file at full scale, as other readers ask it to."""
    try:
        opened.reopen().load()
    except OSError as error:
        return Refusal(Reason.DECODE_ERROR, f"Pillow does not decode it ({clean_text(error)})")
    return None


def _decode_whole(image: Image.Image) -> _Decoded:
    """In bands, so that no second full-size copy is made of a large picture."""
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
    return _Decoded(small, digest)


def _reduce(picture: Image.Image) -> Image.Image:
    factor = min(picture.size) // INSPECTED_SIDE_PX
    return picture.reduce(factor) if factor > 1 else picture
