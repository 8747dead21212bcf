"""Aliases for a class map from packs of brand names: what is certain is added, what is in doubt is listed with its reason.

An entry of a pack is joined to a class by Wikidata id; else by name, when one class is called what one brand of the pack is
called. Of its spellings those are taken that nothing else in the map, in the pack or in the language is written like.
Planning again after the plan was carried out adds nothing.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import tomlkit

from logoingest.labels.class_map.class_map import ClassMap, Spelling
from logoingest.labels.class_map.map_file import ANY_LANGUAGE, read_form
from logoingest.labels.class_map.writing import add_alias
from logoingest.labels.growing.pack_entries import PackEntry
from logoingest.labels.growing.packs import Pack
from logoingest.labels.matching.spelling_index import SpellingIndex, index_of, join_key
from logoingest.labels.text.fold import MAX_LENGTH, Folded, fold, make_plain
from logoingest.labels.text.words import EMPTY_TALK, EVERYDAY_THINGS, GENERIC_WORDS
from logoingest.plain_json import shown_as

EXACT_LETTERS = 3
"""An alias of so few letters counts only as the whole answer."""

_SHOWN_RIVALS = 3
_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "GEORGIAN", "DIGIT", "AMPERSAND", "PLUS")
_BY_ID, _BY_NAME, _BY_TITLE, _BY_NICKNAME = range(4)


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


@dataclass(frozen=True)
class Enrichment:
    """What a pack has for a map."""

    added: Sequence[NewAlias]
    """Sorted by class, language and text."""
    doubts: Sequence[Doubt]
    known: int = 0
    """Spellings the map decides so already."""
    matched: Mapping[str, str] = field(default_factory=dict)
    """Class → the pack's key of its brand."""
    unmatched: int = 0
    """Brands of the pack that are no class of the map."""


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


def plan_enrichment(class_map: ClassMap, pack: Pack, wikidata: Mapping[str, str]) -> Enrichment:
    """What the pack adds to the map; nothing is written.

    Args:
        class_map: the map as it is.
        pack: gone through three times.
        wikidata: class → its Wikidata id, where the map says one (``read_wikidata_ids``).
    """
    match = _match_brands(class_map, pack, wikidata)
    candidates, doubts = _gather(pack, match)
    rivals = (
        (entry.titles[0], _list_rival_names(entry, pack))
        for entry in pack.iterate()
        if entry.key not in match.owners and not entry.is_by_id
    )
    judged = judge_candidates(class_map, candidates, rivals)
    sure = {(alias.class_id, fold(alias.text).text) for alias in candidates}
    doubts = [doubt for doubt in doubts if (doubt.class_id, fold(doubt.text).text) not in sure and not _is_known(class_map, doubt)]
    return Enrichment(
        added=judged.added,
        doubts=sorted({*match.doubts, *doubts, *judged.doubts}),
        known=judged.known,
        matched=dict(sorted(match.keys.items())),
        unmatched=match.unmatched,
    )


def carry_out(document: tomlkit.TOMLDocument, added: Iterable[NewAlias]) -> int:
    """Write the aliases into a class-map document; how many were not there."""
    return sum(
        add_alias(document, alias.class_id, alias.text, alias.language, exact=alias.is_exact, source=alias.source)
        for alias in added
    )


def read_wikidata_ids(path: Path) -> dict[str, str]:
    """Class → Wikidata id, of a map that ``ClassMap.load`` has read, and of what it includes; the map's own word wins."""
    form, _ = read_form(path.read_bytes().decode("utf-8-sig"), path.name)
    found: dict[str, str] = {}
    if form is None:
        return found
    for included in form.include:
        found |= read_wikidata_ids(path.parent / included)
    return found | {class_id: one.wikidata for class_id, one in form.classes.items() if one.wikidata is not None}


# -- which brand is which class ----------------------------------------------------------------------------------------


@dataclass
class _Match:
    """Which brands of the pack are which class."""

    owners: dict[str, str] = field(default_factory=dict)
    """The pack's key of a brand → class; a brand may have several keys, each its own."""
    keys: dict[str, str] = field(default_factory=dict)
    """Class → the key it was found by."""
    kept_apart: dict[str, tuple[str, str]] = field(default_factory=dict)
    """A key of the same name that is another brand → the class, and the class's key."""
    doubts: list[Doubt] = field(default_factory=list)
    unmatched: int = 0


@dataclass
class _Brand:
    """What pass one learns of a brand: how well it fits which classes (rank → classes)."""

    title: str
    source: str
    has_id: bool
    classes: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))


