"""A file's bytes → a Pillow image by the one decoder its content asks for, which way up it is, and whether other readers open it alike.

No guessing among plug-ins, nothing that calls another program; no process-wide switch of Pillow is touched; sizes are checked before
pixels are decoded. What browsers overlook and Pillow does not (a wrong checksum in a comment, a missing end marker) is mended in memory,
and said: such a file is no obstacle to us, but to everybody else.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import NamedTuple

import simplejpeg
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TgaImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from logoingest.pictures.containers import ends_early
from logoingest.pictures.grounds import lay_ground
from logoingest.pictures.mending import mend_container, mend_jpeg
from logoingest.pictures.orientation import read_orientation
from logoingest.pictures.portability import find_obstacle
from logoingest.pictures.silence import silence_decoders
from logoingest.refusals import Refusal
from logoingest.schemas import Reason

silence_decoders()

#: Longer sides exist only in hostile headers: JPEG ends at 65,535, WebP at 16,383.
MAX_SIDE_PX = 100_000
_MAX_SCANS = 64
_MAX_SCANNED_PIXELS = 1_000_000_000
_OPENERS: dict[str, Callable[[io.BytesIO], Image.Image]] = {
    "AVIF": AvifImagePlugin.AvifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "ICO": IcoImagePlugin.IcoImageFile,
    "JPEG": JpegImagePlugin.jpeg_factory,  # a multi-picture file too
    "PNG": PngImagePlugin.PngImageFile,
    "PPM": PpmImagePlugin.PpmImageFile,
    "TGA": TgaImagePlugin.TgaImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
}


class Opened(NamedTuple):
    """A picture that is open: its first frame, not turned yet."""

    image: Image.Image
    """A JPEG's is not decoded yet, so that it can be at a smaller scale; all others are."""
    data: bytes
    """What ``image`` reads: the file's bytes, or mended ones."""
    format: str
    mode: str
    """Pillow's, as stored."""
    size: tuple[int, int]
    """Of the whole picture, as stored."""
    orientation: int
    """As stored, 1 to 8."""
    turn: int
    """What is left to turn, 1 to 8: Pillow turns TIFFs itself."""
    obstacle: Refusal | None
    """Why other readers do not open the file, or show another picture; None where they show this one."""
    is_mended: bool

    def reopen(self) -> Image.Image:
        """The image once more, undecoded: a decoder that failed leaves nothing to go on with."""
        return _OPENERS[self.format](io.BytesIO(self.data))


def open_picture(data: bytes, picture_format: str, max_pixels: int = 0) -> Opened:
    """Open ``data`` as the format ``sniff_format`` says it is.

    Args:
        data: a file's bytes.
        picture_format: one of the accepted formats.
        max_pixels: larger pictures are refused by their header, before decoding; 0 sets no limit.

    Raises:
        Image.DecompressionBombError: the picture is too large.
        Exception: whatever Pillow's reader of a strange file raises; ``explain_failure`` makes a reason of it.
    """
    if picture_format == "ICO":
        _judge_icon(data, max_pixels)
    header, readable, obstacle = _read_or_mend(data, picture_format, max_pixels)
    image = header.image
    turn = read_orientation(image) if picture_format == "TIFF" else header.orientation
    obstacle = obstacle or find_obstacle(image, turn, data, picture_format)
    laid = lay_ground(image) if isinstance(image, GifImagePlugin.GifImageFile) else None
    if laid is not None:
        obstacle = obstacle or Refusal(Reason.DECODE_ERROR, "the frame leaves a part of the screen open, which browsers show empty")
    return Opened(
        laid or image, readable, picture_format, header.mode, header.size, header.orientation, turn, obstacle, readable is not data
    )  # fmt: skip


def explain_failure(error: Exception, data: bytes, picture_format: str) -> Refusal:
    """Why a picture could not be opened or decoded: ``BOMB``, ``TRUNCATED`` or ``DECODE_ERROR``."""
    text = clean_text(error)
    if isinstance(error, Image.DecompressionBombError):
        return Refusal(Reason.BOMB, text)
    if ends_early(data, picture_format):
        return Refusal(Reason.TRUNCATED, f"the file ends before its container does ({text})")
    if isinstance(error, EOFError) or re.search(
        r"truncated|not enough image data|premature end|buffer overrun", text, re.IGNORECASE
    ):
        return Refusal(Reason.TRUNCATED, text)
    return Refusal(Reason.DECODE_ERROR, text)


