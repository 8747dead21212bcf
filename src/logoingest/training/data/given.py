"""Pictures that people hand over: files, bytes or open pictures. No torch here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from logoingest.errors import Problem, UsageError, quote_first_line
from logoingest.files.whole import read_bounded
from logoingest.pictures.loading import load_picture, show_upright

#: What a picture may be given as: its file, its bytes, or as an open picture.
AnyPicture = str | os.PathLike[str] | bytes | Image.Image
#: Files with more bytes are not opened.
MOST_FILE_BYTES = 200_000_000


class Given(NamedTuple):
    """A picture as RGB, the right way up; or None, and why it cannot be opened."""

    picture: Image.Image | None
    reason: str


def check_several(pictures: Iterable[AnyPicture], method: str) -> None:
    """See to it that several pictures were given, were it a list of one.

    Raises:
        UsageError: it is a single picture.
    """
    if isinstance(pictures, str | bytes | os.PathLike | Image.Image):
        raise UsageError(Problem("pictures", "is a single picture", f"give a list: {method}([picture])"))


def name_given(picture: AnyPicture, place: int) -> str:
    """As it was named; of bytes and open pictures their place, from 1: "#3"."""
    return os.fspath(picture) if isinstance(picture, str | os.PathLike) else f"#{place}"


def open_given(picture: AnyPicture, side_px: int = 0) -> Given:
    """Open it; a JPEG may come smaller, where both sides keep ``side_px`` pixels."""
    try:
        if isinstance(picture, Image.Image):
            return Given(show_upright(picture), "")
        data = picture if isinstance(picture, bytes) else read_bounded(Path(picture), MOST_FILE_BYTES)
        return Given(load_picture(data, side_px), "")
    except OSError as error:
        return Given(None, f"cannot be read ({error.strerror or quote_first_line(error)})")
    except ValueError as error:
        return Given(None, quote_first_line(error))
