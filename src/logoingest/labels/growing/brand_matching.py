"""Which brand of a pack is which class: by Wikidata id, else by name where one class is called what one brand is called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.class_map.map_file import ANY_LANGUAGE
from logoingest.labels.growing.alias_judgement import Doubt, name_some
from logoingest.labels.growing.pack_entries import PackEntry
from logoingest.labels.growing.packs import Pack
from logoingest.labels.matching.spelling_index import SpellingIndex, index_of, join_key
from logoingest.labels.text.fold import Folded, fold

_BY_ID, _BY_NAME, _BY_TITLE, _BY_NICKNAME = range(4)


@dataclass
class BrandMatch:
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


def match_brands(class_map: ClassMap, pack: Pack, wikidata: Mapping[str, str]) -> BrandMatch:
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
    match = BrandMatch()
    bids: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for key, brand in sorted(brands.items()):
        rank = min(brand.classes)
        classes = sorted(brand.classes[rank])
        if len(classes) == 1:
            bids[classes[0]][key] = rank
            continue
        what = "have its Wikidata id" if rank == _BY_ID else "are called so"
        why = f"several classes {what}: {name_some(classes)}"
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
        found = {class_id for name in names for class_id in find_owners(index, fold(name))}
        if found:
            return rank, sorted(found)
    return _BY_TITLE, ()


def find_owners(index: SpellingIndex, folded: Folded) -> list[str]:
    """The classes that are written so: case, accents, punctuation and spaces aside."""
    hit = index.find_declared(folded)
    if hit is not None:
        return [hit.spelling.class_id, *([hit.rival] if hit.rival else [])]
    return sorted({spelling.class_id for spelling in index.joined.get(join_key(folded), ())}) if folded.plain else []


def _award(class_id: str, ranks: Mapping[str, int], brands: Mapping[str, _Brand], match: BrandMatch) -> None:
    """The class is the one brand that fits best; a brand of its name without a Wikidata id is taken for the same."""
    best = min(ranks.values())
    keys = [key for key, rank in ranks.items() if rank == best]
    with_id = [key for key in keys if brands[key].has_id]
    chosen = keys if len(keys) == 1 else with_id
    if len(chosen) != 1:
        hint = f'; name one in the map: wikidata = "{with_id[0]}"' if with_id else ""
        why = f"{len(keys)} brands of the pack are called so ({name_some(keys)}){hint}"
        match.doubts.append(Doubt(class_id, brands[keys[0]].title, ANY_LANGUAGE, brands[keys[0]].source, why))
        return
    match.keys[class_id] = chosen[0]
    for key, rank in ranks.items():
        if key == chosen[0] or (not brands[key].has_id and rank <= _BY_TITLE):
            match.owners[key] = class_id
        elif rank <= _BY_TITLE:
            match.kept_apart[key] = (class_id, chosen[0])
