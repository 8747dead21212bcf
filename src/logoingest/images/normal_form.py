"""The normal form a picture can be released in: 8-bit RGB, upright, sRGB, no larger than asked for. See docs/images.md.

| stored as | becomes |
|---|---|
| EXIF orientation 2 to 8 | turned and mirrored the right way up |
| an ICC profile that fits the pixels (RGB, grey, CMYK) | sRGB by Pillow's colour management (lcms2), perceptual intent |
| CMYK without one, palettes, transparency, 16 bit and more, LAB | RGB as in ``normalising``: what is transparent lies on white |
| several frames or pages | the first |
| longer than ``max_side_px`` | shrunk (Lanczos), sides rounded; nothing is enlarged |

A picture from a lossless format becomes a PNG, one from a lossy format a JPEG of quality 95 without chroma subsampling, neither
with metadata. A whole JPEG or 8-bit PNG that is so already (RGB, upright, no profile, no transparency, one frame, small enough)
stays as it is, byte for byte: another generation of JPEG would only cost. The same bytes come out of every run with the same Pillow.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import NamedTuple

import simplejpeg
from PIL import Image, ImageCms

from logoingest.images.decoding import decode_picture
from logoingest.images.frames import count_frames
from logoingest.images.normalising import convert_to_rgb, find_range
from logoingest.images.opening import TRANSPOSITIONS, open_picture, read_orientation
from logoingest.images.profiles import read_space
from logoingest.images.sniffing import sniff_format
from logoingest.refusals import Refusal

JPEG_QUALITY = 95
#: JPEG's own limit is 65,535; what is longer becomes a PNG.
MAX_JPEG_SIDE_PX = 65_500
_BAND_PIXELS = 4_000_000
_TRANSPARENT_MODES = ("RGBA", "LA", "PA", "RGBa", "La")
_GREY_MODES = ("1", "L", "LA", "La")
_Convert = Callable[[Image.Image], Image.Image]


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
        data: a file that ``inspect_image`` found usable.
        max_side_px: the longer side, at most; 0 sets no limit.

    Raises:
        ValueError: the file is no picture, or none that can be decoded.
    """
    with _name_fault():
        kind, image = _open(data)
        if _is_normal(data, kind, image, max_side_px):
            return NormalForm(data, kind, *image.size)
        lossy = _is_lossy(data, kind, image)
        rgb = _render(data, kind, image, max_side_px)
    return _encode(rgb, lossy)


def show_picture(data: bytes, max_side_px: int = 0) -> Image.Image:
    """The pixels of the normal form of a picture, without encoding them.

    Raises:
        ValueError: as ``normalise_picture``.
    """
    with _name_fault():
        kind, image = _open(data)
        return _render(data, kind, image, max_side_px)


@contextlib.contextmanager
def _name_fault() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # strangers' bytes: decoders raise whatever comes
        raise ValueError(f"it cannot be brought into normal form: {error}") from error


def _open(data: bytes) -> tuple[str, Image.Image]:
    kind = sniff_format(data).format
    if kind is None:
        raise ValueError("it is of no accepted format")
    image = open_picture(data, kind)
    if kind != "JPEG":
        image.load()
    return kind, image


def _render(data: bytes, kind: str, image: Image.Image, max_side_px: int) -> Image.Image:
    target = _fit(image.size, max_side_px)
    rgb = _decode_jpeg(data, image, target) if kind == "JPEG" else _convert_whole(image)
    turn = TRANSPOSITIONS.get(read_orientation(image))
    if rgb.size != target:
        rgb = rgb.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return rgb if turn is None else rgb.transpose(turn)


def _is_normal(data: bytes, kind: str, image: Image.Image, max_side_px: int) -> bool:
    plain = image.mode == "RGB" and not image.info.get("icc_profile") and "transparency" not in image.info
    if kind not in {"JPEG", "PNG"} or not plain or (max_side_px and max(image.size) > max_side_px):
        return False
    if read_orientation(image) != 1 or count_frames(data, image) > 1:
        return False
    if kind == "PNG":
        return data[24] == 8  # IHDR's bit depth: Pillow says RGB of 16 bits as well
    inspected = decode_picture(data, kind, image.width * image.height)
    return not isinstance(inspected, Refusal) and inspected.warning is None


def _is_lossy(data: bytes, kind: str, image: Image.Image) -> bool:
    if kind == "WEBP":
        return b"VP8L" not in data[:4096]
    return kind in {"JPEG", "AVIF"} or (kind == "TIFF" and image.info.get("compression") in {"jpeg", "tiff_jpeg", "webp"})


def _fit(size: tuple[int, int], max_side_px: int) -> tuple[int, int]:
    longest = max(size)
    if not max_side_px or longest <= max_side_px:
        return size
    width, height = (max(1, round(side * max_side_px / longest)) for side in size)
    return width, height


def _decode_jpeg(data: bytes, image: Image.Image, target: tuple[int, int]) -> Image.Image:
    """RGB pixels, at a scale of 1/2, 1/4 or 1/8 where twice ``target`` is left all the same."""
    if target != image.size:
        image.draft(None, (2 * target[0], 2 * target[1]))
    try:
        image.load()
    except OSError:  # Pillow is stricter in places; the strict decoder took the file
        if image.mode == "CMYK":
            raise
        return Image.fromarray(simplejpeg.decode_jpeg(data, "RGB", strict=False))
    return _convert_whole(image)


def _convert_whole(image: Image.Image) -> Image.Image:
    """RGB, in bands: beside the decoded picture and the result there is no third one in memory."""
    convert = _choose_conversion(image)
    if convert is None:
        return image
    width, height = image.size
    rows = max(1, _BAND_PIXELS // width)
    result = Image.new("RGB", image.size)
    for top in range(0, height, rows):
        band = image if rows >= height else image.crop((0, top, width, min(top + rows, height)))
        result.paste(convert(band), (0, top))
    return result


def _choose_conversion(image: Image.Image) -> _Convert | None:
    """What makes RGB of a band of this picture; None where nothing is to be done."""
    value_range = find_range(image)
    profile = image.info.get("icc_profile")
    transform = _build_transform(image, profile, value_range is not None) if isinstance(profile, bytes) and profile else None
    if transform is not None:
        mode, colours = transform
        return lambda band: _convert_colours(band, value_range, mode, colours)
    if image.mode == "RGB" and "transparency" not in image.info:
        return None
    return lambda band: convert_to_rgb(band, value_range)


def _build_transform(image: Image.Image, profile: bytes, is_deep: bool) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    """(the mode the profile is for, its transform to sRGB); None where it does not fit the pixels or is damaged."""
    space, grey = read_space(profile), is_deep or image.mode in _GREY_MODES
    fits = {"GRAY": grey, "CMYK": image.mode == "CMYK", "RGB": image.mode not in {"CMYK", "LAB"}}
    if not fits.get(space, False):
        return None
    mode = {"GRAY": "L", "CMYK": "CMYK", "RGB": "RGB"}[space]
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return mode, ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _convert_colours(
    band: Image.Image, value_range: tuple[float, float] | None, mode: str, colours: ImageCms.ImageCmsTransform
) -> Image.Image:
    if value_range is not None:
        band = convert_to_rgb(band, value_range)
    alpha = None
    if band.mode in _TRANSPARENT_MODES or "transparency" in band.info:
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
