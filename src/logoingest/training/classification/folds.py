"""Out of fold: every picture of train and validation judged by a network that never saw it, nor anything near it.

With pretrained weights there is a second judge: a linear probe on what the network says before any label has taught it. It costs one run
over the pictures, it errs otherwise than the fine-tune, and what it doubts (``probe_out_of_fold``) the networks do not learn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from logoingest.config import TrainConfig
from logoingest.evidence.label_errors import calibrate, join_judges
from logoingest.evidence.probe import Probed, probe_out_of_fold
from logoingest.training.classification.preparation import Prepared
from logoingest.training.classification.training import FROZEN_VIEWS, train
from logoingest.training.data.feeds import CACHE_BYTES, FeatureFeed, Feed, make_feed
from logoingest.training.data.splits import Fold, Rows
from logoingest.training.loop.features import divide_frozen, extract_lower, see_untaught, see_untaught_pixels
from logoingest.training.loop.fitting import fit
from logoingest.training.loop.jobs import Job, build_job
from logoingest.training.loop.phases import Phases
from logoingest.training.loop.prediction import predict, score_pixels

Shares = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class OutOfFold:
    """What judges say of pictures that they did not learn from; n pictures of train and validation, in the pool's order.

    Attributes:
        image_ids: (n,)
        labels: (n,) class index.
        folds: (n,) the fold that held the picture out.
        probabilities: (n, classes), each row sums to 1.
        learned: (folds, classes) whether any picture of the class was learned from; what was not can't be named.
        doubted: (n,) labels that the networks did not learn from.
        test: (pictures of test, classes), the mean over all folds' networks; test's pictures are in no fold.
        test_ids: of these pictures.
        test_labels: of these pictures.
        further: (m, classes) of the further pictures, likewise.
    """

    image_ids: tuple[str, ...]
    labels: Rows
    folds: Rows
    probabilities: Shares
    learned: npt.NDArray[np.bool_]
    doubted: npt.NDArray[np.bool_]
    test: Shares
    test_ids: tuple[str, ...]
    test_labels: Rows
    further: Shares


def predict_out_of_fold(
    prepared: Prepared,
    config: TrainConfig,
    folds: Sequence[Fold],
    *,
    further: Pixels | None = None,
    base_dir: Path = Path(),
    phases: Phases | None = None,
) -> OutOfFold:
    """Train a network per fold, and have each judge what its fold held out, and test.

    Nothing is stopped early: the pictures that would say when are those that are judged. Where the lower layers of pretrained weights
    are frozen, they run over every picture once for all folds.

    Args:
        prepared: with folds.
        config: the ``[train]`` section; early_stop_epochs is taken as 0.
        folds: of ``cut_folds``; of some of them alone no probe is asked.
        further: (m, side, side, 3) pictures of no split that are judged as test is.
        base_dir: what a relative ``weights`` file is relative to.
        phases: told how far it is: pictures, folds.

    Raises:
        ConfigError: the model, its weights or the device cannot be had.
        UsageError: the pictures were prepared for another side, or without folds.
    """
    phases = phases or Phases()
    config = config.model_copy(update={"early_stop_epochs": 0})
    prepared.check_fit(config, folds=True)
    assert prepared.pool is not None
    split, test, count = prepared.pool.split, prepared.pictures["test"].split, len(prepared.class_ids)
    pixels = np.zeros((0, config.image_side_px, config.image_side_px, 3), np.uint8) if further is None else further
    number, learned = _number_folds(prepared, folds)
    trainer = _Trainer(prepared, config, base_dir, phases)
    can_probe = (number >= 0).all() and learned.sum(axis=1).min(initial=count) > 1
    with phases.phase("pictures"):
        probed = trainer.probe(number, pixels) if can_probe else None
    doubted = np.zeros(len(split), bool) if probed is None else probed.doubted
    judged = _judge(trainer, [_leave_out(fold, split.groups, doubted) for fold in folds], pixels, phases)
    if probed is not None:
        judged = _join(judged, probed, split.label, learned[number, split.label])
    on_test, on_further = judged.others[: len(test)], judged.others[len(test) :]
    return OutOfFold(
        split.image_id, split.label, number, judged.held_out, learned, doubted, on_test, test.image_id, test.label, on_further
    )


class _Judged(NamedTuple):
    held_out: Shares
    """(n, classes) of the pool."""
    others: Shares
    """(test and further pictures, classes)."""


def _number_folds(prepared: Prepared, folds: Sequence[Fold]) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """((n,) the fold that holds each picture out, or -1; (folds, classes) whether it learns from any picture of the class)."""
    assert prepared.pool is not None
    split = prepared.pool.split
    number, learned = np.full(len(split), -1, np.int64), np.zeros((len(folds), len(prepared.class_ids)), bool)
    for place, fold in enumerate(folds):
        kept, held_out = fold.divide(split)
        number[held_out], learned[place, np.unique(split.label[kept])] = place, True
    return number, learned


def _leave_out(fold: Fold, groups: Sequence[str], doubted: npt.NDArray[np.bool_]) -> Fold:
    """The fold without what is doubted, whole groups."""
    return fold._replace(left_out=fold.left_out | {groups[row] for row in np.flatnonzero(doubted).tolist()})


def _judge(trainer: _Trainer, folds: Sequence[Fold], further: Pixels, phases: Phases) -> _Judged:
    """A network a fold."""
    prepared = trainer.prepared
    assert prepared.pool is not None
    split, count = prepared.pool.split, len(prepared.class_ids)
    held = np.zeros((len(split), count), np.float32)
    others = np.zeros((len(prepared.pictures["test"].split) + len(further), count), np.float64)
    for place, fold in enumerate(folds):
        phases.tell("folds", {"done": place, "total": len(folds)})
        kept, held_out = fold.divide(split)
        job, asked = trainer.train(fold, kept, held_out)
        held[held_out] = predict(job, asked[0]).probabilities
        others += np.concatenate([predict(job, asked[1]).probabilities, score_pixels(job, further)]) / len(folds)
    return _Judged(held, others.astype(np.float32))


def _join(judged: _Judged, probed: Probed, labels: Rows, taught: npt.NDArray[np.bool_]) -> _Judged:
    """Networks and probe, each as sure as it is right, as one."""
    temperatures = [calibrate(shares[taught], labels[taught])[1] for shares in (judged.held_out, probed.probabilities)]
    both = ([judged.held_out, probed.probabilities], [judged.others, probed.others])
    return _Judged(*(join_judges(shares, temperatures).astype(np.float32) for shares in both))


class _Trainer:
    """Trains fold by fold; frozen lower layers run over every picture once."""

    def __init__(self, prepared: Prepared, config: TrainConfig, base_dir: Path, phases: Phases) -> None:
        self.prepared, self._config, self._base_dir = prepared, config, base_dir
        assert prepared.pool is not None
        self._pool = prepared.pool
        self._features: tuple[FeatureFeed, FeatureFeed] | None = None
        job = self._build()
        divided = divide_frozen(job)
        views = 1 if config.augment == "none" else 1 + min(FROZEN_VIEWS, config.epochs)
        if divided is not None and views * 2 * _count_values(job, divided[0], config) * len(self._pool) < CACHE_BYTES:
            with phases.phase("pictures"):
                side = config.image_side_px
                pool = make_feed(self._pool, side, job.device, config.augment)
                test = make_feed(prepared.pictures["test"], side, job.device)
                self._features = extract_lower(job, divided[0], pool, views), extract_lower(job, divided[0], test, 1)

    def probe(self, folds: Rows, further: Pixels) -> Probed | None:
        """What a probe says on the network as it is before it learns; None where it knows nothing of pictures."""
        job = self._build()
        if not job.learner.pretrained:
            return None
        split, count = self._pool.split, len(self.prepared.class_ids)
        module, feeds = self._open(job)
        pool, test = (see_untaught(job, module, feed) for feed in feeds)
        others = np.concatenate([part for part in (test, see_untaught_pixels(job, further)) if len(part)] or [pool[:0]])
        return probe_out_of_fold(pool, split.label, folds, count, others)

    def _open(self, job: Job) -> tuple[nn.Module, tuple[Feed, Feed]]:
        """(what is asked, pool and test as it takes them, unchanged)."""
        if self._features is not None:
            divided = divide_frozen(job)
            assert divided is not None
            return divided[1], self._features
        side, pictures = self._config.image_side_px, self.prepared.pictures
        return job.learner.network, (make_feed(self._pool, side, job.device), make_feed(pictures["test"], side, job.device))

    def train(self, fold: Fold, kept: Rows, held_out: Rows) -> tuple[Job, tuple[Feed, Feed]]:
        """(the trained job, what its fold holds out and test as it takes them)."""
        if self._features is None:
            trained = train(self.prepared, self._config, fold=fold, base_dir=self._base_dir, scored=())
            return trained.job, (trained.feeds["validation"], trained.feeds["test"])
        job = self._build()
        divided = divide_frozen(job)
        assert divided is not None
        job = Job(divided[1], job.learner, job.config, job.device, job.class_count, job.channels_last)
        pool, test = self._features
        fit(job, pool.select(kept), None)
        return job, (pool.select(held_out, 1), test)

    def _build(self) -> Job:
        return build_job(self._config, len(self.prepared.class_ids), self._base_dir)


def _count_values(job: Job, lower: object, config: TrainConfig) -> int:
    """Numbers the lower layers give for one picture."""
    assert isinstance(lower, nn.Module)
    lower.eval()
    with torch.no_grad():
        said = lower(torch.zeros(1, 3, config.image_side_px, config.image_side_px, device=job.device))
    return int(said.numel())
