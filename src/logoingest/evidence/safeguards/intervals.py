"""Within what a share lies that was counted, and within what it will be counted next time."""

from __future__ import annotations

from typing import NamedTuple


class Interval(NamedTuple):
    """From and to, both included."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value lies within, up to rounding."""
        return self.low - 1e-9 <= value <= self.high + 1e-9


def discount_counts(hits: float, total: float, variance: float) -> tuple[float, float]:
    """Counts of the same share that say as little of it as these do, where it also varies for another reason.

    Args:
        hits: counted.
        total: of so many.
        variance: of the share, beside that of counting.
    """
    if not total:
        return hits, total
    rough = (hits + 0.5) / (total + 1)
    spread = rough * (1 - rough)
    left = spread / (spread / total + variance)
    return hits * left / total, left


def find_interval(hits: float, total: float, sureness: float = 0.95) -> Interval:
    """Where the true share lies: Jeffreys' interval (L. D. Brown et al., Statistical Science 2001, doi:10.1214/ss/1009213286)."""
    from scipy.stats import beta

    tail = (1 - sureness) / 2
    low = float(beta.ppf(tail, hits + 0.5, total - hits + 0.5)) if hits else 0.0
    return Interval(low, float(beta.ppf(1 - tail, hits + 0.5, total - hits + 0.5)) if hits < total else 1.0)


def foretell_interval(hits: float, total: float, next_total: int, sureness: float = 0.95) -> Interval:
    """Where the share among ``next_total`` further pictures of the same kind will lie: what is not known of the share, and chance."""
    from scipy.stats import betabinom

    if not next_total:
        return Interval(0.0, 1.0)
    tail, foretold = (1 - sureness) / 2, betabinom(next_total, hits + 0.5, total - hits + 0.5)
    return Interval(float(foretold.ppf(tail)) / next_total, float(foretold.ppf(1 - tail)) / next_total)
