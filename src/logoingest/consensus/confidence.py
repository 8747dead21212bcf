"""How sure to be: a temperature learned from held-out workers, and gold questions where there are some.

Why EM's own confidence is not enough is told at the head of ``one_coin``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from logoingest.consensus.votes import Floats, Indices, Integers, Votes, normalise, squash

#: How often even a crowd that fully agrees is wrong, which no vote can tell: the average of ten public test sets (Northcutt,
#: Athalye and Mueller, "Pervasive Label Errors in Test Sets", NeurIPS 2021, https://arxiv.org/abs/2103.14749).
SHARED_ERROR = 0.033
#: Normal prior on the correlation, for collections too small to tell.
_CORRELATION_PRIOR = (0.25, 0.25)
#: Held-out votes are foretold on items of at most this many pairs (vote, class named there) …
_ITEM_PAIRS = 4_096
#: … and on so many items, evenly spread, that the pairs are about this many.
_FIT_PAIRS = 400_000
#: Exact sums over classes up to this many terms, interpolated ones beyond.
_EXACT_TERMS = 4_000_000
_KNOTS = 64
#: Fewer gold questions than this are no ground for a curve of free form.
_CURVE_GOLD = 300
_FOLDS = 10
#: How strongly gold is held towards confidence as it is: all of these, each as far as the gold speaks for it.
_PRECISIONS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0)
_IDENTITY = np.array([1.0, 1.0, 0.0])
_TINY = 1e-12

Curve = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What EM came to, in parts that can be taken away again."""

    votes: Votes
    vote: Floats
    """What each vote adds to its cell, log odds."""
    prior: Floats
    """A class's probability before any vote."""
    guess: Floats
    """How likely a wrong answer is the class."""
    skill: Floats
    """A worker's probability of being right."""

    def temper(self, correlation: float) -> Floats:
        """A cell's probability when an item's n votes are worth n / (1 + (n - 1) correlation) that err independently."""
        votes = self.votes
        temperature = 1 + np.maximum(votes.item_votes - 1, 0) * correlation
        log_prior = np.log(self.prior)[votes.cell_class]
        others = _weigh_unnamed(self.prior, temperature, log_prior, votes.cell_item, votes.first_cell)
        evidence = (votes.sum_cells(self.vote) + log_prior) / temperature[votes.cell_item]
        return normalise(evidence, others, votes.cell_item, votes.first_cell)[1]


