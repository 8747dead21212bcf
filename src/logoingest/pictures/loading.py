"""Bytes → the whole picture a model sees: RGB, the right way up, its first frame; by the rules that it was inspected by."""

from __future__ import annotations

from typing import NamedTuple

import simplejpeg
from PIL import Image

from logoingest.pictures.opening import Opened, clean_text, open_picture
from logoingest.pictures.orientation import ORIENTATION_TAG, TRANSPOSITIONS, read_orientation
from logoingest.pictures.portability import PILLOW_REFUSES_PIXELS, TELLING_KEYS
from logoingest.pictures.rgb import convert_to_rgb
from logoingest.pictures.sniffing import sniff_format

#: What transparent parts are laid on, and what a frame leaves open.
BACKGROUND = (255, 255, 255)


def load_picture(data: bytes, side_px: int = 0) -> Image.Image:
    """The picture as RGB, the right way up.

    Args:
        data: a file's bytes, of any accepted format.
        side_px: a JPEG may come at 1/2, 1/4 or 1/8 of its size, where both sides keep this many pixels; 0 asks for all of them.

    Raises:
        ValueError: the bytes are no whole picture.
    """
    opened = open_whole(data, PILLOW_REFUSES_PIXELS)
    try:
        if side_px:
            opened.image.draft(None, (side_px, side_px))
        shown = convert_to_rgb(decode_pixels(opened))
    except Exception as error:  # Pillow's readers of damaged files raise whatever comes: OSError, SyntaxError, struct.error …
        raise ValueError(f"{type(error).__name__}: {clean_text(error)}") from error
    return turn_upright(shown, opened.turn)


class Seen(NamedTuple):
    """What every reader sees of a picture."""

    format: str
    mode: str
    """Pillow's, as stored."""
    picture: Image.Image
    """As ``load_picture`` gives it."""


def check_picture(data: bytes) -> Seen:
    """Open a picture that is to open everywhere: whole, and to Pillow and ``datasets`` what it is to us.

    Raises:
        ValueError: it does not, with the reason.
    """
    opened = open_whole(data, PILLOW_REFUSES_PIXELS)
    if opened.obstacle is not None:
        raise ValueError(opened.obstacle.detail)
    try:
        opened.image.load()
        shown = convert_to_rgb(opened.image)
    except Exception as error:  # as above
        raise ValueError(f"{type(error).__name__}: {clean_text(error)}") from error
    return Seen(opened.format, opened.mode, turn_upright(shown, opened.turn))


def open_whole(data: bytes, max_pixels: int = 0) -> Opened:
    """The picture opened.

    Args:
        data: a file's bytes.
        max_pixels: larger pictures are refused by their header, before they are decoded; 0 sets no limit.

    Raises:
        ValueError: the bytes are none of the accepted formats, or no whole picture.
    """
    sniffed = sniff_format(data)
    if sniffed.format is None:
        raise ValueError(f"it is no picture of an accepted format, but {sniffed.name}")
    try:
        return open_picture(data, sniffed.format, max_pixels)
    except Exception as error:  # as above
        raise ValueError(f"{type(error).__name__}: {clean_text(error)}") from error


def decode_pixels(opened: Opened) -> Image.Image:
    """The opened picture, decoded; a scale that ``draft`` asked for holds where the file's kind knows scales.

    Raises:
        OSError: it cannot be decoded.
    """
    try:
        opened.image.load()
    except OSError:
        if opened.format != "JPEG":
            raise
        return _decode_at_full_scale(opened)
    return opened.image


def _decode_at_full_scale(opened: Opened) -> Image.Image:
    whole = opened.reopen()
    try:
        whole.load()
    except OSError:  # Pillow is stricter in places; the strict decoder took the file
        if whole.mode == "CMYK":
            raise
        return Image.fromarray(simplejpeg.decode_jpeg(opened.data, "RGB", strict=False))
    return whole


def turn_upright(image: Image.Image, turn: int) -> Image.Image:
    """The picture turned and mirrored as an EXIF orientation says; it tells none any more, so that nobody turns it again."""
    shown = image.transpose(TRANSPOSITIONS[turn]) if turn in TRANSPOSITIONS else image
    if [key for key in TELLING_KEYS if shown.info.pop(key, None) is not None]:
        shown.getexif().pop(ORIENTATION_TAG, None)  # it may have been read before
    return shown


def show_upright(image: Image.Image) -> Image.Image:
    """Any Pillow image as RGB, the right way up; one that was turned already tells no orientation any more."""
    turn = read_orientation(image)
    image.load()
    return turn_upright(convert_to_rgb(image), read_orientation(image) if image.format == "TIFF" else turn)
