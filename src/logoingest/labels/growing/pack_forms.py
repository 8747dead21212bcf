"""The forms packs come in — name-suggestion-index, Wikidata entities, simple-icons — from a JSON value to entries.

A value is strangers' text: whatever its shape, reading it ends in entries or in one message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from logoingest.errors import Problem, UsageError
from logoingest.labels.class_map.map_file import ANY_LANGUAGE
from logoingest.labels.growing.pack_entries import PackEntry, PackName, clean_language, clean_name, find_qid
from logoingest.labels.text.fold import fold

_BRACKETS = re.compile(r"\s*\([^()]*\)\s*$")
_TAG = re.compile(
    r"(?P<base>brand|brand:short|name|alt_name|short_name|old_name|official_name|int_name)(?::(?P<language>[a-z]{2,3}(?:-[\w-]+)?))?"
)
_OPERATOR_TAG = re.compile(
    r"(?P<base>operator|operator:short|alt_name|short_name|old_name|official_name)(?::(?P<language>[a-z]{2,3}(?:-[\w-]+)?))?"
)


def guess_form(value: Any) -> str | None:
    """nsi, wikidata or simple-icons, by what the value holds."""
    if isinstance(value, dict):
        if isinstance(value.get("nsi"), dict) or isinstance(value.get("items"), list):
            return "nsi"
        if isinstance(value.get("entities"), dict) or is_entity(value):
            return "wikidata"
        if isinstance(value.get("icons"), list):
            return "simple-icons"
        if value and all(isinstance(names, dict) and _are_names(names) for names in value.values()):
            return "names"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        if is_entity(value[0]):
            return "wikidata"
        if "title" in value[0] and ("hex" in value[0] or "slug" in value[0]):
            return "simple-icons"
    return None


# -- name-suggestion-index ---------------------------------------------------------------------------------------------


def _read_nsi(value: Any, file: Path) -> Iterator[PackEntry]:
    groups = value.get("nsi", {"": value}) if isinstance(value, dict) else None
    version = _pick(_pick(value, "_meta", dict), "version", str) or ""
    if not isinstance(groups, dict):
        raise _malformed(file, "nsi", 'has no object "nsi" and no list "items"')
    for path, group in groups.items():
        items = group.get("items", []) if isinstance(group, dict) else None
        if not isinstance(items, list):
            raise _malformed(file, f"nsi.{path}", 'has no list "items"')
        tree = (path or str(_pick(_pick(group, "properties", dict), "path", str) or "brands")).partition("/")[0]
        for place, item in enumerate(items):
            if not isinstance(item, dict) or not isinstance(item.get("tags"), dict):
                raise _malformed(file, f"{path or 'items'}[{place}]", 'is no item with "tags"')
            if tree in {"brands", "operators"}:
                yield from _read_nsi_item(item, tree, f"nsi {version}".strip())


def _read_nsi_item(item: Mapping[str, Any], tree: str, source: str) -> Iterator[PackEntry]:
    """What an item is called counts only where it is the brand's own name: "IKEA Restaurant" is a place of the brand IKEA."""
    tags = {key: value for key, value in item["tags"].items() if isinstance(key, str) and isinstance(value, str)}
    main, pattern = ("brand", _TAG) if tree == "brands" else ("operator", _OPERATOR_TAG)
    title = clean_name(tags.get(main) or tags.get("name", "") if tree == "brands" else tags.get(main, ""))
    if not title:
        return
    shown = clean_name(_BRACKETS.sub("", str(item.get("displayName") or "")))
    own = fold(title).joined or fold(title).text
    is_own = not shown or own == (fold(shown).joined or fold(shown).text) or tags.get("name") == title
    has_own_name = tags.get("name", title) == title
    names: list[PackName] = []
    doubtful: list[tuple[PackName, str]] = []
    for key, value in tags.items():
        found = pattern.fullmatch(key)
        if found is None:
            continue
        texts = [PackName(clean_name(part), clean_language(found["language"] or "")) for part in value.split(";")]
        if has_own_name or found["base"].startswith(main):
            names += texts
        else:
            doubtful += [(text, f"is what a part of {title} is called") for text in texts]
    further = [text for text in _pick(item, "matchNames", list) or [] if isinstance(text, str)]
    if shown and not _extends(shown, title):
        further.append(shown)
    for text in further:
        entry = PackName(clean_name(text))
        if is_own and has_own_name:
            names.append(entry)
        else:
            doubtful.append((entry, f"is what a part of {title} is called"))
    qid = find_qid(tags.get(f"{main}:wikidata"))
    titles = tuple(dict.fromkeys(text for text in (title, clean_name(tags.get(f"{main}:en", ""))) if text))
    yield PackEntry(
        qid or title, qid, titles, _distinct(names), source, doubtful=tuple(dict.fromkeys(doubtful)), is_by_id=tree != "brands"
    )


def _extends(longer: str, shorter: str) -> bool:
    """Has all the words of the other, and more."""
    return set(fold(shorter).plain.split()) < set(fold(longer).plain.split())


# -- Wikidata ----------------------------------------------------------------------------------------------------------


def is_entity(value: Any) -> bool:
    """Looks like a Wikidata entity."""
    return isinstance(value, dict) and find_qid(value.get("id")) is not None and isinstance(value.get("labels"), dict | list)


