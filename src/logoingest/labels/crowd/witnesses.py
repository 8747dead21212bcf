"""What the others said of the pictures a spelling was written of: a likelihood per (spelling, picture, class), its writers left out.

Whoever wrote the spelling of a picture is no witness of that picture: neither this answer nor another one of theirs counts. So an
answer never speaks for itself, and twenty answers of one picture are one witness. What the remaining n votes are worth is tempered
as in ``consensus.one_coin`` (votes on one picture err together).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from logoingest.consensus.confidence import SHARED_ERROR, Evidence, learn_correlation
from logoingest.consensus.one_coin import PRIOR_SKILL, weigh_votes
from logoingest.consensus.votes import Floats, Indices, logit, sum_by
from logoingest.labels.crowd.writings import UNDECIDED, Bools, KnownVotes, Writings, collect_votes, is_new

#: Classes of one picture that are looked at, the most probable ones.
_MAX_CELLS = 12
#: Bounds of a writer's reliability: a name that spammers use is to stand beside its class half the time, or it is none.
TRUST = (0.25, 0.98)
#: How strongly a class's mistakes are held towards all classes, by their priors, and how often they happen towards the usual.
_ANYWHERE = 5.0
_HELD = 10.0
_TOLERANCE = 1e-3
_TINY = 1e-9


class CompanyShares(NamedTuple):
    """Where one answer names a class, how many of the others there, in shares, name it too or say nothing known; a row a class."""

    named: Floats
    silent: Floats
    strange: Floats
    """Of the silent ones, those whose word seems to be a class that the map lacks."""


class Mistakes(NamedTuple):
    """What is shown where an answer names a class by mistake, a row a (class, other class) seen so."""

    place: Indices
    """Class times classes, and the other class; ascending."""
    share: Floats
    rest: Floats
    """A class's share of mistakes that go anywhere, by the classes' priors."""
    doubt: Floats
    """Log odds that an answer of the class is right, relative to those of any."""

    def find(self, class_number: Indices, other: Indices) -> Floats:
        """The share of each pair, beside what goes anywhere."""
        wanted = class_number * len(self.rest) + other
        place = np.minimum(np.searchsorted(self.place, wanted), len(self.place) - 1)
        return np.where(self.place[place] == wanted, self.share[place], 0.0) if len(self.place) else np.zeros(len(wanted))


class Witnesses(NamedTuple):
    """What the others say, a row a *pair* (spelling, picture) and a row a *cell* (pair, class somebody else named there)."""

    pair_spelling: Indices
    pair_picture: Indices
    unnamed: Floats
    """A pair's likelihood of any class that nobody else named; the mean over all classes, by their priors, is 1."""
    reliability: Floats
    """How likely the pair's best writer is right, 0 to 1."""
    silent: Floats
    """Other people there whose answers no class is known of, each for as much as they may mean something."""
    strange: Floats
    """The same, each for as much as their word seems to be a class that the map lacks."""
    writers: Floats
    """People who wrote the spelling there."""
    cell_pair: Indices
    cell_class: Indices
    likelihood: Floats
    """Of the others' votes if the picture shows the class, on the scale of ``unnamed``."""
    cell_votes: Floats
    """Other people's votes for it."""
    prior: Floats
    """A class's share of the pictures."""
    company: CompanyShares
    known: float
    """Beside an answer whose class is known, how many of the others' are known too, 0 to 1."""


class _Pairs(NamedTuple):
    """The (spelling, picture) pairs asked about, and their writers, a row each."""

    spelling: Indices
    picture: Indices
    writer_pair: Indices
    writer: Indices
    speaker: Indices
    """A writer's number with the picture."""


class _Cells(NamedTuple):
    """The classes named for each picture, the most probable ``_MAX_CELLS`` of them."""

    picture: Indices
    class_number: Indices
    score: Floats
    votes: Indices
    first: Indices
    """A picture's first cell."""
    width: Indices
    """A picture's cells."""
    cell_of_vote: Indices
    """-1 where the cell is not kept."""


