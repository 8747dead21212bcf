"""The normal form a picture can be released in: 8-bit RGB, upright, sRGB, no larger than asked for. See docs/images.md.

| stored as | becomes |
|---|---|
| EXIF orientation 2 to 8, as browsers read it | turned and mirrored the right way up |
| an ICC profile that fits the pixels (RGB, grey, CMYK) | sRGB by Pillow's colour management (lcms2), perceptual intent |
| CMYK without one, palettes, transparency, 16 bit and more, LAB | RGB as in ``rgb``: what is transparent lies on white |
| several frames or pages, several pictures in one JPEG | the first |
| longer than ``max_side_px`` | shrunk (Lanczos), sides rounded; nothing is enlarged |
| more pixels than Pillow opens | shrunk to as many as it opens without a warning |
| what only browsers overlook: unreadable EXIF, wrong checksums, no end marker | left out, put right |

A picture from a lossless format becomes a PNG, one from a lossy format a JPEG of quality 95 without chroma subsampling, neither
with metadata. A whole JPEG or 8-bit PNG that is so already (RGB, upright, no profile, no transparency, one frame, small enough, open to all readers)
stays as it is, byte for byte: another generation of JPEG would only cost. The same bytes come out of every run with the same Pillow.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image, ImageCms

from logoingest.pictures.decoding import decode_picture
from logoingest.pictures.frames import count_frames
from logoingest.pictures.loading import decode_pixels, open_whole, turn_upright
from logoingest.pictures.opening import Opened
from logoingest.pictures.portability import PILLOW_REFUSES_PIXELS, PILLOW_WARNS_PIXELS
from logoingest.pictures.profiles import read_space
from logoingest.pictures.rgb import Range, convert_in_bands, convert_to_rgb, find_range, is_transparent
from logoingest.refusals import Refusal

JPEG_QUALITY = 95
#: JPEG's own limit is 65,535; what is longer becomes a PNG.
MAX_JPEG_SIDE_PX = 65_500
_GREY_MODES = ("1", "L", "LA", "La")


class NormalForm(NamedTuple):
    """A picture ready to be released; sizes in pixels, as shown."""

    data: bytes
    format: str
    """JPEG or PNG."""
    width: int
    height: int


def normalise_picture(data: bytes, max_side_px: int = 0) -> NormalForm:
    """Bring the first frame of a picture into normal form.

    Args:
        data: a file that ``inspect_image`` decoded.
        max_side_px: the longer side, at most; 0 sets no limit.

    Raises:
        ValueError: the file is no picture, or none that can be decoded.
    """
    with _name_fault():
        opened = open_whole(data)
        if _is_normal(opened, max_side_px):
            return NormalForm(data, opened.format, *opened.size)
        lossy = _is_lossy(opened)
        rgb = _render(opened, max_side_px)
    return _encode(rgb, lossy)


def show_picture(data: bytes, max_side_px: int = 0) -> Image.Image:
    """The pixels of the normal form of a picture, without encoding them.

    Raises:
        ValueError: as ``normalise_picture``.
    """
    with _name_fault():
        return _render(open_whole(data), max_side_px)


@contextlib.contextmanager
def _name_fault() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # strangers' bytes: decoders raise whatever comes
        raise ValueError(f"it cannot be brought into normal form: {error}") from error


def _render(opened: Opened, max_side_px: int) -> Image.Image:
    target = _fit(opened.size, max_side_px)
    if opened.format == "JPEG" and target != opened.size:
        opened.image.draft(None, (2 * target[0], 2 * target[1]))
    rgb = _convert_whole(decode_pixels(opened))
    if rgb.size != target:
        rgb = rgb.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return turn_upright(rgb, opened.turn)


def _is_normal(opened: Opened, max_side_px: int) -> bool:
    image, kind = opened.image, opened.format
    plain = image.mode == "RGB" and not image.info.get("icc_profile") and "transparency" not in image.info
    if kind not in {"JPEG", "PNG"} or not plain or _fit(image.size, max_side_px) != image.size:
        return False
    if opened.obstacle is not None or opened.turn != 1 or image.format != kind or count_frames(opened.data, kind, image) > 1:
        return False
    if kind == "PNG":
        return opened.data[24] == 8  # IHDR's bit depth: Pillow says RGB of 16 bits as well
    inspected = decode_picture(opened.data, kind, image.width * image.height)
    return not isinstance(inspected, Refusal) and inspected.warning is None and inspected.obstacle is None


def _is_lossy(opened: Opened) -> bool:
    if opened.format == "WEBP":
        return b"VP8L" not in opened.data[:4096]
    compression = opened.image.info.get("compression")
    return opened.format in {"JPEG", "AVIF"} or (opened.format == "TIFF" and compression in {"jpeg", "tiff_jpeg", "webp"})


def _fit(size: tuple[int, int], max_side_px: int) -> tuple[int, int]:
    """Sides that the settings allow, and few enough pixels for every reader."""
    longest = max(size)
    scale = min(1.0, max_side_px / longest) if max_side_px else 1.0
    if size[0] * size[1] * scale**2 > PILLOW_REFUSES_PIXELS:
        scale = math.sqrt(PILLOW_WARNS_PIXELS / (size[0] * size[1]))
        return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))
    if scale == 1.0:
        return size
    width, height = (max(1, round(side * max_side_px / longest)) for side in size)
    return width, height


def _convert_whole(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    transform = _build_transform(image, profile) if isinstance(profile, bytes) and profile else None
    if transform is None:
        return convert_in_bands(image)
    value_range = find_range(image)
    return convert_in_bands(image, lambda band: _convert_colours(band, value_range, *transform))


def _build_transform(image: Image.Image, profile: bytes) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    """(the mode the profile is for, its transform to sRGB); None where it does not fit the pixels or is damaged."""
    space, grey = read_space(profile), find_range(image) is not None or image.mode in _GREY_MODES
    fits = {"GRAY": grey, "CMYK": image.mode == "CMYK", "RGB": image.mode not in {"CMYK", "LAB"}}
    if not fits.get(space, False):
        return None
    mode = {"GRAY": "L", "CMYK": "CMYK", "RGB": "RGB"}[space]
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return mode, ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _convert_colours(band: Image.Image, value_range: Range | None, mode: str, colours: ImageCms.ImageCmsTransform) -> Image.Image:
    if value_range is not None:
        band = convert_to_rgb(band, value_range)
    alpha = None
    if is_transparent(band):
        band = band.convert("RGBA")
        alpha = band.getchannel("A")
        band = band.convert("RGB")
    shown = ImageCms.applyTransform(band if band.mode == mode else band.convert(mode), colours)
    assert shown is not None  # not in place
    if alpha is None:
        return shown
    white = Image.new("RGB", shown.size, "white")
    white.paste(shown, mask=alpha)
    return white


def _encode(rgb: Image.Image, lossy: bool) -> NormalForm:
    rgb.info = {}  # comments and profiles would be written again
    lossy = lossy and max(rgb.size) <= MAX_JPEG_SIDE_PX
    buffer = io.BytesIO()
    if lossy:
        rgb.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    else:
        rgb.save(buffer, "PNG", compress_level=6)
    return NormalForm(buffer.getvalue(), "JPEG" if lossy else "PNG", *rgb.size)
