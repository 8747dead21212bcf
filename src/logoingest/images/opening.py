"""A file's bytes → a Pillow image that is not decoded yet, by the one decoder its content asks for; and which way up it is."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

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

_ORIENTATION_TAG = 0x0112
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

#: EXIF orientation → what brings the picture the right way up (Exif 2.32, tag 0x0112); 1 needs nothing.
TRANSPOSITIONS: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_picture(data: bytes, picture_format: str) -> Image.Image:
    """``data`` as the format ``sniff_format`` says it is; raises whatever Pillow's reader of a strange file does."""
    return _OPENERS[picture_format](io.BytesIO(data))


def read_orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 when there is none, or nothing readable. Loads a PNG."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001  unreadable EXIF is as good as none
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
