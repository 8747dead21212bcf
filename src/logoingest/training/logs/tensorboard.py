"""TensorBoard: events in ``tensorboard/``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from logoingest.pictures.loading import load_picture
from logoingest.training.logs.logger import Figures, Settings, drop_missing


class TensorBoardLog:
    """Scalars by split and metric, settings beside the final figures (HParams), pictures."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder / "tensorboard"))
        self._settings = dict(settings)
        self._writer.add_text("settings", "  \n".join(f"{name} = {value}" for name, value in settings.items()))
        self._writer.flush()

    def add_epoch(self, epoch: int, figures: Figures) -> None:
        for name, value in drop_missing(figures).items():
            self._writer.add_scalar(name.replace(".", "/"), value, epoch)
        self._writer.flush()

    def finish(self, figures: Figures, pictures: Sequence[Path]) -> None:
        final = {f"final/{name.replace('.', '/')}": value for name, value in drop_missing(figures).items()}
        self._writer.add_hparams(self._settings, final, run_name=".")
        for path in pictures:
            self._writer.add_image(path.stem, np.array(load_picture(path.read_bytes())), dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
