"""Whether other readers open a picture as we do: what ``datasets.Image`` does with the bytes of a release, step by step.

``PIL.Image.open``, ``load``, and where ``getexif`` tells an orientation ``ImageOps.exif_transpose`` (``datasets`` 2.21 to 5.x,
``features/image.py``). All but the pixels is tried here; that Pillow decodes them was seen already. timm's, torchvision's and fastai's
readers do the same or less.
"""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from logoingest.errors import quote_first_line
from logoingest.pictures.orientation import ORIENTATION_TAG, TRANSPOSITIONS
from logoingest.refusals import Refusal
from logoingest.schemas import Reason

#: Pillow warns of pictures with more pixels than this (``Image.MAX_IMAGE_PIXELS``), and refuses those of twice as many.
PILLOW_WARNS_PIXELS = 89_478_485
PILLOW_REFUSES_PIXELS = 2 * PILLOW_WARNS_PIXELS
#: Formats without a signature at a fixed place, or with one that Pillow does not know in all its forms.
_DOUBTFUL_FORMATS = {"TGA", "AVIF", "ICO"}
#: Keys of ``Image.info`` by which Pillow finds an orientation.
TELLING_KEYS = ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif")


def find_obstacle(image: Image.Image, turn: int, data: bytes, picture_format: str) -> Refusal | None:
    """Why other readers refuse the picture, or turn it otherwise; None where they show what we do.

    Args:
        image: opened from ``data``; if it is no JPEG, decoded too.
        turn: what is left to turn, 1 to 8, as browsers read it.
        data: the file's bytes, unmended.
        picture_format: what they are.
    """
    pixels = image.width * image.height
    if pixels > PILLOW_REFUSES_PIXELS:
        return Refusal(Reason.BOMB, f"{image.width} x {image.height} pixels are more than Pillow opens ({PILLOW_REFUSES_PIXELS:,})")
    if picture_format in _DOUBTFUL_FORMATS and not _is_recognised(data, picture_format, pixels):
        return Refusal(Reason.DECODE_ERROR, f"Pillow does not recognise the {picture_format}")
    if turn != 1 or any(key in image.info for key in TELLING_KEYS) or hasattr(image, "tag_v2"):
        return _compare_turns(image, turn)
    return None


def _is_recognised(data: bytes, picture_format: str, pixels: int) -> bool:
    if pixels > PILLOW_WARNS_PIXELS:  # it would warn
        return True
    try:
        with Image.open(io.BytesIO(data)) as found:
            return found.format == picture_format
    except Exception:  # noqa: BLE001  a stranger's bytes, another plug-in: whatever it raises, others get it too
        return False


def _compare_turns(image: Image.Image, turn: int) -> Refusal | None:
    try:
        told = image.getexif().get(ORIENTATION_TAG)
        turned = None if told is None else TRANSPOSITIONS.get(told)
        if turned is not None:
            stand_in = Image.new("L", (1, 1))
            stand_in.info = dict(image.info)
            ImageOps.exif_transpose(stand_in)  # writes the EXIF anew, which may fail
    except Exception as error:  # noqa: BLE001  a stranger's EXIF: struct.error, SyntaxError, ValueError …
        return Refusal(Reason.DECODE_ERROR, f"its EXIF cannot be read ({quote_first_line(error, 120)})")
    if turned is TRANSPOSITIONS.get(turn):
        return None
    how = "as stored" if turn == 1 else f"by orientation {turn}"
    return Refusal(Reason.DECODE_ERROR, f"datasets turns it by orientation {told}, browsers show it {how}")
