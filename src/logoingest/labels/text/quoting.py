"""Answers in the words of a message."""

from __future__ import annotations

from logoingest.strangers.escaping import escape_text
from logoingest.wording import cut_text

_MAX_SHOWN = 60


def shorten(text: str) -> str:
    """Text in quotes for a message: escaped, at most 60 characters."""
    shown = cut_text(text, _MAX_SHOWN)
    return f'"{escape_text(shown)}"'
