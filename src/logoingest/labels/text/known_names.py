"""Words and names people know: an answer that is one of them is meant, and no slip for a name that looks alike.

A spelling checker does not mend what is in its dictionary; "Colombia" is not a misspelt "Columbia". The dictionary is
SymSpell's, 82,765 English words and names by frequency; what it does not know, a class map tells by ``distinct_from``.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

_PACKAGE = "symspellpy"
_FILE = "frequency_dictionary_en_82_765.txt"


def is_known_name(text: str) -> bool:
    """Whether folded text, in ASCII and without spaces, is a word of the dictionary; read on first use."""
    return text in _read_dictionary()


@cache
def _read_dictionary() -> frozenset[str]:
    lines = resources.files(_PACKAGE).joinpath(_FILE).read_text("utf-8-sig").splitlines()
    return frozenset(line.partition(" ")[0] for line in lines)
