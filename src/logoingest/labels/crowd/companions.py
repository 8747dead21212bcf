"""Which spellings and classes stand beside which on the same pictures, of all that the map decides; and whether that is as one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.special import logsumexp

from logoingest.consensus.votes import Floats, Indices, squash, sum_by
from logoingest.labels.crowd.writings import UNDECIDED, CrowdVotes, Writings, count_people, list_writings

#: A picture with more answers shows little of each, and is left out.
_MAX_PER_PICTURE = 200
#: Mixed pairs from which two classes are compared at all.
_MIN_MIXED = 3.0
#: How well people tell two classes apart: not at all, or at least so (0: mixed as if one; 1: never mixed).
_AS_ONE = (np.arange(8) + 0.5) / 8 * 0.12
_APART = 0.3 + (np.arange(24) + 0.5) / 24 * 0.7
#: How often, of two classes that stand beside each other, they are one; of a class, that it is two.
_PRIOR = 0.002
_SPELLINGS_PER_CLASS = 40
_MIN_TOGETHER = 2.0
#: Of what it would be if two parts were one: less, and they stay apart.
_TOGETHER = 1 / 3
_BOTH = 0.3
#: Answers for which a person counts as everybody does.
_HELD = 3.0
_SURE = 0.95
_PAIRS_AT_ONCE = 50_000


@dataclass(frozen=True, eq=False)
class Companions:
    """Answers that the map decides, on pictures that several people spoke of; pairs of people count 1 / (people - 1) each, times what they are worth."""

    writings: Writings
    classes: int
    weight: Floats
    """Of each picture."""
    by_spelling: sparse.csr_array
    """(picture, spelling): people."""
    by_class: sparse.csr_array
    """(picture, class): people."""
    alone_by_spelling: Floats
    """Of each spelling: its people beside themselves."""
    alone_by_class: Floats
    """Of each class: the same."""
    pictures: Indices
    """Of each spelling."""
    writers: Indices
    """Of each spelling."""

    @cached_property
    def spelling_class(self) -> sparse.csr_array:
        """(spelling, class): people beside a spelling's who name the class; themselves counted."""
        return sparse.csr_array(self.by_spelling.T @ self._scale(self.by_class))

    @cached_property
    def class_class(self) -> sparse.csr_array:
        """(class, class): the same for classes, themselves not counted."""
        return sparse.csr_array(self.by_class.T @ self._scale(self.by_class) - sparse.diags_array(self.alone_by_class))

    @cached_property
    def own(self) -> Floats:
        """Of each spelling: people beside who write the same, themselves counted."""
        scaled = self._scale(self.by_spelling)
        return np.asarray(scaled.multiply(self.by_spelling).sum(axis=0)).ravel()

    def is_mixed(self, spelling: int, rival: int, least: float) -> bool:
        """A spelling stands beside a class at least so often, relative to what it would if it were a name of it."""
        mixed = float(self.spelling_class[spelling, rival])
        alone = float(self.own[spelling] - self.alone_by_spelling[spelling])
        together = float(self.class_class[rival, rival])
        share = (mixed + alone) / (2 * mixed + alone + together)
        return mixed >= least * 2 * share * (1 - share) * (2 * mixed + alone + together) / 2

    def measure_share(self, class_number: int, rival: int, spelling: int) -> float:
        """The rival's share of the people beside a class's spellings other than one."""
        there = float(self.class_class[class_number, rival]) - float(self.spelling_class[spelling, rival])
        total = float(self._class_total[class_number]) - float(self._spelling_total[spelling])
        return there / total if total > 0 else 1.0

    @cached_property
    def _class_total(self) -> Floats:
        return np.asarray(self.class_class.sum(axis=1)).ravel()

    @cached_property
    def _spelling_total(self) -> Floats:
        return np.asarray(np.asarray(self.spelling_class.sum(axis=1)).ravel() - self.alone_by_spelling)

    def count_mixed(self, one: int, other: int) -> int:
        """Pictures that both classes were said of."""
        first, second = self.by_class[:, [one]], self.by_class[:, [other]]
        return int(first.multiply(second).nnz)

    def count_reach(self, spellings: Indices) -> tuple[list[int], int]:
        """(pictures that the spellings were written of, how many people wrote them)."""
        chosen = np.isin(self.writings.spelling, spellings)
        people = np.unique(np.minimum(self.writings.worker[chosen], self.writings.named))
        return np.unique(self.writings.picture[chosen]).tolist(), len(people)

    def _scale(self, counts: sparse.csr_array) -> sparse.csr_array:
        return sparse.csr_array(sparse.diags_array(self.weight) @ counts)


