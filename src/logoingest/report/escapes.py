"""Strangers' text in a page of HTML: what Jinja's escaping leaves to be done."""

from __future__ import annotations

import re

from logoingest.strangers.escaping import escape_text

_LINKED = re.compile(r"https?://[^\s\x00-\x20\x7f\\@\"<>^`{|}]+", re.IGNORECASE)
_MOST_LINK = 2_000


def make_visible(text: str, most: int = 160) -> str:
    """A stranger's text for people: control and direction characters shown as escapes, long text cut."""
    shown = escape_text(text[:most])
    return shown + ("…" if len(text) > most else "") if shown else "(empty)"


def find_link(url: str) -> str | None:
    """The URL when a page may link to it: http or https, plain characters, no name or password; else None."""
    fits = len(url) <= _MOST_LINK and _LINKED.fullmatch(url) and all(character.isprintable() for character in url)
    return url if fits else None


def quote_css(text: str) -> str:
    """The text, cut, as a string of CSS; all but letters, digits and spaces is escaped (CSS Syntax 3, 4.3.7)."""
    shown = make_visible(text, 40)
    return (
        '"' + "".join(char if char.isascii() and (char.isalnum() or char == " ") else f"\\{ord(char):x} " for char in shown) + '"'
    )
