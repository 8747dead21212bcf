"""Weights & Biases: a run in ``wandb/``, offline unless WANDB_MODE says otherwise; ``wandb sync`` uploads it when somebody wants that."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from logoingest.training.logs.logger import Figures, Settings, drop_missing


class WandbLog:
    """One run, its folder beside the other files of the training."""

    def __init__(self, folder: Path, settings: Settings, project: str, name: str) -> None:
        import wandb

        told = wandb.Settings(console="off", silent=True, disable_git=True, save_code=False, x_disable_stats=True)
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        self._images: Any = wandb.Image
        self._run: Any = wandb.init(
            mode=mode, dir=str(folder), project=project, name=name, config=dict(settings), settings=told, reinit="create_new"
        )
        self._finished = False

    def add_epoch(self, epoch: int, figures: Figures) -> None:
        self._run.log(drop_missing(figures), step=epoch)

    def finish(self, figures: Figures, pictures: Sequence[Path]) -> None:
        self._run.summary.update({f"final.{name}": value for name, value in drop_missing(figures).items()})
        self._run.log({path.stem: self._images(str(path)) for path in pictures})
        self._finished = True

    def close(self) -> None:
        self._run.finish(exit_code=0 if self._finished else 1)
