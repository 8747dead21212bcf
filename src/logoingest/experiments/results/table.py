"""The trials of a sweep as a table, made from what lies in its folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from logoingest.config.sweep_section import Setting
from logoingest.experiments.running.folder import SweepFolder
from logoingest.experiments.trials.orders import Role, TrialOrder, TrialResult, TrialState
from logoingest.experiments.trials.work import read_pictures
from logoingest.schemas import TrialRow


class EndedTrial(NamedTuple):
    """A training that has ended."""

    order: TrialOrder
    result: TrialResult
    folder: Path
    """Of the try that counts."""
    attempts: int


def list_ended(folder: SweepFolder) -> list[EndedTrial]:
    """All of a sweep, by number."""
    root = folder.path / "trials"
    numbers = sorted(int(path.name) for path in root.iterdir() if path.name.isdigit()) if root.is_dir() else []
    found = []
    for number in numbers:
        ended = folder.find_ended(number)
        if ended is not None:
            found.append(EndedTrial(TrialOrder.read(ended[0]), ended[1], ended[0], len(folder.list_tries(number))))
    return found


def make_trials_table(trials: Iterable[EndedTrial]) -> pa.Table:
    """``TrialRow`` of each, in the order given."""
    return TrialRow.table(_make_row(one) for one in trials)


def _make_row(one: EndedTrial) -> Mapping[str, Any]:
    order, result, cost = one.order, one.result, one.result.cost
    return {
        "trial": order.number,
        "role": str(order.role),
        "of_trial": order.of_trial,
        "state": str(result.state),
        "reason": result.reason,
        "score": result.score,
        "fold_scores": list(result.fold_scores),
        "curve": [float("nan") if value is None else value for value in result.curve],
        "settings": _write_json(order.settings),
        "config": _write_json(result.config),
        "figures": _write_json(result.figures),
        "seed": int(order.train.get("seed", 0)),
        "subset": order.subset,
        "release": order.fingerprint,
        "versions": _write_json(result.versions),
        "threads": order.threads,
        "attempts": one.attempts,
        "pictures": cost.pictures,
        "cpu_s": cost.cpu_s,
        "wall_s": cost.wall_s,
        "peak_mb": cost.peak_mb,
        "vram_mb": cost.vram_mb,
    }


def _write_json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def rank_trials(trials: Iterable[EndedTrial], sign: int) -> list[EndedTrial]:
    """The complete ones, best first; of equals the earlier one."""
    complete = [
        one
        for one in trials
        if one.order.role is Role.TRIAL and one.result.state is TrialState.COMPLETE and one.result.score is not None
    ]
    return sorted(complete, key=lambda one: (-sign * (one.result.score or 0.0), one.order.number))


class TriedSettings(NamedTuple):
    """Some settings, and all trainings that tell how good they are."""

    trial: int
    settings: Mapping[str, Setting]
    score: float
    """The metric, mean over the trainings."""
    scores: Sequence[float]
    """Of each training (seed)."""
    low: float | None
    """95 % interval of the score, by the pictures it was measured on; None where the metric is no mean over pictures."""
    high: float | None
    pictures: int


def select_runs(trials: Sequence[EndedTrial], trial: int) -> list[EndedTrial]:
    """The complete trainings with a trial's settings that may be averaged: those that were more than screened, where there are such; by seed."""
    same = [one for one in trials if one.order.of_trial == trial and one.order.role is not Role.TEST]
    same = [one for one in same if one.result.state is TrialState.COMPLETE and one.result.score is not None]
    return [one for one in same if not one.order.is_screening] or same


def average_pictures(runs: Sequence[EndedTrial], split: str = "validation") -> dict[str, float]:
    """Picture → its mean score over trainings and folds; where scores are right or wrong, whether most are right: 1, 0, or 0.5 of as many."""
    gathered: dict[str, list[float]] = {}
    for run in runs:
        table = read_pictures(run.folder)
        columns = (table.column(name).to_pylist() for name in ("image_id", "split", "score"))
        for image_id, part, score in zip(*columns, strict=True):
            if part == split:
                gathered.setdefault(image_id, []).append(score)
    means = {image_id: float(np.mean(scores)) for image_id, scores in gathered.items()}
    are_marks = all(score in {0.0, 1.0} for scores in gathered.values() for score in scores)
    return {image_id: float(np.sign(mean - 0.5) + 1) / 2 for image_id, mean in means.items()} if are_marks else means


def make_candidate(runs: Sequence[EndedTrial], split: str, metric: str) -> TriedSettings:
    """What trainings with the same settings came to on a split; ``metric`` is the figure, its split included."""
    from logoingest.experiments.results.statistics import find_wilson_interval

    scores = [float(value) for run in runs if (value := run.result.figures.get(metric)) is not None]
    score = float(np.mean(scores)) if scores else float("nan")
    tables = [read_pictures(run.folder) for run in runs]
    marks = [
        mark
        for table in tables
        for mark, part in zip(table.column("score").to_pylist(), table.column("split").to_pylist(), strict=True)
        if part == split
    ]
    pictures = len(marks) // max(1, len(runs))
    low = high = None
    # A figure that is the mean of marks is a share of pictures. Where every mark is 0 so is every other figure: an average precision is no share.
    if any(marks) and all(mark in {0.0, 1.0} for mark in marks) and abs(float(np.mean(marks)) - score) < 0.005:
        low, high = find_wilson_interval(score, pictures)
    return TriedSettings(runs[0].order.of_trial, runs[0].order.settings, score, scores, low, high, pictures)
