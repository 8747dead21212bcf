"""Which labels are wrong, from what models say that never learned from them: confident learning, weighed against the votes.

C. G. Northcutt, L. Jiang, I. L. Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70 (2021),
doi:10.1613/jair.1.12125. A class's threshold is the mean probability that pictures labelled so are given for it. A picture belongs
for sure to the likeliest class whose threshold it reaches; where that is not its label, it is flagged.

The votes are the second witness. Given the true class, what people answered and what the picture looks like are taken as
independent, so the probability of class k is the model's times the votes' over the share of the class. What is ranked is the normalised margin
in that product. Five workers who agree outweigh a model that is 90 % sure; two against two leave it the word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from logoingest.errors import Problem, UsageError
from logoingest.evidence.calibration import find_temperature, soften

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: What people say is never taken for surer than this: all may have followed the same wrong hint.
MOST_SURE = 0.995
#: Votes that are dealt out to classes nobody named, all together.
_UNSAID = 0.5
_LEAST = 1e-9
#: Labels are told apart by confidence in so many slices at most, of so many labels at least; rounds of the estimate.
_SLICES, _LEAST_SLICE, _ROUNDS = 8, 50, 40


class LabelErrors(NamedTuple):
    """Of n labelled pictures."""

    flagged: Bools
    """(n,) confident learning holds the label for wrong."""
    suggestion: Rows
    """(n,) the likeliest class other than the label."""
    margin: Floats
    """(n,) normalised margin: probability of the label minus that of the suggestion, -1 to 1; low is doubtful."""


def find_label_errors(probabilities: npt.NDArray[np.floating], labels: Rows) -> LabelErrors:
    """Confident learning and its ranking.

    Args:
        probabilities: (n, classes), out of fold.
        labels: (n,) class index.

    Raises:
        UsageError: the shapes do not fit, a label is none of the classes, or a probability is not finite.
    """
    shares = _check(probabilities, labels)
    thresholds = find_thresholds(shares, labels)
    reached = np.where(shares >= thresholds, shares, -1.0)
    sure = np.where(reached.max(axis=1) >= 0, reached.argmax(axis=1), labels)
    margin, suggestion = _measure_margin(shares, labels)
    return LabelErrors(sure != labels, suggestion, margin)


def find_thresholds(probabilities: Floats, labels: Rows) -> Floats:
    """(classes,) the mean probability of each class where it is the label; infinite where it is nobody's."""
    count = probabilities.shape[1]
    sums = np.bincount(labels, probabilities[np.arange(len(labels)), labels], count)
    sizes = np.bincount(labels, minlength=count)
    return np.asarray(np.where(sizes > 0, sums / np.maximum(sizes, 1), np.inf) - 1e-12, np.float64)


def calibrate(probabilities: npt.NDArray[np.floating], labels: Rows) -> tuple[Floats, float]:
    """(probabilities, the temperature): as sure as they are right, by the temperature under which the labels are likeliest.

    C. Guo et al., "On calibration of modern neural networks", 2017. Some labels are wrong, so the result never gets surer than they allow.
    """
    shares = _check(probabilities, labels)
    temperature = find_temperature(take_logs(shares), labels)
    return scale(shares, temperature), temperature


def scale(probabilities: npt.NDArray[np.floating], temperature: float) -> Floats:
    """Probabilities flattened (temperature above 1) or sharpened."""
    return soften(take_logs(probabilities), temperature)


def join_judges(judges: Sequence[npt.NDArray[np.floating]], temperatures: Sequence[float]) -> Floats:
    """(n, classes): the geometric mean of what several judges say, each brought to its own temperature before."""
    logs = [take_logs(scale(shares, temperature)) for shares, temperature in zip(judges, temperatures, strict=True)]
    return soften(np.mean(logs, axis=0))


