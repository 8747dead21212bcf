"""The recipe "detect": boxes, each with a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from logoingest.config import TrainConfig
from logoingest.release.reading.loader import Release
from logoingest.training.checks.leaks import NAMED_LEAKS
from logoingest.training.data.splits import SPLITS, Fold, cut_folds
from logoingest.training.detection.artifact import RECIPE_NAME, Stored, save_detector
from logoingest.training.detection.controls import DetectionControls, run_detection_controls
from logoingest.training.detection.data.anchors import measure_fit
from logoingest.training.detection.data.photos import read_annotated
from logoingest.training.detection.examples import write_examples
from logoingest.training.detection.figures import draw_detector_figures
from logoingest.training.detection.fitting import DetectionEpoch, build_detector_job
from logoingest.training.detection.judgement import judge_detector
from logoingest.training.detection.preparation import PreparedBoxes, check_boxes, check_negatives, list_sizes, prepare_boxes
from logoingest.training.detection.scoring import (
    DetectionScores,
    check_scorer,
    count_box_confusion,
    count_false_alarms,
    is_right,
    measure_precisions,
    score_detections,
)
from logoingest.training.detection.training import TrainedDetector, choose_design, train_detector
from logoingest.training.loop.rounding import round_figures
from logoingest.training.recipe import Figures, Judged, Measured, Metric, PictureScores, Recipe, TrainingPlan

METRICS = (
    Metric("map50", True, "average precision at an overlap of .5, mean over the classes the split has"),
    Metric("map", True, "the same over overlaps from .5 to .95"),
    Metric("map75", True, "the same at an overlap of .75"),
    Metric("false_alarms", False, "believed boxes in a picture that shows none of the classes, on average"),
)


class DetectionRecipe:
    """Boxes, each with a class: a detector over pretrained layers, its controls and its figures."""

    name = RECIPE_NAME
    metrics: Sequence[Metric] = METRICS

    def check(self, release: Release, plan: TrainingPlan) -> None:
        check_scorer()
        config = plan.config
        check_negatives(config.detection.negatives, release.class_ids)
        check_boxes({name: read_annotated(release, name, config.detection.negatives) for name in SPLITS}, warn=False)
        build_detector_job(config, choose_design(None, config, len(release.class_ids)), plan.base_dir)

    def prepare(
        self,
        release: Release,
        config: TrainConfig,
        *,
        folds: bool = False,  # noqa: ARG002  # every preparation serves folds
        phases: Any = None,
        cache_dir: Path | None = None,
    ) -> PreparedBoxes:
        return prepare_boxes(release, config, phases=phases, cache_dir=cache_dir)

    def cut_folds(self, prepared: PreparedBoxes, count: int, seed: int = 0) -> list[Fold]:
        return cut_folds({name: found.split for name, found in prepared.annotated.items()}, count, seed)

    def train(self, prepared: PreparedBoxes, plan: TrainingPlan) -> TrainedDetector:
        return train_detector(
            prepared,
            plan.config,
            fold=plan.fold,
            base_dir=plan.base_dir,
            strangers=plan.strangers,
            scored=plan.scored,
            on_epoch=lambda epoch: plan.on_epoch(epoch.epoch, name_detection_figures(epoch)),
            on_checkpoint=plan.on_checkpoint,
            resume=plan.resume,
            phases=plan.phases,
        )

    def measure(self, trained: TrainedDetector) -> Measured:
        figures: dict[str, float | None] = {}
        pictures = {}
        for split, found in trained.detections.items():
            feed = trained.feeds[split]
            scores = score_detections(feed.truths, found, len(trained.class_ids))
            alarms = count_false_alarms(feed.truths, found, trained.threshold)
            measured = {"map50": scores.map50, "map": scores.map, "map75": scores.map75, "false_alarms": alarms}
            figures |= {f"{split}.{name}": value for name, value in measured.items()}
            right = [is_right(truth, said.keep(trained.threshold)) for truth, said in zip(feed.truths, found, strict=True)]
            pictures[split] = PictureScores(feed.photos.image_ids, np.array(right, np.float64))
        return Measured(figures, pictures)

    def judge(self, prepared: PreparedBoxes, trained: TrainedDetector, plan: TrainingPlan) -> Judged:
        with plan.phases.phase("controls"):
            untrained = build_detector_job(trained.config, trained.job.design, trained.base_dir)
            controls = run_detection_controls(untrained, trained.feeds, shuffled=trained.config.controls)
        count = len(trained.class_ids)
        scores = {name: score_detections(trained.feeds[name].truths, found, count) for name, found in trained.detections.items()}
        verdict = judge_detector(
            trained.history,
            controls,
            scores["test"].map50,
            (trained.config.min_margin, trained.job.config.lr or 0.0),
            prepared.leaks,
        )
        return Judged(verdict, gather_detection_metrics(prepared, trained, controls, scores))

    def write(self, release: Release, trained: TrainedDetector, judged: Judged, plan: TrainingPlan, out_dir: Path) -> None:
        with plan.phases.phase("write"):
            stored = Stored(trained.job.network, trained.job.design, trained.class_ids, trained.threshold)
            save_detector(stored, out_dir, release.fingerprint)
            test, found = trained.feeds["test"], trained.detections["test"]
            draw_detector_figures(judged.metrics, measure_precisions(test.truths, found, len(trained.class_ids)), out_dir)
            write_examples(test, found, trained.class_ids, trained.threshold, out_dir)


#: Also says to the type checker that it is one.
RECIPE: Recipe[PreparedBoxes, TrainedDetector] = DetectionRecipe()


def name_detection_figures(epoch: DetectionEpoch) -> Figures:
    """An epoch's figures by split and metric."""
    return {"train.loss": epoch.train_loss, "validation.map50": epoch.validation_map50, "lr": epoch.lr}


