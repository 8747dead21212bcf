"""Clusters of answers nobody has decided: what a person can settle with one look.

What others' answers about the same pictures call one class is one cluster, in any script, and what they call two classes never is.
Then three steps, each on what the one before left apart: key collision (the answer without noise words, spaces and signs, or its
words in any order), edit distance (a few letters for the length, equal digits; the spelling of the class that is nearest
counts as one), transliteration (the same on ASCII, where one of the two is in another script).

Edits are looked for around the most frequent spelling, never from neighbour to neighbour, so that no chain leads from one
brand to another; spellings near different classes are never joined. Candidates come from a table of beginnings with letters
deleted (SymSpell; Garbe 2012), at most ``MAX_COMPARED`` a spelling: the work grows with the number of answers, not its square.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.matching.nearest import MAX_KEY_LENGTH
from logoingest.labels.matching.spelling_index import index_of, join_key
from logoingest.labels.text.counterparts import find_counterpart
from logoingest.labels.text.fold import Folded, fold
from logoingest.labels.text.known_names import is_known_name
from logoingest.labels.text.noise import as_folded
from logoingest.labels.text.numbers import pick_numbers
from logoingest.labels.text.syllables import find_other_sign

MAX_COMPARED = 256
"""Spellings an answer is compared with, the most frequent ones."""

_BEGINNING = 7
_EDITS_BY_LENGTH = ((9, 2), (5, 1))
_EDITS_TO_CLASS = ((11, 3), (7, 2), (3, 1))


class OpenSpelling(NamedTuple):
    """An answer to be clustered."""

    raw_label: str
    answers: int
    near_class: str | None = None
    """The class the map finds nearest, where it is near enough to ask."""
    near_spelling: str | None = None
    """That class's spelling."""
    crowd_class: str | None = None
    """What it means, where others' answers about the same pictures tell."""


@dataclass
class _Group:
    """Answers that are one so far."""

    members: list[int]
    count: int
    key: str
    """Of the most frequent member; empty: takes part in nothing further."""
    ascii_key: str
    is_latin: bool
    near_class: str | None
    inside: frozenset[str] = frozenset()
    """Classes that stand in it as whole words."""
    words: Sequence[str] = ()
    crowd_class: str | None = None


@dataclass
class _Leaders:
    """Spellings by what is left of their beginning when letters are deleted."""

    groups: list[_Group] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    _places: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """The first ones only: more are never compared."""

    def add(self, group: _Group, key: str) -> None:
        """Make a group one that others may join."""
        for part in _delete_letters(key):
            known = self._places.get(part, ())
            if len(known) < MAX_COMPARED:
                self._places[part] = (*known, len(self.groups))
        self.groups.append(group)
        self.keys.append(key)

    def find(self, group: _Group, key: str, must_cross: bool) -> _Group | None:
        """The nearest group that this one may join; among equals the most frequent."""
        limit = _allow_edits(len(key), _EDITS_BY_LENGTH)
        places = [
            place for place in self._list_candidates(key) if not (must_cross and group.is_latin and self.groups[place].is_latin)
        ]
        if not places:
            return None
        keys = [self.keys[place] for place in places]
        near = process.extract(key, keys, scorer=OSA.distance, score_cutoff=limit, limit=None)
        for _, place in sorted((int(edits), places[order]) for _, edits, order in near):
            other = self.keys[place]
            is_near = OSA.distance(key, other) <= _allow_edits(len(other), _EDITS_BY_LENGTH) and pick_numbers(key) == pick_numbers(
                other
            )
            if is_near and _may_join(group, self.groups[place], must_cross):
                return self.groups[place]
        return None

    def _list_candidates(self, key: str) -> list[int]:
        found: dict[int, None] = {}
        for part in _delete_letters(key):
            for place in self._places.get(part, ()):
                found[place] = None
                if len(found) >= MAX_COMPARED:
                    return list(found)
        return list(found)


