"""The curves of a training, written epoch by epoch: one that is killed leaves its history."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from logoingest.training.loop.rounding import round_figures

#: One JSON object a line, one line an epoch.
CURVES_FILE = "epochs.jsonl"


class _Writer(Protocol):
    def add_scalar(self, name: str, value: float, step: int) -> None: ...

    def flush(self) -> None: ...


class Curves:
    """Where the figures of every epoch go."""

    def __init__(self, path: Path, writer: _Writer | None) -> None:
        self._path = path
        self._writer = writer
        self._epochs = 0

    def add(self, epoch: int, figures: Mapping[str, float | None]) -> None:
        """Write an epoch's figures; they are on the disk when this returns."""
        self._epochs = epoch
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"epoch": epoch, **round_figures(dict(figures))}) + "\n")
        self._add_scalars(figures)

    def close(self, figures: Mapping[str, float | None]) -> None:
        """Write the figures at the end."""
        self._add_scalars({f"final.{name}": value for name, value in figures.items()})

    def _add_scalars(self, figures: Mapping[str, float | None]) -> None:
        if self._writer is None:
            return
        for name, value in figures.items():
            if value is not None:
                self._writer.add_scalar(name.replace(".", "/"), value, self._epochs)
        self._writer.flush()


@contextmanager
def open_curves(out_dir: Path) -> Iterator[Curves]:
    """``out_dir/epochs.jsonl``, begun anew, and events in ``out_dir/tensorboard`` where TensorBoard is installed."""
    path = out_dir / CURVES_FILE
    path.write_bytes(b"")
    with ExitStack() as stack:
        writer = None
        if importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            writer = stack.enter_context(SummaryWriter(str(out_dir / "tensorboard")))
        yield Curves(path, writer)
