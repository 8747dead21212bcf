"""The rule by which predictions are believed, and how it is learned from held-out pictures.

"Is it one of ours" is asked of the distance to the nearest reference pictures (Y. Sun et al., "Out-of-distribution detection with
deep nearest neighbors", ICML 2022, https://proceedings.mlr.press/v162/sun22d.html), "which" of the softmax.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from logoingest.evidence.calibration import find_temperature, soften
from logoingest.evidence.vectors import Vectors, find_nearest, scale_vectors

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Reference pictures that a distance is the mean over.
NEIGHBOURS = 5
#: A class with few held-out pictures is taken to be like all classes together, as if so many more of its pictures had been seen.
_BORROWED = 8.0
#: The label of a picture that is none of ours.
NO_CLASS = -1


class Goals(NamedTuple):
    """What a rule is to keep."""

    ours_kept: float = 0.95
    """Share of our pictures that are not taken for strangers."""
    precision: float = 0.9
    """Share of a class's accepted pictures that are of it."""


class Asked(NamedTuple):
    """Of n pictures, what was measured; none of them was learned from."""

    scores: Floats
    """(n, classes) before the softmax."""
    distance: Floats
    """(n,) to the reference pictures."""
    labels: Rows
    """(n,) class index, or ``NO_CLASS``."""

    def select(self, rows: Rows | Bools) -> Asked:
        """Some of the pictures."""
        return Asked(self.scores[rows], self.distance[rows], self.labels[rows])

    def join(self, other: Asked) -> Asked:
        """These pictures and others."""
        return Asked(*(np.concatenate(pair) for pair in zip(self, other, strict=True)))


class Decided(NamedTuple):
    """Of n pictures."""

    class_index: Rows
    """(n,) the likeliest class."""
    probability: Floats
    """(n,) of it, calibrated."""
    is_ours: Bools
    """(n,) near enough to the reference pictures."""
    is_accepted: Bools
    """(n,) ours, and sure enough."""


@dataclass(frozen=True)
class AcceptanceRule:
    """When a prediction is believed."""

    temperature: float
    farthest: float
    """A picture that lies farther away is a stranger."""
    thresholds: Floats
    """(classes,) the least probability that is believed; infinite where none is sure enough."""

    def decide(self, asked: Asked) -> Decided:
        """What becomes of every picture; each is looked at alone."""
        shares = soften(asked.scores, self.temperature)
        named = shares.argmax(axis=1).astype(np.int64) if len(shares) else np.zeros(0, np.int64)
        probability = shares[np.arange(len(shares)), named]
        ours = asked.distance <= self.farthest
        return Decided(named, probability, ours, ours & (probability >= self.thresholds[named]))


def measure_distance(references: Vectors, embeddings: npt.NDArray[np.floating]) -> Floats:
    """(n,) 1 minus the mean cosine to the ``NEIGHBOURS`` nearest reference pictures, or to all where there are fewer; 0 to 2.

    Raises:
        UsageError: the vectors are another network's.
    """
    count = min(NEIGHBOURS, len(references))
    found = find_nearest(references, scale_vectors(embeddings), count)
    return np.asarray(1.0 - found.similarity.mean(axis=1), np.float64)


def learn_rule(asked: Asked, goals: Goals) -> AcceptanceRule:
    """The rule that reaches the goals on these pictures.

    Those of no class say which classes swallow what is none of ours: they count as wrong wherever they are near enough.

    Args:
        asked: pictures of ours, and of no class where there are some; in any order.
        goals: to be reached.
    """
    ours = asked.select(asked.labels != NO_CLASS)
    temperature = find_temperature(ours.scores, ours.labels)
    farthest = find_farthest(ours.distance, goals.ours_kept)
    count = asked.scores.shape[1]
    open_rule = AcceptanceRule(temperature, farthest, np.zeros(count))
    decided = open_rule.decide(asked)
    near = decided.is_accepted
    right = decided.class_index == asked.labels
    thresholds = find_thresholds_by_class(decided.probability[near], decided.class_index[near], right[near], count, goals.precision)
    return AcceptanceRule(temperature, farthest, thresholds)


def find_farthest(distance: Floats, kept: float) -> float:
    """The distance within which the next picture of ours lies with probability ``kept`` or more, as far as there are enough to say so.

    Split conformal prediction: of n distances the ⌈(n + 1)·kept⌉ th smallest.
    """
    if not len(distance):
        return np.inf
    place = int(np.ceil((len(distance) + 1) * kept - 1e-9)) - 1
    return float(np.sort(distance)[max(0, min(place, len(distance) - 1))])


def find_thresholds_by_class(probability: Floats, named: Rows, right: Bools, count: int, precision: float) -> Floats:
    """(count,) for every class the least probability from which on its pictures are right often enough; infinite where there is none.

    Of few pictures little is known: each class borrows ``_BORROWED`` pictures from all classes together. A threshold never falls when the
    precision asked for rises.

    Args:
        probability: (n,) of the likeliest class.
        named: (n,) that class.
        right: (n,) whether it is right.
        count: classes.
        precision: asked for.
    """
    steps = np.unique(np.append(probability, 0.0))
    of_all = np.divide(
        *_count_from(probability, right, steps), out=np.ones(len(steps)), where=_count_from(probability, right, steps)[1] > 0
    )
    thresholds = np.full(count, np.inf)
    for number in range(count):
        mine = named == number
        hits, total = _count_from(probability[mine], right[mine], steps)
        reached = (hits + _BORROWED * of_all) / (total + _BORROWED) >= precision - 1e-12
        if reached.any():
            thresholds[number] = steps[np.argmax(reached)]
    return thresholds


def _count_from(probability: Floats, right: Bools, steps: Floats) -> tuple[Floats, Floats]:
    """(right, all) pictures whose probability is at least each step."""
    order = np.argsort(probability, kind="stable")
    first = np.searchsorted(probability[order], steps)
    behind = np.concatenate([[0], np.cumsum(right[order])]).astype(np.float64)
    return behind[-1] - behind[first], np.asarray(len(probability) - first, np.float64)
