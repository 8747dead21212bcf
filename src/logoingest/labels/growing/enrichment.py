"""Aliases for a class map from packs of brand names: what is certain is added, what is in doubt is listed with its reason.

An entry of a pack is joined to a class by Wikidata id; else by name, when one class is called what one brand of the pack is
called. Of its spellings those are taken that nothing else in the map, in the pack or in the language is written like.
Planning again after the plan was carried out adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tomlkit

from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.class_map.map_file import read_form
from logoingest.labels.class_map.writing import add_alias
from logoingest.labels.growing.alias_judgement import Doubt, NewAlias, judge_candidates
from logoingest.labels.growing.brand_matching import BrandMatch, find_owners, match_brands
from logoingest.labels.growing.pack_entries import PackEntry
from logoingest.labels.growing.packs import Pack
from logoingest.labels.matching.spelling_index import index_of
from logoingest.labels.text.fold import fold
from logoingest.named_maps import place_map


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


def plan_enrichment(class_map: ClassMap, pack: Pack, wikidata: Mapping[str, str]) -> Enrichment:
    """What the pack adds to the map; nothing is written.

    Args:
        class_map: the map as it is.
        pack: gone through three times.
        wikidata: class → its Wikidata id, where the map says one (``read_wikidata_ids``).
    """
    match = match_brands(class_map, pack, wikidata)
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
    file = place_map(path, Path())
    form, _ = read_form(file.read_bytes().decode("utf-8-sig"), file.name)
    found: dict[str, str] = {}
    if form is None:
        return found
    for included in form.include:
        found |= read_wikidata_ids(place_map(included, file.parent))
    return found | {class_id: one.wikidata for class_id, one in form.classes.items() if one.wikidata is not None}


def _gather(pack: Pack, match: BrandMatch) -> tuple[list[NewAlias], list[Doubt]]:
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
    return doubt.class_id in find_owners(index_of(class_map), fold(doubt.text))