def clean_text(error: Exception) -> str:
    """What an exception says in one line; without object addresses, which differ between runs."""
    return re.sub(r"0x[0-9a-fA-F]{6,}", "…", " ".join((str(error) or type(error).__name__).split()))[:200]


class _Header(NamedTuple):
    image: Image.Image
    mode: str
    size: tuple[int, int]
    orientation: int


def _read_or_mend(data: bytes, picture_format: str, max_pixels: int) -> tuple[_Header, bytes, Refusal | None]:
    """(the picture, the bytes it is read from, why others do not read the ones there were)."""
    try:
        header = _read(data, data, picture_format, max_pixels)
    except Image.DecompressionBombError:
        raise
    except Exception as error:
        mended = mend_container(data, picture_format)
        if mended is None:
            raise
        try:
            header = _read(mended, data, picture_format, max_pixels)
        except Image.DecompressionBombError:
            raise
        except Exception:  # noqa: BLE001  the pixels are at fault as well
            raise error from None
        why = f"{clean_text(error)}; its pixels are whole, but Pillow and datasets refuse the file"
        return header, mended, Refusal(Reason.DECODE_ERROR, why)
    mended = mend_jpeg(data, _find_first_scan(header.image)) if picture_format == "JPEG" else None
    if mended is None:
        return header, data, None
    why = "the end marker (EOI) is missing; its pixels are whole, but Pillow and datasets refuse the file"
    return _read(mended, data, picture_format, max_pixels), mended, Refusal(Reason.TRUNCATED, why)


def _read(data: bytes, original: bytes, picture_format: str, max_pixels: int) -> _Header:
    image = _OPENERS[picture_format](io.BytesIO(data))
    _judge_size(*image.size, max_pixels)
    mode, orientation = image.mode, read_orientation(image, original)
    if picture_format != "JPEG":
        image.load()
        return _Header(image, mode, image.size, orientation)
    if not _has_one_scan(image, data):
        _judge_scans(image, data)
    if data is not original:
        _check_pixels(data, image)
    return _Header(image, mode, image.size, orientation)


def _check_pixels(data: bytes, image: Image.Image) -> None:
    """An end marker that was put there may only follow a whole picture."""
    try:
        simplejpeg.decode_jpeg(data, "CMYK" if image.mode == "CMYK" else "RGB", min_factor=8)
    except ValueError as error:
        raise OSError("image file is truncated: it ends within its pixels") from error


def _judge_size(width: int, height: int, max_pixels: int) -> None:
    if width <= 0 or height <= 0:
        raise ValueError(f"the header says {width} x {height} pixels")
    told = f"the header says {width} x {height} pixels"
    if max(width, height) > MAX_SIDE_PX:
        raise Image.DecompressionBombError(f"{told}, a side of more than {MAX_SIDE_PX:,}")
    if max_pixels and width * height > max_pixels:
        raise Image.DecompressionBombError(f"{told}, more than images.max_pixels = {max_pixels:,}")


def _judge_icon(data: bytes, max_pixels: int) -> None:
    """Pillow decodes an icon when it opens it; an entry may be a PNG with a header, and a size, of its own."""
    for found in re.finditer(b"IHDR", data):
        width, height = (int.from_bytes(data[start : start + 4], "big") for start in (found.end(), found.end() + 4))
        _judge_size(width, height, max_pixels)


def _judge_scans(image: Image.Image, data: bytes) -> None:
    scans = data.count(b"\xff\xda")
    if scans > _MAX_SCANS and scans * image.width * image.height > _MAX_SCANNED_PIXELS:
        raise Image.DecompressionBombError(f"{scans} scans over {image.width} x {image.height} pixels")


def _has_one_scan(image: Image.Image, data: bytes) -> bool:
    """Whether the first scan must be the last: not progressive, all components in it (libjpeg then expects the end)."""
    components = getattr(image, "layers", 0)
    start = _find_first_scan(image) - 2 * components - 8
    header = data[start : start + 5] if start > 0 else b""
    return "progressive" not in image.info and header[:2] == b"\xff\xda" and header[4:] == bytes([components])


def _find_first_scan(image: Image.Image) -> int:
    """Where Pillow stopped to read: behind the header of the first scan (ITU T.81, B.2.3)."""
    file = getattr(image, "fp", None)
    return 0 if file is None else int(file.tell())
