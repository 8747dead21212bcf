"""How usual a pair of letters is in names, which tells a slip of the finger from a name of its own.

"Starbukcs" has a pair ("kc") that names hardly ever have; "Winemark" has none. So a spelling that is one edit away from a
class is the more likely a typo the rarer the pairs are that the edit brought in, and the more likely a stranger the more
usual they are. Measured on 3,882 brand names (one half of name-suggestion-index 8.0, split by name; the other half is what
benchmarks/labels_open_set.py scores on).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

MOST_USUAL = 4

# First letter ("^": start of a word) → second letters ("$": end of a word) that make up at least 0.05, 0.3, 1 and 3 in a
# thousand of all pairs. A pair that is not listed is rarer still.
_SECOND_LETTERS: Mapping[str, tuple[str, str, str, str]] = {
    "^": ("", "qx", "juvwyz", "abcdefghiklmnoprst"),
    "a": ("aejq", "fhowxz", "bdgikpuvy", "clmnrst$"),
    "b": ("cdghjkmnpw", "bsy", "eiloru$", "a"),
    "c": ("bdmnsz", "cuy", "iklrt$", "aeho"),
    "d": ("bcdfghmnptvwz", "lruy", "aos", "ei$"),
    "e": ("hjq", "bfgkouvwyz", "aceimpx", "dlnrst$"),
    "f": ("csy", "ltu", "aefior$", ""),
    "g": ("bgmtvz", "hlnsuy", "aior", "e$"),
    "h": ("cdfklmtw", "nrsuy", "i$", "aeo"),
    "i": ("hiuwy", "bfjpqx", "dgkmrvz", "acelnost$"),
    "j": ("bkns$", "aeiou", "", ""),
    "k": ("bchkmntvw", "lrsuy", "aio", "e$"),
    "l": ("ghjmnprvwz", "bcfky", "dostu", "aeil$"),
    "m": ("cdfglnrtvy", "bmsu", "iop$", "ae"),
    "n": ("fhjlmpqvwxz", "bu", "cnoy", "adegikst$"),
    "o": ("jxz", "aeghvy", "bcdfikow", "lmnprstu$"),
    "p": ("cfm", "hpstuy", "ilr$", "aeo"),
    "q": ("i$", "u", "", ""),
    "r": ("fhjwz", "bdlprv", "cgkmnuy", "aeiost$"),
    "s": ("dfgnqrvz", "blmwy", "acikpsu", "ehot$"),
    "t": ("bdfkmpvwz", "cln", "stuy", "aehior$"),
    "u": ("fhvxyz", "acdgklmo", "beipt$", "nrs"),
    "v": ("bnrstuy", "o$", "ai", "e"),
    "w": ("hklnsuy", "o$", "aei", ""),
    "x": ("aceltuxy", "ip", "$", ""),
    "y": ("bdfgikmntuw", "acelop", "s", "$"),
    "z": ("dhknpstuy", "eio$", "az", ""),
}
_USUALNESS = {
    first + second: tier + 1 for first, tiers in _SECOND_LETTERS.items() for tier, letters in enumerate(tiers) for second in letters
}


def rate_new_pairs(text: str, known: str) -> int:
    """How usual the least usual letter pair is that ``text`` has and ``known`` has not: 0 (hardly ever seen) to 4.

    Pairs with a digit, a sign or a letter outside a to z tell nothing and count as most usual; so does no new pair at all.
    """
    added = _count_pairs(text) - _count_pairs(known)
    return min((_rate(pair) for pair in added), default=MOST_USUAL)


def _rate(pair: str) -> int:
    is_known = all("a" <= char <= "z" or char in "^$" for char in pair)
    return _USUALNESS.get(pair, 0) if is_known else MOST_USUAL


def _count_pairs(text: str) -> Counter[str]:
    framed = f"^{text}$"
    return Counter(first + second for first, second in pairwise(framed))
