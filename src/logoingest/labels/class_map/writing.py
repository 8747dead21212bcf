"""Class-map files as people keep them: read, extended and replaced with comments, order and spacing kept (tomlkit)."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, MutableMapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, InlineTable, Item, Null, Table, Whitespace

from logoingest.errors import ClassMapError, Problem
from logoingest.files.whole import replace_file
from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.class_map.map_file import ANY_LANGUAGE
from logoingest.labels.text.fold import fold
from logoingest.named_files import explain_unreadable
from logoingest.named_maps import place_map, refuse_writing

LINE_LENGTH = 132
_FIRST_INDENT = re.compile(r"\n([ \t]+)[^\s\]#]")
_BARE_NEWLINE = re.compile(r"(?<!\r)\n")


def load_document(path: str | os.PathLike[str]) -> tomlkit.TOMLDocument:
    """A class-map file as a document that remembers how it was written.

    Raises:
        ClassMapError: it cannot be read or is not valid TOML; what it means is checked by ``ClassMap.load``.
    """
    file = place_map(path, Path())
    try:
        return tomlkit.parse(file.read_bytes().decode("utf-8-sig"))
    except (TOMLKitError, RecursionError) as error:
        raise ClassMapError(Problem(str(file), f"is not valid TOML: {error or 'nested too deeply'}")) from None
    except (OSError, ValueError) as error:
        raise ClassMapError(explain_unreadable(file, error, "a class map is a UTF-8 TOML file")) from None


def write_document(path: str | os.PathLike[str], document: tomlkit.TOMLDocument) -> None:
    """Replace (or make) the file in one step; its new text is read as a class map first, so that a fault changes nothing.

    Raises:
        ClassMapError: the document is no sound class map, the path is the name of a map of the package, or the file cannot be written.
    """
    refuse_writing(path)
    text = tomlkit.dumps(document)
    if "\r\n" in text:
        text = _BARE_NEWLINE.sub("\r\n", text)
    _check_text(text, document, Path(os.path.realpath(path)))
    write_text(path, text)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file in one step, through links, keeping the mode of the file that was there.

    Raises:
        ClassMapError: it cannot be written, or the path is the name of a map of the package.
    """
    refuse_writing(path)
    try:
        with replace_file(Path(os.path.realpath(path))) as temporary:
            temporary.write_bytes(text.encode("utf-8"))
    except OSError as error:
        raise ClassMapError(Problem(os.fspath(path), f"cannot be written ({error.strerror or error})")) from None


def add_alias(
    document: tomlkit.TOMLDocument,
    class_id: str,
    text: str,
    language: str = ANY_LANGUAGE,
    *,
    exact: bool = False,
    source: str = "",
    by: str = "",
    on: date | None = None,
) -> bool:
    """Add a spelling to a class; False, and nothing happens, when the class has one in this file that folds alike.

    A class that this file knows from an include or its classes_file alone gets a table of its own. Aliases kept as one plain
    list become ``aliases.any`` when the first one with a language comes.

    Args:
        document: changed in place.
        class_id: as declared.
        text: as written into the file; whether it may be an alias is checked by ``write_document``.
        language: a language code, or ``any``.
        exact: only the whole answer counts.
        source: the pack it comes from.
        by: who decided it.
        on: when.

    Raises:
        ClassMapError: the class is no table, or its aliases are neither a list nor lists.
    """
    table = require_class(document, class_id)
    folded = _fold_text(text)
    if any(_fold_text(known) == folded for known in _list_texts(table)):
        return False
    append_entry(_find_list(document, table, class_id, language), make_entry(text, exact=exact, source=source, by=by, on=on))
    return True


def require_class(document: tomlkit.TOMLDocument, class_id: str) -> MutableMapping[str, Any]:
    """The table of a class; made, empty, after the last class when the file has none.

    Raises:
        ClassMapError: ``classes``, or the class, is something else than a table.
    """
    groups = [item for key, item in document.body if key is not None and key.key == "classes"]
    holders = [group for group in groups if isinstance(group, MutableMapping) and class_id in group]
    if len(holders) == 1:
        table = holders[0][class_id]
    elif holders:  # parts of it stand in several places of the file
        table = document["classes"][class_id]
    else:
        table = _add_class(document, groups[-1] if groups else None, class_id)
    if not isinstance(table, MutableMapping):
        raise ClassMapError(f"classes.{class_id}: is no table", f"for example: [classes.{tomlkit.key(class_id).as_string()}]")
    return table


def make_entry(text: str, exact: bool = False, source: str = "", by: str = "", on: date | None = None) -> Item:
    """An alias (or another word) as TOML: a plain string, or an inline table when there is more to say."""
    facts = {"exact": exact, "source": source, "by": by, "on": on}
    if not any(facts.values()):
        return tomlkit.item(text)
    entry = tomlkit.inline_table()
    entry.append("text", text)
    for key, value in facts.items():
        if value:
            entry.append(key, value)
    return entry


def _add_class(document: tomlkit.TOMLDocument, group: Item | None, class_id: str) -> Any:
    if group is None:
        _end_with_blank_line(document)
        group = tomlkit.table(is_super_table=True)
        group.append(class_id, tomlkit.table())
        document.append("classes", group)
        return group[class_id]
    if isinstance(group, InlineTable):
        group.append(class_id, tomlkit.inline_table())
        return group[class_id]
    if not isinstance(group, Table):
        raise ClassMapError("classes: is no table", f"for example: [classes.{tomlkit.key(class_id).as_string()}]")
    last = _find_last_table(group)
    is_end = last is _find_last_table(document)
    tail = _cut_tail(last, is_end=is_end) or ([] if is_end else [(None, tomlkit.nl())])
    table = tomlkit.table()
    table.trivia.indent = "" if last is group and not group.value.body else "\n"
    group.append(class_id, table)
    group[class_id].value.body.extend(tail)
    return group[class_id]