def list_companions(votes: CrowdVotes, class_of: Indices) -> Companions | None:
    """Who stands beside whom; None where no picture has two answers that the map decides.

    People count for as much as the others agree with them, relative to what is usual: one who answers without looking stands beside
    everything.
    """
    writings = list_writings(votes)
    writers, pictures = count_people(writings, votes.spellings)
    class_number = class_of[writings.spelling]
    known = np.flatnonzero(class_number != UNDECIDED)
    picture, spelling, person = writings.picture[known], writings.spelling[known], writings.worker[known]
    class_number = class_number[known]
    people = np.bincount(picture, minlength=writings.pictures)
    weight = np.where((people > 1) & (people <= _MAX_PER_PICTURE), 1 / np.maximum(people - 1, 1), 0.0)
    if not weight.any():
        return None

    def count(column: Indices, columns: int, worth: Floats) -> sparse.csr_array:
        return sparse.csr_array((worth, (picture, column)), shape=(writings.pictures, columns))

    even = np.ones(len(known))
    agreed = (np.asarray(count(class_number, votes.classes, even)[picture, class_number]).ravel() - 1) * weight[picture]
    given = np.bincount(person, (weight[picture] > 0).astype(np.float64), writings.people)
    agreement = (np.bincount(person, agreed, writings.people) + _HELD * agreed.mean()) / (given + _HELD)
    usual = max(float(np.quantile(agreement[person], 0.75)), 1e-9)
    worth = np.minimum(agreement[person] / usual, 1.0) ** 2
    return Companions(
        writings=writings,
        classes=votes.classes,
        weight=weight,
        by_spelling=count(spelling, votes.spellings, worth),
        by_class=count(class_number, votes.classes, worth),
        alone_by_spelling=sum_by(spelling, worth**2 * weight[picture], votes.spellings),
        alone_by_class=sum_by(class_number, worth**2 * weight[picture], votes.classes),
        pictures=pictures,
        writers=writers,
    )


def measure_excess(company: Companions) -> Iterator[tuple[int, int, float]]:
    """(rarer class, commoner class, probability that they are one) of classes that stand beside each other; not of "no label"."""
    pairs = sparse.coo_array(sparse.triu(company.class_class, k=1))
    asked = (pairs.data >= _MIN_MIXED) & (pairs.col != company.classes - 1)
    one, other, mixed = pairs.row[asked], pairs.col[asked], pairs.data[asked]
    same = company.class_class.diagonal()
    is_swapped = same[one] > same[other]
    rare, common = np.where(is_swapped, other, one), np.where(is_swapped, one, other)
    share = _make_probability(weigh_oneness(mixed, same[rare] / 2, same[common] / 2))
    yield from zip(rare.tolist(), common.tolist(), share.tolist(), strict=True)


