"""Which spellings are classes, and which belong together: by pictures where several people spoke of them, else by letters alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from logoingest.labels.first_maps.draft_text import DraftClass
from logoingest.labels.first_maps.merging import Joined, find_likeness, join_spellings
from logoingest.labels.first_maps.shared_pictures import Bools, Company, Floats, Sayings
from logoingest.labels.first_maps.slips import find_slips, hint_at_others
from logoingest.labels.first_maps.spellings import SpellingGroup
from logoingest.labels.first_maps.word_choice import FEW_ANSWERS
from logoingest.labels.matching.spelling_index import join_key
from logoingest.labels.text.fold import fold
from logoingest.labels.text.noise import NoisePhrases
from logoingest.labels.text.plurals import are_words, list_other_numbers
from logoingest.labels.text.words import EMPTY_TALK, NO_LABEL, SEPARATORS

MAX_CLASSES = 10_000
_MIN_COMPANY = 3.0
"""Answers on pictures that others spoke of, from which those decide whether it is a class."""
_MIN_LIFT = 3.0
"""A class is agreed on so many times as often as by chance …"""
_MOSTLY = 0.5
"""… or in so many of its answers."""
_PROVED = 6.0
"""Answers agreed with, from which a class is one, though it looks like another one's name in another script, or a slip of it."""
_CLAIMED = 0.35
"""Of the answers to a class's pictures other classes have at most so many, in shares of its own."""
_MET = 1.5
"""Answers that meet a more frequent word, from which that may be what it is called."""
_MIN_WRITERS = 3
_HARDLY = -1.0
"""Log odds that a word tells nothing of the picture, from which it is no class …"""
_SURELY = 3.4
"""… and from which it is doubted as an answer of a closed set."""
_MANY, _SPREAD = 10.0, 0.25
"""So many answers are said of any picture if nothing else is said of this share of theirs."""


def may_name(group: SpellingGroup, noise: NoisePhrases) -> bool:
    """Neither talk nor a noise word, and more than a letter."""
    return len(group.key) > 1 and fold(group.name).plain not in EMPTY_TALK and not _is_noise(group, noise)


def list_closed_classes(groups: Sequence[SpellingGroup], sayings: Sayings | None) -> list[DraftClass]:
    """Every answer a class, but what the pictures show to be one in another script; of many answers none that was given once, if it
    is no code.
    """
    enough = 2 if sum(group.count for group in groups) >= FEW_ANSWERS else 1
    silent = {fold(answer).text for answers in NO_LABEL.values() for answer in answers}
    joined = None if sayings is None else join_spellings(groups, sayings, across_scripts_only=True)
    clusters = [[group] for group in groups] if joined is None else list(_list_clusters(groups, joined).values())
    kept = [own for own in clusters if own[0].count >= enough or any(char.isdigit() for char in own[0].key)]
    spread = set() if joined is None else _list_spread_names(groups, joined)
    return [DraftClass(own[0].name, own, _hint_at_closed(own[0], silent, spread)) for own in kept]


def _list_spread_names(groups: Sequence[SpellingGroup], joined: Joined) -> set[str]:
    """Keys of what is surely said of any picture, where people agree on others."""
    company = joined.company
    surely = company.silence > _SURELY if company.is_telling else np.zeros(len(company.answers), bool)
    return {group.key for group, owner in zip(groups, joined.owner, strict=True) if surely[owner]}


def _hint_at_closed(group: SpellingGroup, silent: Collection[str], spread: Collection[str]) -> str:
    if fold(group.name).text in silent:
        return '; elsewhere it would mean "no label"'
    return "; said of any picture: does it mean anything?" if group.key in spread else ""


