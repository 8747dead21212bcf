"""Figures of a classifier on a split: top-1, top-5, macro F1, error of the probabilities, confusion; recall, precision, F1 per class. Classes absent from a split stay apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from logoingest.training.data.splits import Rows
from logoingest.training.loop.prediction import Predictions
from logoingest.training.loop.rounding import round_figure


def count_confusion(predicted: Rows, labels: Rows, class_count: int) -> npt.NDArray[np.int64]:
    """(class_count, class_count) counts: row = true class, column = predicted class."""
    flat = np.bincount(labels * class_count + predicted, minlength=class_count**2)
    return flat.reshape(class_count, class_count).astype(np.int64)


class SplitScores(NamedTuple):
    """Figures of one split; None where it has no pictures."""

    images: int
    loss: float | None
    """Mean, in nats."""
    top1: float | None
    top5: float | None
    macro_f1: float | None
    """Mean over the classes the split has."""
    mae: float | None
    """Mean absolute error of the probabilities, over pictures and classes."""
    recall: tuple[float | None, ...]
    """Class index → share; None where the class is absent."""
    precision: tuple[float | None, ...]
    """Class index → share of the pictures it is named for; None where it is never named."""
    f1: tuple[float | None, ...]
    """Class index → F1 score; None where the class is absent."""
    support: tuple[int, ...]
    """Class index → pictures."""
    confusion: tuple[tuple[int, int, int], ...]
    """(true, predicted, count) of all pairs that occur: sparse, so that a thousand classes stay small."""


def score_split(predictions: Predictions, class_count: int) -> SplitScores:
    """Figures of one split."""
    labels = predictions.labels
    if not len(labels):
        nothing = (None,) * class_count
        return SplitScores(0, None, None, None, None, None, nothing, nothing, nothing, (0,) * class_count, ())
    confusion = count_confusion(predictions.top[:, 0], labels, class_count)
    support, named, right = confusion.sum(axis=1), confusion.sum(axis=0), np.diag(confusion)
    recall, precision = (np.divide(right, whole, out=np.full(class_count, np.nan), where=whole > 0) for whole in (support, named))
    f1 = np.divide(2 * right, support + named, out=np.zeros(class_count), where=(support + named) > 0)
    true, predicted = np.nonzero(confusion)
    return SplitScores(
        images=len(labels),
        loss=round_figure(float(predictions.loss.mean())),
        top1=round_figure(float(right.sum() / len(labels))),
        top5=round_figure(float((predictions.top == labels[:, None]).any(axis=1).mean())),
        macro_f1=round_figure(float(f1[support > 0].mean())),
        mae=round_figure(measure_error(predictions)),
        recall=_list_figures(recall),
        precision=_list_figures(precision),
        f1=_list_figures(np.where(support > 0, f1, np.nan)),
        support=tuple(support.tolist()),
        confusion=tuple((int(t), int(p), int(confusion[t, p])) for t, p in zip(true, predicted, strict=True)),
    )


def measure_error(predictions: Predictions) -> float:
    """Mean of |probability - truth| over pictures and classes, 0 to 2/classes: what Keras calls mae of a softmax."""
    own = predictions.probabilities[np.arange(len(predictions.labels)), predictions.labels].astype(np.float64)
    others = predictions.probabilities.sum(axis=1, dtype=np.float64) - own
    return float(((1 - own) + others).mean() / predictions.probabilities.shape[1])


def _list_figures(shares: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(round_figure(float(share)) for share in shares)


def find_majority(train_labels: Rows, test_labels: Rows, class_count: int) -> tuple[int, float]:
    """(the commonest class of train, the share of test it would get right)."""
    majority = int(np.bincount(train_labels, minlength=class_count).argmax())
    return majority, float((test_labels == majority).mean()) if len(test_labels) else 0.0


def find_largest_share(labels: Rows) -> float:
    """The share of the commonest class of a split itself: what the luckiest constant guess gets."""
    return float(np.bincount(labels).max() / len(labels)) if len(labels) else 0.0
