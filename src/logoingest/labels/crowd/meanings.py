"""What a spelling means, as the others' answers about the same pictures tell: one class, several, none, or a stranger.

Explanations of where a spelling was written, each with a likelihood, compared by Bayes:

- it *names* class c: its writers mean c as far as they are reliable, and write it anywhere as far as they are not;
- it is *spread*: it says nothing about the picture (noise, spam, an umbrella word over everything);
- it is *several*: it goes with a few classes, in shares of its own (Dirichlet-multinomial), or with one now and then;
- it is a *stranger*: another class, which the map lacks and which is mistaken for c (``strangers``).

How common each explanation is, is learned from all spellings together (empirical Bayes). In a second and third round, spellings
whose class is nearly certain vote for it, so that workers' skills and pictures' classes are estimated with them; what a spelling
is then still rests on others than its own writers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from logoingest.consensus.votes import Floats, Indices, logit, squash, sum_by
from logoingest.labels.crowd.explanations import Explanations, Shown, weigh_explanations
from logoingest.labels.crowd.strangers import weigh_foreignness, weigh_mistakes, weigh_strangeness
from logoingest.labels.crowd.witnesses import call_witnesses, learn_mistakes, open_court
from logoingest.labels.crowd.writings import UNDECIDED, Bools, CrowdVotes, count_people, list_writings

#: A spelling written by fewer people, or of fewer pictures, is given no class.
MIN_WRITERS = 2
MIN_PICTURES = 2
#: A spelling whose class is as probable as this votes in the next round.
_VOTING = 0.9
_ROUNDS = 4
#: Held towards: names, spread, several, stranger, partly; in spellings.
_USUAL = np.array([6.0, 6.0, 1.0, 1.0, 0.5])
#: Log likelihood of naming a class, below which nobody asks for strangers.
_UNLIKELY = -5.0
_STEPS = 20
#: There are explanations that nobody thought of: log odds short of the sure ones (.995) are taken down, by this much at even odds.
_SURE = 5.3
_UNTHOUGHT = 1.5
#: Log odds that a word is no class which the map lacks.
_NATIVE = 1.0
_DECIMALS = 9


class Meanings(NamedTuple):
    """A row a spelling."""

    class_number: Indices
    """The class it most probably names; ``UNDECIDED`` where no other answer tells anything."""
    names: Floats
    """Probability that it names that class."""
    next_class: Indices
    """The next best class, or ``UNDECIDED``."""
    next_names: Floats
    spread: Floats
    """Probability that it says nothing about the picture."""
    several: Floats
    """Probability that it goes with several classes, or with one now and then."""
    stranger: Floats
    """Probability that it is a class the map lacks."""
    pictures: Indices
    """Pictures it was written of."""
    witnessed: Indices
    """Pictures of them that others settled as some class."""
    writers: Indices
    """People who wrote it; all without a name are one."""
    settled: Indices
    """Pictures of it that others settled as the class."""
    next_settled: Indices
    """The same for the next best."""
    shown: Shown


def weigh_meanings(votes: CrowdVotes, class_of: Indices, *, open_only: bool = False) -> Meanings:
    """What every spelling means.

    Args:
        votes: the answers.
        class_of: the class of each spelling by the class map, or ``UNDECIDED``. A decided one is judged as if it were not.
        open_only: leave out the decided ones, for those who do not ask about them.
    """
    writings = list_writings(votes)
    writers, pictures = count_people(writings, votes.spellings)
    written = np.bincount(writings.spelling, minlength=votes.spellings)
    often = pictures >= MIN_PICTURES
    is_open = (class_of == UNDECIDED) & often
    believed, noise, foreign = class_of, np.zeros(votes.spellings), np.zeros(votes.spellings)
    by_map = court = open_court(writings, class_of, votes.classes)
    mistakes = learn_mistakes(by_map)
    for round_ in range(_ROUNDS):
        asked = often if round_ == _ROUNDS - 1 and not open_only else is_open
        declared = witnesses = call_witnesses(by_map, by_map, asked, noise, foreign)
        if round_:
            court = court if np.array_equal(court.class_of, believed) else open_court(writings, believed, votes.classes)
            witnesses = call_witnesses(court, by_map, asked, noise, foreign)
        terms = weigh_explanations(witnesses, mistakes, is_open, votes.classes)
        strange, likely = np.zeros(len(terms.entry_names)), np.flatnonzero(terms.entry_names > _UNLIKELY)
        entries = (terms.entry_spelling[likely], terms.entry_class[likely])
        strange[likely] = weigh_strangeness(declared, *entries, class_of, written)
        strange[class_of[terms.entry_spelling] == terms.entry_class] = 0.0  # a declared name is a name, however it is used
        meanings = _judge(terms, strange, is_open, votes.classes)
        odds = weigh_mistakes(court, meanings.class_number, meanings.settled, class_of == UNDECIDED)
        names = np.where(class_of == UNDECIDED, _humble(meanings.names / (1 + odds)), meanings.names)
        meanings = meanings._replace(names=names, writers=writers, pictures=pictures)
        sure = is_open & (names >= _VOTING) & (writers >= MIN_WRITERS) & (meanings.witnessed >= MIN_PICTURES)
        believed = np.where(sure, meanings.class_number, class_of)
        foreign = np.where(is_open, squash(weigh_foreignness(declared, votes.spellings) - _NATIVE), 0.0)
        noise = np.where(is_open, (meanings.spread + meanings.several) * (1 - foreign), 0.0)
    return meanings


def _humble(names: Floats) -> Floats:
    """Probabilities as they turn out: what is not nearly certain is so a little less often than the explanations say."""
    score = logit(names)
    return np.where(names > 0, _round(squash(score - _UNTHOUGHT * np.clip((_SURE - score) / _SURE, 0, 1))), 0.0)


def _judge(terms: Explanations, strange: Floats, learned: Bools, classes: int) -> Meanings:
    """Weigh the explanations against each other; how common each is, is learned from ``learned`` spellings."""
    owner, count = terms.entry_spelling, len(learned)
    peak = np.maximum(np.maximum(terms.several, terms.elsewhere), 0.0)
    np.maximum.at(peak, owner, np.maximum(terms.entry_names + np.maximum(strange, 0.0), terms.entry_partly))
    unnamed = 1 - np.bincount(owner, minlength=count) / classes
    elsewhere = unnamed * np.exp(terms.elsewhere - peak)
    names = np.exp(terms.entry_names - peak[owner]) / classes
    odd = np.exp(terms.entry_names + strange - peak[owner]) / classes
    partly = np.exp(terms.entry_partly - peak[owner]) / classes
    spread, several = np.exp(-peak), np.exp(terms.several - peak)
    parts = np.stack(
        [
            sum_by(owner, names, count) + elsewhere,
            spread,
            several,
            sum_by(owner, odd, count) + elsewhere,
            sum_by(owner, partly, count),
        ]
    )
    share = _learn_shares(parts[:, learned & (terms.witnessed > 0)])
    posterior = parts * share[:, None]
    posterior /= posterior.sum(axis=0)
    whole = (parts * share[:, None]).sum(axis=0)
    entry = _round(names * share[0] / whole[owner])
    best, runner = _pick(terms, entry, count)
    told = np.zeros(count, bool)
    told[terms.shown.spelling] = True
    spread, several, stranger = (
        np.where(told, _round(row), 0.0) for row in (posterior[1], posterior[2] + posterior[4], posterior[3])
    )
    return Meanings(
        class_number=_read(best, terms.entry_class, UNDECIDED),
        names=_read(best, entry, 0.0),
        next_class=_read(runner, terms.entry_class, UNDECIDED),
        next_names=_read(runner, entry, 0.0),
        spread=spread,
        several=several,
        stranger=stranger,
        pictures=terms.witnessed,
        witnessed=terms.witnessed,
        writers=terms.witnessed,
        settled=_read(best, terms.entry_settled, 0),
        next_settled=_read(runner, terms.entry_settled, 0),
        shown=terms.shown,
    )


def _learn_shares(parts: Floats) -> Floats:
    """How common each explanation is: EM from, and held towards, what is usual."""
    share = _USUAL / _USUAL.sum()
    for _ in range(_STEPS):
        posterior = parts * share[:, None]
        posterior /= posterior.sum(axis=0)
        share = _USUAL + posterior.sum(axis=1)
        share /= share.sum()
    return np.asarray(share, np.float64)


def _round(share: Floats) -> Floats:
    return np.asarray(np.round(share, _DECIMALS), np.float64)


def _read(rows: Indices, values: Floats | Indices, missing: float) -> npt.NDArray[Any]:
    """A value of each row's entry; ``missing`` where the row is -1."""
    return np.where(rows >= 0, values[rows], missing) if len(values) else np.full(len(rows), missing)


def _pick(terms: Explanations, probability: Floats, count: int) -> tuple[Indices, Indices]:
    """(the best entry, the next best one) of each spelling, -1 where there is none; the lower class among equals."""
    order = np.lexsort((terms.entry_class, -terms.entry_settled, -probability, terms.entry_spelling))
    spelling = terms.entry_spelling[order]
    first = np.searchsorted(spelling, np.arange(count + 1))
    padded = np.append(order, -1)
    best = np.where(first[:-1] < first[1:], padded[first[:-1]], -1)
    runner = np.where(first[:-1] + 1 < first[1:], padded[np.minimum(first[:-1] + 1, len(order))], -1)
    return best, runner
