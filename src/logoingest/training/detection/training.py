"""Train: one detector on what was prepared, with one config, seed and fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, Problem
from logoingest.training.data.splits import SPLITS, Fold
from logoingest.training.detection.artifact import read_detector
from logoingest.training.detection.data.anchors import find_anchors
from logoingest.training.detection.data.augmentation import Changes
from logoingest.training.detection.data.boxes import Detections
from logoingest.training.detection.data.feeds import PhotoFeed
from logoingest.training.detection.data.photos import Photos, hold_strangers
from logoingest.training.detection.fitting import Checkpoint, DetectionEpoch, DetectorJob, build_detector_job, fit_detector
from logoingest.training.detection.networks import Design, describe_design, uses_anchors
from logoingest.training.detection.prediction import find_boxes
from logoingest.training.detection.preparation import PreparedBoxes, divide_strangers, list_sizes
from logoingest.training.detection.scoring import find_threshold, measure_map50
from logoingest.training.loop.jobs import choose_device
from logoingest.training.loop.phases import Phases
from logoingest.training.models.artifact import AllowedCode
from logoingest.training.models.states import load_state

#: What a detector cannot go on with otherwise.
_KIND = ("architecture", "head", "strides", "channels", "options")
#: The score from which on a box is believed where validation cannot say it.
DEFAULT_THRESHOLD = 0.5


@dataclass(frozen=True)
class TrainedDetector:
    """A trained detector and what came of it."""

    config: TrainConfig
    """What it was trained with."""
    base_dir: Path
    class_ids: tuple[str, ...]
    job: DetectorJob
    feeds: Mapping[str, PhotoFeed]
    """train, validation and test as it saw them."""
    history: tuple[DetectionEpoch, ...]
    detections: Mapping[str, Sequence[Detections]]
    """Split → of every picture of the feed."""
    threshold: float
    """The score from which on a box is believed: the best F1 on validation."""


def train_detector(
    prepared: PreparedBoxes,
    config: TrainConfig,
    *,
    fold: Fold | None = None,
    base_dir: Path = Path(),
    strangers: Mapping[str, bytes] | None = None,
    scored: Sequence[str] = ("validation", "test"),
    on_epoch: Callable[[DetectionEpoch], None] | None = None,
    on_checkpoint: Callable[[Checkpoint], None] | None = None,
    resume: Checkpoint | None = None,
    phases: Phases | None = None,
) -> TrainedDetector:
    """Train a detector and predict. Writes nothing, and leaves what was prepared as it is.

    Args:
        prepared: shared by all trainings with the same picture side, or a smaller one.
        config: the ``[train]`` section.
        fold: learn from what the fold leaves of train and validation, validate on what it holds out; None: the release's splits.
        base_dir: what a relative ``weights`` file is relative to.
        strangers: encoded pictures of no class by image_id: half of them teach, the others choose a threshold and are scored.
        scored: the splits to predict, of train, validation and test; validation always is, for the threshold.
        on_epoch: told every epoch's figures when it ends.
        on_checkpoint: given, after every epoch but the last, what ``resume`` takes.
        resume: go on with a training of the same prepared release, config and fold.
        phases: told how far it is: fit, score.

    Raises:
        ConfigError: the model, its weights or the device cannot be had.
        UsageError: the pictures were prepared for a smaller side.
    """
    phases = phases or Phases()
    prepared.check_fit(config)
    feeds = make_photo_feeds(prepared, config, fold, strangers or {})
    job = build_starting_job(config, feeds["train"].photos, prepared.class_ids, base_dir)
    validation = feeds["validation"]

    def measure() -> float | None:
        return measure_map50(validation.truths, find_boxes(job, validation), len(prepared.class_ids)) if len(validation) else None

    with phases.phase("fit"):
        history = fit_detector(job, feeds["train"], measure=measure, on_epoch=on_epoch, on_checkpoint=on_checkpoint, resume=resume)
    with phases.phase("score"):
        detections = {name: find_boxes(job, feeds[name]) for name in dict.fromkeys(("validation", *scored))}
    threshold = find_threshold(validation.truths, detections["validation"], DEFAULT_THRESHOLD)
    kept = {name: detections[name] for name in scored}
    return TrainedDetector(config, base_dir, prepared.class_ids, job, feeds, tuple(history), kept, threshold)


def build_starting_job(config: TrainConfig, photos: Photos, class_ids: Sequence[str], base_dir: Path) -> DetectorJob:
    """The detector before its first step: with fresh layers over the backbone, or the one that the config says to go on from.

    Raises:
        ConfigError: the model, its weights or the device cannot be had, or that detector is of other classes or of another kind.
        UsageError: there is none, or its files are damaged.
    """
    start = config.detection.start
    if not start:
        return build_detector_job(config, choose_design(photos, config, len(class_ids)), base_dir)
    stored = read_detector(base_dir / Path(start).expanduser(), AllowedCode.of(config, base_dir))
    design = describe_design(config, len(class_ids), stored.design.anchors)
    differing = [name for name in _KIND if getattr(design, name) != getattr(stored.design, name)]
    if tuple(class_ids) != stored.class_ids or differing:
        what = f"{start} differs in {differing[0]}" if differing else f"{start} knows other classes"
        raise ConfigError(Problem("train.detection.start", what, "go on from a detector of the same classes and settings"))
    job = build_detector_job(config, design, base_dir)
    load_state(job.network, stored.network.state_dict())
    return job


def choose_design(photos: Photos | None, config: TrainConfig, class_count: int) -> Design:
    """The config's design, its anchors found among the boxes that it will learn from; made up where those are not known yet."""
    strides = len(set(config.detection.strides))
    sizes = np.zeros((0, 2)) if photos is None else list_sizes(photos, config.image_side_px)
    anchors = find_anchors(sizes, strides, config.detection.anchors, config.seed) if uses_anchors(config) else []
    return describe_design(config, class_count, anchors)


def make_photo_feeds(
    prepared: PreparedBoxes, config: TrainConfig, fold: Fold | None, strangers: Mapping[str, bytes]
) -> dict[str, PhotoFeed]:
    """A feed per split, its pictures of no class at its end; train is changed at random."""
    device, shares, feeds = choose_device(config.device), divide_strangers(strangers), {}
    photos = dict(prepared.photos) if fold is None else cut_fold(prepared.photos, fold)
    for name in SPLITS:
        held = photos[name].join(hold_strangers(shares[name], config.image_side_px))
        changes = Changes(config.augment, config.detection.paste) if name == "train" else Changes()
        feeds[name] = PhotoFeed(held, config.image_side_px, device, config.workers, changes)
    return feeds


def cut_fold(photos: Mapping[str, Photos], fold: Fold) -> dict[str, Photos]:
    """Train and validation, dealt out anew."""
    pool = photos["train"].join(photos["validation"])
    learned, held_out = fold.divide(pool)
    return {"train": pool.select(learned), "validation": pool.select(held_out), "test": photos["test"]}
