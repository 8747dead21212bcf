"""The text on a picture, read by RapidOCR (extra "ocr"): PP-OCR's models, which come inside the wheel, on ONNX Runtime, one thread.

Nothing is downloaded and no GPU is asked for. A picture is read at a longer side of 960 px at most, and at most ``MAX_TEXTS`` pieces of
text are kept, so that time and memory are bounded whatever the picture.
"""

from __future__ import annotations

from importlib import metadata
from typing import Any, NamedTuple

import numpy as np

from logoingest.errors import Problem, UsageError
from logoingest.pictures.normal_form import show_picture

#: Longer side of the picture that is read, in pixels.
READ_SIDE_PX = 960
MAX_TEXTS = 50
MAX_CHARS = 200
_CANDIDATES = 200


class ReadText(NamedTuple):
    """A piece of text, usually a line, and how sure the reader is of it, 0 to 1."""

    text: str
    score: float


class TextReader:
    """Reads pictures one by one; slow to make."""

    def __init__(self) -> None:
        """Load the models.

        Raises:
            UsageError: the extra "ocr" is not installed.
        """
        check_reader()
        from rapidocr import RapidOCR

        threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
        settings = {"Det.limit_side_len": READ_SIDE_PX, "Det.limit_type": "max", "Det.max_candidates": _CANDIDATES}
        self._read: Any = RapidOCR(params={"Global.log_level": "error", "Global.use_cls": False, **settings, **threads})

    def read(self, data: bytes) -> list[ReadText]:
        """The text on a picture, in the reader's order; nothing where there is none.

        Raises:
            ValueError: the picture cannot be decoded.
        """
        pixels = np.asarray(show_picture(data, READ_SIDE_PX))
        found = self._read(np.ascontiguousarray(pixels[:, :, ::-1]))  # blue, green, red
        pairs = zip(found.txts or (), found.scores or (), strict=True)
        return [ReadText(str(text)[:MAX_CHARS], round(float(score), 4)) for text, score in list(pairs)[:MAX_TEXTS] if text.strip()]


def check_reader() -> None:
    """See to it that the extra is there.

    Raises:
        UsageError: it is not.
    """
    try:
        import onnxruntime  # noqa: F401  # only to say clearly that it is missing
        import rapidocr  # noqa: F401
    except ImportError as error:
        hint = "install it with: pip install 'logoingest[ocr]', or set images.ocr = false"
        raise UsageError(Problem("images.ocr", f"the text reader cannot be imported ({error})", hint)) from error


def name_reader() -> str:
    """``rapidocr 3.10.0``: texts read by another one are read again."""
    return f"rapidocr {metadata.version('rapidocr')}"
