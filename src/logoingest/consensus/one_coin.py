"""From votes to one class an item: majority, or one-coin EM over worker skills, with a confidence that has been calibrated.

**One coin.** Each worker j answers rightly with probability s_j (Beta prior) and otherwise gives an answer l with a probability
that grows with how common l is as an answer, q_l: spammers and tired people type what is about. Only classes somebody named
for the item are candidates; the mass of all others is kept as one further candidate, so that a single vote is not certain.
Dawid and Skene (1979), https://doi.org/10.2307/2346806, with one parameter a worker; the shared distribution of guesses is
MACE's idea (Hovy et al., NAACL 2013, https://aclanthology.org/N13-1132).

**Confidence.** EM believes that workers err independently, and real items are hard for everybody at once: on 39 votes EM is
99 % sure and 80 % right. So an item's n votes are taken for the n / (1 + (n - 1) r) independent ones they are worth (Kish's
design effect, https://doi.org/10.1002/9781118445112.stat05699), which is a temperature on EM's log odds: the winner stays. The
correlation r is learned without any right answer, from held-out workers (``confidence.learn_correlation``). What a whole crowd
gets wrong together shows in no vote, so nobody is believed beyond ``SHARED_ERROR``. Where gold questions are given, they seed EM
(workers are measured against them) and correct the confidence of all.

Everything is summed in one fixed order and decided on rounded numbers: the same votes in any order give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from logoingest.consensus.confidence import SHARED_ERROR, Evidence, fit_gold, learn_correlation
from logoingest.consensus.votes import (
    Floats,
    Indices,
    Integers,
    Votes,
    is_among,
    logit,
    measure_frequencies,
    normalise,
    order_votes,
)

#: Beta(3, 1): before a worker's first vote the worker is thought right three times in four.
SKILL_PRIOR = (3.0, 1.0)
PRIOR_SKILL = SKILL_PRIOR[0] / sum(SKILL_PRIOR)
#: Guesses follow the answers' frequency to this power: rarer answers are guessed a little more often than they are given.
_GUESS_POWER = 0.8
_MAX_ITERATIONS = 100
_TOLERANCE = 1e-6
_DECIMALS = 9
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Settled:
    """What the votes say, a row an item and a row a worker; items and workers ascending."""

    items: Integers
    """Distinct items."""
    classes: Integers
    """The winning class; the smallest of those that tie."""
    confidence: Floats
    """Probability that it is right, 0 to 1."""
    tied: npt.NDArray[np.bool_]
    """Whether another class has just as much for it."""
    votes: Integers
    """Votes the item got."""
    agreement: Floats
    """Share of them for the winner, 0 to 1."""
    workers: Integers
    """Distinct workers; all negative (anonymous) ones are the single entry -1."""
    worker_votes: Integers
    """Votes given."""
    worker_agreement: Floats
    """Share of a worker's votes that are the winner's, 0 to 1."""
    skill: Floats
    """Estimated probability of answering rightly, 0 to 1; NaN under majority."""
    skill_low: Floats
    """Lower end of skill's 95 % interval; NaN under majority."""
    skill_high: Floats
    """Upper end of it."""
    correlation: float
    """How much votes on one item err together, 0 to 1; NaN under majority or without calibration."""
    iterations: int
    """EM steps taken; 0 under majority."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """Where EM came to rest."""

    posterior: Floats
    """A cell's probability."""
    skill: Floats
    iterations: int
    evidence: Evidence | None
    """None under majority."""


def settle_votes(
    items: Integers,
    workers: Integers,
    classes: Integers,
    n_classes: int,
    method: Literal["majority", "one_coin"] = "one_coin",
    *,
    calibrate: bool = True,
    gold_items: Integers | None = None,
    gold_classes: Integers | None = None,
) -> Settled:
    """Settle each item's class.

    Args:
        items: the item of each vote, any integers.
        workers: who voted; a negative number is an anonymous voter, whose skill stays the prior's.
        classes: the class voted for, 0 to n_classes - 1. A worker who votes twice on an item counts twice.
        n_classes: how many classes there are to choose from.
        method: ``one_coin``, or ``majority``: the most votes, confidence is their share, no skills.
        calibrate: one_coin only: whether confidence is tempered (see the module), or EM's own.
        gold_items: items whose right class is known, each once. They seed the skills (one_coin) and calibrate the confidence of
            all; the winner of such an item is still what its votes say.
        gold_classes: their right classes; a class nobody voted for may be any other number.

    Raises:
        ValueError: arrays of unequal length, or a class outside the range.
    """
    votes = order_votes(items, workers, classes, n_classes)
    gold = None if gold_items is None or gold_classes is None else (np.asarray(gold_items), np.asarray(gold_classes))
    fit = _count_heads(votes) if method == "majority" else _fit_coin(votes, gold)
    winner, tied = _pick_winners(votes, fit.posterior)
    confidence, correlation = fit.posterior[winner], float("nan")
    if fit.evidence is not None and calibrate and len(winner):
        correlation = learn_correlation(fit.evidence)
        confidence = fit.evidence.temper(correlation)[winner] * (1 - SHARED_ERROR if n_classes > 1 else 1)
    if gold is not None:
        confidence = fit_gold(votes.items, votes.cell_class[winner], confidence, *gold)
    spread = 1.96 * np.sqrt(fit.skill * (1 - fit.skill) / (sum(SKILL_PRIOR) + votes.worker_votes + 1))
    won = np.zeros(len(votes.cell_item))
    won[winner] = 1.0
    return Settled(
        items=votes.items,
        classes=votes.cell_class[winner],
        confidence=_bound(confidence),
        tied=tied,
        votes=votes.item_votes,
        agreement=votes.cell_votes[winner] / votes.item_votes,
        workers=votes.workers,
        worker_votes=votes.worker_votes,
        worker_agreement=votes.sum_workers(won[votes.vote_cell]) / votes.worker_votes,
        skill=_bound(fit.skill),
        skill_low=_bound(fit.skill - spread),
        skill_high=_bound(fit.skill + spread),
        correlation=correlation,
        iterations=fit.iterations,
    )


