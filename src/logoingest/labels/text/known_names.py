"""Words and names people know: an answer that is one of them is meant, and no slip for a name that looks alike.

A spelling checker does not mend what is in its dictionary; "Colombia" is not a misspelt "Columbia". The dictionary is
SymSpell's, 82,765 English words and names by frequency; what it does not know, a class map tells by ``distinct_from``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

_PACKAGE = "symspellpy"
_FILE = "frequency_dictionary_en_82_765.txt"


def is_known_name(text: str) -> bool:
    """Whether folded text, in ASCII and without spaces, is a word of the dictionary; read on first use."""
    return text in _read_dictionary()


def is_rarer(word: str, other: str, powers: float) -> bool:
    """Whether a word of the dictionary is met so many powers of ten less often than another; never beside what it does not know."""
    counts = _read_dictionary()
    return word in counts and other in counts and counts[word] * 10**powers < counts[other]


def forget_dictionary() -> None:
    """Let go of the dictionary, 14 MB, until it is asked again: a run stands for hours where it fetches."""
    _read_dictionary.cache_clear()


@cache
def _read_dictionary() -> Mapping[str, int]:
    """Word → how often it was met."""
    lines = resources.files(_PACKAGE).joinpath(_FILE).read_text("utf-8-sig").splitlines()
    return {word: int(count) for word, _, count in (line.partition(" ") for line in lines)}