def choose_doubted(probabilities: npt.NDArray[np.floating], labels: Rows) -> Bools:
    """(n,) labels that the next judge had better not learn from: those flagged, the most doubtful first, of each class at most half.

    Confident learning's "prune, then learn from what is clean"; a class that is hard to see is not pruned away.
    """
    found = find_label_errors(probabilities, labels)
    doubted = np.zeros(len(labels), bool)
    for number in np.unique(labels).tolist():
        own = np.flatnonzero(labels == number)
        flagged = own[found.flagged[own]]
        doubted[flagged[np.argsort(found.margin[flagged], kind="stable")][: len(own) // 2]] = True
    return doubted


def spread_votes(confidence: Floats, labels: Rows, votes: Sequence[Mapping[int, int]], count: int) -> Floats:
    """(n, classes): how probable the votes alone make each class.

    The label has its confidence; the rest goes to the other classes as they were named, and a little to those nobody named. Pictures
    without a label (-1) have their votes alone.

    Args:
        confidence: (n,) of the labels, 0 to 1, as the consensus has it.
        labels: (n,) class index, or -1.
        votes: of each picture, class index → answers.
        count: classes.
    """
    shares = np.full((len(labels), count), _UNSAID / count)
    for row, counted in enumerate(votes):
        for number, times in counted.items():
            shares[row, number] += times
    known = np.flatnonzero(labels >= 0)
    sure = np.clip(confidence[known], 0.0, MOST_SURE)
    shares[known, labels[known]] = 0.0
    shares[known] *= ((1 - sure) / shares[known].sum(axis=1))[:, None]
    shares[known, labels[known]] = sure
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float64)


def temper_confidence(probabilities: Floats, confidence: Floats, labels: Rows, priors: Floats) -> Floats:
    """(n,) the labels' confidence, lowered to what the model finds borne out: people who were all fooled alike agree, too.

    Labels are taken in slices of equal size by confidence; the share of right ones in a slice is the one under which the model's
    probabilities of its labels are likeliest (expectation maximisation over "right" and "any other class").

    Args:
        probabilities: the model's, calibrated.
        confidence: of the votes, 0 to 1.
        labels: (n,) class index.
        priors: (classes,) share of each class.
    """
    share, prior = probabilities[np.arange(len(labels)), labels], priors[labels]
    right, wrong = share / prior, (1 - share) / np.maximum(1 - prior, _LEAST)
    tempered = np.array(confidence, np.float64)
    order = np.argsort(confidence, kind="stable")
    for rows in np.array_split(order, max(1, min(_SLICES, len(order) // _LEAST_SLICE))):
        level = float(np.clip(confidence[rows].mean(), 0.5, MOST_SURE)) if len(rows) else 1.0
        for _ in range(_ROUNDS):
            held = level * right[rows] / np.maximum(level * right[rows] + (1 - level) * wrong[rows], _LEAST)
            level = float(held.mean()) if len(rows) else level
        tempered[rows] = np.minimum(confidence[rows], level)
    return tempered


def combine(probabilities: Floats, voted: Floats, priors: Floats) -> Floats:
    """(n, classes): what model and votes say together, as two witnesses who know nothing of each other.

    Args:
        probabilities: the model's, calibrated.
        voted: of ``spread_votes``.
        priors: (classes,) share of each class; what both witnesses were told beforehand counts once.
    """
    return soften(take_logs(probabilities) + take_logs(voted) - take_logs(priors))


def rank_labels(together: Floats, labels: Rows) -> Rows:
    """Rows, the most doubtful label first: by the normalised margin of what both witnesses say; the first of equals."""
    return np.argsort(np.round(_measure_margin(together, labels)[0], 9), kind="stable").astype(np.int64)


def _measure_margin(shares: Floats, labels: Rows) -> tuple[Floats, Rows]:
    """(probability of the label minus the best other one, the class of that one)."""
    rows = np.arange(len(labels))
    others = shares.copy()
    others[rows, labels] = -1.0
    suggestion = others.argmax(axis=1).astype(np.int64)
    return shares[rows, labels] - others[rows, suggestion], suggestion


def take_logs(shares: npt.NDArray[np.floating]) -> Floats:
    return np.asarray(np.log(np.maximum(np.asarray(shares, np.float64), _LEAST)))


def _check(probabilities: npt.NDArray[np.floating], labels: Rows) -> Floats:
    shares = np.asarray(probabilities, np.float64)
    if shares.ndim != 2 or len(shares) != len(labels) or shares.shape[1] < 2:
        what = f"{shares.shape} probabilities for {len(labels):,} labels"
        raise UsageError(Problem("predictions", what, "a row a picture, a column a class, two classes at least"))
    if len(labels) and not 0 <= labels.min() <= labels.max() < shares.shape[1]:
        what = f"label {int(labels.max())} of {shares.shape[1]} classes"
        raise UsageError(Problem("predictions", what, "the model knows other classes than the release: find suspects anew"))
    if not np.isfinite(shares).all():
        raise UsageError(Problem("predictions", "are not finite", "the training has diverged: lower train.lr"))
    return shares
