"""The controls of the verdict: small trainings whose outcome is known beforehand if everything is in order."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from logoingest.training.data.feeds import Feed, choose_spread_rows
from logoingest.training.data.splits import Rows
from logoingest.training.loop.fitting import fit
from logoingest.training.loop.jobs import Job, arrange, autocast, seed_everything, set_training
from logoingest.training.loop.prediction import score_rows

#: Pictures of the one batch to overfit, and the most steps it may take at each learning rate.
ONE_BATCH = 16
ONE_BATCH_STEPS = 60
ONE_BATCH_RATES = (1e-3, 1e-4, 1e-2)
#: Pictures the loss at start is measured on.
START_PICTURES = 128
#: Steps of the shuffled-label control: enough to learn something if there were something to learn.
SHUFFLED_STEPS = 30
#: Test pictures the shuffled-label control is scored on, at most.
SHUFFLED_PICTURES = 1000
#: Steps of the zero-input control, which costs next to nothing: one constant input.
ZERO_STEPS = 100


def copy_job(job: Job) -> Job:
    """The same job with a network of its own, so that the control leaves no trace."""
    network = copy.deepcopy(job.learner.network)
    learner = replace(job.learner, network=network)
    return replace(job, learner=learner, module=network if job.module is job.learner.network else learner.head)


def measure_start_loss(job: Job, train: Feed) -> float:
    """Mean loss in nats of the untrained network, with the batch statistics it would train on."""
    own = copy_job(job)
    set_training(own)
    _silence_dropout(own.module)
    rows = choose_spread_rows(train.labels, START_PICTURES, np.random.default_rng([job.config.seed, 2]))
    total = 0.0
    with torch.no_grad():
        for inputs, part in train.serve(np.array_split(rows, max(1, -(-len(rows) // 32)))):
            with autocast(job.device, job.config.precision):
                scores = own.module(arrange(own, inputs)).float()
            total += float(functional.cross_entropy(scores, _label(train, part, job.device), reduction="sum"))
    return total / len(rows)


def measure_one_batch(job: Job, train: Feed) -> tuple[float, int]:
    """Learn one small batch by heart, without dropout or random changes.

    Returns:
        (best share right on the batch, steps it took).
    """
    rows = choose_spread_rows(train.labels, ONE_BATCH, np.random.default_rng([job.config.seed, 3]))
    inputs, _ = next(iter(train.serve([rows])))
    labels = _label(train, rows, job.device)
    best, taken = 0.0, 0
    for rate in ONE_BATCH_RATES:
        for accuracy in _memorise(copy_job(job), inputs, labels, rate):
            best, taken = max(best, accuracy), taken + 1
            if accuracy == 1.0:
                return 1.0, taken
    return best, taken


def _memorise(job: Job, inputs: Tensor, labels: Tensor, rate: float) -> Iterator[float]:
    """Yields the share right before each step."""
    set_training(job)
    _silence_dropout(job.module)
    optimizer = torch.optim.Adam([parameter for parameter in job.module.parameters() if parameter.requires_grad], lr=rate)
    with seed_everything(job.config.seed):
        for _ in range(ONE_BATCH_STEPS):
            with autocast(job.device, job.config.precision):
                scores = job.module(arrange(job, inputs)).float()
            yield float((scores.argmax(dim=1) == labels).float().mean())
            optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(scores, labels).backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
            nn.utils.clip_grad_norm_(job.module.parameters(), 5.0)
            optimizer.step()


def name_zero_input_class(job: Job, train: Feed) -> int:
    """The class a head learns to name when every picture is black: all it can learn is how frequent the classes are.

    Every training picture gives the same input, so the mean over the split is one input with the class shares as its target.
    """
    own = copy_job(job)
    own.module.eval()
    inputs, _ = next(iter(train.serve([np.zeros(1, dtype=np.int64)])))
    black = torch.zeros_like(inputs)
    shares = np.bincount(train.labels, minlength=job.class_count) / len(train.labels)
    target = torch.tensor(shares, dtype=torch.float32, device=job.device)[None]
    optimizer = torch.optim.Adam(own.learner.head.parameters(), lr=0.05)
    for _ in range(ZERO_STEPS):
        loss = functional.cross_entropy(own.module(black).float(), target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        optimizer.step()
    with torch.no_grad():
        return int(own.module(black).argmax())


def score_shuffled_labels(job: Job, train: Feed, test: Feed) -> tuple[int, int]:
    """A short training on permuted labels, scored on the true test split: (right, of how many)."""
    own = copy_job(job)
    rng = np.random.default_rng([job.config.seed, 4])
    fit(own, train.relabel(rng.permutation(train.labels)), None, max_steps=SHUFFLED_STEPS)
    rows = np.sort(rng.permutation(len(test.labels))[:SHUFFLED_PICTURES])
    part = _RowsOf(test, rows)
    return score_rows(own, part)[0], len(rows)


class _RowsOf:
    """Some rows of a feed, in order."""

    def __init__(self, feed: Feed, rows: Rows) -> None:
        self._feed = feed
        self._rows = rows

    @property
    def labels(self) -> Rows:
        return self._feed.labels[self._rows]

    def relabel(self, labels: Rows) -> Feed:
        changed = self._feed.labels.copy()
        changed[self._rows] = labels
        return _RowsOf(self._feed.relabel(changed), self._rows)

    def plan(self, batch_size: int, rng: np.random.Generator | None, counts: Rows | None = None) -> list[Rows]:
        assert rng is None
        assert counts is None
        return np.array_split(np.arange(len(self._rows)), max(1, -(-len(self._rows) // batch_size)))

    def serve(self, batches: list[Rows], generator: torch.Generator | None = None) -> Iterator[tuple[Tensor, Rows]]:
        served = self._feed.serve([self._rows[rows] for rows in batches], generator)
        yield from ((inputs, rows) for (inputs, _), rows in zip(served, batches, strict=True))


def _label(feed: Feed, rows: Rows, device: torch.device) -> Tensor:
    return torch.from_numpy(feed.labels[rows]).to(device)


def _silence_dropout(module: nn.Module) -> None:
    for part in module.modules():
        if isinstance(part, nn.Dropout | nn.Dropout2d | nn.Dropout3d) or type(part).__name__ == "StochasticDepth":
            part.eval()
