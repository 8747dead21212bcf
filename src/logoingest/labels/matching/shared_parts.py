"""What a map's names have in common: words, beginnings and endings that many classes share, and how little they tell.

In a list of languages "-isch", "-ština", "Ki-" or "tiếng" stand in most names: that an answer has them, too, is no sign that it
is one of these and not another language. A part tells as much as it is rare: the negative logarithm of the share of classes that
have it. A map too small to show its endings is helped by the adjectives' endings and articles of the common scripts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from logoingest.labels.matching.letter_triples import cost_word

_LENGTHS = range(2, 9)
_MIN_STEM = 2
_MIN_CLASSES = 4
_MIN_SHARE = 0.1
_KNOWN_COST = 0.6
_BEGINNINGS = ("ال", "وال", "بال", "لل", "ה")
_ENDINGS = (
    "ية", "يّة", "ي", "ين", "ون", "ات", "ית", "ים", "ский", "ская", "ское", "ские", "ський", "ська", "ське", "цкий", "цкая", "ски", "ска", "ско",
    "ский язык", "ный", "ная", "ное", "ικός", "ική", "ικά", "ικο", "語", "어",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
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
        known = cls()
        return cls(
            words=_weigh(words.values(), len(words)),
            beginnings={**known.beginnings, **_weigh(_list_parts(words.values(), at_end=False), len(words))},
            endings={**known.endings, **_weigh(_list_parts(words.values(), at_end=True), len(words))},
        )

    def cost(self, word: str) -> float:
        """How improbable a name's word is: by its letters, or by a stem's between a beginning and an ending that are shared."""
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


def _list_parts(owned: Iterable[set[str]], *, at_end: bool) -> Iterable[set[str]]:
    for words in owned:
        yield {
            word[-length:] if at_end else word[:length] for word in words for length in _LENGTHS if length + _MIN_STEM <= len(word)
        }


def _weigh(owned: Iterable[set[str]], classes: int) -> dict[str, float]:
    counts: Counter[str] = Counter()
    for parts in owned:
        counts.update(parts)
    least = max(_MIN_CLASSES, _MIN_SHARE * classes)
    return {part: math.log10(classes / count) for part, count in counts.items() if count >= least}