def gather_detection_metrics(
    prepared: PreparedBoxes, trained: TrainedDetector, controls: DetectionControls, scores: dict[str, DetectionScores]
) -> dict[str, Any]:
    """The recipe's part of metrics.json."""
    count, design, test = len(trained.class_ids), trained.job.design, trained.feeds["test"]
    confusion = count_box_confusion(test.truths, trained.detections["test"], count, trained.threshold)
    there, said = np.nonzero(confusion)
    sizes = list_sizes(trained.feeds["train"].photos, design.side_px)
    figures = {
        "class_names": list(trained.class_ids),
        "images": {name: len(feed) for name, feed in trained.feeds.items()},
        "negatives": {name: int(feed.photos.negatives.sum()) for name, feed in trained.feeds.items()},
        "left_out": {name: found.left_out._asdict() for name, found in prepared.annotated.items()},
        "epochs": [asdict(epoch) for epoch in trained.history],
        **{name: describe_scores(found) for name, found in scores.items()},
        "threshold": trained.threshold,
        "false_alarms": {
            name: count_false_alarms(trained.feeds[name].truths, found, trained.threshold)
            for name, found in trained.detections.items()
        },
        "anchors": {"sizes": design.anchors, "overlap": measure_fit(sizes, design.anchors) if design.anchors else None},
        "controls": {name: value for name, value in controls._asdict().items() if value is not None},
    }
    rounded: dict[str, Any] = round_figures(figures)
    stopped_by = "validation" if len(trained.feeds["validation"]) and trained.config.early_stop_epochs else None
    return rounded | {
        "confusion": [[int(row), int(column), int(confusion[row, column])] for row, column in zip(there, said, strict=True)],
        "splits": {"learned": "train", "stopped_by": stopped_by, "scored": "test", "not_read": list(prepared.unread)},
        "leaks": {"count": len(prepared.leaks), "pairs": [asdict(leak) for leak in prepared.leaks[:NAMED_LEAKS]]},
        "device": trained.job.device.type,
    }


def describe_scores(scores: DetectionScores) -> dict[str, Any]:
    """The form of metrics.json."""
    return {**scores._asdict(), "per_class": [found._asdict() for found in scores.per_class]}