def _weigh_unnamed(prior: Floats, temperature: Floats, log_prior: Floats, row: Indices, first: Indices) -> Floats:
    """Log of the tempered prior of all classes nobody named, row by row; ``log_prior`` and ``row`` are a cell's."""
    if len(row) == 0:
        return np.zeros(0)
    knots = np.unique(np.round(temperature, 9))
    if len(knots) * len(prior) > _EXACT_TERMS:
        knots = np.geomspace(knots[0], knots[-1], int(np.clip(_EXACT_TERMS // len(prior), 8, _KNOTS)))
    sums = [np.log(np.power(prior, 1 / knot).sum()) for knot in knots]
    whole = np.exp(np.interp(temperature, knots, sums))
    named = np.add.reduceat(np.exp(log_prior / temperature[row]), first)
    return np.asarray(np.log(np.maximum(whole - named, _TINY)), np.float64)


@dataclass(frozen=True, slots=True)
class _HeldOut:
    """Each vote of a sample against every class named for its item by anybody."""

    item_votes: Floats
    """Votes its item has without it, a row a vote."""
    row: Indices
    """Pair by pair, the vote's row."""
    first: Indices
    """A row's first pair."""
    without: Floats
    """The pair's class: evidence of all other votes, log odds."""
    log_prior: Floats
    own: npt.NDArray[np.intp]
    """A row's pair with the class the vote is for."""
    skill: Floats
    blind: Floats
    """A row: how likely the vote is a wrong answer of this class."""


def learn_correlation(evidence: Evidence) -> float:
    """How much votes on one item err together, 0 to 1, as held-out workers tell: each vote is foretold by the item's others.

    The others' tempered probability p of the vote's class, with its worker's skill s, foretells the vote with
    p s + (1 - p)(1 - s) guess; the correlation is the one that foretells best, held towards a prior. No right answer is used.
    """
    held_out = _hold_out(evidence)
    middle, spread = _CORRELATION_PRIOR

    def judge(correlation: float) -> float:
        surprise = (correlation - middle) ** 2 / (2 * spread**2)
        return round(_foretell(held_out, evidence.prior, correlation) - surprise, 6)

    known = {step: judge(step / 20) for step in range(0, 21, 4)}
    for stride in (2, 1):  # from a coarse grid to a fine one around the best
        best = max(known, key=known.__getitem__)
        known |= {step: judge(step / 20) for step in (best - stride, best + stride) if 0 <= step <= 20}
    return max(sorted(known), key=known.__getitem__) / 20


def _hold_out(evidence: Evidence) -> _HeldOut:
    votes = evidence.votes
    cells = np.bincount(votes.cell_item, minlength=len(votes.items))
    pairs = cells * votes.item_votes
    usable = np.flatnonzero((votes.item_votes > 1) & (pairs <= _ITEM_PAIRS))
    usable = usable[:: max(1, -(-int(pairs[usable].sum()) // _FIT_PAIRS))]
    kept = np.zeros(len(votes.items), bool)
    kept[usable] = True
    vote = np.flatnonzero(kept[votes.vote_item])
    item, width = votes.vote_item[vote], cells[votes.vote_item[vote]]
    first = np.cumsum(width) - width
    row = np.repeat(np.arange(len(vote)), width)
    cell = votes.first_cell[item[row]] + np.arange(len(row)) - first[row]
    without = votes.sum_cells(evidence.vote)[cell]
    own = first + votes.vote_cell[vote] - votes.first_cell[item]
    without[own] -= evidence.vote[vote]
    skill = evidence.skill[votes.vote_worker[vote]]
    return _HeldOut(
        item_votes=(votes.item_votes[item] - 1).astype(np.float64),
        row=row,
        first=first,
        without=without,
        log_prior=np.log(evidence.prior)[votes.cell_class[cell]],
        own=own,
        skill=skill,
        blind=(1 - skill) * evidence.guess[votes.cell_class[votes.vote_cell[vote]]],
    )


def _foretell(held_out: _HeldOut, prior: Floats, correlation: float) -> float:
    """Log likelihood of the held-out votes."""
    temperature = 1 + (held_out.item_votes - 1) * correlation
    others = _weigh_unnamed(prior, temperature, held_out.log_prior, held_out.row, held_out.first)
    score = (held_out.without + held_out.log_prior) / temperature[held_out.row]
    probability = normalise(score, others, held_out.row, held_out.first)[1]
    right = probability[held_out.own] if len(held_out.own) else np.zeros(0)
    return float(np.log(np.maximum(right * held_out.skill + (1 - right) * held_out.blind, _TINY)).sum())


def fit_gold(items: Integers, winners: Integers, confidence: Floats, gold_items: Integers, gold_classes: Integers) -> Floats:
    """The confidence as the items whose class is known correct it.

    Beta calibration (Kull, Silva Filho and Flach, AISTATS 2017, https://proceedings.mlr.press/v54/kull17a.html). Its three
    parameters are held towards leaving the confidence as it is, by normal priors of several strengths that are averaged by how
    well each explains the gold: few questions, or questions that find the confidence right, move it little. From 300 questions
    on, isotonic regression takes its place where it foretells held-out gold clearly better.
    """
    order = np.argsort(gold_items, kind="stable")
    gold_items, gold_classes = np.asarray(gold_items)[order], np.asarray(gold_classes)[order]
    _, here, there = np.intersect1d(items, gold_items, assume_unique=False, return_indices=True)
    if len(here) == 0:
        return confidence
    right = (winners[here] == gold_classes[there]).astype(np.float64)
    fit = _fit_isotonic if _prefers_isotonic(confidence[here], right) else _fit_beta
    return fit(confidence[here], right)(confidence)


def _prefers_isotonic(confidence: Floats, right: Floats) -> bool:
    """Whether isotonic regression foretells held-out gold better by more than two standard errors."""
    if len(right) < _CURVE_GOLD:
        return False
    fold = np.empty(len(right), np.intp)
    fold[np.lexsort((right, confidence))] = np.arange(len(right)) % _FOLDS  # every fold spans all confidences
    gain = np.zeros(len(right))
    for number in range(_FOLDS):
        out = fold == number
        curves = [fit(confidence[~out], right[~out])(confidence[out]) for fit in (_fit_isotonic, _fit_beta)]
        isotonic, beta = (np.clip(curve, 0.005, 0.995) for curve in curves)
        gain[out] = np.where(right[out] > 0, np.log(isotonic / beta), np.log((1 - isotonic) / (1 - beta)))
    return round(float(gain.sum()), 6) > round(2 * float(gain.std() * np.sqrt(len(gain))), 6)


def _spread_features(confidence: Floats) -> Floats:
    share = np.clip(confidence, 1e-4, 1 - 1e-4)
    return np.column_stack([np.log(share), -np.log1p(-share), np.ones_like(share)])


def _fit_beta(confidence: Floats, right: Floats) -> Curve:
    known = _spread_features(confidence)
    fits = [_fit_held(known, right, precision) for precision in _PRECISIONS]
    evidence = np.array([fit[1] for fit in fits])
    share = np.exp(np.round(evidence - evidence.max(), 6))
    share /= share.sum()

    def curve(confidence: Floats) -> Floats:
        features = _spread_features(confidence)
        return np.asarray(sum(part * squash(features @ bend) for part, (bend, _) in zip(share, fits, strict=True)), np.float64)

    return curve


def _fit_held(known: Floats, right: Floats, precision: float) -> tuple[Floats, float]:
    """(the three parameters held towards the identity, log of how well so strong a hold explains the gold: Laplace)."""
    bend = _IDENTITY.copy()

    def judge(bend: Floats) -> float:
        margin = known @ bend
        return float((np.logaddexp(0, margin) - right * margin).sum() + precision * np.square(bend - _IDENTITY).sum() / 2)

    curve = np.eye(len(bend))
    for _ in range(50):  # Newton's steps, halved while they overshoot
        guess = squash(known @ bend)
        slope = known.T @ (right - guess) - precision * (bend - _IDENTITY)
        curve = (known * (guess * (1 - guess))[:, None]).T @ known + precision * np.eye(len(bend))
        step = np.linalg.solve(curve, slope)
        while judge(bend + step) > judge(bend) and np.abs(step).max() > 1e-9:
            step /= 2
        bend += step
        if np.abs(step).max() <= 1e-9:
            break
    evidence = len(bend) * np.log(precision) / 2 - judge(bend) - np.linalg.slogdet(curve)[1] / 2
    bend[:2] = np.maximum(bend[:2], 0.0)  # of two confidences the higher stays the higher
    return bend, float(evidence)


def _fit_isotonic(confidence: Floats, right: Floats) -> Curve:
    """Isotonic regression (Zadrozny and Elkan, KDD 2002), its steps joined by straight lines."""
    from scipy.optimize import isotonic_regression

    at, place, weight = np.unique(confidence, return_inverse=True, return_counts=True)
    mean = np.bincount(place, weights=right) / weight
    found = isotonic_regression(mean, weights=weight.astype(np.float64))
    first, last = found.blocks[:-1], found.blocks[1:] - 1
    mass = np.add.reduceat(weight, first)
    height = (np.add.reduceat(mean * weight, first) + 0.5) / (mass + 1)  # never quite nought or one
    height = np.repeat(np.maximum.accumulate(height), 2)
    ends = np.column_stack([at[first], at[last]]).ravel()
    return lambda share: np.asarray(np.interp(share, ends, height), np.float64)
