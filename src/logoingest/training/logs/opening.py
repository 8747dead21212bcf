"""The logs of a training: those that ``train.log`` names, and always the file of epochs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from logoingest.errors import Problem, UsageError
from logoingest.training.logs.epochs import EpochsFile
from logoingest.training.logs.logger import Figures, Logger, Settings
from logoingest.training.logs.mlflow import MlflowLog
from logoingest.training.logs.tensorboard import TensorBoardLog
from logoingest.training.logs.wandb import WandbLog

#: Name → (the package it needs, how it is made of folder, settings, project and the training's name).
_LOGS: dict[str, tuple[str, Callable[[Path, Settings, str, str], Logger]]] = {
    "tensorboard": ("tensorboard", lambda folder, settings, _project, _name: TensorBoardLog(folder, settings)),
    "wandb": ("wandb", WandbLog),
    "mlflow": ("mlflow", MlflowLog),
}
#: What is written where it is installed and missed by nobody where it is not.
_OPTIONAL = "tensorboard"


class Logs:
    """All of them, told alike."""

    def __init__(self, loggers: Sequence[Logger]) -> None:
        self._loggers = tuple(loggers)

    def add_epoch(self, epoch: int, figures: Figures) -> None:
        """As ``Logger.add_epoch``."""
        for logger in self._loggers:
            logger.add_epoch(epoch, figures)

    def finish(self, figures: Figures, folder: Path) -> None:
        """The figures in the end, and the pictures that lie in the folder."""
        pictures = sorted(path for path in folder.iterdir() if path.suffix in {".png", ".jpg"})
        for logger in self._loggers:
            logger.finish(figures, pictures)


def check_logs(names: Sequence[str]) -> None:
    """See to it before minutes of work that the logs can be written.

    Raises:
        UsageError: a package is not installed.
    """
    missing = [name for name in names if name != _OPTIONAL and importlib.util.find_spec(_LOGS[name][0]) is None]
    if missing:
        raise UsageError(
            [Problem("train.log", f"the package {name} is not installed", f'pip install "logoingest[{name}]"') for name in missing]
        )


@contextmanager
def open_logs(names: Sequence[str], folder: Path, settings: Settings, *, project: str, name: str) -> Iterator[Logs]:
    """The logs of one training; closed however it ends.

    Args:
        names: of ``train.log``.
        folder: of the training's files; each log makes one of its own in it.
        settings: that it is trained with.
        project: what trainings of this dataset are gathered under.
        name: of this training.

    Raises:
        UsageError: a package is not installed.
    """
    check_logs(names)
    with ExitStack() as stack:
        loggers: list[Logger] = [EpochsFile(folder)]
        for wanted in names:
            package, make = _LOGS[wanted]
            if importlib.util.find_spec(package) is not None:
                loggers.append(make(folder, settings, project, name))
                stack.callback(loggers[-1].close)
        yield Logs(loggers)
