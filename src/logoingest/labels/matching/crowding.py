"""How crowded a map's names are: whether names of one letter's difference are common there, as among languages, or rare.

The threshold of evidence is for odds of a list of brands, of whose names one in two hundred has another at one edit. Where one
in fifty has, what looks like a slip is four times as often a name that the map lacks (Kanuri, Kangri): so many times likelier
must it be a slip. The map's own names tell which it is, as far as there are enough of them (a prior of a hundred names); one
pair is a coincidence. Brands that differ by a number are kept apart by it, and count for nothing here.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from logoingest.labels.text.numbers import pick_numbers

_USUAL_SHARE = 1 / 200
_PRIOR_NAMES = 100
_MIN_LETTERS = 5
_MIN_NEAR = 3
_MOST = 1.0


def weigh_crowding(owned: Iterable[tuple[str, str]]) -> float:
    """Powers of ten by which an answer near a name is likelier to be another name than among brands: 0 to 1.

    Args:
        owned: (class, key without spaces) of each spelling.
    """
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for owner, key in owned:
        if len(key) >= _MIN_LETTERS:
            owners[key].add(owner)
    near = _count_near(owners)
    if near < _MIN_NEAR:
        return 0.0
    share = (near + _PRIOR_NAMES * _USUAL_SHARE) / (len(owners) + _PRIOR_NAMES)
    return min(_MOST, max(0.0, math.log10(share / _USUAL_SHARE)))


def _count_near(owners: Mapping[str, AbstractSet[str]]) -> int:
    """How many keys have one of another class at one edit."""
    near: set[str] = set()
    for key, other in _pair_near(owners):
        if not owners[key] & owners[other] and pick_numbers(key) == pick_numbers(other):
            near.update((key, other))
    return len(near)


def _pair_near(keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The pairs of keys of which one comes from the other by a letter more, another letter, or two neighbours swapped."""
    known = dict.fromkeys(keys)
    alike: dict[tuple[int, str], list[str]] = {}
    for key in known:
        for place in range(len(key)):
            rest = key[:place] + key[place + 1 :]
            swapped = key[:place] + key[place + 1 : place + 2] + key[place] + key[place + 2 :]
            yield from ((key, other) for other in (rest, swapped) if other in known and other != key)
            others = alike.setdefault((place, rest), [])
            yield from ((key, other) for other in others)
            others.append(key)
