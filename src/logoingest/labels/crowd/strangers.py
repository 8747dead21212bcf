"""Whether a spelling is another class, which the map lacks and which is mistaken for one it has; or a word written by mistake.

**Strangers.** On pictures of a class, its names stand beside each other as often as beside themselves: that is the Hardy-Weinberg
test of population genetics, for names. A stranger's pictures are its own: others there write it too, or something unknown, and
the class's names now and then. Only answers that the map itself decides are names here: two spellings of one stranger must not
vouch for each other. Strangers keep company: where those who write something unknown there write a class that the map lacks more
often than they do beside the class's names, this is another name of theirs. And a name is seldom written far more often than all declared ones of its class together.

**Mistakes.** A rare class that is mistaken for a common one has its name on the common one's pictures more often than on its own.
Its writers tell: they call the common class otherwise nearly always.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import betaln, logsumexp

from logoingest.consensus.votes import Floats, Indices, sum_by
from logoingest.labels.crowd.witnesses import CompanyShares, Court, Witnesses
from logoingest.labels.crowd.writings import Bools

#: A name of c stands among names of c this often, relative to how often they do among each other; a stranger's does that often.
_ALIKE = (10.0, 1.0)
_STRANGE = (1.5, 3.0)
_GRID = (np.arange(24) + 0.5) / 24
#: How strongly a name is held towards standing beside itself as often as beside the class's other names.
_MIXED = 10.0
#: Strength of the usual company of all classes against a class's own.
_USUAL = 5.0
#: How many of the unknown answers beside a stranger are strangers too.
_KINSHIP = (1.5, 1.0)
#: Written for a class by mistake, of all that its writers call the class; written as a name; and how many of the former for one
#: of the latter.
_MISTAKEN = (1.0, 12.0)
_CUSTOM = (1.0, 1.0)
_MISTAKEN_ODDS = 0.003
_TINY = 1e-9


class _Beside(NamedTuple):
    """An entry's pictures where anybody says what is looked at here: how many in all, and in shares of who is there."""

    asked: Floats
    with_class: Floats
    with_same: Floats
    crossing: Floats
    """Seen from the class: shares of the spelling's writers beside its names."""
    silent: Floats
    strange: Floats


def weigh_strangeness(court: Witnesses, spelling: Indices, class_number: Indices, class_of: Indices, written: Indices) -> Floats:
    """Log ratio, an entry (spelling, class): how much better a stranger explains what stands beside it than a name does.

    Args:
        court: the witnesses by the map's own decisions.
        spelling: the entries' spellings.
        class_number: the entries' classes.
        class_of: the class of each spelling by the map, or ``UNDECIDED``.
        written: how often each spelling was written.
    """
    classes = len(court.prior)
    beside = _look_beside(court, spelling, class_number, len(class_of))
    of_class = np.bincount(np.maximum(class_of, 0), np.where(class_of >= 0, written, 0), classes)[class_number]
    usual = _measure_usual(court.company)[class_number]
    rest = beside.asked - beside.with_class - beside.with_same
    distance = _weigh_distance(beside.asked, beside.with_class, usual)
    closure = _weigh_closure(beside, rest, court.company.silent[class_number])
    share = written[spelling] / np.maximum(written[spelling] + of_class, 1)
    size = np.log(3) + 2 * np.log(np.maximum(1 - share, 1e-6))  # beta (1, 3)
    return np.asarray(distance + closure + _weigh_kinship(beside, court.company, class_number) - size, np.float64)


def weigh_foreignness(court: Witnesses, spellings: int) -> Floats:
    """Log ratio, a spelling: how much better the pictures of a class that the map lacks explain that few others name any class."""
    unknown = court.silent + court.writers - 1
    known = sum_by(court.cell_pair, court.cell_votes, len(unknown))
    there = known + unknown > 0
    share = np.where(there, known / np.maximum(known + unknown, _TINY), 0.0)
    asked = sum_by(court.pair_spelling, there.astype(np.float64), spellings)
    return _weigh_distance(asked, sum_by(court.pair_spelling, share, spellings), np.full(spellings, court.known))


def _look_beside(court: Witnesses, spelling: Indices, class_number: Indices, spellings: int) -> _Beside:
    classes = len(court.prior)
    beside = court.silent + court.writers - 1  # people there who write the same, or nothing known
    known = court.cell_votes + beside[court.cell_pair]
    share = court.cell_votes / np.maximum(known, _TINY)
    unknown, strange = (part / np.maximum(court.silent + court.writers - 1, 1.0) for part in (court.silent, court.strange))
    same = (court.writers - 1) / np.maximum(beside, _TINY)
    cells, cell = np.unique(court.pair_spelling[court.cell_pair] * classes + court.cell_class, return_inverse=True)
    wanted = spelling * classes + class_number
    place = np.minimum(np.searchsorted(cells, wanted), max(len(cells) - 1, 0))
    found = cells[place] == wanted if len(cells) else np.zeros(len(wanted), bool)

    def gather(values: Floats) -> Floats:
        """A cell's value, summed over each entry's pictures."""
        summed = sum_by(cell, values, max(len(cells), 1))
        return np.asarray(np.where(found, summed[place], 0.0), np.float64)

    alone = gather(((beside[court.cell_pair] == 0) & (court.cell_votes > 0)).astype(np.float64))
    return _Beside(
        asked=sum_by(court.pair_spelling, (beside > 0).astype(np.float64), spellings)[spelling] + alone,
        with_class=gather(share),
        with_same=sum_by(court.pair_spelling, same, spellings)[spelling] - gather(share * same[court.cell_pair]),
        crossing=gather(share * court.writers[court.cell_pair]),
        silent=sum_by(court.pair_spelling, unknown, spellings)[spelling],
        strange=sum_by(court.pair_spelling, strange, spellings)[spelling],
    )


