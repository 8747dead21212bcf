"""From votes to one class an item: majority, or one-coin EM over worker skills, with a confidence that has been calibrated.

**One coin.** Each worker j answers rightly with probability s_j (Beta prior) and otherwise gives an answer l with a probability
that grows with how common l is as an answer, q_l: spammers and tired people type what is about. Only classes somebody named
for the item are candidates; the mass of all others is kept as one further candidate, so that a single vote is not certain.
Dawid and Skene (1979), https://doi.org/10.2307/2346806, with one parameter a worker; the shared distribution of guesses is
MACE's idea (Hovy et al., NAACL 2013, https://aclanthology.org/N13-1132).

**Confidence.** EM believes that workers err independently, and real items are hard for everybody at once: on 39 votes EM is
99.7 % sure and 81 % right. So confidence comes from a second model of the same votes: the answers to one item are drawn from
an urn of its own (Dirichlet-multinomial, a Pólya urn) around "right with the mean skill", votes weighted by their worker's
skill. Its one parameter, the concentration c, says how much items differ; c without end is EM again. It is learned without any
right answer, by how well each vote is foretold by the item's other votes: the product of these held-out forecasts is the urn's
marginal likelihood. Where gold questions are given, two further parameters map that confidence onto how often it was right
(Platt 1999, held towards the identity). Without gold, errors a whole crowd shares stay invisible, to this as to any method.

Everything is summed in one fixed order and decided on rounded numbers: the same votes in any order give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from logoingest.labels.calibration import fill_urns, fit_concentration, fit_gold
from logoingest.labels.votes import Floats, Indices, Integers, Votes, logit, measure_frequencies, normalise, order_votes

#: Beta(3, 1): before a worker's first vote we think her right three times in four.
SKILL_PRIOR = (3.0, 1.0)
PRIOR_SKILL = SKILL_PRIOR[0] / sum(SKILL_PRIOR)
#: Guesses follow the answers' frequency to this power: rarer answers are guessed a little more often than they are given.
_GUESS_POWER = 0.8
_MAX_ITERATIONS = 100
_TOLERANCE = 1e-6
_DECIMALS = 9
#: The urn's concentration is learned on at most this many items, spread evenly.
_FIT_ITEMS = 20_000
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
    concentration: float
    """The urn's c: small where items are hard for everybody at once; NaN under majority or without calibration."""
    iterations: int
    """EM steps taken; 0 under majority."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """Where EM came to rest."""

    posterior: Floats
    """A cell's probability."""
    skill: Floats
    prior: Floats
    """A class's probability before any vote."""
    iterations: int


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
        calibrate: one_coin only: whether confidence comes from the urn (see the module), or is EM's own.
        gold_items: items whose right class is known, each once. They calibrate the confidence of all and change no winner.
        gold_classes: their right classes.

    Raises:
        ValueError: arrays of unequal length, or a class outside the range.
    """
    votes = order_votes(items, workers, classes, n_classes)
    fit = _count_heads(votes) if method == "majority" else _run_em(votes)
    winner, tied = _pick_winners(votes, fit.posterior)
    confidence, concentration = fit.posterior[winner], float("nan")
    if method == "one_coin" and calibrate and len(winner):
        step = -(-len(votes.items) // _FIT_ITEMS)
        concentration = fit_concentration(fill_urns(votes, fit.skill, fit.prior, step))
        confidence = fill_urns(votes, fit.skill, fit.prior, 1).draw(concentration)[1][winner]
    if gold_items is not None and gold_classes is not None:
        confidence = fit_gold(votes.items, votes.cell_class[winner], confidence, gold_items, gold_classes)
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
        concentration=concentration,
        iterations=fit.iterations,
    )


def _bound(share: Floats) -> Floats:
    return np.asarray(np.round(np.clip(share, 0.0, 1.0), _DECIMALS), np.float64)


def _count_heads(votes: Votes) -> _Fit:
    """Majority, said in EM's words: shares of votes, and nothing known about anybody."""
    share = votes.cell_votes / votes.item_votes[votes.cell_item]
    return _Fit(share, np.full(len(votes.workers), np.nan), np.zeros(votes.n_classes), 0)


def _run_em(votes: Votes) -> _Fit:
    """Alternate between what each item is and how good each worker is, from the share of votes, until neither moves."""
    right, wrong = SKILL_PRIOR
    posterior = votes.cell_votes / votes.item_votes[votes.cell_item]
    guess = measure_frequencies(votes) ** _GUESS_POWER
    rarity = -np.log(guess / guess.sum())[votes.cell_class] * votes.cell_votes
    shared = (votes.item_votes > 1)[votes.vote_item].astype(np.float64)  # nobody else answered: it says nothing about skill
    known = right + wrong + votes.sum_workers(shared)
    skill, prior, iterations = np.zeros(len(votes.workers)), np.zeros(votes.n_classes), 0
    for iterations in range(1, _MAX_ITERATIONS + 1):  # noqa: B007 - told to the caller
        skill = (right + votes.sum_workers(shared * posterior[votes.vote_cell])) / known
        skill[votes.workers < 0] = PRIOR_SKILL
        prior = _estimate_prior(votes, posterior)
        evidence = votes.sum_cells(logit(skill)[votes.vote_worker]) + rarity + np.log(prior)[votes.cell_class]
        others = np.log(np.maximum(1 - votes.sum_items(prior[votes.cell_class]), _TINY))
        before, posterior = posterior, normalise(evidence, others, votes.cell_item, votes.first_cell)[1]
        if len(posterior) == 0 or np.abs(posterior - before).max() < _TOLERANCE:
            break
    return _Fit(posterior, skill, prior, iterations)


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
