"""What may be concluded from figures: intervals, paired tests, corrections for many comparisons, and what luck alone gives.

Numbers in, numbers out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from logoingest.evidence.safeguards.intervals import Interval
from logoingest.samples.workers import bound_share

Floats = npt.NDArray[np.float64]

_RESAMPLES = 1000


class PairedTest(NamedTuple):
    """Two trainings on the same pictures."""

    better: int
    """Pictures on which the first one is better."""
    worse: int
    chance: float
    """Of a difference at least so large where there is none (two-sided p)."""


def find_wilson_interval(share: float, total: int) -> Interval:
    """Within what a share of so many pictures lies, 95 % sure (E. B. Wilson, 1927); the share may be a mean over trainings."""
    low, high = bound_share(np.array([share * total]), np.array([total]))
    return Interval(max(0.0, float(low[0])), min(1.0, float(high[0])))


def compare_pictures(one: Floats, other: Floats) -> PairedTest:
    """Scores of the same pictures: exact McNemar (Q. McNemar, 1947) where all are 0 or 1, else Wilcoxon's signed ranks."""
    from scipy.stats import binomtest, wilcoxon

    better, worse = int((one > other).sum()), int((one < other).sum())
    if better + worse == 0:
        return PairedTest(0, 0, 1.0)
    if np.isin(one, (0, 1)).all() and np.isin(other, (0, 1)).all():
        return PairedTest(better, worse, float(binomtest(better, better + worse).pvalue))
    return PairedTest(better, worse, float(wilcoxon(one, other, zero_method="zsplit").pvalue))


def compare_folds(one: Sequence[float], other: Sequence[float], held_out: float) -> float:
    """Two-sided p of the corrected resampled t test (C. Nadeau, Y. Bengio, 2003, doi:10.1023/A:1024068626366).

    Args:
        one: scores by fold (and seed).
        other: of the same folds (and seeds), in the same order.
        held_out: pictures held out for each that was learned from; trainings share most of what they learn, which this makes up for.
    """
    from scipy.stats import t as students

    difference = np.subtract(one, other)
    count = len(difference)
    if count < 2 or np.allclose(difference, difference[0], atol=1e-12):
        return 1.0 if count < 2 or abs(float(difference[0])) < 1e-12 else 0.0
    spread = float(difference.var(ddof=1)) * (1 / count + held_out)
    return float(2 * students.sf(abs(float(difference.mean())) / np.sqrt(spread), count - 1))


def adjust_by_holm(chances: Sequence[float]) -> list[float]:
    """P values of comparisons made together (S. Holm, 1979), in the order given."""
    order = np.argsort(chances, kind="stable")
    adjusted, highest = [0.0] * len(chances), 0.0
    for rank, place in enumerate(order.tolist()):
        highest = max(highest, min(1.0, chances[place] * (len(chances) - rank)))
        adjusted[place] = highest
    return adjusted


def expect_best_by_luck(share: float, pictures: int, tries: int) -> float:
    """The best of so many tries that are all right on a share of pictures, in expectation: each right or wrong by chance alone."""
    from scipy.stats import binom

    below = binom.cdf(np.arange(pictures), pictures, share)
    return float((1 - below**tries).sum() / pictures)


def measure_optimism(scores: Floats, seed: int = 0) -> float:
    """By how much the best of several trainings flatters itself: chosen on resampled pictures, measured on those left out.

    Args:
        scores: (trainings, pictures), higher is better.
        seed: of the resampling (B. Efron, R. Tibshirani's bootstrap).
    """
    rng, count, gaps = np.random.default_rng(seed), scores.shape[1], list[float]()
    for _ in range(_RESAMPLES):
        drawn = rng.integers(0, count, count)
        left = np.setdiff1d(np.arange(count), drawn)
        if len(left):
            means = scores[:, drawn].mean(axis=1)
            best = int(means.argmax())
            gaps.append(float(means[best] - scores[best, left].mean()))
    return float(np.mean(gaps)) if gaps else 0.0