def _match_brands(class_map: ClassMap, pack: Pack, wikidata: Mapping[str, str]) -> _Match:
    """First every brand that fits a class, then for each class the one brand that it is."""
    by_id: defaultdict[str, list[str]] = defaultdict(list)
    for class_id, qid in wikidata.items():
        by_id[qid].append(class_id)
    keys: set[str] = set()  # of a closed pack; those of a dump would fill the memory
    entries = 0
    brands: dict[str, _Brand] = {}
    for entry in pack.iterate():
        entries += 1
        if pack.is_closed:
            keys.add(entry.key)
        rank, classes = _find_classes(entry, index_of(class_map), by_id)
        if rank != _BY_ID and entry.wikidata is not None:
            classes = [one for one in classes if wikidata.get(one, entry.wikidata) == entry.wikidata]
        if classes:
            brand = brands.setdefault(entry.key, _Brand(entry.titles[0], entry.source, entry.wikidata is not None))
            brand.classes[rank].update(classes)
    match = _Match()
    bids: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for key, brand in sorted(brands.items()):
        rank = min(brand.classes)
        classes = sorted(brand.classes[rank])
        if len(classes) == 1:
            bids[classes[0]][key] = rank
            continue
        what = "have its Wikidata id" if rank == _BY_ID else "are called so"
        why = f"several classes {what}: {_name_some(classes)}"
        match.doubts += [Doubt(one, brand.title, ANY_LANGUAGE, brand.source, why) for one in classes]
    for class_id, ranks in sorted(bids.items()):
        _award(class_id, ranks, brands, match)
    match.unmatched = len(keys - match.owners.keys()) if pack.is_closed else entries - len(match.owners)
    return match


def _find_classes(entry: PackEntry, index: SpellingIndex, by_id: Mapping[str, Sequence[str]]) -> tuple[int, Sequence[str]]:
    if entry.wikidata is not None and (classes := by_id.get(entry.wikidata)):
        return _BY_ID, sorted(classes)
    if entry.is_by_id:
        return _BY_ID, ()
    if found := {spelling.class_id for spelling in index.name_texts.get(fold(entry.titles[0]).text, ())}:
        return _BY_NAME, sorted(found)
    for rank, names in ((_BY_TITLE, entry.titles), (_BY_NICKNAME, entry.nicknames)):
        found = {class_id for name in names for class_id in _find_owners(index, fold(name))}
        if found:
            return rank, sorted(found)
    return _BY_TITLE, ()


def _find_owners(index: SpellingIndex, folded: Folded) -> list[str]:
    """The classes that are written so: case, accents, punctuation and spaces aside."""
    hit = index.find_declared(folded)
    if hit is not None:
        return [hit.spelling.class_id, *([hit.rival] if hit.rival else [])]
    return sorted({spelling.class_id for spelling in index.joined.get(join_key(folded), ())}) if folded.plain else []


def _award(class_id: str, ranks: Mapping[str, int], brands: Mapping[str, _Brand], match: _Match) -> None:
    """The class is the one brand that fits best; a brand of its name without a Wikidata id is taken for the same."""
    best = min(ranks.values())
    keys = [key for key, rank in ranks.items() if rank == best]
    with_id = [key for key in keys if brands[key].has_id]
    chosen = keys if len(keys) == 1 else with_id
    if len(chosen) != 1:
        hint = f'; name one in the map: wikidata = "{with_id[0]}"' if with_id else ""
        why = f"{len(keys)} brands of the pack are called so ({_name_some(keys)}){hint}"
        match.doubts.append(Doubt(class_id, brands[keys[0]].title, ANY_LANGUAGE, brands[keys[0]].source, why))
        return
    match.keys[class_id] = chosen[0]
    for key, rank in ranks.items():
        if key == chosen[0] or (not brands[key].has_id and rank <= _BY_TITLE):
            match.owners[key] = class_id
        elif rank <= _BY_TITLE:
            match.kept_apart[key] = (class_id, chosen[0])


def _gather(pack: Pack, match: _Match) -> tuple[list[NewAlias], list[Doubt]]:
    """The spellings of the brands that are classes, and those that should not be taken over."""
    candidates: dict[NewAlias, None] = {}
    doubts: list[Doubt] = []
    for entry in pack.iterate():
        if entry.key in match.kept_apart:
            class_id, own = match.kept_apart[entry.key]
            why = f"belongs to {entry.key}, which the pack calls so too but keeps apart from {own}"
            doubts += [Doubt(class_id, name.text, name.language, entry.source, why) for name in entry.names]
        elif (owner := match.owners.get(entry.key)) is not None:
            candidates.update((NewAlias(owner, name.text, name.language, entry.source), None) for name in entry.names)
            doubts += [Doubt(owner, name.text, name.language, entry.source, why) for name, why in entry.doubtful if name.text]
    return list(candidates), doubts


def _list_rival_names(entry: PackEntry, pack: Pack) -> Sequence[str]:
    return [name.text for name in entry.names] + list(entry.titles) if pack.is_closed else entry.titles


def _is_known(class_map: ClassMap, doubt: Doubt) -> bool:
    return doubt.class_id in _find_owners(index_of(class_map), fold(doubt.text))


# -- which spelling is safe --------------------------------------------------------------------------------------------


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
            doubts.add(Doubt(*alias, f"is also a spelling of {_name_some(others)}"))
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
        return f"the map takes it for {_name_some(others)} already"
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


def _name_some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_RIVALS} more" if len(names) > _SHOWN_RIVALS else ""
    return ", ".join(names[:_SHOWN_RIVALS]) + more
