"""Where a training stands, in a file: one that is killed goes on from there, and ends as if it had never stopped."""

from __future__ import annotations

import pickle
import time
from pathlib import Path
from typing import Any

from logoingest.files.whole import replace_file
from logoingest.training.recipe import Checkpoint, Figures

#: Seconds between two writings; a checkpoint holds weights and optimizer, some three times the model's file.
PAUSE_S = 10.0


class KeptCheckpoint:
    """The file of one training. What lies there of another training (release, settings, code or versions differ) is not looked at."""

    def __init__(self, path: Path | None, training: str) -> None:
        self._path, self._training = path, training
        content = _read(path, training) if path is not None else {}
        self.state: Checkpoint | None = content.get("state")
        """What ``TrainingPlan.resume`` takes."""
        self.found: list[tuple[int, Figures]] = content.get("told", [])
        """(epoch, its figures) of the epochs before."""
        self.told = list(self.found)
        self._written = time.monotonic() - PAUSE_S

    def note(self, epoch: int, figures: Figures) -> None:
        """An epoch has ended."""
        self.told.append((epoch, dict(figures)))

    def save(self, state: Checkpoint) -> None:
        """Write it, as a whole or not at all, when the last writing is some time ago."""
        import torch

        if self._path is None or time.monotonic() - self._written < PAUSE_S:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with replace_file(self._path) as temporary:
            torch.save({"training": self._training, "told": self.told, "state": state}, temporary)
        self._written = time.monotonic()

    def remove(self) -> None:
        """The training is over."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _read(path: Path, training: str) -> dict[str, Any]:
    """The file's content if it is of that training; what cannot be read is begun anew."""
    import torch

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError):
        return {}
    return content if isinstance(content, dict) and content.get("training") == training else {}
