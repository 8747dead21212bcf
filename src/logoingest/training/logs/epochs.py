"""The figures of every epoch as lines of JSON: always written, needs nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

from logoingest.training.logs.logger import Figures

#: One JSON object a line, one line an epoch.
EPOCHS_FILE = "epochs.jsonl"


class EpochsFile:
    """``epochs.jsonl``, begun anew."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / EPOCHS_FILE
        self._path.write_bytes(b"")

    def add_epoch(self, epoch: int, figures: Figures) -> None:
        finite = {name: value if value is None or math.isfinite(value) else None for name, value in figures.items()}
        told = {name: value if value is None else round(value, 6) for name, value in finite.items()}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"epoch": epoch, **told}) + "\n")

    def finish(self, figures: Figures, pictures: Sequence[Path]) -> None: ...

    def close(self) -> None: ...
