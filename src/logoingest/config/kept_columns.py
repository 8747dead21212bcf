"""How columns that go along into a release are named."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import PurePath

_PREFIXES = ("Input.", "Answer.", "INPUT:", "OUTPUT:", "data.")
_MAX_CHARS = 64
#: Columns of every release (and its split): no column of a source is kept under such a name.
RELEASE_COLUMNS = frozenset(
    {
        "image", "label", "image_id", "url", "urls", "group_id", "confidence", "width", "height", "votes", "class_ids", "boxes",
        "annotation_ids", "stored_sha256", "split",
    }
)  # fmt: skip
_FORBIDDEN = frozenset('.`"\\/')


def name_kept_columns(given: object) -> object:
    """Name in the release → column of the source: a list's columns keep their names, but for MTurk's and Label Studio's prefixes.

    Raises:
        ValueError: two columns of a list get one name.
    """
    if isinstance(given, str | bytes | PurePath | Mapping) or not hasattr(given, "__iter__"):
        return given
    columns = list(given)
    if not all(isinstance(column, str) for column in columns):
        return given
    named = {_drop_prefix(column): column for column in columns}
    if len(named) < len(columns):
        raise ValueError('names a column twice: give one another name, as in { licence_2 = "Input.licence" }')
    return named


def find_kept_fault(names: Iterable[str]) -> str | None:
    """Why columns cannot be named so in a release; None when they can."""
    folded: dict[str, str] = {}
    for name in names:
        if name.casefold() in RELEASE_COLUMNS:
            return f"{name!r} is a column of every release: keep it under another name, as in {{ source_{name} = ... }}"
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            return f"{other!r} and {name!r} differ in case alone, which databases do not tell apart"
        if not name.strip() or name != name.strip() or len(name) > _MAX_CHARS:
            return f"{name[:_MAX_CHARS]!r} is no name: 1 to {_MAX_CHARS} characters, no space at either end"
        if any(unicodedata.category(character)[0] == "C" for character in name) or _FORBIDDEN & set(name):
            return f"{name!r} holds a character that a column's name cannot hold: keep it under another name, as in {{ licence = ... }}"
    return None


def _drop_prefix(column: str) -> str:
    return next((column.removeprefix(prefix) for prefix in _PREFIXES if column.startswith(prefix)), column)
