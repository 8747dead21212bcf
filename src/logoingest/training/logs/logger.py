"""What a log is told of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

#: What was trained with: names and plain values.
Settings = Mapping[str, str | int | float | bool]
#: "validation.top1" → its value; None where there is nothing to measure it on.
Figures = Mapping[str, float | None]


class Logger(Protocol):
    """One place that shows trainings; made when a training begins, closed however it ends."""

    def add_epoch(self, epoch: int, figures: Figures) -> None:
        """An epoch's figures; they are on the disk when this returns, so that a training that is killed leaves its curves."""
        ...

    def finish(self, figures: Figures, pictures: Sequence[Path]) -> None:
        """The figures in the end, and pictures of how it went."""
        ...

    def close(self) -> None:
        """Nothing comes any more; without ``finish`` before, the training was broken off."""
        ...


def drop_missing(figures: Figures) -> dict[str, float]:
    """The figures that there are."""
    return {name: float(value) for name, value in figures.items() if value is not None}
