"""A record of each training: a folder of ``runs/`` with everything but the weights, and a table of all of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from logoingest.workspace import Workspace

RUNS_FOLDER = "runs"
#: What is left out of a record: large, and the newest training's lie in ``baseline/``.
_LEFT_OUT = ("model.safetensors", "references.parquet")


class TrainingRun(NamedTuple):
    """A training that was finished."""

    run: str
    """Name of its folder in ``runs/``: when it began (UTC), and the first digits of the release."""
    recipe: str
    model: str
    seed: int
    release: str
    """Fingerprint of the release it learned from."""
    passed: bool
    """Whether its verdict did."""
    figures: Mapping[str, float | None]
    """By split and metric: "test.top1"."""
    settings: Mapping[str, Any]
    """The [train] section it was trained with."""
    seconds: float


def keep_record(workspace: Workspace, folder: Path, most: int) -> None:
    """Keep what a training left as one more record; the oldest go, so that ``most`` remain. Of a workspace elsewhere none is kept."""
    if not most or not workspace.is_local:
        return
    metrics = json.loads((folder / "metrics.json").read_bytes())
    runs = Path(workspace.path(RUNS_FOLDER))
    runs.mkdir(exist_ok=True)
    place = runs / f"{metrics['started_at'][:19].replace(':', '').replace('T', '-')}-{metrics['release'][:6]}"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(folder, place, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    for old in sorted(path for path in runs.iterdir() if path.is_dir())[:-most]:
        shutil.rmtree(old, ignore_errors=True)


def list_runs(workspace: Workspace) -> list[TrainingRun]:
    """Every record, oldest first; what is no whole record is left out."""
    if not workspace.is_local:
        return []
    folders = sorted(Path(workspace.path(RUNS_FOLDER)).glob("*/metrics.json"))
    return [_read_run(path) for path in folders]


def _read_run(path: Path) -> TrainingRun:
    metrics = json.loads(path.read_bytes())
    settings = metrics["config"]
    return TrainingRun(
        path.parent.name,
        str(metrics["recipe"]),
        str(settings["model"]),
        int(settings["seed"]),
        str(metrics["release"]),
        bool(metrics["verdict"]["passed"]),
        metrics["figures"],
        settings,
        float(metrics["timings_s"]["total"]),
    )
