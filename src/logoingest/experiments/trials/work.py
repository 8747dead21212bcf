"""The work of one trial: the recipe trains on every fold, is listened to epoch by epoch, and what it measures becomes the result."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from logoingest.config import TrainConfig
from logoingest.errors import LogoingestError
from logoingest.experiments.machine.costs import Meter
from logoingest.experiments.trials.orders import EPOCHS_FILE, PICTURES_FILE, Role, TrialOrder, TrialResult, TrialState
from logoingest.experiments.trials.pruning import PrunedTrial, check_folds, check_rungs
from logoingest.experiments.trials.subsets import PlannedFold, plan_folds
from logoingest.files.parquet import write_parquet
from logoingest.heap import keep_freed_memory
from logoingest.release.reading.loader import Release, open_folder
from logoingest.schemas import PictureScoreRow
from logoingest.training.recipe import Figures, Measured, Recipe, TrainingPlan, find_metric
from logoingest.training.running import find_versions, load_recipe

logger = logging.getLogger("logoingest")

#: Beside a probe's order: it is ready to train; it may begin.
READY_FILE, GO_FILE = "ready", "go"
_MOST_WAIT_S = 300.0
#: What torch says where memory cannot be had, on a CPU and on CUDA.
_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")


class _Enough(Exception):  # noqa: N818  an ending, not an error
    """A probe has seen enough."""


class _Fold(NamedTuple):
    """What one fold came to."""

    config: Mapping[str, Any]
    measured: Measured


def do_order(order: TrialOrder, folder: Path) -> TrialResult:
    """Train what an order asks for; writes epochs and pictures' scores into the folder, not the result.

    Whatever the data or the settings are at fault for is a result; a fault of ours is raised, and the trial is asked for again.
    """
    work = _Work(order, folder)
    try:
        return work.run()
    except PrunedTrial as ending:
        return work.conclude(TrialState.PRUNED, str(ending))
    except _Enough:
        return work.conclude(TrialState.COMPLETE, "seen enough")
    except LogoingestError as error:
        return work.conclude(TrialState.FAILED, str(error.problems[0]))
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(words in str(error).lower() for words in _NO_MEMORY):
            raise
        return work.conclude(TrialState.FAILED, "out of memory", by_memory=True)


class _Work:
    """An order under way."""

    def __init__(self, order: TrialOrder, folder: Path) -> None:
        self.order, self.folder = order, folder
        self._meter, self._curve, self._folds = Meter(), list[float | None](), list[_Fold]()
        self._planned: Sequence[PlannedFold] = ()
        self._sign = 1

    def run(self) -> TrialResult:
        order, config = self.order, TrainConfig.model_validate(self.order.train)
        base_dir, release = Path(order.base_dir), open_folder(Path(order.release))
        recipe = load_recipe(config.recipe, base_dir)
        self._sign = 1 if find_metric(recipe, order.metric).higher_is_better else -1
        plan = TrainingPlan(config, base_dir, scored=order.scored)
        recipe.check(release, plan)
        prepared = self._prepare(recipe, release, config)
        if order.role is Role.PROBE:
            self._wait_for_others()
        self._meter.begin_fit()
        for number in range(len(self._planned)):
            self._train_fold(recipe, prepared, plan, number)
        return self.conclude(*self._judge_score())

    def _prepare(self, recipe: Recipe[Any, Any], release: Release, config: TrainConfig) -> Any:
        order = self.order
        with_folds = bool(order.folds) or order.subset < 1
        prepared = recipe.prepare(release, config, folds=with_folds, cache_dir=Path(order.cache_dir))
        folds = recipe.cut_folds(prepared, order.folds, order.seed) if order.folds else []
        self._planned = plan_folds(release, folds, order.subset, order.seed)
        return prepared

    def _train_fold(self, recipe: Recipe[Any, Any], prepared: Any, plan: TrainingPlan, number: int) -> None:
        planned = self._planned[number]

        def note_epoch(epoch: int, figures: Figures) -> None:
            self._note_epoch(number, epoch, plan.config.epochs, figures)

        with keep_freed_memory():
            trained = recipe.train(prepared, plan.__class__(**{**vars(plan), "fold": planned.fold, "on_epoch": note_epoch}))
        measured = recipe.measure(trained)
        config = getattr(trained, "config", plan.config)
        self._folds.append(_Fold(config.model_dump(mode="json"), measured))
        if len(self._folds) < len(self._planned):
            check_folds(self.order.pruning, [self._sign * score for score in self._list_scores()])

    def _note_epoch(self, fold: int, epoch: int, epochs: int, figures: Figures) -> None:
        score = _to_finite(figures.get(self.order.metric))
        self._meter.end_epoch(self._planned[fold].learned)
        line = {"fold": fold, "epoch": epoch, "epochs": epochs, "score": score, "at": round(time.time(), 2)}
        with (self.folder / EPOCHS_FILE).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
        if self.order.role is Role.PROBE and self._meter.fit_wall_s >= self.order.steps_end_s:
            raise _Enough
        if fold == 0:
            self._curve.append(score)
            check_rungs(self.order.pruning, epoch, epochs, None if score is None else self._sign * score)

    def _wait_for_others(self) -> None:
        (self.folder / READY_FILE).touch()
        ending = time.monotonic() + _MOST_WAIT_S
        while not (self.folder / GO_FILE).exists() and time.monotonic() < ending:
            time.sleep(0.02)

    def _list_scores(self) -> list[float]:
        found = (_to_finite(one.measured.figures.get(self.order.metric)) for one in self._folds)
        return [score for score in found if score is not None]

    def _judge_score(self) -> tuple[TrialState, str]:
        if len(self._list_scores()) < len(self._folds):
            return (
                TrialState.FAILED,
                f"{self.order.metric} is no number: the training diverged, or there is nothing to measure it on",
            )
        return TrialState.COMPLETE, "trained to its end"

    def conclude(self, state: TrialState, reason: str, *, by_memory: bool = False) -> TrialResult:
        """The result as far as it has come."""
        scores, known = self._list_scores(), [score for score in self._curve if score is not None]
        score = float(np.mean(scores)) if scores else known[-1] if known else None
        if state is TrialState.COMPLETE:
            self._write_pictures()
        ratios = [one.held_out / one.learned for one in self._planned if one.learned]
        return TrialResult(
            state=state,
            reason=reason,
            score=None if state is TrialState.FAILED else score,
            fold_scores=scores,
            figures=_average_figures([one.measured.figures for one in self._folds]),
            curve=self._curve,
            config=self._folds[0].config if self._folds else self.order.train,
            versions=find_versions(),
            held_out=float(np.mean(ratios)) if ratios else 0.0,
            cost=self._meter.stop(),
            by_memory=by_memory,
        )

    def _write_pictures(self) -> None:
        rows = [
            {"image_id": image_id, "split": split, "fold": number, "score": float(score)}
            for number, one in enumerate(self._folds)
            for split, pictures in one.measured.pictures.items()
            for image_id, score in zip(pictures.image_ids, pictures.scores.tolist(), strict=True)
        ]
        write_parquet(PictureScoreRow.table(rows) if rows else PictureScoreRow.empty_table(), self.folder / PICTURES_FILE)


def read_pictures(folder: Path) -> pa.Table:
    """``PictureScoreRow`` of a trial."""
    import pyarrow.parquet as pq

    return pq.read_table(folder / PICTURES_FILE, memory_map=False)


def _average_figures(figures: Sequence[Figures]) -> dict[str, float | None]:
    """Mean over the folds; of what some fold has no figure for, None."""
    names = dict.fromkeys(name for one in figures for name in one)
    found: dict[str, float | None] = {}
    for name in names:
        values = [_to_finite(one.get(name)) for one in figures]
        known = [value for value in values if value is not None]
        found[name] = float(np.mean(known)) if len(known) == len(values) else None
    return found


def _to_finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 8)
