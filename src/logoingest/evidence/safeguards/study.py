"""What a rule promises, and what came of it on pictures that it was not learned from."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from logoingest.evidence.calibration import (
    ReliabilityBin,
    measure_calibration_error,
    measure_reliability,
)
from logoingest.evidence.safeguards.intervals import Interval, discount_counts, find_interval, foretell_interval
from logoingest.evidence.safeguards.rule import NO_CLASS, AcceptanceRule, Asked, Bools, Decided, Goals, Rows, learn_rule

#: Parts of the held-out pictures, each judged by a rule that the others gave, so that what is promised was not fitted.
_PARTS = 5
_SALT = "safeguard "
_MOST_POINTS = 100


class Tally(NamedTuple):
    """Pictures, counted."""

    ours: int
    kept: int
    """Of ours, not taken for strangers."""
    accepted: int
    """Of ours."""
    right: int
    """Of those accepted."""
    strangers: int
    """Pictures of no class."""
    strangers_accepted: int

    def list_shares(self) -> tuple[tuple[int, int], ...]:
        """(counted, of how many): kept, accepted, right."""
        return (self.kept, self.ours), (self.accepted, self.ours), (self.right, self.accepted)

    def add(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(*(mine + its for mine, its in zip(self, other, strict=True)))


class Promise(NamedTuple):
    """A share as it was stated beforehand, and as it was measured afterwards."""

    name: str
    stated: float | None
    """Of validation, by rules that the pictures counted did not give; null where there was nothing to count."""
    low: float
    high: float
    """In 19 of 20 cases the share measured lies between the two: it depends on how many pictures were counted, both times, and on how
    much the rule hangs on the pictures it was learned from."""
    measured: float | None
    """On test; null where there was nothing to count."""
    pictures: int
    """That the measured share is of."""
    is_kept: bool | None
    """Whether it lies between; null where nothing was measured."""


class CurvePoint(NamedTuple):
    """Of the surest predictions about our pictures, so many taken."""

    coverage: float
    """Share of our pictures that are accepted."""
    risk: float
    """Share of those that are wrong."""


class ClassFigures(NamedTuple):
    """One class on the pictures checked."""

    class_id: str
    threshold: float | None
    """The least probability that is believed; null: no prediction of this class is."""
    pictures: int
    named: int
    """Pictures of ours whose likeliest class it is; many more than there are: it swallows others."""
    accepted: int
    right: int
    """Of those accepted."""
    strangers: int
    """Pictures of no class that were accepted as this one."""

    @property
    def swallow(self) -> float | None:
        """Named for every one that there is; null where there is none."""
        return self.named / self.pictures if self.pictures else None


class Study(NamedTuple):
    """All that is stated and measured of a rule."""

    checked_on: str
    """The split the figures below are of: test, or validation where there is none."""
    stated: Tally
    measured: Tally
    promises: tuple[Promise, ...]
    strangers_accepted: float | None
    """Share of the pictures of no class; null where there were none to try."""
    strangers_low: float | None
    strangers_high: float | None
    separation: float | None
    """Probability that a picture of ours lies nearer than one of no class (the area under the ROC curve); null as above."""
    calibration_error: float
    calibration_error_before: float
    """With the network's own softmax."""
    reliability: tuple[ReliabilityBin, ...]
    curve: tuple[CurvePoint, ...]
    classes: tuple[ClassFigures, ...]


def study_rule(
    rule: AcceptanceRule, goals: Goals, validation: Asked, test: Asked, *, groups: Sequence[str], class_ids: Sequence[str]
) -> Study:
    """What validation promises of the rule, and what test makes of it.

    Args:
        rule: learned from ``validation``.
        goals: it was learned for.
        validation: pictures of ours, and of no class.
        test: likewise; may be empty.
        groups: of validation's pictures: what is near to each other stays together.
        class_ids: of the class indices.
    """
    stated = state_tally(validation, groups, goals)
    has_test = bool((test.labels != NO_CLASS).any())
    checked = test if has_test else validation
    decided = rule.decide(checked)
    measured = count_tally(checked, decided)
    ours = checked.labels != NO_CLASS
    right = (decided.class_index == checked.labels)[ours]
    raw = AcceptanceRule(1.0, rule.farthest, rule.thresholds).decide(checked)
    reliability = measure_reliability(decided.probability[ours], right)
    strangers = find_interval(measured.strangers_accepted, measured.strangers) if measured.strangers else None
    return Study(
        checked_on="test" if has_test else "validation",
        stated=stated,
        measured=measured,
        promises=_compare(stated, measure_rule_variance(validation, groups, goals), measured if has_test else None),
        strangers_accepted=measured.strangers_accepted / measured.strangers if measured.strangers else None,
        strangers_low=strangers.low if strangers else None,
        strangers_high=strangers.high if strangers else None,
        separation=measure_separation(checked),
        calibration_error=measure_calibration_error(reliability),
        calibration_error_before=measure_calibration_error(measure_reliability(raw.probability[ours], right)),
        reliability=tuple(reliability),
        curve=tuple(draw_curve(decided, ours, right)),
        classes=tuple(_count_classes(rule, checked, decided, class_ids)),
    )


def state_tally(asked: Asked, groups: Sequence[str], goals: Goals) -> Tally:
    """What becomes of pictures by rules that were learned without them: in parts, groups whole, dealt out by their names alone."""
    judged = (
        count_tally(asked.select(inside), rule.decide(asked.select(inside))) for inside, rule in _learn_parts(asked, groups, goals)
    )
    return functools.reduce(Tally.add, judged, Tally(0, 0, 0, 0, 0, 0))


