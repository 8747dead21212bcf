"""What decisions would write into the class map, kept for a moment: what else they would change is asked just after."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Sequence
from pathlib import Path

from logoingest.labels import ClassMap
from logoingest.labels.class_map.writing import load_document
from logoingest.pipeline.session import Run
from logoingest.review.map_editing import MapEdit, ReadMap
from logoingest.review.rounds import preview_rulings
from logoingest.review.rulings import Ruling, Undoing
from logoingest.web.indexes.class_map import KnownClassMap

_KEPT = 4


class PlannedEdits:
    """The class map with a decision in it, as its files are now."""

    def __init__(self, path: Path) -> None:
        self._path, self._class_map, self._lock = path, KnownClassMap(path), threading.Lock()
        self._read: ReadMap | None = None
        self._kept: dict[Hashable, tuple[ClassMap, Run, MapEdit]] = {}

    def plan(self, run: Run, rulings: Sequence[Ruling], undoing: Undoing | None) -> MapEdit:
        """``preview_rulings``, asked once for the decisions of late.

        Raises:
            ClassMapError: a ruling would not decide as it says.
        """
        class_map, key = self._class_map.read(), (tuple(rulings), repr(undoing))
        with self._lock:
            self._kept = {one: kept for one, kept in self._kept.items() if kept[0] is class_map and kept[1] is run}
            if key in self._kept:
                return self._kept[key][-1]
            if self._read is None or self._read.class_map is not class_map:
                self._read = ReadMap(class_map, load_document(self._path))
            read = self._read
        edit = preview_rulings(run, rulings, undoing, read=read)
        with self._lock:
            self._kept = dict([*self._kept.items(), (key, (class_map, run, edit))][-_KEPT:])
        return edit
