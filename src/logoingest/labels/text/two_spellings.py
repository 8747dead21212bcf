"""Words that are written in two ways and mean one thing: "grey" and "gray", "three" and "3", "III" and "3".

British and American spellings are those of breame (Apache-2.0); ``benchmarks/labels_spelling_pairs.py`` writes them. A Roman numeral counts
beside another word and from two letters on, for "I", "V" and "X" are letters as well; sizes ("XX") are none.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from functools import cache
from importlib import resources

from logoingest.labels.text.fold import make_plain

_FILE = "two_spellings.txt.gz"
_NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen",
    "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_ROMANS = {
    "ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "xi": "11", "xii": "12", "xiii": "13",
    "xiv": "14", "xv": "15", "xvi": "16", "xvii": "17", "xviii": "18", "xix": "19",
}  # fmt: skip


def write_one_way(plain: str) -> str:
    """Plain ASCII words with each that is written in two ways written in one.

    >>> write_one_way("grey slipper"), write_one_way("class iii"), write_one_way("three of hearts")
    ('gray slipper', 'class 3', '3 of hearts')
    """
    words = plain.split()
    known = _read_words()
    romans = _ROMANS if len(words) > 1 else {}
    made = [romans.get(word) or known.get(word, word) for word in words]
    return plain if made == words else make_plain(" ".join(made))


@cache
def _read_words() -> Mapping[str, str]:
    lines = gzip.decompress(resources.files(__package__).joinpath(_FILE).read_bytes()).decode().splitlines()
    pairs = dict(line.split() for line in lines)
    return pairs | {word: str(number) for number, word in enumerate(_NUMBERS)}