def list_by_pictures(groups: Sequence[SpellingGroup], sayings: Sayings, noise: NoisePhrases) -> tuple[list[DraftClass], list[str]]:
    """The classes that people agree on, each with its spellings, and what they say of any picture.

    A cluster of spellings that is common enough is a class if the others agree with it, more often than with any other class and
    than by chance. Of what few others saw, the letters decide.

    Args:
        groups: spellings, most common first; their places are the numbers in ``sayings``.
        sayings: who said what of which picture.
        noise: words that count as noise.
    """
    joined = join_spellings(groups, sayings)
    company = joined.company
    enough = choose_min_count(sum(group.count for group in groups))
    clusters = {place: own for place, own in _list_clusters(groups, joined).items() if not _is_noise(own[0], noise)}
    seen = {place: own for place, own in clusters.items() if company.answers[place] >= _MIN_COMPANY}
    is_class = _judge_classes(seen, company, is_mostly_latin=_is_mostly_latin(groups))
    found = {place: own for place, own in seen.items() if is_class[place] and _count(own) >= enough}
    proved = [own[0] for place, own in found.items() if company.own[place] >= _PROVED]
    likeness = _find_likeness([own[0] for place, own in found.items() if company.own[place] < _PROVED], proved)
    by_letters = {seed.key for seed in _choose_seeds(groups)}
    unseen = [own[0] for place, own in clusters.items() if place not in seen and may_name(own[0], noise)]
    kept = [DraftClass(own[0].name, own) for own in found.values() if own[0].key not in likeness]
    kept += [DraftClass(seed.name, [seed]) for seed in unseen if seed.key in by_letters]
    counts = {one.groups[0].key: one.count for one in kept}
    kept = [one for one in kept if not _names_several(one.groups[0], counts)]
    doubts = [
        f'"{own[0].name}" ({_count(own):,}): is it {likeness[own[0].key]}?' for own in found.values() if own[0].key in likeness
    ]
    best = _find_best_others(company, np.zeros(len(company.answers), bool))
    doubts += [
        f'"{own[0].name}" ({_count(own):,}) is said of any picture: does it mean "no label"?'
        for place, own in seen.items()
        if not is_class[place] and _is_spread(place, company, best)
    ]
    return sorted(kept, key=lambda one: (-one.count, one.groups[0].key)), doubts


def _judge_classes(seen: Mapping[int, Sequence[SpellingGroup]], company: Company, *, is_mostly_latin: bool) -> dict[int, bool]:
    """Whether each cluster that others saw is a class: people agree on it; or, in the letters that most write in, it is no other's.

    What many answers of one or two people say is none, where there are more people.
    """
    silence = company.silence
    is_silent = (company.answers >= _MANY) & (silence > _HARDLY)
    best = _find_best_others(company, is_silent)
    surely = (company.own >= _PROVED) & (company.own >= _MIN_LIFT * company.base * company.answers)
    claimed = company.shared @ surely.astype(np.float64) - np.where(surely, company.own, 0.0)
    above = _find_most_above(company, is_silent)
    crowd = max((int(company.writers[place]) for place in seen), default=0)
    found: dict[int, bool] = {}
    for place, own in seen.items():
        answers, writers = company.answers[place], company.writers[place]
        is_free = (
            claimed[place] <= _CLAIMED * answers
            and above[place] < _MET
            and writers >= _MIN_WRITERS
            and own[0].is_latin == is_mostly_latin
            and fold(own[0].name).plain not in EMPTY_TALK
            and not _is_spread(place, company, best)
        )
        is_pet = answers >= _MANY and writers < _MIN_WRITERS <= crowd
        found[place] = (_is_agreed_on(place, company, best, silence) or is_free) and not is_pet and not is_silent[place]
    return found


def _find_likeness(weak: Sequence[SpellingGroup], proved: Sequence[SpellingGroup]) -> dict[str, str]:
    """Key → the name of the proved class that it is the slip of, or in another script looks like."""
    names = {group.key: group.name for group in proved}
    ranked = sorted([*weak, *proved], key=lambda group: (-group.count, group.key))
    slips = find_slips(ranked)
    found = {group.key: names[slips[group.key]] for group in weak if slips.get(group.key) in names}
    for is_latin, in_one_script in ((True, False), (False, False), (True, True), (False, True)):
        asked = [group for group in weak if group.is_latin == is_latin and group.key not in found]
        others = [group.name for group in proved if (group.is_latin == is_latin) == in_one_script]
        places = find_likeness([group.name for group in asked], others, in_one_script=in_one_script)
        found |= {group.key: others[place] for group, place in zip(asked, places, strict=True) if place is not None}
    return found


def _count(own: Sequence[SpellingGroup]) -> int:
    return sum(group.count for group in own)


def _list_clusters(groups: Sequence[SpellingGroup], joined: Joined) -> dict[int, list[SpellingGroup]]:
    """Number of a cluster → its spellings, the one it is called by first: the most frequent, in Latin letters where most write so and
    half as many do.
    """
    clusters: defaultdict[int, list[SpellingGroup]] = defaultdict(list)
    for group, owner in zip(groups, joined.owner, strict=True):
        clusters[int(owner)].append(group)
    is_mostly_latin = _is_mostly_latin(groups)
    for own in clusters.values():
        own.sort(key=lambda group: (-group.count, group.key))
        readable = [group for group in own if group.is_latin == is_mostly_latin and 2 * group.count >= own[0].count]
        if readable:
            own.remove(readable[0])
            own.insert(0, readable[0])
    return clusters


