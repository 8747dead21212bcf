"""What a map's names have in common: words, beginnings and endings that many classes share, and how little they tell.

In a list of languages "-isch", "-ština", "Ki-" or "tiếng" stand in most names: that an answer has them, too, is no sign that it
is one of these and not another language. A part tells as much as it is rare: the negative logarithm of the share of classes that
have it. What a few classes have, or no more than letters alone would make, is no such part ("Coca" and "Corona", "-er"): a map too
small to show its endings is helped by the adjectives' endings and articles of the common scripts alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from logoingest.labels.matching.letter_triples import cost_word

_LENGTHS = range(2, 9)
_MIN_STEM = 2
_MIN_CLASSES = 8
_MIN_SHARE = 0.1
_TIMES_CHANCE = 3.0
_KNOWN_COST = 0.5
_BEGINNINGS = ("ال", "وال", "بال", "لل", "ה")
_ENDINGS = (
    "ية", "يّة", "ي", "ين", "ون", "ات", "ית", "ים", "ский", "ская", "ское", "ские", "ський", "ська", "ське", "цкий", "цкая", "ски", "ска", "ско",
    "ский язык", "ный", "ная", "ное", "ικός", "ική", "ικά", "ικο", "語", "어",
)  # fmt: skip


@dataclass(frozen=True)
class SharedParts:
    """Part → powers of ten that it tells at most."""

    words: Mapping[str, float] = field(default_factory=dict)
    beginnings: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(_BEGINNINGS, _KNOWN_COST))
    endings: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(_ENDINGS, _KNOWN_COST))

    @classmethod
    def count(cls, owned: Iterable[tuple[str, Sequence[str]]]) -> SharedParts:
        """The parts that so many classes share; ``owned`` is (class, words of a spelling)."""
        words: dict[str, set[str]] = {}
        for owner, spelling in owned:
            words.setdefault(owner, set()).update(spelling)
        classes = list(words.values())
        known = cls()
        return cls(
            words=_weigh(_count(classes), len(classes)),
            beginnings={**known.beginnings, **_find_shared(classes, at_end=False)},
            endings={**known.endings, **_find_shared(classes, at_end=True)},
        )

    @cached_property
    def _is_plain_ascii(self) -> bool:
        """Nothing that Latin words share is known."""
        return not any(part.isascii() for part in (*self.words, *self.beginnings, *self.endings))

    def cost(self, word: str) -> float:
        """How improbable a name's word is: by its letters, or by a stem's between a beginning and an ending that are shared."""
        if self._is_plain_ascii and word.isascii():
            return cost_word(word)
        return min(self._cost_parted(word), self.words.get(word, math.inf))

    def _cost_parted(self, word: str) -> float:
        starts = [("", 0.0), *_find_parts(self.beginnings, [word[:length] for length in _LENGTHS if length < len(word)])]
        ends = [("", 0.0), *_find_parts(self.endings, [word[-length:] for length in (1, *_LENGTHS) if length < len(word)])]
        return min(
            cost_word(word[len(start) : len(word) - len(end)]) + first + last
            for start, first in starts
            for end, last in ends
            if len(word) - len(start) - len(end) >= min(_MIN_STEM, len(word))
        )


def _find_parts(costs: Mapping[str, float], parts: Iterable[str]) -> list[tuple[str, float]]:
    return [(part, costs[part]) for part in parts if part in costs]


def _find_shared(classes: Sequence[set[str]], *, at_end: bool) -> dict[str, float]:
    """Part → what it tells, for those that more classes have than their letters alone would bring about."""
    counts = _count(_list_parts(classes, at_end=at_end))
    shared = _weigh(counts, len(classes))
    costs: dict[str, list[float]] = {part: [] for part in shared}
    for word in {word for words in classes for word in words} if shared else ():
        for part in _cut_parts(word, at_end=at_end) & shared.keys():
            rest = word[: -len(part)] if at_end else word[len(part) :]
            costs[part].append(cost_word(word) - cost_word(rest))
    spellings = sum(map(len, classes)) / max(1, len(classes))
    return {
        part: tells
        for part, tells in shared.items()
        if counts[part] >= _TIMES_CHANCE * len(classes) * _tell_chance(costs[part], spellings)
    }


def _tell_chance(costs: Sequence[float], spellings: float) -> float:
    """The probability that one of so many words has a part by accident, from what its letters cost in the words that have it."""
    chance = math.pow(10.0, -max(0.0, sum(costs) / len(costs)))
    return 1.0 - math.pow(1.0 - chance, spellings)


def _list_parts(owned: Iterable[set[str]], *, at_end: bool) -> Iterable[set[str]]:
    for words in owned:
        yield {part for word in words for part in _cut_parts(word, at_end=at_end)}


def _cut_parts(word: str, *, at_end: bool) -> set[str]:
    return {word[-length:] if at_end else word[:length] for length in _LENGTHS if length + _MIN_STEM <= len(word)}


def _count(owned: Iterable[set[str]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for parts in owned:
        counts.update(parts)
    return counts


def _weigh(counts: Mapping[str, int], classes: int) -> dict[str, float]:
    least = max(_MIN_CLASSES, _MIN_SHARE * classes)
    return {part: math.log10(classes / count) for part, count in counts.items() if count >= least}
