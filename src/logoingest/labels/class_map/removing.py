"""What a review takes out of a class-map file: aliases of the wrong class, and a class that is another one (tomlkit)."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

import tomlkit
from tomlkit.items import Array

from logoingest.errors import ClassMapError
from logoingest.labels.class_map.writing import append_entry


def remove_aliases(document: tomlkit.TOMLDocument, class_id: str, is_meant: Callable[[str], bool]) -> list[str]:
    """Take the aliases that are meant out of a class, in every language; what was taken out.

    Those that an include brings along stay: they stand in another file.
    """
    table = document.get("classes", {}).get(class_id)
    aliases = table.get("aliases") if isinstance(table, MutableMapping) else None
    lists = list(aliases.values()) if isinstance(aliases, MutableMapping) else [aliases]
    removed = []
    for entries in (entries for entries in lists if isinstance(entries, Array)):
        for place in reversed(range(len(entries))):
            text = _read_text(entries[place])
            if is_meant(text):
                del entries[place]
                removed.append(text)
    return removed[::-1]


def merge_class(document: tomlkit.TOMLDocument, source: str, target: str) -> bool:
    """Have a class come out as another one (``output.merge``); False where it does already.

    Raises:
        ClassMapError: ``output`` is no table.
    """
    output = document.setdefault("output", tomlkit.table())
    merge = output.setdefault("merge", tomlkit.table()) if isinstance(output, MutableMapping) else None
    if not isinstance(merge, MutableMapping):
        raise ClassMapError("output.merge: is no table")
    sources: Any = merge.setdefault(target, tomlkit.array())
    if source in sources:
        return False
    append_entry(sources, tomlkit.item(source))
    return True


def _read_text(entry: Any) -> str:
    return str(entry.get("text", "") if isinstance(entry, MutableMapping) else entry)
