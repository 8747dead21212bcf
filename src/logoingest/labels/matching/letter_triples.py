"""How usual a word's letters are in names, which tells a slip of the finger from a name of its own.

"Starbukcs" has letters in a row ("ukc") that names hardly ever have; "Winemark" has none. The table was measured on one half
of the brand names of name-suggestion-index 8.0 (split by name; the other half is what benchmarks/labels_open_set.py scores on) and
on lists of places, things and words, by benchmarks/labels_letter_triples.py.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources

CONTEXT_LETTERS = "^abcdefghijklmnopqrstuvwxyz#"
"""What may stand before a letter: the start of the word, a letter, or a digit or sign."""
NEXT_LETTERS = "abcdefghijklmnopqrstuvwxyz#$"
"""What may follow: a letter, a digit or sign, or the end of the word."""
STEPS_PER_POWER = 16
"""The table counts in sixteenths of a power of ten."""

_WIDTH = len(NEXT_LETTERS) + 1
_ZERO = ord("0")
_WHICH_SIGN = 1.0
_FOREIGN_LETTER = 1.1
_ACRONYM = 1.3
_ACRONYM_LETTER = 1.415
_CONTEXT_PLACES = {letter: place for place, letter in enumerate(CONTEXT_LETTERS)}
_NEXT_PLACES = {letter: place for place, letter in enumerate(NEXT_LETTERS)}
_FILE = "letter_triples.txt"


def mark_letters(word: str) -> str:
    """A word in the letters of the table: whatever is not a to z becomes ``#``."""
    return "".join(char if "a" <= char <= "z" else "#" for char in word)


@lru_cache(maxsize=65_536)
def cost_word(word: str) -> float:
    """How improbable it is, in powers of ten, that a name has this word (in folded letters): 0 or more, about 1 a letter.

    A word may always be an acronym, whose letters follow no rule. Letters outside a to z cost a flat rate.
    """
    if not word:
        return 0.0
    if not word.isascii():
        return _FOREIGN_LETTER * len(word)
    marked = mark_letters(word)
    table = _read_table()
    first = second = 0
    steps = 0
    for letter in f"{marked}$":
        steps += table[(first * len(CONTEXT_LETTERS) + second) * _WIDTH + _NEXT_PLACES[letter]] - _ZERO
        first, second = second, _CONTEXT_PLACES.get(letter, 0)
    cost = steps / STEPS_PER_POWER + _WHICH_SIGN * marked.count("#")
    return min(cost, _ACRONYM + _ACRONYM_LETTER * len(word))


@cache
def _read_table() -> bytes:
    return resources.files(__package__).joinpath(_FILE).read_bytes()