def weigh_votes(items: Integers, workers: Integers, classes: Integers, n_classes: int, tolerance: float = _TOLERANCE) -> Evidence:
    """What each vote is worth, for those who ask about some votes without others: EM's skills, guesses and class priors.

    The votes are as in ``settle_votes``; EM rests when no probability moves further than ``tolerance``.

    Raises:
        ValueError: as ``settle_votes``.
    """
    return _run_em(order_votes(items, workers, classes, n_classes), None, tolerance)[2]


def _bound(share: Floats) -> Floats:
    return np.asarray(np.round(np.clip(share, 0.0, 1.0), _DECIMALS), np.float64)


def _count_heads(votes: Votes) -> _Fit:
    """Majority, said in EM's words: shares of votes, and nothing known about anybody."""
    share = votes.cell_votes / votes.item_votes[votes.cell_item]
    return _Fit(share, np.full(len(votes.workers), np.nan), 0, None)


def _fit_coin(votes: Votes, gold: tuple[Integers, Integers] | None) -> _Fit:
    posterior, iterations, evidence = _run_em(votes, gold)
    return _Fit(posterior, evidence.skill, iterations, evidence)


def _run_em(votes: Votes, gold: tuple[Integers, Integers] | None, tolerance: float = _TOLERANCE) -> tuple[Floats, int, Evidence]:
    """(a cell's probability, steps taken, what EM came to): alternate between what each item is and how good each worker is.

    It begins with the share of votes and rests when neither moves.
    Workers are measured against the right answer where it is known; an item's own posterior never is that answer.
    """
    right, wrong = SKILL_PRIOR
    known_cell, truth = _place_gold(votes, gold)
    posterior = votes.cell_votes / votes.item_votes[votes.cell_item]
    guess = measure_frequencies(votes) ** _GUESS_POWER
    guess /= guess.sum()
    rarity = -np.log(guess)[votes.cell_class] * votes.cell_votes
    checked = (votes.item_votes > 1)[votes.vote_item] | known_cell[votes.vote_cell]  # else it says nothing about skill
    shared = checked.astype(np.float64)
    known = right + wrong + votes.sum_workers(shared)
    skill, prior, iterations = np.zeros(len(votes.workers)), np.zeros(votes.n_classes), 0
    for iterations in range(1, _MAX_ITERATIONS + 1):  # noqa: B007 - told to the caller
        believed = np.where(known_cell, truth, posterior)
        skill = (right + votes.sum_workers(shared * believed[votes.vote_cell])) / known
        skill[votes.workers < 0] = PRIOR_SKILL
        prior = _estimate_prior(votes, believed)
        evidence = votes.sum_cells(logit(skill)[votes.vote_worker]) + rarity + np.log(prior)[votes.cell_class]
        others = np.log(np.maximum(1 - votes.sum_items(prior[votes.cell_class]), _TINY))
        before, posterior = posterior, normalise(evidence, others, votes.cell_item, votes.first_cell)[1]
        if len(posterior) == 0 or np.abs(posterior - before).max() < tolerance:
            break
    vote = logit(skill)[votes.vote_worker] - np.log(guess)[votes.cell_class[votes.vote_cell]]
    return posterior, iterations, Evidence(votes, vote, prior, guess, skill)


def _place_gold(votes: Votes, gold: tuple[Integers, Integers] | None) -> tuple[npt.NDArray[np.bool_], Floats]:
    """(whether a cell's item is gold, whether the cell is right), a row a cell."""
    if gold is None or len(gold[0]) == 0 or len(votes.items) == 0:
        return np.zeros(len(votes.cell_item), bool), np.zeros(len(votes.cell_item))
    order = np.argsort(gold[0], kind="stable")
    items, classes = gold[0][order], gold[1][order]
    is_gold = is_among(np.asarray(votes.items, np.intp), np.asarray(items, np.intp))
    place = np.minimum(np.searchsorted(items, votes.items), len(items) - 1)
    right = classes[place][votes.cell_item] == votes.cell_class
    return is_gold[votes.cell_item], right.astype(np.float64)


def _estimate_prior(votes: Votes, posterior: Floats) -> Floats:
    prior = votes.sum_classes(posterior) + 0.5
    return np.asarray(prior / prior.sum(), np.float64)


def _pick_winners(votes: Votes, posterior: Floats) -> tuple[Indices, npt.NDArray[np.bool_]]:
    """The winning cell of each item, and whether another one equals it; rounded, so that the last bit decides nothing."""
    if len(posterior) == 0:
        return np.zeros(0, np.intp), np.zeros(0, bool)
    rounded = np.round(posterior, _DECIMALS)
    best = np.flatnonzero(rounded == np.maximum.reduceat(rounded, votes.first_cell)[votes.cell_item])
    item = votes.cell_item[best]
    return best[np.flatnonzero(np.diff(item, prepend=-1))], np.bincount(item, minlength=len(votes.items)) > 1
