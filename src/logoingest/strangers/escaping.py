"""Strangers' text made harmless: on a terminal or a line of a message, and in a spreadsheet's cell."""

from __future__ import annotations

import re

#: Control characters but for line ends and tabs, and those that turn the direction of writing (Unicode, UAX 9).
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")
_FORMULA = re.compile(r"[' ]*[=+\-@|%\t\r\n＝＋－＠]")


def escape_text(text: str) -> str:
    """Text on one line in which nothing moves a cursor, hides or turns round: such characters are shown as escapes."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii") for char in text)


def flatten_text(text: str) -> str:
    """Text on one line without what cannot be seen: a space for each run of it and of white space, none at the ends."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def has_controls(text: str) -> bool:
    """Whether something in a text moves a cursor, hides what stands around it or turns it round."""
    return _CONTROL.search(text) is not None


def replace_controls(text: str) -> str:
    """The text with U+FFFD for each of them; lines and tabs stay."""
    return _CONTROL.sub("\ufffd", text)


def is_formula(text: str) -> bool:
    """Whether a spreadsheet would run a cell of this text."""
    return _FORMULA.match(text) is not None


def guard_cell(text: str) -> str:
    """Text for a CSV cell: an apostrophe in front of what a spreadsheet would run (OWASP, CSV injection)."""
    return f"'{text}" if is_formula(text) else text


def unguard_cell(cell: str) -> str:
    """The text of a guarded cell."""
    return cell[1:] if cell.startswith("'") and is_formula(cell) else cell