class _Silence(NamedTuple):
    """Who says nothing known of a picture, and for how much each counts."""

    sense: Floats
    """Of each (picture, worker); 0 where they say something."""
    total: Floats
    """A picture's sum."""


class _Own(NamedTuple):
    """What a pair's own writers say of its picture: votes by row of the spread cells, and how many they are."""

    row: Indices
    weight: Floats
    votes: Indices


class Court(NamedTuple):
    """What all known answers together say of workers and pictures, before anybody's own are left out."""

    writings: Writings
    class_of: Indices
    votes: KnownVotes
    vote: Floats
    """What each of them adds to its class, log odds."""
    skill: Floats
    prior: Floats
    cells: _Cells
    correlation: float
    """How much votes on one picture err together."""


def open_court(writings: Writings, class_of: Indices, classes: int) -> Court:
    """Weigh all answers whose class is known; ``class_of`` is a spelling's, or ``UNDECIDED``."""
    votes = collect_votes(writings, class_of)
    named = np.where(votes.worker < writings.named, votes.worker, -1)
    weights = weigh_votes(votes.picture, named, votes.class_number, classes, _TOLERANCE)
    skill = _place_skill(weights, writings.people)
    vote = logit(skill[votes.worker]) - np.log(weights.guess)[votes.class_number]
    cells = _list_cells(votes, vote, classes, writings.pictures)
    correlation = learn_correlation(weights) if len(vote) else 0.0
    return Court(writings, class_of, votes, vote, skill, weights.prior, cells, correlation)


def call_witnesses(court: Court, by_map: Court, asked: Bools, noise: Floats, foreign: Floats) -> Witnesses:
    """Call the others of every picture of the spellings asked about.

    Args:
        court: the answers.
        by_map: the answers by the class map alone.
        asked: which spellings to ask about.
        noise: how probably a spelling means nothing, 0 to 1; such answers are not counted as silent.
        foreign: how probably a spelling that means something is a class that the map lacks, 0 to 1.
    """
    writings, votes, cells = court.writings, court.votes, court.cells
    pairs = _list_pairs(writings, asked)
    silence = _hush(writings, votes, court.class_of, 1 - noise)
    strangers = _hush(writings, votes, court.class_of, (1 - noise) * foreign)
    cell_pair, place = spread_places(cells.first[pairs.picture], cells.width[pairs.picture])
    own = _find_own(pairs, votes, court.vote, cells)
    others = np.bincount(votes.picture, minlength=writings.pictures)[pairs.picture] - own.votes
    temperature = 1 + np.maximum(others - 1, 0) * court.correlation
    score = (cells.score[place] - sum_by(own.row, own.weight, len(place))) / temperature[cell_pair]
    likelihood, unnamed = _scale(score, court.prior[cells.class_number[place]], cell_pair, len(pairs.spelling))
    return Witnesses(
        pair_spelling=pairs.spelling,
        pair_picture=pairs.picture,
        unnamed=unnamed,
        reliability=_weigh_writers(pairs, court, by_map),
        silent=_leave_out(pairs, silence),
        strange=_leave_out(pairs, strangers),
        writers=np.bincount(pairs.writer_pair, minlength=len(pairs.spelling)).astype(np.float64),
        cell_pair=cell_pair,
        cell_class=cells.class_number[place],
        likelihood=likelihood,
        cell_votes=(cells.votes[place] - np.bincount(own.row, minlength=len(place))).astype(np.float64),
        prior=court.prior,
        company=_measure_company(cells, silence.total, strangers.total, len(court.prior)),
        known=_measure_known(cells, silence.total),
    )


