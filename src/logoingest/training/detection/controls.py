"""The controls of a detector's verdict: small trainings whose outcome is known beforehand if everything is in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from logoingest.training.data.splits import Rows
from logoingest.training.detection.data.boxes import TrueBoxes
from logoingest.training.detection.data.feeds import PhotoFeed
from logoingest.training.detection.data.prior import learn_prior, say_prior, swap_boxes
from logoingest.training.detection.fitting import (
    DetectorJob,
    DetectorStepper,
    copy_detector,
    fit_detector,
    learn,
    make_detector_optimizer,
    measure_first_loss,
)
from logoingest.training.detection.prediction import find_boxes
from logoingest.training.detection.scoring import measure_map50
from logoingest.training.loop.jobs import seed_everything

#: Pictures of the one batch to overfit, the most steps that may take, and after how many it is looked at.
ONE_BATCH = 4
ONE_BATCH_STEPS = 120
ONE_BATCH_LOOKS = 15
#: Average precision on the one batch that is enough.
MEMORISED = 0.9
#: Pictures the loss at start is measured on.
START_PICTURES = 32
#: Steps of the shuffled-boxes control, and pictures it is scored on.
SHUFFLED_STEPS = 30
SHUFFLED_PICTURES = 200


class DetectionControls(NamedTuple):
    """What came of them; the last is None where the config leaves it out."""

    start_loss: float
    """Of the untrained detector."""
    memorised: float
    """Average precision on one batch learnt by heart."""
    memorise_steps: int
    prior_map50: float
    """Of the boxes that train says most often, on test."""
    shuffled_map50: float | None
    """On test, after learning every picture with the boxes of another."""
    shuffled_prior_map50: float | None
    """Of the box prior, on the same pictures."""


def run_detection_controls(job: DetectorJob, feeds: Mapping[str, PhotoFeed], *, shuffled: bool) -> DetectionControls:
    """Run them on the detector as it was before it was trained; it is left as it is.

    Args:
        job: the untrained detector.
        feeds: train and test.
        shuffled: whether to train on shuffled boxes too.
    """
    train, test = feeds["train"], feeds["test"]
    start = measure_first_loss(job, train, train.plan(job.config.batch_size)[: _count_batches(job)])
    memorised, steps = memorise_batch(job, train)
    prior = measure_prior(job, train, test)
    if not shuffled:
        return DetectionControls(start, memorised, steps, prior, None, None)
    part = test.select(choose_boxed_rows(test.truths, SHUFFLED_PICTURES, np.random.default_rng([job.config.seed, 4])))
    return DetectionControls(start, memorised, steps, prior, score_shuffled(job, train, part), measure_prior(job, train, part))


def memorise_batch(job: DetectorJob, train: PhotoFeed) -> tuple[float, int]:
    """(mAP at an overlap of one half on a few pictures after learning nothing else, steps it took)."""
    own = copy_detector(job)
    rows = choose_boxed_rows(train.truths, ONE_BATCH, np.random.default_rng([job.config.seed, 3]))
    batch = replace(train.select(rows), workers=0)
    stepper, best = DetectorStepper(make_detector_optimizer(own)), 0.0
    with seed_everything(job.config.seed):
        while stepper.taken < ONE_BATCH_STEPS and best < MEMORISED:
            learn(own, batch, [np.arange(len(rows))] * ONE_BATCH_LOOKS, stepper)
            best = max(best, measure_map50(batch.truths, find_boxes(own, batch), job.design.class_count) or 0.0)
    return best, stepper.taken


def measure_prior(job: DetectorJob, train: PhotoFeed, test: PhotoFeed) -> float:
    """MAP at an overlap of one half of what train says most often."""
    count = job.design.class_count
    said = say_prior(learn_prior(train.photos, count), test.photos)
    return measure_map50(test.truths, said, count) or 0.0


def score_shuffled(job: DetectorJob, train: PhotoFeed, test: PhotoFeed) -> float:
    """A short training on the boxes of other pictures, scored on true ones."""
    own = copy_detector(job)
    swapped = train.swap(swap_boxes(train.photos, np.random.default_rng([job.config.seed, 5])))
    fit_detector(own, swapped, max_steps=SHUFFLED_STEPS)
    return measure_map50(test.truths, find_boxes(own, test), job.design.class_count) or 0.0


def choose_boxed_rows(truths: tuple[TrueBoxes, ...], count: int, rng: np.random.Generator) -> Rows:
    """Up to ``count`` pictures with boxes, rising."""
    known = np.flatnonzero([len(found.labels) > 0 for found in truths])
    return np.sort(rng.permutation(known)[:count]).astype(np.int64)


def _count_batches(job: DetectorJob) -> int:
    return max(1, START_PICTURES // job.config.batch_size)
