"""What a network says about every row of a feed: the probability of every class, and how far off it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from logoingest.training.data.feeds import Feed, normalise_batch
from logoingest.training.data.splits import Rows
from logoingest.training.loop.jobs import Job, arrange, autocast

_TOP = 5
_AT_ONCE = 64


@dataclass(frozen=True)
class Predictions:
    """Of n rows, in file order.

    Attributes:
        labels: (n,) what they are.
        top: (n, k) the likeliest classes best first, k up to 5.
        loss: (n,) cross-entropy in nats.
        probabilities: (n, classes) float32, each row sums to 1.
    """

    labels: Rows
    top: Rows
    loss: npt.NDArray[np.float64]
    probabilities: npt.NDArray[np.float32]

    def count_correct(self) -> int:
        """How many rows have their class first."""
        return int((self.top[:, 0] == self.labels).sum()) if len(self.labels) else 0


def predict(job: Job, feed: Feed) -> Predictions:
    """Score every row of a feed, in file order."""
    tops: list[Tensor] = [torch.zeros(0, min(_TOP, job.class_count), dtype=torch.int64)]
    losses: list[Tensor] = [torch.zeros(0, dtype=torch.float64)]
    shares: list[Tensor] = [torch.zeros(0, job.class_count)]
    for scores, rows in _iterate_scores(job, feed):
        tops.append(_rank_classes(job, scores))
        losses.append(_measure_loss(feed, scores, rows))
        shares.append(scores.cpu().double().softmax(dim=1).float())
    return Predictions(feed.labels, torch.cat(tops).numpy(), torch.cat(losses).numpy(), torch.cat(shares).numpy())


def score_pixels(job: Job, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The probability of every class for pictures that are in no feed: (n, side, side, 3) → (n, classes), by the whole network."""
    network, shares = job.learner.network.eval(), [torch.zeros(0, job.class_count)]
    with torch.no_grad():
        for start in range(0, len(pixels), _AT_ONCE):
            batch = torch.from_numpy(pixels[start : start + _AT_ONCE]).to(job.device).permute(0, 3, 1, 2).float() / 255
            with autocast(job.device, job.config.precision):
                scores = network(arrange(job, normalise_batch(batch)))
            shares.append(scores.cpu().double().softmax(dim=1).float())
    return torch.cat(shares).numpy()


def score_rows(job: Job, feed: Feed) -> tuple[int, npt.NDArray[np.float64]]:
    """(rows that have their class first, the loss of every row in nats): what an epoch needs, without the probabilities."""
    correct, losses = 0, [torch.zeros(0, dtype=torch.float64)]
    for scores, rows in _iterate_scores(job, feed):
        correct += int((_rank_classes(job, scores)[:, 0].numpy() == feed.labels[rows]).sum())
        losses.append(_measure_loss(feed, scores, rows))
    return correct, torch.cat(losses).numpy()


def _iterate_scores(job: Job, feed: Feed) -> Iterator[tuple[Tensor, Rows]]:
    """(scores (n, classes) on the device, rows) per batch, in file order."""
    job.module.eval()
    with torch.no_grad():
        for inputs, rows in feed.serve(feed.plan(max(64, job.config.batch_size), None)):
            if len(rows):
                with autocast(job.device, job.config.precision):
                    scores = job.module(arrange(job, inputs)).float()
                yield scores, rows


def _rank_classes(job: Job, scores: Tensor) -> Tensor:
    return scores.topk(min(_TOP, job.class_count), dim=1).indices.cpu()


def _measure_loss(feed: Feed, scores: Tensor, rows: Rows) -> Tensor:
    labels = torch.from_numpy(feed.labels[rows]).to(scores.device)
    return functional.cross_entropy(scores, labels, reduction="none").cpu().double()
