"""Encoded pictures of a split → small squares, as they come or kept decoded.

No torch here: decoding runs in threads, where Pillow lets go of the interpreter.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from logoingest.errors import GateError, Problem
from logoingest.pictures.loading import load_picture
from logoingest.release.reading.random_access import PictureReader
from logoingest.training.data.splits import Split

#: Row groups a shuffle window spans: as many are kept of files whose pictures cannot be read one by one.
OPEN_GROUPS = 8

Pixels = npt.NDArray[np.uint8]
T = TypeVar("T")


def open_pictures(split: Split, kept_groups: int = OPEN_GROUPS + 1) -> contextlib.closing[PictureReader]:
    """The split's encoded pictures; ``split.row`` says which is whose. Its files are closed afterwards."""
    return contextlib.closing(PictureReader(split.files, kept_groups))


def iterate_decoded(split: Split, rows: Iterable[int], side: int, workers: int, ahead: int = 64) -> Iterator[Pixels]:
    """Decode rows in the order given to squares.

    Yields:
        uint8, (side, side, 3).

    Raises:
        GateError: a picture cannot be decoded.
    """
    return decode_rows(split, rows, lambda data: decode_square(data, side), workers, ahead)


def decode_rows(split: Split, rows: Iterable[int], decode: Callable[[bytes], T], workers: int, ahead: int = 64) -> Iterator[T]:
    """Decode rows in the order given, at most ``ahead`` before their turn; the number of threads changes nothing but the time.

    Args:
        split: whose pictures.
        rows: which of them.
        decode: makes of a file's bytes what is yielded; raises ValueError where it cannot.
        workers: threads; 0 decodes as it goes.
        ahead: pictures.

    Raises:
        GateError: a picture cannot be decoded.
    """
    with open_pictures(split) as reader:
        read = ((int(row), reader.read(int(split.row[row]))) for row in rows)
        if workers == 0:
            yield from (decode_row(split, row, data, decode) for row, data in read)
            return
        with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
            waiting: list[Future[T]] = []
            try:
                for row, data in read:
                    waiting.append(pool.submit(decode_row, split, row, data, decode))
                    if len(waiting) > ahead:
                        yield waiting.pop(0).result()
                while waiting:
                    yield waiting.pop(0).result()
            finally:
                for future in waiting:
                    future.cancel()


def decode_row(split: Split, row: int, data: bytes, decode: Callable[[bytes], T]) -> T:
    """Decode one row's bytes; errors name the picture."""
    try:
        return decode(data)
    except ValueError as error:
        where = f"{split.name}: picture {split.image_id[row]}"
        raise GateError(Problem(where, f"cannot be decoded ({error})", "run verify")) from error


def decode_square(data: bytes, side: int) -> Pixels:
    """Encoded picture → uint8 (side, side, 3); JPEGs are decoded at the smallest scale that is not below ``side``.

    Raises:
        ValueError: it is no whole picture.
    """
    return squash_picture(load_picture(data, side), side)


def squash_picture(rgb: Image.Image, side: int) -> Pixels:
    """Squeezed to a square: logos sit anywhere, so nothing is cut away.

    Returns:
        uint8, (side, side, 3).
    """
    return np.array(rgb.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0), dtype=np.uint8)