def weigh_oneness(mixed: Floats, first: Floats, second: Floats) -> Floats:
    """Log odds that two names are one, from the pairs of people who wrote both, the first twice, or the second twice."""
    odds = np.zeros(len(mixed))
    for start in range(0, len(mixed), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        odds[part] = _fit_mixture(mixed[part], first[part], second[part])
    return odds


def _fit_mixture(mixed: Floats, first: Floats, second: Floats) -> Floats:
    total = mixed + first + second
    share = (mixed / 2 + first) / np.maximum(total, 1e-9)
    as_one = 2 * share * (1 - share)

    def fit(grid: Floats) -> Floats:
        rate = np.clip(as_one[:, None] * (1 - grid), 1e-9, 1 - 1e-9)
        seen = mixed[:, None] * np.log(rate) + (total - mixed)[:, None] * np.log(1 - rate)
        return np.asarray(logsumexp(seen, axis=1) - np.log(len(grid)), np.float64)

    return fit(_AS_ONE) - fit(_APART)


def _make_probability(odds: Floats) -> Floats:
    """From log odds of what is rarely so."""
    return squash(np.clip(odds + np.log(_PRIOR / (1 - _PRIOR)), -50, 50))


def split_by_companions(company: Companions, class_of: Indices) -> Iterator[tuple[Indices, Indices, float]]:
    """(spellings of the smaller part, of the larger, probability) of classes whose spellings do not stand beside each other.

    Parts are joined as long as two of them stand beside each other; people who write both must be there, so that two languages, whose
    speakers saw other pictures, are no parts.
    """
    scaled = sparse.csc_array(sparse.diags_array(np.sqrt(company.weight)) @ company.by_spelling)
    for class_number in np.unique(class_of[class_of != UNDECIDED]):
        if class_number == company.classes - 1:
            continue
        places = np.flatnonzero(class_of == class_number)
        places = places[np.lexsort((places, -company.pictures[places]))][:_SPELLINGS_PER_CLASS]
        if len(places) < 2:
            continue
        pairs = _count_together(scaled[:, places]) - np.diag(company.alone_by_spelling[places])
        parts = _join_parts(pairs)
        if len(parts) < 2:
            continue
        first, second = parts[0], parts[1]
        mixed = float(pairs[np.ix_(first, second)].sum())
        inner = [float(pairs[np.ix_(part, part)].sum()) / 2 for part in (first, second)]
        share = float(_make_probability(-weigh_oneness(*(np.array([count]) for count in (mixed, *inner))))[0])
        if share >= _SURE and _write_both(company, places[first], places[second]):
            yield places[second], places[first], share


def _count_together(columns: sparse.csc_array) -> Floats:
    """How often each two of a few columns stand beside each other; rows that none of them has take no room."""
    rows, row = np.unique(columns.indices, return_inverse=True)
    told = sparse.csc_array((columns.data, row, columns.indptr), shape=(len(rows), columns.shape[1]))
    return np.asarray((told.T @ told).toarray(), np.float64)


def _join_parts(pairs: Floats) -> list[Indices]:
    """Spellings that stand beside each other about as often as names of one thing, the largest part first."""
    parts = [[place] for place in range(len(pairs))]
    between = pairs.copy()
    while len(parts) > 1:
        ends = between.sum(axis=1)
        ratio = between * max(float(ends.sum()), 1e-9) / np.maximum(np.outer(ends, ends), 1e-9)
        ratio[(between < _MIN_TOGETHER) | np.eye(len(parts), dtype=bool)] = 0.0
        one, other = sorted(np.unravel_index(int(ratio.argmax()), ratio.shape))
        if ratio[one, other] < _TOGETHER:
            break
        between[one] += between[other]
        between[:, one] += between[:, other]
        between = np.delete(np.delete(between, other, axis=0), other, axis=1)
        parts[one] += parts.pop(other)
    ordered = sorted(parts, key=lambda part: (-float(pairs[part].sum()), part))
    return [np.array(part, np.intp) for part in ordered]


def _write_both(company: Companions, first: Indices, second: Indices) -> bool:
    """Enough of the people who write one part write the other, too."""
    spelling, worker = company.writings.spelling, np.minimum(company.writings.worker, company.writings.named)
    one, other = np.unique(worker[np.isin(spelling, first)]), np.unique(worker[np.isin(spelling, second)])
    both = np.intersect1d(one, other)
    return len(both) >= 2 and len(both) >= _BOTH * min(len(one), len(other))
