"""What somebody typed who chose "other": the column beside an answer's, and which of the two counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from logoingest.config import SourceConfig
from logoingest.sources.cells.columns import OTHER_WORDS, split_words

_FORM_WORDS = frozenset(
    {"please", "specify", "text", "namely", "bitte", "angeben", "answer", "preciser", "especificar", "which", "value", "the", "or"}
)


def settle_other(source: SourceConfig, label: str, columns: Sequence[str]) -> SourceConfig:
    """The source with its ``other_column``: the one it names, else the one beside the answer's."""
    return source.model_copy(update={"other_column": source.other_column or find_other(label, columns)})


def find_other(label: str, names: Iterable[str]) -> str | None:
    """The column beside an answer's that holds what somebody typed who chose "other" (``species_other``); None without one, or of several."""
    found = [
        name
        for name in names
        if (words := {word for word in split_words(name) if not word.isdecimal()}) & OTHER_WORDS
        and not words - OTHER_WORDS - _FORM_WORDS - split_words(label)
    ]
    return found[0] if len(found) == 1 else None


def is_other(text: str) -> bool:
    """Whether an answer is but "other": ``Other (please specify)``, ``Sonstiges:``."""
    words = split_words(text.casefold())
    return bool(words & OTHER_WORDS) and not words - OTHER_WORDS - _FORM_WORDS


def choose_said(row: Mapping[str, Any], label: str | None, other: str | None) -> Any:
    """The answer's cell; where it says "other" or nothing and something was typed beside it, that."""
    said, typed = row.get(label or ""), row.get(other or "")
    is_open = said is None or (isinstance(said, str) and (not said.strip() or is_other(said)))
    return typed if is_open and typed is not None and str(typed).strip() else said
