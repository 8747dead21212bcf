"""MLflow: a run in the store ``mlruns/``, or where MLFLOW_TRACKING_URI says."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from logoingest.training.logs.logger import Figures, Settings, drop_missing


class MlflowLog:
    """One run of an experiment that is called after the dataset."""

    def __init__(self, folder: Path, settings: Settings, project: str, name: str) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        from mlflow.tracking import MlflowClient

        store = os.environ.get("MLFLOW_TRACKING_URI") or (folder / "mlruns").absolute().as_uri()
        self._client: Any = MlflowClient(tracking_uri=store)
        found = self._client.get_experiment_by_name(project)
        experiment = found.experiment_id if found is not None else self._client.create_experiment(project)
        self._run: str = self._client.create_run(experiment, run_name=name).info.run_id
        for key, value in settings.items():
            self._client.log_param(self._run, key, value)
        self._finished = False

    def add_epoch(self, epoch: int, figures: Figures) -> None:
        for name, value in drop_missing(figures).items():
            self._client.log_metric(self._run, name, value, step=epoch)

    def finish(self, figures: Figures, pictures: Sequence[Path]) -> None:
        for name, value in drop_missing(figures).items():
            self._client.log_metric(self._run, f"final.{name}", value)
        for path in pictures:
            self._client.log_artifact(self._run, str(path))
        self._finished = True

    def close(self) -> None:
        self._client.set_terminated(self._run, "FINISHED" if self._finished else "KILLED")
