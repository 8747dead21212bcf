"""The recipe "classify": one class a picture."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from logoingest.config import TrainConfig
from logoingest.evidence.safeguards.files import SAFEGUARD_FILE
from logoingest.evidence.safeguards.rule import Goals
from logoingest.release.reading.loader import Release
from logoingest.training.checks.leaks import NAMED_LEAKS
from logoingest.training.classification.figures import draw_figures
from logoingest.training.classification.judgement import Controls, judge, run_controls
from logoingest.training.classification.mistakes import MISTAKES_FILE, PREDICTIONS_FILE, draw_mistakes, write_predictions
from logoingest.training.classification.preparation import Prepared, prepare
from logoingest.training.classification.safeguarding import find_lack, learn_safeguard
from logoingest.training.classification.training import Trained, train
from logoingest.training.data.splits import Fold, cut_folds
from logoingest.training.loop.fitting import Checkpoint, Epoch, pack_checkpoint, unpack_checkpoint
from logoingest.training.loop.jobs import build_job
from logoingest.training.loop.phases import Phases
from logoingest.training.loop.rounding import round_figures
from logoingest.training.loop.scores import find_largest_share, find_majority, score_split
from logoingest.training.models.artifact import AllowedCode, save_artifact
from logoingest.training.recipe import Figures, Judged, Measured, Metric, PictureScores, Recipe, TrainingPlan

logger = logging.getLogger("logoingest")

METRICS = (
    Metric("top1", True, "share of pictures whose class comes first"),
    Metric("top5", True, "share of pictures whose class is among the first five"),
    Metric("macro_f1", True, "F1 score, mean over the classes the split has"),
    Metric("loss", False, "cross-entropy, nats a picture"),
)


class ClassificationRecipe:
    """One class a picture: a fine-tune with a fresh head, its controls and its safeguard."""

    name = "classify"
    metrics: Sequence[Metric] = METRICS

    def check(self, release: Release, plan: TrainingPlan) -> None:
        build_job(plan.config, len(release.class_ids), plan.base_dir)

    def prepare(
        self,
        release: Release,
        config: TrainConfig,
        *,
        folds: bool = False,
        phases: Phases | None = None,
        cache_dir: Path | None = None,
    ) -> Prepared:
        return prepare(release, config, folds=folds, phases=phases, cache_dir=cache_dir)

    def cut_folds(self, prepared: Prepared, count: int, seed: int = 0) -> list[Fold]:
        return cut_folds(prepared.splits, count, seed)

    def train(self, prepared: Prepared, plan: TrainingPlan) -> Trained:
        keep = plan.on_checkpoint

        def give_checkpoint(checkpoint: Checkpoint) -> None:
            assert keep is not None
            keep(pack_checkpoint(checkpoint))

        return train(
            prepared,
            plan.config,
            fold=plan.fold,
            base_dir=plan.base_dir,
            scored=plan.scored,
            on_epoch=lambda epoch: plan.on_epoch(epoch.epoch, name_figures(epoch)),
            on_checkpoint=None if keep is None else give_checkpoint,
            resume=None if plan.resume is None else unpack_checkpoint(plan.resume),
            phases=plan.phases,
        )

    def measure(self, trained: Trained) -> Measured:
        figures: dict[str, float | None] = {}
        pictures = {}
        for split, found in trained.predictions.items():
            scores = score_split(found, len(trained.class_ids))
            figures |= {f"{split}.{metric.name}": getattr(scores, metric.name) for metric in METRICS}
            right = (found.top[:, 0] == found.labels).astype(np.float64)
            pictures[split] = PictureScores(tuple(trained.image_ids[split]), right)
        return Measured(figures, pictures)

    def judge(self, prepared: Prepared, trained: Trained, plan: TrainingPlan) -> Judged:
        controls = run_controls(trained, plan.phases)
        return Judged(judge(trained, controls, prepared.leaks), gather_metrics(prepared, trained, controls))

    def write(self, release: Release, trained: Trained, judged: Judged, plan: TrainingPlan, out_dir: Path) -> None:
        with plan.phases.phase("write"):
            save_artifact(trained.job.learner.network, trained.class_ids, trained.config, out_dir, release.fingerprint)
            draw_figures(judged.metrics, out_dir)
            write_predictions(trained, out_dir / PREDICTIONS_FILE)
            draw_mistakes(release, trained, out_dir / MISTAKES_FILE)
        if not np.isfinite(trained.history[-1].train_loss):
            logger.warning("no %s is made: the training diverged", SAFEGUARD_FILE)
            return
        lack = find_lack(len(trained.feeds["validation"].labels))
        if lack is not None:
            logger.warning("no %s is made: %s", SAFEGUARD_FILE, lack)
            return
        config = plan.config
        goals = Goals(config.safeguard_ours_kept, config.safeguard_precision)
        learn_safeguard(
            release,
            out_dir,
            goals,
            plan.strangers,
            device=config.device,
            workers=config.workers,
            phases=plan.phases,
            code=AllowedCode.of(config, plan.base_dir),
        )


#: Also says to the type checker that it is one.
RECIPE: Recipe[Prepared, Trained] = ClassificationRecipe()


def name_figures(epoch: Epoch) -> Figures:
    """An epoch's figures by split and metric."""
    return {
        "train.loss": epoch.train_loss,
        "train.top1": epoch.train_accuracy,
        "validation.loss": epoch.validation_loss,
        "validation.top1": epoch.validation_accuracy,
        "lr": epoch.lr,
    }


def gather_metrics(prepared: Prepared, trained: Trained, controls: Controls) -> dict[str, Any]:
    """The recipe's part of metrics.json."""
    labels = {name: feed.labels for name, feed in trained.feeds.items()}
    count = len(trained.class_ids)
    majority, share = find_majority(labels["train"], labels["test"], count)
    figures = {
        "class_names": list(trained.class_ids),
        "images": {name: len(rows) for name, rows in labels.items()},
        "epochs": [asdict(epoch) for epoch in trained.history],
        **{name: score_split(found, count)._asdict() for name, found in trained.predictions.items()},
        "majority": {"class": majority, "top1": share},
        "controls": describe_controls(controls, find_largest_share(labels["test"])),
    }
    stopped_by = "validation" if len(labels["validation"]) else None
    held = all(pictures.cache is not None for pictures in prepared.pictures.values())
    rounded: dict[str, Any] = round_figures(figures)
    return rounded | {
        "splits": {"learned": "train", "stopped_by": stopped_by, "scored": "test", "not_read": list(prepared.unread)},
        "pictures_held": "in memory" if held else "streamed",
        "leaks": {"count": len(prepared.leaks), "pairs": [asdict(leak) for leak in prepared.leaks[:NAMED_LEAKS]]},
        "device": trained.job.device.type,
        "config": trained.config.model_dump(mode="json"),
    }


def describe_controls(controls: Controls, largest_share: float) -> dict[str, Any]:
    """The form of metrics.json."""
    form: dict[str, Any] = {
        "start_loss": controls.start_loss,
        "one_batch": {"accuracy": controls.memorised, "steps": controls.memorise_steps},
    }
    if controls.zero_input is not None:
        form["zero_input"] = {"class": controls.zero_input.class_index, "top1": controls.zero_input.share}
    if controls.shuffled is not None:
        form["shuffled_labels"] = {**controls.shuffled._asdict(), "largest_class": largest_share}
    return form
