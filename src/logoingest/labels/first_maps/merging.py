"""Spellings that are one class, as pictures and letters tell together.

If two spellings name one class, it does not matter which of the two somebody wrote: the others on their pictures say the second as
often in both cases, and the first, too (the Hardy-Weinberg test of population genetics, for names). Two classes that are merely
confused have pictures of their own, on which the others agree with each. How surely, is a likelihood ratio against a class that is
confused with the other nearly half of the time, and against a word that is said of any picture. Letters come second: where they
speak for it, less is asked of the pictures.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from logoingest.labels.first_maps.shared_pictures import Company, Floats, Indices, Sayings, measure_company
from logoingest.labels.first_maps.spellings import SpellingGroup
from logoingest.labels.matching.whole_words import find_meant_word
from logoingest.labels.text.fold import fold
from logoingest.labels.text.romanisation import find_script, romanise
from logoingest.labels.text.sounds import make_skeleton, sound_out

_ROUNDS = 10
_SURE = math.log(30)
"""Natural logarithm of the odds for one class from which no letters are asked."""
_CONFUSED, _APART = 0.3, 0.4
"""How often the others, on pictures of a class that is confused with another, say the other, and say it, in shares of how often they
agree on the other's pictures."""
_MIN_OWN = 1.5
_MIN_LIFT = 3.0
"""What the others agree with so many times as often as by chance is a class."""
_MIN_PICTURES = 2
_MIN_WRITERS = 2
_LETTERS = 0.6
"""Similarity of two spellings, in Latin letters, that speaks for one class."""
_LETTERS_IN_ONE_SCRIPT = 0.75
_MIN_SKELETON = 4
_TOP = 0.97
_COMMON = 2
"""More common spellings that hold another one's words, from which on letters do not say which of them it is."""


class Joined(NamedTuple):
    """Which spellings are one class."""

    owner: Indices
    """A spelling's class, by the number of its most frequent spelling."""
    company: Company
    """That of the classes, by the same numbers."""


class _Offer(NamedTuple):
    """A class that may be another one."""

    odds: float
    small: int
    large: int


def join_spellings(groups: Sequence[SpellingGroup], sayings: Sayings, *, across_scripts_only: bool = False) -> Joined:
    """Join what is one class, the surest first, until nothing is left to join.

    Args:
        groups: spellings, most common first; their places are the numbers in ``sayings``.
        sayings: who said what of which picture.
        across_scripts_only: keep apart what is written in one script, whatever the pictures say.
    """
    owner = np.arange(len(groups))
    company = measure_company(sayings, owner)
    for _ in range(_ROUNDS if company.is_telling else 0):
        offers = [one for one in _list_offers(company, groups) if not across_scripts_only or _differ_in_script(one, groups)]
        moved: dict[int, int] = {}
        targets: set[int] = set()
        for offer in sorted(offers, key=lambda one: (-round(one.odds, 9), one.large, one.small)):
            if offer.small not in moved and offer.large not in moved and offer.small not in targets:
                moved[offer.small] = offer.large
                targets.add(offer.large)
        if not moved:
            break
        owner = np.array([moved.get(int(one), int(one)) for one in owner], np.int64)
        company = measure_company(sayings, owner)
    return Joined(owner, company)


def _list_offers(company: Company, groups: Sequence[SpellingGroup]) -> list[_Offer]:
    """Every pair that the pictures, or pictures and letters, find to be one class."""
    pairs = company.shared.tocoo()
    small, large, shared = pairs.row.astype(np.int64), pairs.col.astype(np.int64), pairs.data
    answers, own = company.answers, company.own
    pairs_of_own = own / 2  # a pair of its writers is met from either side
    forward = (small != large) & ((answers[small] < answers[large]) | ((answers[small] == answers[large]) & (small > large)))
    small, large, shared = small[forward], large[forward], shared[forward]
    known = _count_known(company)
    agreed = np.clip(own[large] / np.maximum(known[large], 1e-9), 0.01, _TOP)
    rest = np.maximum(known[small] - shared - own[small], 0.0)
    part = answers[small] / (answers[small] + answers[large])
    chance = np.minimum(2 * company.base[large], _TOP * agreed)
    against_other = rest * np.log((1 - agreed) / (1 - (_CONFUSED + _APART) * agreed))
    other = shared * np.log((1 - part) / _CONFUSED) + pairs_of_own[small] * np.log(part / _APART) + against_other
    any_picture = shared * np.log(agreed * (1 - part) / chance) + rest * np.log((1 - agreed) / (1 - chance))
    odds = np.minimum(other, any_picture)
    unspecific = _find_unspecific(groups)
    met = np.asarray(company.pictures[small, large]).ravel() if len(small) else np.zeros(0)
    fits = (pairs_of_own[small] <= shared) & (odds > 0)
    is_sure = (met >= _MIN_PICTURES) & (company.writers[small] >= _MIN_WRITERS) & (odds >= _SURE)
    return [
        _Offer(float(odds[place]), int(small[place]), int(large[place]))
        for place in np.flatnonzero(fits)
        if is_sure[place] or (small[place] not in unspecific and are_alike(groups[small[place]], groups[large[place]]))
    ]