def _find_last_table(holder: Any) -> Any:
    """The table whose lines stand last among the holder's."""
    while True:
        key, item = next(((key, item) for key, item in reversed(_body(holder)) if not isinstance(item, Null)), (None, None))
        if isinstance(item, AoT) and len(item):
            holder = item[-1]
        elif isinstance(item, Table) and key is not None and not key.is_dotted():
            holder = item
        else:
            return holder


def _cut_tail(table: Any, *, is_end: bool) -> list[tuple[Any, Item]]:
    """Take off the blank lines and comments that stand before the next header and belong to it.

    They begin at the first blank line after the last key; without one, comments right above a header are the header's, and
    at the end of the file the table's own.
    """
    body = _body(table)
    start = len(body)
    while start and body[start - 1][0] is None:
        start -= 1
    blank = next((place for place in range(start, len(body)) if isinstance(body[place][1], Whitespace)), None)
    cut = blank if blank is not None else len(body) if is_end else start
    tail = body[cut:]
    del body[cut:]
    return tail


def _append_key(document: tomlkit.TOMLDocument, table: Any, key: Any, item: Item) -> None:
    """After the table's last key, before what belongs to the next header."""
    if not isinstance(table, Table):
        table[key] = item
        return
    tail = _cut_tail(table, is_end=table is _find_last_table(document))
    table.append(key, item)
    _body(table).extend(tail)


def _body(holder: Any) -> list[tuple[Any, Item]]:
    body: list[tuple[Any, Item]] = holder.value.body if isinstance(holder, Table) else holder.body
    return body


def _end_with_blank_line(document: tomlkit.TOMLDocument) -> None:
    text = document.as_string()
    if text and not text.endswith("\n\n"):
        document.add(tomlkit.nl())


def _list_texts(table: Mapping[str, Any]) -> list[str]:
    aliases = table.get("aliases", [])
    lists = aliases.values() if isinstance(aliases, Mapping) else [aliases]
    entries = [entry for entries in lists if isinstance(entries, list) for entry in entries]
    return [str(entry.get("text", "") if isinstance(entry, Mapping) else entry) for entry in entries]


def _find_list(document: tomlkit.TOMLDocument, table: MutableMapping[str, Any], class_id: str, language: str) -> Array:
    """The array that aliases of a language belong in; made when there is none."""
    aliases = table.get("aliases")
    if aliases is None and language == ANY_LANGUAGE:
        _append_key(document, table, "aliases", tomlkit.array())
        aliases = table["aliases"]
    elif aliases is None:
        aliases = _start_languages(document, table, language, tomlkit.array())
    elif isinstance(aliases, Array) and language != ANY_LANGUAGE:
        aliases = _spread_languages(document, table, aliases, language)
    if isinstance(aliases, MutableMapping):
        if language not in aliases:
            _append_key(document, aliases, language, tomlkit.array())
        aliases = aliases[language]
    if not isinstance(aliases, Array):
        raise ClassMapError(f"classes.{class_id}.aliases: is neither a list nor lists per language")
    return aliases


def _start_languages(document: tomlkit.TOMLDocument, table: Any, language: str, entries: Array) -> Any:
    """``aliases.<language> = entries``, in the table's own style."""
    if isinstance(table, Table):
        _append_key(document, table, tomlkit.key(["aliases", language]), entries)
    else:
        table["aliases"] = tomlkit.inline_table()
        table["aliases"][language] = entries
    return table["aliases"]


def _spread_languages(document: tomlkit.TOMLDocument, table: Any, entries: Array, language: str) -> Any:
    """A plain list becomes ``aliases.any`` in its place, as it is written; an empty one gives way."""
    rest = _cut_after(table, "aliases") if isinstance(table, Table) else []
    del table["aliases"]
    kept = (ANY_LANGUAGE, entries) if len(entries) else (language, tomlkit.array())
    aliases = _start_languages(document, table, *kept)
    for key, item in rest:
        table.append(key, item)
    return aliases


def _cut_after(table: Table, wanted: str) -> list[tuple[Any, Item]]:
    """Take off what stands after a key."""
    body = _body(table)
    place = next(place for place, (key, _) in enumerate(body) if key is not None and key.key == wanted)
    rest = [(key, item) for key, item in body[place + 1 :] if not isinstance(item, Null)]
    for key, _ in rest:
        if key is not None:
            table.remove(key)
    del body[place + 1 :]
    return rest


def append_entry(entries: Any, entry: Any) -> None:
    """At the end: on a line of its own in a list of several lines, or when the line grows long."""
    text = entries.as_string()
    if "\n" in text:
        indent = _FIRST_INDENT.search(text)
        entries.add_line(entry, indent=indent.group(1) if indent else "    ")
        return
    entries.append(entry)
    if len(entries.as_string()) > LINE_LENGTH // 2:
        entries.multiline(multiline=True)


def _check_text(text: str, document: tomlkit.TOMLDocument, file: Path) -> None:
    """What will be in the file says what the document says, and is a sound class map."""
    try:
        text.encode("utf-8")
        is_faithful = tomllib.loads(text) == document.unwrap()
    except (UnicodeEncodeError, tomllib.TOMLDecodeError) as error:
        raise ClassMapError(Problem(file.name, f"cannot be written as TOML ({error})", "the file is left as it was")) from None
    if not is_faithful:
        raise ClassMapError(Problem(file.name, "cannot be extended as it is written", "the file is left as it was"))
    ClassMap.from_toml(text, file.name, file.parent)


@lru_cache(maxsize=1 << 16)
def _fold_text(text: str) -> str:
    return fold(text).text
