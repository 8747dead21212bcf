"""Decoded pictures in files that processes map: the first one decodes, all of them together take the memory of one. No torch here.

A file is named by its pictures and their side, so that releases, splits and configs share what they have in common.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from logoingest.files.locks import hold_lock
from logoingest.files.whole import replace_file
from logoingest.training.data.splits import Split

#: Raised where pictures are decoded otherwise than before.
_VERSION = 1

Pixels = npt.NDArray[np.uint8]


def map_decoded(folder: Path, split: Split, side: int, fill: Callable[[Pixels], None]) -> Pixels:
    """The split's decoded pictures, (n, 3, side, side) uint8, mapped from a file; whoever needs it first makes it, others wait.

    What is written into the array stays in this process.

    Args:
        folder: of such files; made when it is not there.
        split: whose pictures.
        side: of the squares.
        fill: puts the pictures into an array of that shape.

    Raises:
        OSError: the file cannot be written.
    """
    return map_file(folder, (str(side), *split.image_id), (len(split), 3, side, side), fill)


def map_file(folder: Path, names: Sequence[str], shape: tuple[int, ...], fill: Callable[[Pixels], None]) -> Pixels:
    """As ``map_decoded``, of any shape: pictures' own hashes are their names, so equal names are equal pixels.

    Args:
        folder: of such files.
        names: what the content depends on: how it was made, and of which pictures.
        shape: of the array.
        fill: puts the content into it.

    Raises:
        OSError: the file cannot be written.
    """
    if 0 in shape:
        return np.zeros(shape, np.uint8)
    path = folder / f"{_hash_names(names)}.u8"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with hold_lock(path.with_suffix(".lock")):
            if not path.exists():
                with replace_file(path) as temporary:
                    made = np.memmap(temporary, np.uint8, "w+", shape=shape)
                    fill(made)
                    made.flush()
    return np.memmap(path, np.uint8, "c", shape=shape)


def _hash_names(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join((str(_VERSION), *names)).encode()).hexdigest()[:32]
