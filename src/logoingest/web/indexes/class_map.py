"""The class map as its files are now, read once: the tables of its spellings are dear to make, and stay with it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from logoingest.labels import ClassMap

#: What was written so shortly before may have been written again since, and a clock not show it.
_GRAIN_NS = 1_000_000_000
_Stamp: TypeAlias = "Sequence[tuple[int, int, int] | None]"


class KnownClassMap:
    """A class map, read anew where one of its files changed."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path, self._lock = path, threading.Lock()
        self._kept: tuple[_Stamp, ClassMap] | None = None

    def read(self) -> ClassMap:
        """The map.

        Raises:
            ClassMapError: as ``ClassMap.load``.
        """
        with self._lock:
            if self._kept is None or self._kept[0] != _stamp(self._kept[1].files):
                began = time.time_ns()
                class_map = ClassMap.load(self._path)
                stamp = _stamp(class_map.files)
                self._kept = (stamp, class_map) if all(facts and facts[0] < began - _GRAIN_NS for facts in stamp) else None
                return class_map
            return self._kept[1]


def _stamp(files: Sequence[Path]) -> _Stamp:
    return [_stamp_file(file) for file in files]


def _stamp_file(file: Path) -> tuple[int, int, int] | None:
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino
