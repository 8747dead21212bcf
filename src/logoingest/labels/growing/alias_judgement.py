"""Which spellings can become aliases: those that nothing else in the map, in a pack or in the language is written like."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from logoingest.labels.class_map.class_map import ClassMap, Spelling
from logoingest.labels.class_map.map_file import ANY_LANGUAGE
from logoingest.labels.matching.spelling_index import SpellingIndex, index_of, join_key
from logoingest.labels.text.fold import MAX_LENGTH, Folded, fold, make_plain
from logoingest.labels.text.words import EMPTY_TALK, EVERYDAY_THINGS, GENERIC_WORDS
from logoingest.plain_json import shown_as

EXACT_LETTERS = 3
"""An alias of so few letters counts only as the whole answer."""

_SHOWN_RIVALS = 3
_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "GEORGIAN", "DIGIT", "AMPERSAND", "PLUS")


class NewAlias(NamedTuple):
    """A spelling for a class."""

    class_id: str
    text: str
    language: str
    source: str

    @property
    @shown_as("exact")
    def is_exact(self) -> bool:
        """Whether it may only count as the whole answer."""
        return is_short(self.text)


class Doubt(NamedTuple):
    """A spelling (or a brand of the pack) that is not taken, and why."""

    class_id: str
    text: str
    language: str
    source: str
    why: str


class Judgement(NamedTuple):
    """Candidates, judged."""

    added: Sequence[NewAlias]
    doubts: Sequence[Doubt]
    known: int


def is_short(text: str) -> bool:
    """At most three letters or digits of an alphabet: too short for anything but the whole answer.

    A Chinese character, a kana or a syllable says more, and so does a script without vowels: those are not short.
    """
    letters = fold(text).plain.replace(" ", "")
    return len(letters) <= EXACT_LETTERS and all(unicodedata.name(char, "").startswith(_ALPHABETS) for char in letters)


def judge_candidates(
    class_map: ClassMap,
    candidates: Sequence[NewAlias],
    rivals: Iterable[tuple[str, Sequence[str]]] = (),
    *,
    is_told: bool = False,
) -> Judgement:
    """Which of the candidates can be added without changing or blurring what another class is written like.

    Args:
        class_map: what is known already.
        candidates: spellings for classes of the map, in any order.
        rivals: brands that are no class of the map, and how they are spelled.
        is_told: somebody said what these spellings mean, so everyday words are no doubt.
    """
    known = 0
    doubts: set[Doubt] = set()
    fresh: list[NewAlias] = []
    phrases = {make_plain(word) for word in class_map.noise_words}
    for alias in sorted(set(candidates), key=_rate):
        folded = fold(alias.text)
        owners = (
            ()
            if folded.is_cut or not folded.plain
            else _find_deciders(index_of(class_map), folded, alias.class_id, is_told=is_told)
        )
        if alias.class_id in owners and len(owners) == 1:
            known += 1
        elif why := _find_fault(folded, alias.class_id, owners, class_map, phrases, is_told=is_told):
            doubts.add(Doubt(*alias, why))
        else:
            fresh.append(alias)
    trial = _Trial(class_map, fresh)
    trial.add_rivals(rivals)
    added: list[NewAlias] = []
    taken: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for alias in fresh:
        keys = trial.list_keys(alias)
        if others := trial.list_others(alias):
            doubts.add(Doubt(*alias, f"is also a spelling of {name_some(others)}"))
        elif taken[alias.class_id].isdisjoint(keys):
            added.append(alias)
            taken[alias.class_id] |= keys
        else:
            known += 1
    return Judgement(sorted(added, key=lambda one: (one.class_id, one.language, one.text)), sorted(doubts), known)


def _rate(alias: NewAlias) -> tuple[object, ...]:
    """Of spellings that fold alike the one that is kept comes first: a language is known, capitals as in a name."""
    capitals = sum(char.isupper() for char in alias.text)
    return (
        alias.class_id,
        fold(alias.text).text,
        alias.language == ANY_LANGUAGE,
        alias.language,
        -capitals,
        alias.text,
        alias.source,
    )


def _find_deciders(index: SpellingIndex, folded: Folded, class_id: str, *, is_told: bool) -> Sequence[str]:
    """The classes this answer is accepted as already, by anything but fuzzy matching and transliteration.

    What was told of a whole spelling beats what is left of it without a noise word.
    """
    hits = [index.find_declared(folded)]
    if hits[0] is None and not index.means_no_label(folded):
        stripped = [index.find(variant.folded) for variant in index.list_variants(folded)]
        hits += [index.find(folded), *(hit for hit in stripped if hit and (not is_told or hit.spelling.class_id == class_id))]
    hit = next((hit for hit in hits if hit is not None and hit.rule != "transliteration"), None)
    return () if hit is None else [hit.spelling.class_id, *([hit.rival] if hit.rival else [])]


def _find_fault(
    folded: Folded, class_id: str, owners: Sequence[str], class_map: ClassMap, phrases: set[str], *, is_told: bool
) -> str | None:
    """Why the spelling cannot be taken, whatever else the pack has."""
    if folded.is_cut:
        return f"is longer than {MAX_LENGTH} characters"
    if folded.is_reversed:
        return "carries a character that reverses the writing direction"
    if not folded.plain:
        return "has neither letters nor digits"
    if others := [owner for owner in owners if owner != class_id]:
        return f"the map takes it for {name_some(others)} already"
    if index_of(class_map).means_no_label(folded):
        return "means that there is no label"
    if folded.plain in phrases:
        return "is a noise word"
    if is_told:
        return None
    if len(folded.plain.replace(" ", "")) < 2:
        return "is a single character"
    words = folded.plain.split()
    if (
        folded.plain in EMPTY_TALK
        or folded.plain in EVERYDAY_THINGS
        or all(word in GENERIC_WORDS or word in phrases for word in words)
    ):
        return "is an everyday word, not a name"
    return None


class _Trial:
    """The map with every candidate in it: who else is found under a candidate's keys."""

    def __init__(self, class_map: ClassMap, fresh: Sequence[NewAlias]) -> None:
        self._classes = class_map.outputs.keys()
        extra = [Spelling(alias.text, alias.class_id, True, alias.language, alias.is_exact) for alias in fresh]
        index = index_of(replace(class_map, spellings=(*class_map.spellings, *extra)))
        self._owners: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._keys: defaultdict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        tables = {"text": (index.alias_texts, index.name_texts), "plain": (index.alias_plains, index.name_plains)}
        tables["joined"] = (index.joined, index.respelled)
        for kind, group in tables.items():
            for table in group:
                for key, spellings in table.items():
                    for spelling in spellings:
                        self._owners[kind, key].add(spelling.class_id)
                        self._keys[spelling.class_id, spelling.text].add((kind, key))
        self._strangers: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._sounds = {("joined", fold(alias.text).joined) for alias in fresh if not alias.text.isascii()}
        self._least = class_map.thresholds.transliteration_letters

    def add_rivals(self, rivals: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Note the strangers that are found under a key of the trial."""
        for title, names in rivals:
            for name in names:
                folded = fold(name)
                for key in (("text", folded.text), ("plain", folded.plain), ("joined", join_key(folded))):
                    if key[1] and (key in self._owners or key in self._sounds):
                        self._strangers[key].add(f"{title} (in the pack)")

    def list_keys(self, alias: NewAlias) -> set[tuple[str, str]]:
        """What the alias is found under."""
        return self._keys[alias.class_id, alias.text]

    def list_others(self, alias: NewAlias) -> list[str]:
        """Other classes, and strangers, found under a key of the alias or under its exact transliteration."""
        folded = fold(alias.text)
        keys = set(self.list_keys(alias))
        if not folded.is_latin and not folded.is_ideographic and len(folded.joined) >= self._least:
            keys.add(("joined", folded.joined))
        classes = {owner for key in keys for owner in self._owners.get(key, ())} - {alias.class_id}
        strangers = {stranger for key in keys for stranger in self._strangers.get(key, ())}
        return [*sorted(classes), *sorted(strangers)]


def name_some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_RIVALS} more" if len(names) > _SHOWN_RIVALS else ""
    return ", ".join(names[:_SHOWN_RIVALS]) + more
