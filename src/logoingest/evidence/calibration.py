"""Scores → probabilities that are as sure as they are right: one temperature, learned on held-out pictures.

C. Guo et al., "On calibration of modern neural networks", ICML 2017, https://proceedings.mlr.press/v70/guo17a.html.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

#: Temperatures that are looked among, and exponents.
_COLDEST, _HOTTEST = 0.05, 20.0
_LARGEST = 4.0


class ReliabilityBin(NamedTuple):
    """Pictures whose probability lies in one range."""

    pictures: int
    probability: float
    """Their mean."""
    right: float
    """Share of them whose likeliest class is right."""


def soften(scores: npt.NDArray[np.floating], temperature: float = 1.0) -> Floats:
    """(n, classes) scores before the softmax → probabilities."""
    logs = np.asarray(scores, np.float64) / temperature
    shares = np.exp(logs - logs.max(axis=1, keepdims=True, initial=-np.inf)) if logs.size else logs
    return np.asarray(shares / shares.sum(axis=1, keepdims=True) if logs.size else shares, np.float64)


def find_temperature(scores: npt.NDArray[np.floating], labels: Rows) -> float:
    """The temperature under which the labels are likeliest; 1 where there are no pictures.

    Args:
        scores: (n, classes) before the softmax, of pictures that the network did not learn from; logarithms of probabilities do too.
        labels: (n,) class index.
    """
    from scipy.optimize import minimize_scalar

    if not len(labels):
        return 1.0
    order = np.lexsort((*np.asarray(scores, np.float64).T, labels))
    scores, labels, rows = np.asarray(scores, np.float64)[order], labels[order], np.arange(len(labels))

    def measure_loss(log_temperature: float) -> float:
        return float(-np.log(np.maximum(soften(scores, np.exp(log_temperature))[rows, labels], 1e-300)).mean())

    found = minimize_scalar(measure_loss, bounds=(np.log(_COLDEST), np.log(_HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def find_exponent(scores: Floats, said: Floats, labels: Rows) -> tuple[float, Floats]:
    """(how much of what a second witness says makes the labels likeliest, by how much likelier it makes each, as a logarithm).

    Args:
        scores: (n, classes) logarithms of probabilities; n is 1 at least.
        said: (n, classes) of the second witness, likewise.
        labels: (n,) class index.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(labels))

    def measure(exponent: float) -> Floats:
        return np.asarray(np.log(np.maximum(soften(scores + exponent * said)[rows, labels], 1e-300)), np.float64)

    found = minimize_scalar(lambda exponent: -float(measure(exponent).sum()), bounds=(0.0, _LARGEST), method="bounded")
    return float(found.x), measure(found.x) - measure(0.0)


def measure_reliability(probability: Floats, right: npt.NDArray[np.bool_], bins: int = 10) -> list[ReliabilityBin]:
    """Equally wide ranges of probability, those that hold pictures, rising."""
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    held = [place == number for number in range(bins)]
    return [
        ReliabilityBin(int(here.sum()), float(probability[here].mean()), float(right[here].mean())) for here in held if here.any()
    ]


def measure_calibration_error(reliability: list[ReliabilityBin]) -> float:
    """Expected calibration error: how far probability and share right lie apart, over all pictures; 0 is best."""
    total = sum(one.pictures for one in reliability)
    return sum(one.pictures * abs(one.probability - one.right) for one in reliability) / total if total else 0.0