def _measure_usual(company: CompanyShares) -> Floats:
    """How often, where one answer names a class, another one does, of those that name it or say nothing known."""
    named, silent = company.named, company.silent
    mean = (named.sum() + 4.0) / (named.sum() + silent.sum() + 5.0)
    return np.asarray(np.clip((named + _USUAL * mean) / (named + silent + _USUAL), 0.02, 0.98), np.float64)


def _weigh_kinship(beside: _Beside, company: CompanyShares, class_number: Indices) -> Floats:
    """Whether the unknown answers beside it are strangers more often than those beside the class's names are."""
    if not company.strange.any():
        return np.zeros(len(class_number))
    mean = (company.strange.sum() + 0.1) / (company.silent.sum() + 1.0)
    usual = np.clip((company.strange + _USUAL * mean) / (company.silent + _USUAL), 0.01, 0.9)[class_number]
    high, low, rest = _MIXED * usual, _MIXED * (1 - usual), beside.silent - beside.strange
    kin = betaln(_KINSHIP[0] + beside.strange, _KINSHIP[1] + rest) - betaln(*_KINSHIP)
    return np.asarray(kin - betaln(high + beside.strange, low + rest) + betaln(high, low), np.float64)


def _weigh_distance(asked: Floats, with_class: Floats, usual: Floats) -> Floats:
    """Whether the class's names stand beside it as often as beside each other."""
    rates = usual[:, None] * _GRID
    fit = with_class[:, None] * np.log(rates) + (asked - with_class)[:, None] * np.log(1 - rates)
    return np.asarray(logsumexp(fit + _draw(_STRANGE), axis=1) - logsumexp(fit + _draw(_ALIKE), axis=1), np.float64)


def _draw(shape: tuple[float, float]) -> Floats:
    """Log weights of the grid under a beta distribution."""
    log = (shape[0] - 1) * np.log(_GRID) + (shape[1] - 1) * np.log(1 - _GRID) - betaln(*shape)
    return np.asarray(log - logsumexp(log), np.float64)


def _weigh_closure(beside: _Beside, rest: Floats, silent: Floats) -> Floats:
    """Whether it stands beside itself more often than a name of the class would."""
    expected = np.clip((beside.crossing + 0.5) / (silent + 1), 0.01, 0.9)
    high, low = _MIXED * expected, _MIXED * (1 - expected)
    closed = betaln(1 + beside.with_same, 1 + rest)
    return np.asarray(closed - betaln(high + beside.with_same, low + rest) + betaln(high, low), np.float64)


def weigh_mistakes(court: Court, class_number: Indices, settled: Indices, asked: Bools) -> Floats:
    """How many times as probable a spelling is written for its class by mistake as it is a name of it; 0 of those not asked about.

    Args:
        court: who wrote what, and the class of each spelling as far as it is known.
        class_number: the class that each spelling seems to name, or ``UNDECIDED``.
        settled: how many of its pictures others settled so.
        asked: which spellings to ask about.
    """
    writings, said, believed, size = court.writings, court.votes, court.class_of, len(court.class_of)
    classes = int(max(believed.max(initial=0), class_number.max(initial=0))) + 1
    naming, times = np.unique(said.worker * classes + said.class_number, return_counts=True)
    chosen = asked[writings.spelling]
    pairs, own = np.unique(writings.worker[chosen] * size + writings.spelling[chosen], return_counts=True)
    worker, spelling = pairs // size, pairs % size
    wanted = worker * classes + class_number[spelling]
    found = np.zeros(len(pairs), np.intp)
    if len(naming):
        place = np.minimum(np.searchsorted(naming, wanted), len(naming) - 1)
        found = np.where(naming[place] == wanted, times[place], 0)
    is_counted = believed[spelling] == class_number[spelling]  # its own writings are among the votes already
    other = sum_by(spelling, np.maximum(found - np.where(is_counted, own, 0), 0).astype(np.float64), size)
    fits = [betaln(shape[0] + settled, shape[1] + other) - betaln(*shape) for shape in (_MISTAKEN, _CUSTOM)]
    odds = _MISTAKEN_ODDS * np.exp(np.clip(fits[0] - fits[1], -50, 50))
    return np.asarray(np.where(asked, odds, 0.0), np.float64)