def _read_wikidata(value: Any, file: Path) -> Iterator[PackEntry]:
    if isinstance(value, dict):
        held = value.get("entities", {"": value})
        value = list(held.values()) if isinstance(held, dict) else held
    if not isinstance(value, list):
        raise _malformed(file, "entities", "is no object or list of entities")
    for place, entity in enumerate(value):
        if isinstance(entity, dict) and "missing" in entity:
            continue
        if not isinstance(entity, dict) or not isinstance(entity.get("id"), str):
            raise _malformed(file, f"entities[{place}]", "is no Wikidata entity (it needs id and labels)")
        yield from read_entity(entity)


def read_entity(entity: Mapping[str, Any]) -> Iterator[PackEntry]:
    """An item's labels and aliases; nothing for properties and lexemes."""
    qid = find_qid(entity.get("id"))
    if qid is None:
        return
    labels = list(_list_terms(entity.get("labels")))
    aliases = list(_list_terms(entity.get("aliases")))
    main = [name.text for name in labels if name.language in {"en", ANY_LANGUAGE}] or [name.text for name in labels]
    nicknames = [name.text for name in aliases if name.language in {"en", ANY_LANGUAGE}]
    names = _distinct([*labels, *aliases])
    if names:
        titles = tuple(dict.fromkeys(filter(None, main)))
        yield PackEntry(qid, qid, titles, names, f"wikidata {qid}", tuple(dict.fromkeys(filter(None, nicknames))))


def _list_terms(held: Any) -> Iterator[PackName]:
    """Labels (language → term) and aliases (language → terms); an empty set is written as a list."""
    for code, terms in held.items() if isinstance(held, dict) else ():
        for term in terms if isinstance(terms, list) else [terms]:
            text = term.get("value") if isinstance(term, dict) else term
            if isinstance(text, str):
                yield PackName(clean_name(text), clean_language(str(code)))


# -- simple-icons ------------------------------------------------------------------------------------------------------


def _read_simple_icons(value: Any, file: Path) -> Iterator[PackEntry]:
    icons = value.get("icons") if isinstance(value, dict) else value
    if not isinstance(icons, list):
        raise _malformed(file, "", "is no list of icons")
    for place, icon in enumerate(icons):
        if not isinstance(icon, dict) or not isinstance(icon.get("title"), str):
            raise _malformed(file, f"[{place}]", 'is no icon with a "title"')
        title = clean_name(icon["title"])
        aliases = _pick(icon, "aliases", dict) or {}
        names = [PackName(title)]
        names += [PackName(clean_name(text)) for key in ("aka", "old") for text in _list_titles(aliases.get(key))]
        located = _pick(aliases, "loc", dict) or {}
        names += [PackName(clean_name(text), clean_language(code)) for code, text in located.items() if isinstance(text, str)]
        if title:
            yield PackEntry(title, None, (title,), _distinct(names), "simple-icons")
            same_picture = [PackName(clean_name(text)) for text in _list_titles(aliases.get("dup"))]
            if same_picture:
                yield PackEntry(title, None, (title,), _distinct(same_picture), "simple-icons (same picture)")


def _list_titles(held: Any) -> Iterator[str]:
    """Titles given as text, or as objects with a title."""
    for item in held if isinstance(held, list) else ():
        text = item.get("title") if isinstance(item, dict) else item
        if isinstance(text, str):
            yield text


# -- names per language ------------------------------------------------------------------------------------------------


def _are_names(names: Mapping[str, Any]) -> bool:
    """Language → a name, or a list of names."""
    return all(
        isinstance(held, str) or (isinstance(held, list) and all(isinstance(text, str) for text in held)) for held in names.values()
    )


def _read_names(value: Any, file: Path) -> Iterator[PackEntry]:
    if not isinstance(value, dict):
        raise _malformed(file, "", "is no object of names")
    for key, names in value.items():
        if not isinstance(names, dict) or not _are_names(names):
            raise _malformed(file, key, 'has no names per language, such as {"en": "Germany", "ja": ["ドイツ"]}')
        yield make_named_entry(key, names, file.name)


def make_named_entry(key: str, names: Mapping[str, str | Sequence[str]], source: str) -> PackEntry:
    """A thing with its names per language; a class called by its key or its English name is it, else one called by any of them."""
    texts = [
        PackName(clean_name(text), clean_language(code))
        for code, held in names.items()
        for text in ([held] if isinstance(held, str) else held)
    ]
    english = [name.text for name in texts if name.language in {"en", ANY_LANGUAGE}]
    titles = tuple(dict.fromkeys(filter(None, (clean_name(key), *english))))
    return PackEntry(
        key, None, titles, _distinct(texts), source, nicknames=tuple(dict.fromkeys(name.text for name in texts if name.text))
    )


FORMS: Mapping[str, Callable[[Any, Path], Iterable[PackEntry]]] = {
    "nsi": _read_nsi,
    "wikidata": _read_wikidata,
    "simple-icons": _read_simple_icons,
    "names": _read_names,
}
"""Form → its reader, of a value and the file it is from; raises UsageError where the value is not of the form."""


def _distinct(names: Sequence[PackName]) -> tuple[PackName, ...]:
    return tuple(dict.fromkeys(name for name in names if name.text))


def _pick(holder: Any, key: str, kind: type) -> Any:
    """A value of the kind it should be, else None."""
    value = holder.get(key) if isinstance(holder, dict) else None
    return value if isinstance(value, kind) else None


def _malformed(file: Path, place: str, what: str) -> UsageError:
    return UsageError(Problem(f"{file}: {place}" if place else str(file), what, "is --pack-format right?"))
