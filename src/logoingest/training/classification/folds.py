"""Out of fold: every picture of train and validation judged by a network that never saw it, nor anything near it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from logoingest.config import TrainConfig
from logoingest.training.classification.preparation import Prepared
from logoingest.training.classification.training import FROZEN_VIEWS, train
from logoingest.training.data.feeds import CACHE_BYTES, Feed, make_feed
from logoingest.training.data.splits import Fold, Rows
from logoingest.training.loop.features import divide_frozen, extract_lower
from logoingest.training.loop.fitting import fit
from logoingest.training.loop.jobs import Job, build_job
from logoingest.training.loop.phases import Phases
from logoingest.training.loop.prediction import predict

Shares = npt.NDArray[np.float32]


@dataclass(frozen=True)
class OutOfFold:
    """What networks say of pictures that they did not learn from; n pictures of train and validation, in the pool's order.

    Attributes:
        image_ids: (n,)
        labels: (n,) class index.
        folds: (n,) the fold that held the picture out.
        probabilities: (n, classes), each row sums to 1.
        learned: (folds, classes) whether any picture of the class was learned from; what was not can't be named.
        test: (pictures of test, classes), the mean over all folds' networks; test's pictures are in no fold.
        test_ids: of these pictures.
        test_labels: of these pictures.
    """

    image_ids: tuple[str, ...]
    labels: Rows
    folds: Rows
    probabilities: Shares
    learned: npt.NDArray[np.bool_]
    test: Shares
    test_ids: tuple[str, ...]
    test_labels: Rows


def predict_out_of_fold(
    prepared: Prepared,
    config: TrainConfig,
    folds: Sequence[Fold],
    *,
    base_dir: Path = Path(),
    on_network: Callable[[Job, Fold], None] | None = None,
    phases: Phases | None = None,
) -> OutOfFold:
    """Train a network per fold, and have each judge what its fold held out, and test.

    Nothing is stopped early: the pictures that would say when are those that are judged. Where the lower layers of pretrained weights
    are frozen, they run over every picture once for all folds.

    Args:
        prepared: with folds.
        config: the ``[train]`` section; early_stop_epochs is taken as 0.
        folds: of ``cut_folds``.
        base_dir: what a relative ``weights`` file is relative to.
        on_network: given every fold's network when it is trained.
        phases: told how far it is: pictures, folds.

    Raises:
        ConfigError: the model, its weights or the device cannot be had.
        UsageError: the pictures were prepared for another side, or without folds.
    """
    phases = phases or Phases()
    config = config.model_copy(update={"early_stop_epochs": 0})
    prepared.check_fit(config, folds=True)
    assert prepared.pool is not None
    split, test = prepared.pool.split, prepared.pictures["test"].split
    count = len(prepared.class_ids)
    found = np.zeros((len(split), count), np.float32)
    on_test = np.zeros((len(test), count), np.float64)
    number = np.full(len(split), -1, np.int64)
    learned = np.zeros((len(folds), count), bool)
    trainer = _Trainer(prepared, config, base_dir, phases)
    for place, fold in enumerate(folds):
        phases.tell("folds", {"done": place, "total": len(folds)})
        kept, held_out = fold.divide(split)
        job, asked = trainer.train(fold, kept, held_out)
        found[held_out] = predict(job, asked[0]).probabilities
        on_test += predict(job, asked[1]).probabilities / len(folds) if len(test) else 0.0
        number[held_out], learned[place, np.unique(split.label[kept])] = place, True
        if on_network is not None:
            on_network(job, fold)
    return OutOfFold(split.image_id, split.label, number, found, learned, on_test.astype(np.float32), test.image_id, test.label)


class _Trainer:
    """Trains fold by fold; frozen lower layers run over every picture once."""

    def __init__(self, prepared: Prepared, config: TrainConfig, base_dir: Path, phases: Phases) -> None:
        self._prepared, self._config, self._base_dir = prepared, config, base_dir
        assert prepared.pool is not None
        self._pool = prepared.pool
        self._features = None
        job = self._build()
        divided = divide_frozen(job)
        views = 1 if config.augment == "none" else 1 + min(FROZEN_VIEWS, config.epochs)
        if divided is not None and views * 2 * _count_values(job, divided[0], config) * len(self._pool) < CACHE_BYTES:
            with phases.phase("pictures"):
                side = config.image_side_px
                pool = make_feed(self._pool, side, job.device, config.augment)
                test = make_feed(prepared.pictures["test"], side, job.device)
                self._features = extract_lower(job, divided[0], pool, views), extract_lower(job, divided[0], test, 1)

    def train(self, fold: Fold, kept: Rows, held_out: Rows) -> tuple[Job, tuple[Feed, Feed]]:
        """(the trained job, what its fold holds out and test as it takes them)."""
        if self._features is None:
            trained = train(self._prepared, self._config, fold=fold, base_dir=self._base_dir, scored=())
            return trained.job, (trained.feeds["validation"], trained.feeds["test"])
        job = self._build()
        divided = divide_frozen(job)
        assert divided is not None
        job = Job(divided[1], job.learner, job.config, job.device, job.class_count, job.channels_last)
        pool, test = self._features
        fit(job, pool.select(kept), None)
        return job, (pool.select(held_out, 1), test)

    def _build(self) -> Job:
        return build_job(self._config, len(self._prepared.class_ids), self._base_dir)


def _count_values(job: Job, lower: object, config: TrainConfig) -> int:
    """Numbers the lower layers give for one picture."""
    import torch
    from torch import nn

    assert isinstance(lower, nn.Module)
    lower.eval()
    with torch.no_grad():
        said = lower(torch.zeros(1, 3, config.image_side_px, config.image_side_px, device=job.device))
    return int(said.numel())
