"""Learning curves while they grow: what the baseline and the trials of a sweep have told of their epochs, read from the workspace's files."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from logoingest.workspace import Workspace

_EPOCHS = "epochs.jsonl"
_MOST_BYTES = 512 * 1024
_MOST_TRIALS = 12
_MOST_FIGURES = 12
_MOST_POINTS = 400
_SWEEP = re.compile(r"[0-9a-f]{12}")
_TRIAL = re.compile(r"[0-9]{5,9}")
_TRY = re.compile(r"[0-9]{1,4}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")


class Curve(NamedTuple):
    """A figure over the epochs."""

    name: str
    epochs: Sequence[int]
    values: Sequence[float]


class TrainingCurves(NamedTuple):
    """What one training has told."""

    name: str
    """``baseline``, or the number of the trial."""
    is_running: bool
    """Its folder says that it has not ended."""
    losses: Sequence[Curve]
    scores: Sequence[Curve]
    """Figures from 0 to 1."""
    last_epoch: int


def read_curves(workspace: Workspace) -> list[TrainingCurves]:
    """The baseline, then the newest trials of the sweep; nothing of what has not told an epoch."""
    found = []
    for name, is_running, file in (*_list_baseline(workspace), *_list_trials(workspace)):
        made = _make(name, is_running, _read_epochs(workspace, file))
        if made is not None:
            found.append(made)
    return found


def _list_baseline(workspace: Workspace) -> Iterator[tuple[str, bool, str]]:
    for folder in ("baseline.unfinished", "baseline"):
        if workspace.exists(f"{folder}/{_EPOCHS}"):
            yield "baseline", folder != "baseline", f"{folder}/{_EPOCHS}"
            return


def _list_trials(workspace: Workspace) -> Iterator[tuple[str, bool, str]]:
    """Of each of the newest trials of the newest sweep the last try."""
    sweeps = [f"sweep/{name}" for name in _list_folders(workspace, "sweep", _SWEEP)]
    newest = max(sweeps, key=lambda name: _date_sweep(workspace, name), default="sweep")
    for trial in sorted(_list_folders(workspace, f"{newest}/trials", _TRIAL), reverse=True)[:_MOST_TRIALS]:
        tries = sorted(_list_folders(workspace, f"{newest}/trials/{trial}", _TRY), key=int)
        if tries:
            folder = f"{newest}/trials/{trial}/{tries[-1]}"
            yield f"trial {int(trial)}", not workspace.exists(f"{folder}/result.json"), f"{folder}/{_EPOCHS}"


def _date_sweep(workspace: Workspace, name: str) -> tuple[float, str]:
    """When something last happened in a sweep."""
    try:
        return float(workspace.filesystem.info(workspace.path(f"{name}/journal.jsonl")).get("mtime") or 0), name
    except FileNotFoundError:
        return 0.0, name


def _list_folders(workspace: Workspace, name: str, wanted: re.Pattern[str]) -> list[str]:
    if not workspace.exists(name):
        return []
    workspace.filesystem.invalidate_cache(workspace.path(name))
    names = (os.path.basename(str(path).rstrip("/")) for path in workspace.filesystem.ls(workspace.path(name), detail=False))
    return [one for one in names if wanted.fullmatch(one)]


def _read_epochs(workspace: Workspace, file: str) -> list[Mapping[str, object]]:
    """The lines of a file, but for one that is being written, and for what is no figure."""
    size = workspace.size(file)
    if size is None or size > _MOST_BYTES:
        return []
    found: list[Mapping[str, object]] = []
    for line in workspace.read_bytes(file).splitlines():
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(told, dict) and isinstance(told.get("epoch"), int):
            found.append(told)
    return found[-_MOST_POINTS:]


def _make(name: str, is_running: bool, told: Sequence[Mapping[str, object]]) -> TrainingCurves | None:
    names = list(dict.fromkeys(key for line in told for key in line if _NAME.fullmatch(key) and key not in {"epoch", "lr"}))
    curves = [_draw(key, told) for key in names[:_MOST_FIGURES]]
    scores = [
        curve for curve in curves if curve.values and all(0 <= value <= 1 for value in curve.values) and "loss" not in curve.name
    ]
    losses = [curve for curve in curves if curve.values and curve not in scores]
    if not scores and not losses:
        return None
    return TrainingCurves(name, is_running, losses, scores, max(curve.epochs[-1] for curve in (*scores, *losses)))


def _draw(name: str, told: Sequence[Mapping[str, object]]) -> Curve:
    points = [(line["epoch"], line[name]) for line in told if name in line]
    known = [
        (epoch, float(value))
        for epoch, value in points
        if isinstance(epoch, int) and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    ]
    return Curve(name, [epoch for epoch, _ in known], [value for _, value in known])


class Plot(NamedTuple):
    """A few curves in a box of ``WIDTH`` x ``HEIGHT``, as an SVG's lines."""

    lines: Sequence[tuple[str, str, float]]
    """Name, ``points`` of a polyline, the last value."""
    lowest: float
    highest: float
    ticks: Sequence[tuple[float, int]]
    """Where whole epochs stand, and which."""


WIDTH, HEIGHT = 320.0, 120.0
_MOST_TICKS = 6


def plot_curves(curves: Sequence[Curve], *, from_zero_to_one: bool) -> Plot | None:
    """The curves in one box; None where there is none."""
    if not curves:
        return None
    values = [value for curve in curves for value in curve.values]
    lowest, highest = (0.0, 1.0) if from_zero_to_one else (min(0.0, *values, 0.0), max(*values, 1e-9))
    first, last = min(curve.epochs[0] for curve in curves), max(curve.epochs[-1] for curve in curves)

    def across(epoch: int) -> float:
        return round(WIDTH * (epoch - first) / max(last - first, 1), 1)

    def down(value: float) -> float:
        return round(HEIGHT * (1 - (value - lowest) / (highest - lowest)), 1)

    lines = [
        (
            curve.name,
            " ".join(f"{across(epoch)},{down(value)}" for epoch, value in zip(curve.epochs, curve.values, strict=True)),
            curve.values[-1],
        )
        for curve in curves
    ]
    step = max(1, -(-(last - first) // (_MOST_TICKS - 1)))
    return Plot(lines, lowest, highest, [(across(epoch), epoch) for epoch in range(first, last + 1, step)])
