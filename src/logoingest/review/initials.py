"""Initials: the classes whose names begin with the letters of a short answer ("U.S." for United States)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from logoingest.labels.class_map.class_map import ClassMap, Spelling
from logoingest.labels.text.fold import fold
from logoingest.labels.text.words import GENERIC_WORDS
from logoingest.review.clusters import strip_noise

_MIN_LETTERS, _MAX_LETTERS = 2, 6
_SMALL_WORD = 3
_SURE, _SHARED, _LONGER = 0.75, 0.6, 0.5


class InitialsFind(NamedTuple):
    """A class an answer may be the initials of."""

    spelling: Spelling
    score: float
    """As a candidate's."""
    reason: str


def find_initials(raw_label: str, class_map: ClassMap) -> list[InitialsFind]:
    """The classes whose spelling's words begin so; with one letter more ("USA") less surely. Nothing for other answers."""
    folded = strip_noise(raw_label, class_map)
    key = folded.joined
    if not folded.is_latin or not key.isalpha() or not _MIN_LETTERS <= len(key) <= _MAX_LETTERS:
        return []
    table = _read_initials(class_map)
    whole, longer = table.get(key, ()), table.get(key[:-1], ()) if len(key) > _MIN_LETTERS else ()
    score = _SURE if len({spelling.class_id for spelling in whole}) == 1 else _SHARED
    found = [InitialsFind(spelling, score, "its initials") for spelling in whole]
    return found or [InitialsFind(spelling, _LONGER, "its initials and a letter more") for spelling in longer]


@lru_cache(maxsize=2)
def _read_initials(class_map: ClassMap) -> Mapping[str, Sequence[Spelling]]:
    table: defaultdict[str, list[Spelling]] = defaultdict(list)
    for spelling in class_map.spellings:
        for initials in set(_list_initials(fold(spelling.text).ascii.split())):
            if class_map.outputs.get(spelling.class_id) is not None:
                table[initials].append(spelling)
    return table


def _list_initials(words: Sequence[str]) -> Iterator[str]:
    for chosen in (words, [word for word in words if len(word) > _SMALL_WORD or word not in GENERIC_WORDS]):
        if len(chosen) > 1:
            yield "".join(word[0] for word in chosen)
