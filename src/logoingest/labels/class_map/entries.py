"""What a review writes into a class-map file beside aliases: words, classes, overrides, pairs told apart (tomlkit).

Each function changes the document in place and returns whether there was anything to add.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, MutableMapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array

from logoingest.labels.class_map.word_lists import BUILT_IN_LISTS
from logoingest.labels.class_map.writing import LINE_LENGTH, append_entry, make_entry, require_class
from logoingest.labels.text.fold import fold

DROPPED_CLASS = "answers thrown away"
"""The class that dropped answers are aliases of; it stands in ``output.drop``."""


class Signature(NamedTuple):
    """Who decided, and when."""

    by: str
    on: date | None

    def list_facts(self) -> dict[str, str | date]:
        """The keys that stand beside an entry."""
        return {key: value for key, value in zip(self._fields, self, strict=True) if value}


def add_class(document: tomlkit.TOMLDocument, class_id: str, signature: Signature) -> bool:
    """A class that is called as its id."""
    if class_id in document.get("classes", {}):
        return False
    require_class(document, class_id).update(signature.list_facts())
    return True


def add_dropped_class(document: tomlkit.TOMLDocument) -> bool:
    """The class of answers that are thrown away; its name is no answer anybody gives."""
    require_class(document, DROPPED_CLASS)
    if "output" not in document:
        document.append("output", _start_table(document))
    output: Any = document["output"]
    if "drop" not in output:
        output["drop"] = tomlkit.array()
    if DROPPED_CLASS in output["drop"]:
        return False
    append_entry(output["drop"], DROPPED_CLASS)
    return True


def add_word(document: tomlkit.TOMLDocument, key: str, word: str, known: Collection[str], signature: Signature) -> bool:
    """A word of ``noise_words`` or ``no_label``.

    Args:
        document: changed in place.
        key: one of the two.
        word: as it shall be written.
        known: folded words that count so far; the built-in ones are written out when the file is the first to list some.
        signature: who and when.
    """
    folded = fold(word).text
    if folded in known or folded in {fold(text).text for text in _list_words(document.get(key, []))}:
        return False
    if key not in document:
        document.append(key, _spell_out_defaults(document, key, known))
    words: Any = document[key]
    if isinstance(words, MutableMapping):
        if "any" not in words:
            words["any"] = tomlkit.array()
        words = words["any"]
    append_entry(words, make_entry(word, by=signature.by, on=signature.on))
    return True


def add_overrides(
    document: tomlkit.TOMLDocument, annotation_ids: Sequence[str], class_id: str, reason: str, signature: Signature
) -> bool:
    """One entry for annotations that have none yet; an empty class drops them."""
    if not annotation_ids:
        return False
    names = tomlkit.array()
    names.extend(annotation_ids)
    facts: dict[str, Any] = {"annotation": annotation_ids[0]} if len(annotation_ids) == 1 else {"annotations": names}
    facts |= {"class": class_id} if class_id else {"drop": True}
    facts |= {"reason": reason, **signature.list_facts()}
    there = document.get("overrides")
    if isinstance(there, Array):
        entry = tomlkit.inline_table()
        entry.update(facts)
        append_entry(there, entry)
        return True
    if len(annotation_ids) > 2:
        names.multiline(multiline=True)
    if not isinstance(there, AoT):
        document.append("overrides", tomlkit.aot())
        there = document["overrides"]
    table = _start_table(document)
    for key, value in facts.items():
        table.append(key, value)
    there.append(table)
    return True


def add_pair(document: tomlkit.TOMLDocument, class_id: str, text: str) -> tomlkit.TOMLDocument:
    """The document with a ``distinct_from`` pair; a new one where the key had to be made among the top-level keys."""
    if "distinct_from" not in document:
        document = _insert_key(document, "distinct_from = []\n")
    pair = tomlkit.array()
    pair.extend([class_id, text])
    append_entry(document["distinct_from"], pair)
    return document


def _insert_key(document: tomlkit.TOMLDocument, line: str) -> tomlkit.TOMLDocument:
    """A line among the top-level keys, above the first header and the comment that belongs to it."""
    lines = tomlkit.dumps(document).splitlines(keepends=True)
    place = next(
        (place for place, text in enumerate(lines) if text.lstrip().startswith("[") and _is_whole(lines[:place])), len(lines)
    )
    while place and lines[place - 1].lstrip().startswith("#"):
        place -= 1
    while place and not lines[place - 1].strip():
        place -= 1
    before = "".join(lines[:place])
    start = "" if not before or before.endswith("\n") else "\n"
    return tomlkit.parse(
        f"{before}{start}{line}{'' if place < len(lines) and not lines[place].strip() else chr(10)}{''.join(lines[place:])}"
    )


def _is_whole(lines: Sequence[str]) -> bool:
    """The lines end between two statements, not within a list or a text of several lines."""
    try:
        tomlkit.parse("".join(lines))
    except TOMLKitError:
        return False
    return True


def _spell_out_defaults(document: tomlkit.TOMLDocument, key: str, known: Collection[str]) -> Any:
    """A list of one's own replaces the built-in one: what counted so far must stand in it."""
    table = _start_table(document)
    defaults = BUILT_IN_LISTS[key]
    if "built_in" not in document and set(known) == {fold(word).text for words in defaults.values() for word in words}:
        for language, words in defaults.items():
            entries = tomlkit.array()
            entries.extend(words)
            if len(entries.as_string()) > LINE_LENGTH:
                entries.multiline(multiline=True)
            table.append(language, entries)
    return table


def _start_table(document: tomlkit.TOMLDocument) -> Any:
    """A table set off by a blank line."""
    table = tomlkit.table()
    text = tomlkit.dumps(document)
    table.trivia.indent = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
    return table


def _list_words(words: Any) -> list[str]:
    lists = words.values() if isinstance(words, Mapping) else [words]
    return [str(word.get("text", "") if isinstance(word, Mapping) else word) for entries in lists for word in entries]
