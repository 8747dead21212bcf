"""Words of German, French, Spanish, Italian, Portuguese and Dutch: as little a slip for a name that looks alike as English ones are.

"Kirche" is no misspelt "Kirsche", "rosé" no "rose" with an accent too many. The frequent words that the English dictionary lacks,
counted in subtitles (OpenSubtitles; P. Lison and J. Tiedemann 2016) by pyspellchecker; ``benchmarks/labels_foreign_words.py`` writes them.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

_FILE = "foreign_words.txt.gz"


class _Words(NamedTuple):
    keys: frozenset[str]
    """In ASCII."""
    accented: Mapping[str, frozenset[str]]
    """Word as it is written → those of its language that only accents tell from it."""


def is_foreign_word(text: str) -> bool:
    """Whether text in ASCII and without spaces is a frequent word of one of these languages; read on first use."""
    return text in _read_words().keys


def are_two_words(one: str, other: str) -> bool:
    """Whether two plain texts that differ by accents alone hold two words of one language: ``rose`` and ``rosé``."""
    accented = _read_words().accented
    return any(word != there and there in accented.get(word, ()) for word, there in zip(one.split(), other.split(), strict=False))


def forget_foreign_words() -> None:
    """Let go of the words, 26 MB, until they are asked again."""
    _read_words.cache_clear()


@cache
def _read_words() -> _Words:
    lines = gzip.decompress(resources.files(__package__).joinpath(_FILE).read_bytes()).decode().splitlines()
    accented: dict[str, frozenset[str]] = {}
    for group in (frozenset(line.split()) for line in lines if " " in line):
        accented |= {word: accented.get(word, frozenset()) | group for word in group}
    return _Words(frozenset(line for line in lines if " " not in line), accented)
