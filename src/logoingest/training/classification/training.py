"""Train: one network on what was prepared, with one config, seed and fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from logoingest.config import TrainConfig
from logoingest.training.classification.preparation import Prepared
from logoingest.training.data.feeds import Feed, PictureFeed, make_feed
from logoingest.training.data.splits import Fold
from logoingest.training.loop.features import extract_features, make_head_job
from logoingest.training.loop.fitting import Checkpoint, Epoch, fit
from logoingest.training.loop.jobs import Job, build_job
from logoingest.training.loop.phases import Phases
from logoingest.training.loop.prediction import Predictions, predict

#: Changed views of every picture whose features are kept when only the head learns.
FROZEN_VIEWS = 4
#: The splits whose every picture is predicted in the end.
SCORED_SPLITS = ("validation", "test")


@dataclass(frozen=True)
class Trained:
    """A trained network and what came of it."""

    config: TrainConfig
    """What it was trained with, its seed included."""
    base_dir: Path
    fold: Fold | None
    class_ids: tuple[str, ...]
    job: Job
    feeds: Mapping[str, Feed]
    """train, validation and test as it saw them."""
    image_ids: Mapping[str, Sequence[str]]
    """Split → of every row of the feeds and predictions."""
    history: tuple[Epoch, ...]
    predictions: Mapping[str, Predictions]
    """Split → every row, with the probability of every class."""


def train(
    prepared: Prepared,
    config: TrainConfig,
    seed: int | None = None,
    fold: Fold | None = None,
    *,
    base_dir: Path = Path(),
    scored: Sequence[str] = SCORED_SPLITS,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_checkpoint: Callable[[Checkpoint], None] | None = None,
    resume: Checkpoint | None = None,
    phases: Phases | None = None,
) -> Trained:
    """Fine-tune a network and predict. Writes nothing, and leaves what was prepared as it is.

    Args:
        prepared: shared by all trainings with the same picture side and kind of augmentation.
        config: the ``[train]`` section.
        seed: in place of the config's.
        fold: learn from what the fold leaves of train and validation, validate on what it holds out; None: the release's splits.
        base_dir: what a relative ``weights`` file is relative to.
        scored: the splits to predict, of train, validation and test.
        on_epoch: told every epoch's figures when it ends.
        on_checkpoint: given, after every epoch but the last, what ``resume`` takes.
        resume: go on with a training of the same prepared release, config, seed and fold; its figures are those it would have had.
        phases: told how far it is: pictures (the frozen network's features), fit, score.

    Raises:
        ConfigError: the model, its weights or the device cannot be had.
        UsageError: the pictures were prepared for another side, or without folds.
    """
    phases = phases or Phases()
    config = config if seed is None else config.model_copy(update={"seed": seed})
    prepared.check_fit(config, fold is not None)
    job = build_job(config, len(prepared.class_ids), base_dir)
    pictures = make_feeds(prepared, job, fold)
    with phases.phase("pictures"):
        job, feeds = _extract_all(job, pictures)
    with phases.phase("fit"):
        history = fit(job, feeds["train"], feeds["validation"], on_epoch=on_epoch, on_checkpoint=on_checkpoint, resume=resume)
    with phases.phase("score"):
        predictions = {name: predict(job, feeds[name]) for name in scored}
    ids = {name: [feed.pictures.split.image_id[place] for place in feed.places.tolist()] for name, feed in pictures.items()}
    return Trained(job.config, base_dir, fold, prepared.class_ids, job, feeds, ids, tuple(history), predictions)


def rebuild_untrained(trained: Trained) -> Job:
    """The job as it was before the first step: equal seeds give equal weights."""
    job = build_job(trained.config, len(trained.class_ids), trained.base_dir)
    return job if trained.job.module is trained.job.learner.network else make_head_job(job)


def make_feeds(prepared: Prepared, job: Job, fold: Fold | None) -> dict[str, PictureFeed]:
    """A feed per split; train is changed at random."""
    held, side, augment = prepared.pictures, job.config.image_side_px, job.config.augment
    test = make_feed(held["test"], side, job.device)
    if fold is None:
        train = make_feed(held["train"], side, job.device, augment)
        return {"train": train, "validation": make_feed(held["validation"], side, job.device), "test": test}
    assert prepared.pool is not None
    learned, held_out = fold.divide(prepared.pool.split)
    return {
        "train": make_feed(prepared.pool, side, job.device, augment, learned),
        "validation": make_feed(prepared.pool, side, job.device, places=held_out),
        "test": test,
    }


def _extract_all(job: Job, pictures: Mapping[str, PictureFeed]) -> tuple[Job, dict[str, Feed]]:
    """With a frozen backbone the head's job and its features, else the pictures as they are."""
    if not job.learner.frozen:
        return job, {**pictures}
    views = 1 if job.config.augment == "none" else 1 + min(FROZEN_VIEWS, job.config.epochs)
    made = {name: extract_features(job, feed, views if name == "train" else 1) for name, feed in pictures.items()}
    features: dict[str, Feed] = {name: feed for name, feed in made.items() if feed is not None}
    return (make_head_job(job), features) if len(features) == len(made) else (job, {**pictures})