def measure_rule_variance(asked: Asked, groups: Sequence[str], goals: Goals) -> tuple[float, float, float]:
    """Of kept, accepted and right: how much each share would vary if the rule had been learned from other pictures.

    The jackknife over groups of pictures (B. Efron, C. Stein, Annals of Statistics 9, 1981): rules that lack a part each, all asked about
    the same pictures.
    """
    tallies = [count_tally(asked, rule.decide(asked)) for _, rule in _learn_parts(asked, groups, goals)]
    kept, accepted, right = (
        [_share(*counted) for counted in each] for each in zip(*(one.list_shares() for one in tallies), strict=True)
    )
    return _jackknife(kept), _jackknife(accepted), _jackknife(right)


def _jackknife(shares: Sequence[float]) -> float:
    return float(np.var(shares) * (len(shares) - 1))


def _share(hits: int, total: int) -> float:
    return hits / total if total else 0.0


def _learn_parts(asked: Asked, groups: Sequence[str], goals: Goals) -> Iterator[tuple[Bools, AcceptanceRule]]:
    """(a part of the pictures, the rule of all others), part by part."""
    names = (f"{_SALT}{group}".encode() for group in groups)  # whoever split by a group's bare hash has them all in one part else
    part = np.array([int(hashlib.sha256(name).hexdigest()[:8], 16) % _PARTS for name in names], np.int64)
    for number in range(_PARTS):
        inside = part == number
        if inside.any() and (asked.labels[~inside] != NO_CLASS).any():
            yield inside, learn_rule(asked.select(~inside), goals)


def count_tally(asked: Asked, decided: Decided) -> Tally:
    """What became of pictures."""
    ours = asked.labels != NO_CLASS
    accepted = ours & decided.is_accepted
    right = accepted & (decided.class_index == asked.labels)
    counted = (ours, ours & decided.is_ours, accepted, right, ~ours, ~ours & decided.is_accepted)
    return Tally(*(int(rows.sum()) for rows in counted))


def _compare(stated: Tally, variances: Sequence[float], measured: Tally | None) -> tuple[Promise, ...]:
    names = (
        "our pictures not taken for strangers",
        "our pictures accepted (coverage)",
        "accepted pictures whose class is right",
    )
    before, after = stated.list_shares(), (measured or Tally(0, 0, 0, 0, 0, 0)).list_shares()
    return tuple(_weigh(*each) for each in zip(names, before, variances, after, strict=True))


def _weigh(name: str, stated: tuple[int, int], variance: float, measured: tuple[int, int]) -> Promise:
    known = discount_counts(*stated, variance)
    within = foretell_interval(*known, measured[1]) if measured[1] else find_interval(*known)
    share = measured[0] / measured[1] if measured[1] else None
    kept = None if share is None else Interval(*within).holds(share)
    return Promise(name, stated[0] / stated[1] if stated[1] else None, within.low, within.high, share, measured[1], kept)


def measure_separation(asked: Asked) -> float | None:
    """Probability that a picture of ours lies nearer than one of no class; ties count half."""
    from scipy.stats import rankdata

    strange = asked.labels == NO_CLASS
    count = int(strange.sum())
    if count in {0, len(strange)}:
        return None
    ranks = rankdata(asked.distance)
    return float((ranks[strange].sum() - count * (count + 1) / 2) / (count * (len(strange) - count)))


def draw_curve(decided: Decided, ours: Bools, right: Bools) -> list[CurvePoint]:
    """Risk by coverage, the surest of those that lie near enough first (R. El-Yaniv, Y. Wiener, JMLR 11, 2010).

    Args:
        decided: of all pictures.
        ours: which of them are ours.
        right: of ours, whose likeliest class is right.
    """
    total = int(ours.sum())
    near = decided.is_ours[ours]
    probability, right = decided.probability[ours][near], right[near]
    order = np.argsort(-probability, kind="stable")
    steps = np.flatnonzero(np.append(np.diff(probability[order]) != 0, True)) if len(order) else np.zeros(0, np.int64)
    steps = (
        steps[np.unique(np.linspace(0, len(steps) - 1, min(_MOST_POINTS, len(steps))).astype(np.int64))] if len(steps) else steps
    )
    wrong = np.cumsum(~right[order])
    return [CurvePoint((step + 1) / total, float(wrong[step] / (step + 1))) for step in steps.tolist()]


def _count_classes(rule: AcceptanceRule, asked: Asked, decided: Decided, class_ids: Sequence[str]) -> list[ClassFigures]:
    count, ours = len(class_ids), asked.labels != NO_CLASS
    accepted = ours & decided.is_accepted
    columns = [
        _count(asked.labels[ours], count),
        _count(decided.class_index[ours], count),
        _count(decided.class_index[accepted], count),
        _count(decided.class_index[accepted & (decided.class_index == asked.labels)], count),
        _count(decided.class_index[~ours & decided.is_accepted], count),
    ]
    thresholds = [float(value) if np.isfinite(value) else None for value in rule.thresholds]
    rows = zip(class_ids, thresholds, *(column.tolist() for column in columns), strict=True)
    return [ClassFigures(*row) for row in rows]


def _count(classes: Rows, count: int) -> Rows:
    return np.bincount(classes, minlength=count).astype(np.int64)