def _weigh_writers(pairs: _Pairs, court: Court, by_map: Court) -> Floats:
    """How likely each pair's best writer is right, by answers other than the pair's spelling."""
    counted = court.class_of[pairs.spelling] != UNDECIDED  # its writers' skill rests on itself, and says nothing about it …
    learned = counted & (by_map.class_of[pairs.spelling] == UNDECIDED)  # … but for what they are in words of the map
    told = np.bincount(by_map.votes.worker, minlength=len(by_map.skill))
    known = (told / (told + _HELD))[pairs.writer]
    skill = court.skill[pairs.writer]
    blend = known * by_map.skill[pairs.writer] + (1 - known) * np.maximum(skill, PRIOR_SKILL)
    best = np.zeros(len(pairs.spelling))
    np.maximum.at(best, pairs.writer_pair, np.where(learned[pairs.writer_pair], blend, skill))
    return np.clip(np.where(counted & ~learned, np.maximum(best, PRIOR_SKILL), best), *TRUST)


def _place_skill(weights: Evidence, people: int) -> Floats:
    """Everybody's skill; the prior's where nothing is known."""
    skill = np.full(people, PRIOR_SKILL)
    known = weights.votes.workers >= 0
    skill[weights.votes.workers[known]] = weights.skill[known]
    return skill


def _list_pairs(writings: Writings, asked: Bools) -> _Pairs:
    chosen = np.flatnonzero(asked[writings.spelling])
    spelling, picture = writings.spelling[chosen], writings.picture[chosen]
    new = is_new(spelling, picture)
    return _Pairs(spelling[new], picture[new], np.cumsum(new) - 1, writings.worker[chosen], writings.speaker[chosen])


