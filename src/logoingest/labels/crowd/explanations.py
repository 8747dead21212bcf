"""How well each explanation of a spelling fits where it stands, as log likelihoods; they are told in ``meanings``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from logoingest.consensus.votes import Floats, Indices, logit, squash, sum_by
from logoingest.labels.crowd.witnesses import TRUST, Mistakes, Witnesses, spread_places
from logoingest.labels.crowd.writings import UNDECIDED, Bools

#: Concentration of a spelling that goes with several classes.
_SEVERAL = 4.0
#: How often a spelling names its class that goes with it only partly, relative to a name.
_PARTLY = 0.25
#: From this probability on a picture counts as settled by the others.
_SETTLED = 0.5
#: What others settled this share of a spelling's pictures as, is asked with the mistakes of its class.
_THINKABLE = 0.2
_STEPS = 2
_TINY = 1e-12


class Shown(NamedTuple):
    """Pictures of the spellings, sorted by spelling and picture; only of those that were judged."""

    spelling: Indices
    picture: Indices
    class_number: Indices
    """What the others settled it as, or ``UNDECIDED``."""


class Explanations(NamedTuple):
    """Log likelihoods, relative to saying nothing: a row a spelling, and a row an *entry* (spelling, class named beside it)."""

    entry_spelling: Indices
    entry_class: Indices
    entry_names: Floats
    """Of naming the class."""
    entry_partly: Floats
    """Of naming it now and then, and of being written anywhere else."""
    entry_settled: Indices
    """Pictures that the others settled so."""
    elsewhere: Floats
    """Of naming any class that nobody named beside it."""
    several: Floats
    """Of going with classes in shares of its own."""
    witnessed: Indices
    """Pictures that the others settled as any class."""
    shown: Shown


def weigh_explanations(court: Witnesses, mistakes: Mistakes, learned: Bools, classes: int) -> Explanations:
    """How well each explanation fits, but for that of a stranger (``strangers``).

    ``mistakes`` are those of the map's own words, and are looked at for ``learned`` spellings.
    """
    spellings = len(learned)
    entries, entry = np.unique(court.pair_spelling[court.cell_pair] * classes + court.cell_class, return_inverse=True)
    entry_spelling, entry_class = entries // classes, entries % classes
    names, elsewhere = _weigh_names(court, court.reliability, entry, entry_spelling, spellings)
    partly, _ = _weigh_names(court, _PARTLY * court.reliability, entry, entry_spelling, spellings)
    settled = (court.prior[court.cell_class] * court.likelihood > _SETTLED) & (court.cell_votes > 0)
    settled_as = np.full(len(court.pair_spelling), UNDECIDED)
    settled_as[court.cell_pair[settled]] = court.cell_class[settled]
    entry_settled = np.bincount(entry[settled], minlength=len(entries))
    witnessed = np.bincount(court.pair_spelling[settled_as != UNDECIDED], minlength=spellings)
    asked = np.flatnonzero((entry_settled >= np.maximum(_THINKABLE * witnessed[entry_spelling], 1)) & learned[entry_spelling])
    mistaken = _weigh_mistaken(court, mistakes, entry_spelling[asked], entry_class[asked], spellings)
    names[asked] = np.logaddexp(names[asked], mistaken) - np.log(2)  # mistaken about anything, or as the class's other names are
    return Explanations(
        entry_spelling=entry_spelling,
        entry_class=entry_class,
        entry_names=names,
        entry_partly=partly,
        entry_settled=entry_settled,
        elsewhere=elsewhere,
        several=_weigh_several(court, entry, entry_spelling, entry_class, spellings),
        witnessed=witnessed,
        shown=Shown(court.pair_spelling, court.pair_picture, settled_as),
    )


def _weigh_names(court: Witnesses, trust: Floats, entry: Indices, entry_spelling: Indices, spellings: int) -> tuple[Floats, Floats]:
    """(of naming an entry's class, of naming one that nobody else named), where writers mean it as often as ``trust``."""
    absent = np.log(trust * court.unnamed + 1 - trust)
    elsewhere = sum_by(court.pair_spelling, absent, spellings)
    there = trust[court.cell_pair]
    gain = np.log(there * court.likelihood + 1 - there) - absent[court.cell_pair]
    return elsewhere[entry_spelling] + sum_by(entry, gain, len(entry_spelling)), elsewhere


def _weigh_mistaken(court: Witnesses, mistakes: Mistakes, spelling: Indices, class_number: Indices, spellings: int) -> Floats:
    """Of naming an entry's class, where its writers are mistaken as those of the class's names are: as often, and about what."""
    pairs = np.bincount(court.pair_spelling, minlength=spellings)
    owner, pair = spread_places((np.cumsum(pairs) - pairs)[spelling], pairs[spelling])
    width = np.bincount(court.cell_pair, minlength=len(court.pair_spelling))
    row, cell = spread_places((np.cumsum(width) - width)[pair], width[pair])
    named, gain = class_number[owner], court.likelihood[cell] - court.unnamed[pair][row]
    share = mistakes.find(named[row], court.cell_class[cell])
    likely = court.unnamed[pair] + sum_by(row, np.where(court.cell_class[cell] == named[row], gain, 0.0), len(pair))
    seen = (1 - mistakes.rest[named]) * court.unnamed[pair] + mistakes.rest[named] + sum_by(row, share * gain, len(pair))
    trust = np.clip(squash(logit(court.reliability[pair]) + mistakes.doubt[named]), *TRUST)
    return sum_by(owner, np.log(trust * likely + (1 - trust) * seen), len(spelling))


def _weigh_several(court: Witnesses, entry: Indices, entry_spelling: Indices, entry_class: Indices, spellings: int) -> Floats:
    """A variational bound on the Dirichlet-multinomial, after some steps towards the spelling's own shares."""
    pairs = sum_by(court.pair_spelling, np.ones(len(court.pair_spelling)), spellings)
    prior = court.prior[entry_class]
    beyond = np.maximum(1 - sum_by(entry_spelling, prior, spellings), 1e-9)

    def place(share: Floats, rest: Floats) -> tuple[Floats, Floats]:
        cell = share[entry] * court.likelihood
        other = np.maximum(rest[court.pair_spelling] * court.unnamed, _TINY)
        whole = sum_by(court.cell_pair, cell, len(other)) + other
        return cell / whole[court.cell_pair], other / whole

    cell, other = place(prior, beyond)
    for _ in range(_STEPS):
        kept, rest = sum_by(entry, cell, len(prior)), sum_by(court.pair_spelling, other, spellings)
        share = (kept + _SEVERAL * prior) / (pairs + _SEVERAL)[entry_spelling]
        cell, other = place(share, (rest + _SEVERAL * beyond) / (pairs + _SEVERAL))
    kept, rest = sum_by(entry, cell, len(prior)), sum_by(court.pair_spelling, other, spellings)
    fit = cell * (np.log(court.likelihood) - np.log(np.maximum(cell, _TINY)))
    explained = sum_by(court.pair_spelling[court.cell_pair], fit, spellings)
    explained += sum_by(court.pair_spelling, other * (np.log(court.unnamed) - np.log(np.maximum(other, _TINY))), spellings)
    urn = gammaln(_SEVERAL) - gammaln(_SEVERAL + pairs) + gammaln(_SEVERAL * beyond + rest) - gammaln(_SEVERAL * beyond)
    urn += sum_by(entry_spelling, gammaln(_SEVERAL * prior + kept) - gammaln(_SEVERAL * prior), spellings)
    return np.asarray(explained + urn, np.float64)