def cluster_labels(spellings: Sequence[OpenSpelling], class_map: ClassMap, apart: Iterable[str] = ()) -> list[list[int]]:
    """Places of ``spellings``, cluster by cluster.

    Args:
        spellings: distinct answers.
        class_map: its noise words are looked through.
        apart: raw labels that stay alone.

    Returns:
        Clusters by how many answers they hold, then by text; in each, the most frequent spelling first. Independent of the
        order given.
    """
    alone = set(apart)
    order = sorted(range(len(spellings)), key=lambda place: (-spellings[place].answers, spellings[place].raw_label))
    single = [
        _Group([place], spellings[place].answers, "", "", True, None) for place in order if spellings[place].raw_label in alone
    ]
    groups = _collide([place for place in order if spellings[place].raw_label not in alone], spellings, class_map)
    groups = _join_near(groups, must_cross=False)
    groups = _join_near(groups, must_cross=True)
    rank = {place: number for number, place in enumerate(order)}
    clusters = [sorted(group.members, key=rank.__getitem__) for group in [*groups, *single]]
    return sorted(clusters, key=lambda members: (-sum(spellings[place].answers for place in members), rank[members[0]]))


def strip_noise(raw_label: str, class_map: ClassMap) -> Folded:
    """The answer folded, without the noise words at its ends."""
    folded = fold(raw_label)
    rests = index_of(class_map).noise.strip(folded)
    return as_folded(rests[-1]) if rests else folded


def is_only_noise(raw_label: str, class_map: ClassMap) -> bool:
    """The answer is made of noise words: it names nothing, and there is nothing to decide."""
    noise = _list_noise(class_map)
    folded = fold(raw_label)
    return bool(folded.plain) and (folded.text in noise or strip_noise(raw_label, class_map).plain in noise)


@lru_cache(maxsize=4)
def _list_noise(class_map: ClassMap) -> frozenset[str]:
    return frozenset(class_map.noise_words) | {fold(word).plain for word in class_map.noise_words}


def _collide(order: Sequence[int], spellings: Sequence[OpenSpelling], class_map: ClassMap) -> list[_Group]:
    """One group for all answers that share a key; the most frequent answer comes first."""
    parent: dict[int, int] = {}
    owner: dict[tuple[str, ...], int] = {}
    keys: dict[int, tuple[str, Folded]] = {}
    inside: dict[int, frozenset[str]] = {}
    meant: dict[int, str | None] = {}  # root → what the crowd says it means
    for place in order:
        parent[place], meant[place] = place, spellings[place].crowd_class
        folded = strip_noise(spellings[place].raw_label, class_map)
        key = "" if folded.is_reversed or folded.is_cut else join_key(folded)
        keys[place] = key, folded
        inside[place] = frozenset(hit.spelling.class_id for hit in index_of(class_map).list_inside(folded)) if key else frozenset()
        for mark in _list_marks(spellings[place], key, folded, inside[place]):
            _unite(parent, meant, place, owner.setdefault(mark, place))
    members: dict[int, list[int]] = defaultdict(list)
    for place in order:
        members[_find_root(parent, place)].append(place)
    return [
        replace(
            _make_group(places, spellings, keys),
            inside=frozenset().union(*(inside[place] for place in places)),
            crowd_class=meant[root],
        )
        for root, places in members.items()
    ]


def _unite(parent: dict[int, int], meant: dict[int, str | None], place: int, other: int) -> None:
    """Make two answers one, unless the crowd says that they are different classes."""
    one, into = _find_root(parent, place), _find_root(parent, other)
    if meant[one] is None or meant[into] is None or meant[one] == meant[into]:
        parent[one] = into
        meant[into] = meant[into] or meant[one]


def _list_marks(spelling: OpenSpelling, key: str, folded: Folded, inside: frozenset[str]) -> Iterator[tuple[str, ...]]:
    """What makes two answers one; the kind stands first, so that no key is taken for a class."""
    if spelling.crowd_class is not None:
        yield "crowd", spelling.crowd_class
    if not key:
        return
    yield "key", key
    words = (folded.ascii if folded.is_latin else folded.plain).split()
    if len(words) > 1:
        yield "words", " ".join(sorted(set(words)))
    if spelling.near_class is not None and _is_slip(key, spelling.near_spelling or ""):
        yield "class", spelling.near_class, *sorted(inside)


