"""How sure to be: urns, whose one parameter is learned from the votes alone, and gold questions where there are some.

Why EM's own confidence is not enough is told at the head of ``consensus``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from logoingest.labels.votes import Floats, Indices, Integers, Votes, logit, measure_frequencies, normalise, squash

_CONCENTRATIONS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 64.0, 256.0)
#: Log-normal prior on c for collections too small to tell: around 8, one factor e either side.
_CONCENTRATION_PRIOR = (float(np.log(8.0)), 1.0)
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Urns:
    """One urn an item: what its votes weigh, and what they are drawn around."""

    cell_item: Indices
    first_cell: Indices
    weight: Floats
    """A cell's weighted votes."""
    item_weight: Floats
    log_prior: Floats
    others: Floats
    """Log prior of all classes nobody named, an item."""
    guess: Floats
    """How likely a wrong answer is the cell's class."""
    skill: float
    """Mean skill over votes."""

    def draw(self, concentration: float) -> tuple[Floats, Floats]:
        """(log likelihood of each item's votes, probability of each cell) when urns have this concentration."""
        from scipy.special import gammaln

        wrong = np.maximum(concentration * (1 - self.skill) * self.guess, 1e-9)
        right = concentration * self.skill
        as_wrong = gammaln(wrong + self.weight) - gammaln(wrong)
        as_right = gammaln(right + self.weight) - gammaln(right)
        evidence = as_right - as_wrong + self.log_prior
        whole, posterior = normalise(evidence, self.others, self.cell_item, self.first_cell)
        drawn = gammaln(concentration) - gammaln(concentration + self.item_weight)
        return np.add.reduceat(as_wrong, self.first_cell) + whole + drawn, posterior


def fit_concentration(urns: Urns) -> float:
    """The c under which the votes foretell each other best."""
    middle, spread = _CONCENTRATION_PRIOR

    def judge(concentration: float) -> float:
        surprise = (np.log(concentration) - middle) ** 2 / (2 * spread**2)
        return round(float(urns.draw(concentration)[0].sum() - surprise), 6)

    return max(_CONCENTRATIONS, key=judge)


def _weigh_votes(votes: Votes, skill: Floats) -> Floats:
    """A vote's weight in the urn: its evidence in EM against that of a voter of mean skill, 0 to 3."""
    guess = -np.log(measure_frequencies(votes))[votes.cell_class][votes.vote_cell]
    mean = logit(np.array([skill[votes.vote_worker].mean()]))[0]
    weight = (logit(skill)[votes.vote_worker] + guess) / np.maximum(mean + guess, 0.2)
    return np.asarray(np.clip(weight, 0.0, 3.0), np.float64)


def fill_urns(votes: Votes, skill: Floats, prior: Floats, step: int) -> Urns:
    """The urns of every ``step``-th item."""
    frequency = measure_frequencies(votes)
    strangeness = max(1 - float(prior @ frequency), 1e-6)  # how seldom two answers drawn blindly are equal
    weight = votes.sum_cells(_weigh_votes(votes, skill))
    kept = votes.cell_item % step == 0
    others = np.log(np.maximum(1 - votes.sum_items(prior[votes.cell_class]), _TINY))
    cell_item = votes.cell_item[kept] // step
    return Urns(
        cell_item=cell_item,
        first_cell=np.flatnonzero(np.diff(cell_item, prepend=-1)),
        weight=weight[kept],
        item_weight=votes.sum_items(weight)[::step],
        log_prior=np.log(prior)[votes.cell_class[kept]],
        others=others[::step],
        guess=np.minimum(frequency[votes.cell_class[kept]] / strangeness, 1.0),
        skill=float(np.clip(skill[votes.vote_worker].mean(), 0.05, 0.95)),
    )


def fit_gold(items: Integers, winners: Integers, confidence: Floats, gold_items: Integers, gold_classes: Integers) -> Floats:
    """Platt scaling on the items whose class is known: two parameters, held towards the identity by a unit normal prior."""
    order = np.argsort(gold_items, kind="stable")
    gold_items, gold_classes = np.asarray(gold_items)[order], np.asarray(gold_classes)[order]
    _, here, there = np.intersect1d(items, gold_items, assume_unique=False, return_indices=True)
    right = (winners[here] == gold_classes[there]).astype(np.float64)
    score = logit(np.clip(confidence, 1e-4, 1 - 1e-4))
    design = np.column_stack([score, np.ones_like(score)])
    known, identity = design[here], np.array([1.0, 0.0])
    bend = identity.copy()

    def judge(bend: Floats) -> float:
        margin = known @ bend
        return float((np.logaddexp(0, margin) - right * margin).sum() + np.square(bend - identity).sum() / 2)

    for _ in range(50):  # Newton's steps, halved while they overshoot
        guess = squash(known @ bend)
        slope = known.T @ (right - guess) - (bend - identity)
        curve = (known * (guess * (1 - guess))[:, None]).T @ known + np.eye(2)
        step = np.linalg.solve(curve, slope)
        while judge(bend + step) > judge(bend) and np.abs(step).max() > 1e-9:
            step /= 2
        bend += step
    bend[0] = max(bend[0], 0.0)  # of two confidences the higher stays the higher
    return squash(design @ bend)
