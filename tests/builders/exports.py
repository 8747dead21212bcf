"""Releases that are hard to export: classes with hostile names, pictures that are turned by their EXIF alone."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from PIL import Image

from logoingest.release import open_release
from logoingest.release.exports import ExportOptions, export_release

HOSTILE = [
    "../../etc",
    "<b>&amp;",
    "a/b",
    "CON",
    "x" * 300,
    "new\nline",
    "アディダス",
    " spaced ",
    "..",
    "\x1b[31mred",
    "c,d;\"e'",
    "a_b",
]


#: EXIF orientation → whether the stored picture is as wide as the upright one is high.
TURNED = {1: False, 3: False, 6: True, 8: True}


def draw_quarters(size=(64, 48)) -> Image.Image:
    """A picture whose four corners are of four colours."""
    picture = Image.new("RGB", size, "white")
    for place, colour in zip(((0, 0), (1, 0), (0, 1), (1, 1)), ("red", "lime", "blue", "black"), strict=True):
        corner = (place[0] * (size[0] - 16), place[1] * (size[1] - 16))
        picture.paste(colour, (*corner, corner[0] + 16, corner[1] + 16))
    return picture


def store_turned(picture: Image.Image, orientation: int, form: str) -> bytes:
    """The picture as a camera stores it: turned back, with the orientation that brings it upright."""
    back = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    stream = io.BytesIO()
    (picture if back is None else picture.transpose(back)).save(
        stream, form, exif=exif, **({"quality": 95} if form == "JPEG" else {})
    )
    return stream.getvalue()


def export(folder: Path, form: str, out: Path, **options):
    release = open_release(folder)
    return release, export_release(release, form, out, options=ExportOptions(**options))


def list_rows(release, split: str) -> list[dict]:
    return release.to_arrow(split, ["image", "image_id", "label", "class_ids", "boxes", "width", "height"]).to_pylist()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
