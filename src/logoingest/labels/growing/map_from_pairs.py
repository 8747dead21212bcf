"""A class map from (raw, canonical) pairs: a class for each canonical name, an alias where folding alone would not find it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import tomlkit

from logoingest.errors import ClassMapError, Problem
from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.class_map.map_file import ANY_LANGUAGE
from logoingest.labels.class_map.writing import LINE_LENGTH, make_entry
from logoingest.labels.growing.alias_judgement import Doubt, NewAlias, judge_candidates
from logoingest.labels.growing.pack_entries import Pair, clean_language, clean_name, find_qid
from logoingest.labels.text.fold import fold

_ID_LENGTH = 200


@dataclass(frozen=True)
class PairMap:
    """A map made from pairs, and what did not go into it."""

    text: str
    """The TOML file."""
    classes: int
    aliases: int
    known: int
    """Spellings that need no alias: they match anyway."""
    doubts: Sequence[Doubt]
    """Spellings that several classes claim, or that mean no brand: not in the map."""
    merged: Sequence[tuple[str, str]]
    """(canonical name, the class it became): names that differ in case or the like alone are one class."""
    refused: Sequence[tuple[str, str]]
    """(canonical name, why it can be no class)."""


def make_pair_map(pairs: Iterable[Pair], title: str) -> PairMap:
    """The class map of a table of spellings; equal pairs give equal text, whatever their order.

    Args:
        pairs: rows; those without a canonical name count for nothing.
        title: what the map is made from, for its first comment.

    Raises:
        ClassMapError: no row names a class.
    """
    rows = sorted({pair for pair in pairs if pair.canonical.strip()})
    refused = {pair.canonical: why for pair in rows if (why := _find_fault(pair.canonical))}
    rows = [pair for pair in rows if pair.canonical not in refused]
    classes = _choose_classes(rows)
    ids = sorted(set(classes.values()))
    if not ids:
        raise ClassMapError(Problem(title, "names no class", "give each row a canonical name"))
    wikidata = _choose_wikidata(rows, classes)
    head = f"Class map of {clean_name(title)}: a class for each name, and the spellings that folding alone does not find."
    bare = ClassMap.from_toml(_write_map(head, ids, {}, wikidata), title)
    told = [
        NewAlias(classes[pair.canonical], text, clean_language(pair.language), "") for pair in rows if (text := _read_raw(pair))
    ]
    judged = judge_candidates(bare, told, is_told=True)
    aliases: defaultdict[str, list[NewAlias]] = defaultdict(list)
    for alias in judged.added:
        aliases[alias.class_id].append(alias)
    text = _write_map(head, ids, aliases, wikidata)
    ClassMap.from_toml(text, title)
    return PairMap(
        text=text,
        classes=len(ids),
        aliases=len(judged.added),
        known=judged.known,
        doubts=judged.doubts,
        merged=sorted({(name, one) for name, one in classes.items() if clean_name(name) != one}),
        refused=sorted(refused.items()),
    )


def _read_raw(pair: Pair) -> str:
    """The spelling as it goes into the map; one with reversed text is left as it is, to be refused."""
    return pair.raw if fold(pair.raw).is_reversed else clean_name(pair.raw)


def _find_fault(canonical: str) -> str | None:
    name = clean_name(canonical)
    if fold(canonical).is_reversed:
        return "carries a character that reverses the writing direction"
    if not name or not fold(name).text:
        return "has no visible character"
    return f"is longer than {_ID_LENGTH} characters" if len(name) > _ID_LENGTH else None


def _choose_classes(rows: Sequence[Pair]) -> Mapping[str, str]:
    """Canonical name → class id: the spelling most rows have, of equal ones the one with most capitals."""
    counts = Counter(pair.canonical for pair in rows)
    alike: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for canonical, count in counts.items():
        alike[fold(clean_name(canonical)).text][clean_name(canonical)] += count
    chosen = {key: min(names, key=lambda name: (-names[name], -sum(map(str.isupper, name)), name)) for key, names in alike.items()}
    return {canonical: chosen[fold(clean_name(canonical)).text] for canonical in counts}


def _choose_wikidata(rows: Sequence[Pair], classes: Mapping[str, str]) -> dict[str, str]:
    """Class → Wikidata id, where its rows name one and no other."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for pair in rows:
        if (qid := find_qid(pair.wikidata)) is not None:
            found[classes[pair.canonical]].add(qid)
    return {class_id: next(iter(ids)) for class_id, ids in found.items() if len(ids) == 1}


def _write_map(head: str, ids: Sequence[str], aliases: Mapping[str, Sequence[NewAlias]], wikidata: Mapping[str, str]) -> str:
    lines = [f"# {head}"]
    for class_id in ids:
        lines += ["", f"[classes.{tomlkit.key(class_id).as_string()}]"]
        if class_id in wikidata:
            lines.append(f'wikidata = "{wikidata[class_id]}"')
        lists: defaultdict[str, list[str]] = defaultdict(list)
        for alias in aliases.get(class_id, ()):
            lists[alias.language].append(make_entry(alias.text, exact=alias.is_exact).as_string())
        for language in sorted(lists, key=lambda code: (code != ANY_LANGUAGE, code)):
            key = "aliases" if len(lists) == 1 and language == ANY_LANGUAGE else f"aliases.{language}"
            lines += _write_list(key, lists[language])
    return "\n".join(lines) + "\n"


def _write_list(key: str, entries: Sequence[str]) -> list[str]:
    line = f"{key} = [{', '.join(entries)}]"
    return [line] if len(line) <= LINE_LENGTH else [f"{key} = [", *(f"    {entry}," for entry in entries), "]"]
