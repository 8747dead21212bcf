"""Numbers in folded text: the signs and points that make another number of the same digits, and which are no punctuation.

"-5" is not 5, "1.0" not 10, "10%" not 10, "1/2" not 12, "F#" not F. What two numbers share between them is kept as well, so
that "1 5" is not 15: a hyphen stands for it ("7 11", "7-11"). A comma between digits is a decimal one unless it parts thousands.
"""

from __future__ import annotations

import re

SIGNS = "-./%#<>=~±≈≠$¢£¥€₹₽₩₺₴₫₪"
"""Signs that a plain text keeps where they belong to a number, or to one letter ("F#", "A-")."""

_MONEY = "$¢£¥€₹₽₩₺₴₫₪"
_MARKS = {sign: chr(0xE000 + place) for place, sign in enumerate(SIGNS)}
_MARKED = frozenset(_MARKS.values())
_TO_MARKS = str.maketrans(_MARKS)
_FROM_MARKS = str.maketrans({mark: sign for sign, mark in _MARKS.items()})
_OTHER_SIGNS = str.maketrans({"≤": "<=", "≥": ">=", "٪": "%", "♯": "#", "⁄": "/", "∕": "/", "٫": "."})
_MAY_HAVE = re.compile(r"[\d#♯]|-\W*$")
_THOUSANDS = re.compile(r"(?<![\d,.])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])|(?<![\d .])[1-9]\d{0,2}(?: \d{3})+(?![\d ])(?=\W*$)")
_DECIMAL_COMMA = re.compile(r"(?<![\d,.])(\d+),(?=\d+(?![\d,.]))")
_LEADING_POINT = re.compile(r"(?<![\w.])\.(?=\d)")
_RULES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![\w)\]\"-])-(?=\.?[{_MONEY}]?\d)",  # a minus
        r"(?<=\d)[./](?=\d)",  # a point, a fraction
        r"(?<=\d)\s*%",
        rf"[{_MONEY}](?=\s*\d)|(?<=\d)\s*[{_MONEY}]",
        r"(?<![\w<>=-])(?:[<>]=?|[~±≈≠])(?=\s*[-+]?\.?\d)",  # less than, about
        r"(?<=(?<!\w)[^\W\d_])#",  # "C#"
        r"(?:(?<=(?<![\w-])[^\W\d_])|(?<=(?<![\w-])[^\W\d_]{2}))-(?=[\s)\]\".,!?]*$)",  # "A-", "AB-"
    )
)
_ROMAN = re.compile(r"x{0,3}(?:ix|iv|v?i{0,3})")
_BETWEEN = re.compile(r"(?<=\d) (?=\d)")


def may_hold_signs(text: str) -> bool:
    """Whether ``mark_signs`` might change anything: a quick look."""
    return _MAY_HAVE.search(text) is not None


def mark_signs(text: str) -> str:
    """Folded text whose numbers' signs are letters of the private use area, which ``unmark_signs`` turns back."""
    text = text.translate(_OTHER_SIGNS)
    text = _THOUSANDS.sub(lambda found: re.sub(r"\D", "", found.group()), text)
    text = _LEADING_POINT.sub("0.", _DECIMAL_COMMA.sub(r"\1.", text))
    for rule in _RULES:
        text = rule.sub(lambda found: found.group().strip().translate(_TO_MARKS), text)
    return text


def is_mark(char: str) -> bool:
    """Whether the letter is a sign that ``mark_signs`` made."""
    return char in _MARKED


def unmark_signs(plain: str) -> str:
    """Words separated by spaces, with the signs as they are written and a hyphen where only a space parts two digits."""
    return _BETWEEN.sub("-", plain.translate(_FROM_MARKS))


def pick_numbers(text: str) -> str:
    """The digits of a plain text or a key with the signs between and beside them: what must agree in a misspelling."""
    return "" if text.isalpha() else "".join(char for char in text if char.isdigit() or char in SIGNS)


def is_roman_numeral(word: str) -> bool:
    """Whether a word in small letters is a Roman numeral, up to 39."""
    return word[:1] in {"x", "v", "i"} and _ROMAN.fullmatch(word) is not None