def _is_slip(key: str, spelling: str) -> bool:
    near = join_key(fold(spelling))
    limit = _allow_edits(max(len(key), len(near)), _EDITS_TO_CLASS)
    same_digits = pick_numbers(key) == pick_numbers(near)
    return not is_known_name(key) and same_digits and 0 < limit >= OSA.distance(key, near, score_cutoff=limit)


def _make_group(places: list[int], spellings: Sequence[OpenSpelling], keys: dict[int, tuple[str, Folded]]) -> _Group:
    near = [spellings[place].near_class for place in places if spellings[place].near_class is not None]
    key, folded = keys[places[0]]
    fits = 0 < len(key) <= MAX_KEY_LENGTH
    ascii_key = "" if folded.is_ideographic or not fits else folded.joined
    count = sum(spellings[place].answers for place in places)
    near_class = f"\0{key}" if is_known_name(key) else near[0] if near else None  # a name people know is nobody's slip
    words = tuple((folded.ascii if folded.is_latin else folded.plain).split())
    return _Group(places, count, key if fits else "", ascii_key, folded.is_latin, near_class, words=words)


def _join_near(groups: Sequence[_Group], must_cross: bool) -> list[_Group]:
    """Groups joined to the most frequent one that is near; with ``must_cross`` only over scripts, on ASCII."""
    if must_cross and all(group.is_latin for group in groups):
        return list(groups)
    leaders: dict[bool, _Leaders] = defaultdict(_Leaders)
    kept: list[_Group] = []
    for group in sorted(groups, key=lambda one: -one.count):
        key = group.ascii_key if must_cross else group.key
        table = leaders[must_cross or group.is_latin]
        found = table.find(group, key, must_cross) if key and not is_known_name(key) else None
        if found is not None:
            found.members += group.members
            found.near_class = found.near_class or group.near_class
            found.crowd_class = found.crowd_class or group.crowd_class
            continue
        kept.append(group)
        if key:
            table.add(group, key)
    return kept


def _may_join(one: _Group, other: _Group, must_cross: bool) -> bool:
    if one.crowd_class is not None and other.crowd_class is not None and one.crowd_class != other.crowd_class:
        return False
    if one.near_class is not None and other.near_class is not None and one.near_class != other.near_class:
        return False
    if one.inside and other.inside and one.inside != other.inside:
        return False
    if must_cross:
        return not (one.is_latin and other.is_latin)
    return find_other_sign(one.key, other.key) is None and not _differ_by_words(one, other)


def _differ_by_words(one: _Group, other: _Group) -> bool:
    """What differs is a word people know in both ("lime green", "olive green"), or the sibling of one ("north", "south")."""
    if find_counterpart(one.key, other.key, other.words):
        return True
    pairs = [pair for pair in zip(one.words, other.words, strict=False) if pair[0] != pair[1]]
    alike = len(one.words) == len(other.words) > 1 and len(pairs) == 1
    if not alike:
        return False
    short, long = sorted(pairs[0], key=len)
    return not long.startswith(short) and is_known_name(short) and is_known_name(long)


def _allow_edits(length: int, table: Sequence[tuple[int, int]]) -> int:
    return next((edits for shortest, edits in table if length >= shortest), 0)


def _delete_letters(key: str) -> Sequence[str]:
    """The beginning of a key, whole and with as many letters deleted as edits are allowed; the whole first."""
    return _shorten_start(key[:_BEGINNING], _allow_edits(len(key), _EDITS_BY_LENGTH))


@lru_cache(maxsize=1024)
def _shorten_start(start: str, most: int) -> Sequence[str]:
    parts = [start]
    for edits in range(1, most + 1):
        parts += sorted({"".join(kept) for kept in combinations(start, len(start) - edits)}) if len(start) > edits else []
    return parts


def _find_root(parent: dict[int, int], place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place
