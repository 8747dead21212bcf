"""The sanity verdict: what a baseline must show before a dataset may be called train-ready. No torch here.

Shares of right answers are judged with exact binomial bounds, so that a test set of six pictures gives no meaningless yes or no:
what chance alone would do in more than one run of twenty proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import bdtr, bdtrc

from logoingest.plain_json import Json, to_json

#: Chance of a constant guesser to be called better than itself.
SIGNIFICANCE = 0.05
#: Chance of an honest shuffled-label control to be called a leak; small, since it is a false alarm every time.
FALSE_ALARM = 0.001
#: Loss at start may be this share of ln C, plus ``START_SLACK`` nats, away from ln C.
START_TOLERANCE = 0.25
START_SLACK = 0.1
#: A loss in the end of so many times ln C is no learning any more.
EXPLODED = 3.0
#: Share of one batch a network without regularisation must learn by heart.
MEMORISED_SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the verdict: ``figure`` should be ``comparison`` ``threshold``; ``meaning``: what a failure usually means."""

    name: str
    passed: bool
    figure: float
    threshold: float
    comparison: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks of one baseline."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def to_dict(self) -> dict[str, Json]:
        """The form of verdict.json."""
        return {"passed": self.passed, "checks": to_json(self.checks)}


def check_start_loss(loss: float, class_count: int) -> Check:
    """Loss of the untrained network, in nats: it knows nothing yet, so it should be near ln C."""
    expected = math.log(class_count)
    tolerance = START_TOLERANCE * expected + START_SLACK
    away = abs(loss - expected) if math.isfinite(loss) else math.inf
    return Check(
        "loss at start",
        away <= tolerance,
        _round(loss),
        _round(expected),
        f"within {tolerance:.2f} of",
        "pictures reach the network wrongly scaled, labels are out of range, or the weights file is damaged",
    )


def check_finite(losses: Sequence[float], ignorance: float, lr: float) -> Check:
    """Train's loss of every epoch: neither NaN nor, in the end, far above ``ignorance``, that of knowing nothing."""
    bound = EXPLODED * ignorance
    lost = next((epoch for epoch, loss in enumerate(losses, 1) if not math.isfinite(loss)), None)
    last = losses[-1] if losses else math.nan
    where = f"in epoch {lost}" if lost is not None else f"with a loss of {last:.3g} in the end"
    return Check(
        "training stayed finite",
        lost is None and last <= bound,
        _round(last),
        _round(bound),
        "at most",
        f"the training diverged {where}, which says nothing of the labels: the learning rate {lr:g} is too large for this network; "
        f"set train.lr to {lr / 10:.1g}, or leave it out",
    )


def check_one_batch(accuracy: float) -> Check:
    """Top-1 on one batch after learning nothing but that batch."""
    return Check(
        "one batch can be overfitted",
        accuracy >= MEMORISED_SHARE,
        _round(accuracy),
        MEMORISED_SHARE,
        "at least",
        "the same picture carries two labels, the learning rate is far off, or too much of the network is frozen",
    )


def check_beats(name: str, counts: tuple[int, int], rival: float, min_margin: float, meaning: str) -> Check:
    """Test top-1, as (right, of how many), against a rival that guesses one class: ``rival`` is its share of right answers.

    The threshold is the larger of ``rival + min_margin`` and the smallest share a guesser with the rival's share reaches by luck
    in less than one of twenty test sets of this size (exact binomial test). It is above 1 where the test set is too small for
    even a faultless model to prove anything.
    """
    correct, total = counts
    needed = max(math.ceil((rival + min_margin) * total - 1e-9), find_critical_count(total, rival))
    figure = correct / total if total else 0.0
    threshold = needed / total if total else 1.0
    if needed > total:
        meaning = f"{total} test pictures are too few to prove anything: add pictures or enlarge the test split"
    return Check(name, total > 0 and correct >= needed, _round(figure), _round(threshold), "at least", meaning)


def check_shuffled(correct: int, total: int, majority: float) -> Check:
    """Test top-1 of a model that learnt permuted labels: no better than always naming the test set's commonest class."""
    bound = find_luck_bound(total, majority) / total if total else 1.0
    figure = correct / total if total else 0.0
    return Check(
        "shuffled labels teach nothing",
        figure <= bound,
        _round(figure),
        _round(bound),
        "at most",
        "the answers leak into the pictures or the scoring: what is measured is not learning",
    )


def check_leaks(count: int) -> Check:
    """Pictures of validation and test that are also in a split they must not share with."""
    return Check(
        "no picture leaks between splits",
        count == 0,
        float(count),
        0.0,
        "at most",
        "the same picture, or a copy saved again, resized or cropped, is in two splits: metrics.json names the pairs; "
        "look at images.near_duplicates and do not edit releases by hand",
    )


def find_critical_count(total: int, share: float) -> int:
    """The smallest count k with P(X ≥ k) ≤ SIGNIFICANCE for X binomial(total, share); total + 1 when there is none."""
    low, high = 0, total + 1
    while low < high:
        middle = (low + high) // 2
        if _tail(middle, total, share) <= SIGNIFICANCE:
            high = middle
        else:
            low = middle + 1
    return low


def find_luck_bound(total: int, share: float) -> int:
    """The smallest count k with P(X ≤ k) ≥ 1 - FALSE_ALARM for X binomial(total, share)."""
    low, high = 0, total
    while low < high:
        middle = (low + high) // 2
        if float(bdtr(middle, total, share)) >= 1 - FALSE_ALARM:
            high = middle
        else:
            low = middle + 1
    return low


def _tail(count: int, total: int, share: float) -> float:
    """P(X ≥ count) for X binomial(total, share)."""
    if count <= 0:
        return 1.0
    return 0.0 if count > total else float(bdtrc(count - 1, total, share))


def _round(value: float) -> float:
    """Six digits: enough to read, too few to differ between machines' last bits; JSON knows no NaN."""
    return round(value, 6) if math.isfinite(value) else 1e9