def _list_cells(votes: KnownVotes, weight: Floats, classes: int, pictures: int) -> _Cells:
    cells, cell_of_vote = np.unique(votes.picture * classes + votes.class_number, return_inverse=True)
    score = sum_by(cell_of_vote, weight, len(cells))
    count = np.bincount(cell_of_vote, minlength=len(cells))
    width = np.bincount(cells // classes, minlength=pictures)
    if width.max(initial=0) > _MAX_CELLS:
        picture = cells // classes
        order = np.lexsort((cells, -np.round(score, 9), picture))
        rank = np.arange(len(cells)) - (np.cumsum(width) - width)[picture[order]]
        kept = np.zeros(len(cells), bool)
        kept[order[rank < _MAX_CELLS]] = True
        cell_of_vote = np.where(kept, np.cumsum(kept) - 1, -1)[cell_of_vote]
        cells, score, count, width = cells[kept], score[kept], count[kept], np.minimum(width, _MAX_CELLS)
    return _Cells(cells // classes, cells % classes, score, count, np.cumsum(width) - width, width, cell_of_vote)


def learn_mistakes(court: Court) -> Mistakes:
    """What the others say where one answer names a class."""
    cells, correlation, prior = court.cells, court.correlation, court.prior
    classes, pictures = len(prior), cells.picture
    own, place = spread_places(cells.first[pictures], cells.width[pictures])
    others = sum_by(pictures, cells.votes.astype(np.float64), len(cells.width))[pictures] - 1
    mean = cells.score / np.maximum(cells.votes, 1)
    score = cells.score[place] - np.where(own == place, mean[own], 0.0)
    score /= (1 + np.maximum(others - 1, 0) * correlation)[own]
    likelihood, _ = _scale(score, prior[cells.class_number[place]], own, len(pictures))
    shown = prior[cells.class_number[place]] * likelihood * np.where(others > 0, cells.votes, 0)[own]
    pair, row = np.unique(cells.class_number[own] * classes + cells.class_number[place], return_inverse=True)
    count = sum_by(row, shown, len(pair))
    is_right = pair // classes == pair % classes
    right = sum_by(pair[is_right] // classes, count[is_right], classes)
    wrong = sum_by(pair[~is_right] // classes, count[~is_right], classes)
    mean_right = (right.sum() + 9.0) / (right.sum() + wrong.sum() + 10.0)
    share = (right + _HELD * mean_right) / (right + wrong + _HELD)
    off = pair[~is_right] // classes
    return Mistakes(
        pair[~is_right],
        count[~is_right] / (wrong + _ANYWHERE)[off],
        _ANYWHERE / (wrong + _ANYWHERE),
        logit(share) - logit(mean_right),
    )


def _hush(writings: Writings, votes: KnownVotes, class_of: Indices, sense: Floats) -> _Silence:
    """Everybody whose answers about a picture no class is known of, each for the most that ``sense`` gives their spellings."""
    mute = class_of[writings.spelling] == UNDECIDED
    most = np.zeros(len(writings.speaker_picture))
    np.maximum.at(most, writings.speaker[mute], sense[writings.spelling[mute]])
    most[votes.speaker] = 0.0
    return _Silence(most, sum_by(writings.speaker_picture, most, writings.pictures))


def _leave_out(pairs: _Pairs, silence: _Silence) -> Floats:
    """How many are silent at each pair's picture, its own writers left out."""
    rest = silence.total[pairs.picture] - sum_by(pairs.writer_pair, silence.sense[pairs.speaker], len(pairs.spelling))
    return np.asarray(np.where(rest > _TINY, rest, 0.0), np.float64)


def _find_own(pairs: _Pairs, votes: KnownVotes, vote: Floats, cells: _Cells) -> _Own:
    said = np.bincount(votes.speaker, minlength=int(pairs.speaker.max(initial=-1)) + 1)
    row, at = spread_places((np.cumsum(said) - said)[pairs.speaker], said[pairs.speaker])
    owner, cell = pairs.writer_pair[row], cells.cell_of_vote[at]
    width = cells.width[pairs.picture]
    kept = cell >= 0
    place = (np.cumsum(width) - width)[owner[kept]] + cell[kept] - cells.first[pairs.picture[owner[kept]]]
    return _Own(place, vote[at[kept]], np.bincount(owner, minlength=len(pairs.spelling)))


def _scale(score: Floats, prior: Floats, cell_pair: Indices, pairs: int) -> tuple[Floats, Floats]:
    """(a cell's likelihood, a pair's likelihood of any other class): their mean by the priors is 1, and all may err together."""
    likelihood = np.exp(np.clip(score, -50, 50))
    rest = np.maximum(1 - sum_by(cell_pair, prior, pairs), _TINY)
    whole = sum_by(cell_pair, prior * likelihood, pairs) + rest
    return (1 - SHARED_ERROR) * likelihood / whole[cell_pair] + SHARED_ERROR, (1 - SHARED_ERROR) / whole + SHARED_ERROR


def _measure_company(cells: _Cells, silent: Floats, strange: Floats, classes: int) -> CompanyShares:
    others, beside = cells.votes - 1, silent[cells.picture]
    weight = np.where(others + beside > 0, cells.votes, 0.0) / np.maximum(others + beside, _TINY)
    shares = (weight * others, weight * beside, weight * strange[cells.picture])
    return CompanyShares(*(sum_by(cells.class_number, share, classes) for share in shares))


def _measure_known(cells: _Cells, silent: Floats) -> float:
    votes = sum_by(cells.picture, cells.votes.astype(np.float64), len(silent))
    asked = (votes > 0) & (votes - 1 + silent > 0)
    weight, others = votes[asked], votes[asked] - 1
    share = float((weight * others / (others + silent[asked])).sum())
    return min(max((share + 4.0) / (float(weight.sum()) + 5.0), 0.02), 0.98)


def spread_places(first: Indices, width: Indices) -> tuple[Indices, Indices]:
    """(row, place) for every place from ``first`` on, ``width`` of them a row."""
    row = np.repeat(np.arange(len(first)), width)
    return row, first[row] + np.arange(len(row)) - (np.cumsum(width) - width)[row]