def _find_best_others(company: Company, is_silent: Bools) -> Floats:
    """The most that the others say of another cluster that tells something, for each."""
    pairs = company.shared.tocoo()
    apart = (pairs.row != pairs.col) & ~is_silent[pairs.col]
    best = np.zeros(len(company.answers))
    np.maximum.at(best, pairs.row[apart], pairs.data[apart])
    return best


def _find_most_above(company: Company, is_silent: Bools) -> Floats:
    """The most that the others say of a cluster that is said more often and tells something, for each."""
    pairs = company.shared.tocoo()
    above = (company.answers[pairs.col] > company.answers[pairs.row]) & ~is_silent[pairs.col]
    most = np.zeros(len(company.answers))
    np.maximum.at(most, pairs.row[above], pairs.data[above])
    return most


def _is_agreed_on(place: int, company: Company, best: Floats, silence: Floats) -> bool:
    own, answers, base = company.own[place], company.answers[place], company.base[place]
    is_own = (own >= 1 and own >= best[place]) or own >= _PROVED
    is_heard = own >= _MIN_LIFT * base * answers or own >= _MOSTLY * answers or silence[place] < -_SURELY
    return bool(is_own and is_heard)


def _is_spread(place: int, company: Company, best: Floats) -> bool:
    """So many answers, and the others agree neither with them nor on anything else."""
    own, answers, base = company.own[place], company.answers[place], company.base[place]
    return bool(answers >= _MANY and own <= _MIN_LIFT * base * answers and best[place] <= _SPREAD * answers)


def _is_noise(group: SpellingGroup, noise: NoisePhrases) -> bool:
    plain = fold(group.name).plain
    return not plain or f"{plain} " in noise.by_first.get(plain.partition(" ")[0], ())


def list_by_letters(groups: Sequence[SpellingGroup], noise: NoisePhrases) -> list[DraftClass]:
    """What is common enough, each with its slips."""
    seeds = _choose_seeds([group for group in groups if may_name(group, noise)])
    slips = {**find_slips(seeds), **_find_other_numbers(seeds)}
    kept = [seed for seed in seeds if seed.key not in slips]
    hints = hint_at_others(kept)
    return [
        DraftClass(
            seed.name,
            [seed, *(other for other in seeds if slips.get(other.key) == seed.key)],
            f"; {hints[seed.key]}" if seed.key in hints else "",
        )
        for seed in kept
    ]


def _find_other_numbers(seeds: Sequence[SpellingGroup]) -> dict[str, str]:
    """Key → the key of the more common spelling whose plural or singular it is, where the names are words that people know."""
    names = {fold(seed.name).ascii: seed.key for seed in seeds}
    found: dict[str, str] = {}
    for name, key in names.items() if are_words([[name] for name in names]) else ():
        other = next((names[other] for other in list_other_numbers(name) if other in names), None)
        if other is not None and other not in found:
            found[key] = other
    taken = [key for key in found if found[key] in found]
    return {key: other for key, other in found.items() if key not in taken}


def choose_min_count(total: int) -> int:
    """Answers that make a class, of so many in all."""
    return 3 if total >= 200 else 2 if total >= 30 else 1


def _choose_seeds(groups: Sequence[SpellingGroup]) -> list[SpellingGroup]:
    """Groups common enough to be a class, most common first; other scripts only where Latin is not what most wrote in."""
    enough = choose_min_count(sum(group.count for group in groups))
    is_mostly_latin = _is_mostly_latin(groups)
    seeds = [group for group in groups if group.count >= enough and (group.is_latin or not is_mostly_latin)]
    counts = {group.key: group.count for group in seeds}
    return [group for group in seeds if not _names_several(group, counts)][:MAX_CLASSES]


def _names_several(group: SpellingGroup, counts: Mapping[str, int]) -> bool:
    """Every part between separators is a more common answer itself ("nike / puma")."""
    text = fold(group.name).text
    for separator in (separator for separator in SEPARATORS if separator in text):
        keys = [join_key(fold(part)) for part in text.split(separator)]
        if len(keys) > 1 and all(counts.get(key, 0) > group.count for key in keys):
            return True
    return False


def _is_mostly_latin(groups: Sequence[SpellingGroup]) -> bool:
    return 2 * sum(group.count for group in groups if group.is_latin) >= sum(group.count for group in groups)