def _count_known(company: Company) -> Floats:
    """Of each one's answers, how many the others meet with what is surely a class, or with the same; the rest is noise, spam, and
    spellings too rare to tell, which speak for nothing.
    """
    is_class = (company.own >= _MIN_OWN) & (company.own >= _MIN_LIFT * company.base * company.answers)
    return np.asarray(company.shared @ is_class.astype(np.float64), np.float64) + np.where(is_class, 0.0, company.own)


def are_alike(one: SpellingGroup, other: SpellingGroup) -> bool:
    """Letters speak for one class: near in Latin letters or in how they sound, the one inside the other, or its initials; not where one
    has another word that people know ("beetle eggs", "beetle larva").
    """
    first, second = _read(one.name), _read(other.name)
    short, long = sorted((first, second), key=lambda reading: len(reading.latin))
    if not short.latin or (len(short.words) > 1 and _has_other_word(short.words, long.words)):
        return False
    if any(
        OSA.normalized_similarity(ours, theirs) >= _LETTERS
        for ours in (first.latin, first.romanised)
        for theirs in (second.latin, second.romanised)
    ):
        return True
    if len(first.skeleton) >= _MIN_SKELETON and first.skeleton == second.skeleton:
        return True
    return set(short.words) <= set(long.words) or short.latin == "".join(word[0] for word in long.words)


def _find_unspecific(groups: Sequence[SpellingGroup]) -> frozenset[int]:
    """The places of spellings whose words stand in several more common ones: "spades", where there are kings, queens and aces of them."""
    words = [frozenset(_read(group.name).words) for group in groups]
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for place, held in enumerate(words):
        for word in held:
            holders[word].append(place)
    return frozenset(
        place
        for place, held in enumerate(words)
        if held
        and sum(
            len(words[at]) > len(held) and groups[at].count > groups[place].count
            for at in set.intersection(*(set(holders[w]) for w in held))
        )
        >= _COMMON
    )


def _has_other_word(one: Sequence[str], other: Sequence[str]) -> bool:
    return len(one) == len(other) and find_meant_word(one, other) is not None


def find_likeness(names: Sequence[str], others: Sequence[str], *, in_one_script: bool) -> list[int | None]:
    """For each name the place of the first of the others that is near in how it reads in Latin letters, or None; in one script, where
    another word is often near, nearer.
    """
    if not others:
        return [None] * len(names)
    least = _LETTERS_IN_ONE_SCRIPT if in_one_script else _LETTERS
    skeletons: dict[str, int] = {}
    for place, other in enumerate(others):
        skeletons.setdefault(_read(other).skeleton, place)
    romanised = [_read(other).romanised for other in others]
    found: list[int | None] = []
    for name in names:
        reading = _read(name)
        near = process.extractOne(reading.romanised, romanised, scorer=OSA.normalized_similarity, score_cutoff=least)
        same = skeletons.get(reading.skeleton) if len(reading.skeleton) >= _MIN_SKELETON and not in_one_script else None
        found.append(near[2] if near is not None else same)
    return found


class _Reading(NamedTuple):
    """How a spelling reads in Latin letters."""

    latin: str
    words: Sequence[str]
    romanised: str
    skeleton: str
    """Its consonants, roughly."""


@lru_cache(maxsize=1 << 16)
def _read(name: str) -> _Reading:
    folded = fold(name)
    romanised = romanise(folded.text)
    return _Reading(
        folded.joined, folded.ascii.split(), romanised.replace(" ", ""), make_skeleton(sound_out(romanised)).replace(" ", "")
    )


def _differ_in_script(offer: _Offer, groups: Sequence[SpellingGroup]) -> bool:
    scripts = [{find_script(char) for char in groups[one].name} - {""} for one in (offer.small, offer.large)]
    return scripts[0].isdisjoint(scripts[1])
