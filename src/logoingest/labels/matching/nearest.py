"""The nearest spellings of an answer, over whole arrays at once.

Distance is Damerau-Levenshtein in its optimal-string-alignment form (insert, delete, substitute, swap neighbours), on keys
without spaces. A spelling within reach is still refused unless nothing speaks against it: see ``objections``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from logoingest.labels.matching.crowding import weigh_crowding
from logoingest.labels.matching.shared_parts import SharedParts
from logoingest.labels.text.fold import fold
from logoingest.labels.text.words import GENERIC_WORDS

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap, Spelling

MAX_KEY_LENGTH = 120
"""Longer keys take no part in fuzzy matching."""

_CELLS_AT_ONCE = 8_000_000
_GENERIC_CLASSES = 3
_NO_LIMIT = 1 << 30


class NearSpelling(NamedTuple):
    """A spelling near an answer."""

    entry: int
    """Its place in the table."""
    score: float
    """Similarity, 0 to 100."""


class Neighbours(NamedTuple):
    """The best spelling of the best class, and of the next class; None where nothing is near."""

    best: NearSpelling | None
    runner_up: NearSpelling | None


@dataclass(frozen=True, eq=False)
class NearestTable:
    """The spellings of one kind (Latin in ASCII, or others in their own script) with what the guards need."""

    keys: Sequence[str]
    """By length, so that an answer is only compared with keys that can be near."""
    lengths: NDArray[np.int32]
    spellings: Sequence[Spelling | None]
    """None: the text of a ``distinct_from`` pair that is no class; near it, nothing is accepted."""
    codes: NDArray[np.int32]
    """A number per class (and per such text)."""
    words: Sequence[Sequence[str]]
    generic: frozenset[str]
    parts: SharedParts
    crowding: float
    """Powers of ten of evidence that a slip needs beyond the threshold, see ``weigh_crowding``."""
    partners: Mapping[str, Sequence[str]]
    """Class → keys it must not be taken for."""

    @classmethod
    def build(cls, class_map: ClassMap, spellings: Sequence[Spelling], *, is_latin: bool) -> NearestTable:
        """The table of those spellings that are (or are not) Latin, each key once."""
        entries: dict[tuple[str, str], tuple[Spelling | None, Sequence[str]]] = {}
        for spelling in spellings:
            _add_entry(entries, spelling.text, spelling.class_id, spelling, is_latin=is_latin)
        for text in {text for pair in class_map.distinct_from for text in pair if text not in class_map.names}:
            _add_entry(entries, text, f"\0{text}", None, is_latin=is_latin)
        order = sorted(entries, key=lambda place: (len(place[0]), place))
        numbers = {owner: number for number, owner in enumerate(sorted({owner for _, owner in order}))}
        return cls(
            keys=[key for key, _ in order],
            lengths=np.array([len(key) for key, _ in order], np.int32),
            spellings=[entries[place][0] for place in order],
            codes=np.array([numbers[owner] for _, owner in order], np.int32),
            words=[entries[place][1] for place in order],
            generic=_find_generic_words((owner, entries[key, owner][1]) for key, owner in order),
            parts=SharedParts.count((owner, entries[key, owner][1]) for key, owner in order),
            crowding=weigh_crowding((owner, key) for key, owner in order if owner in class_map.names),
            partners=_gather_partners(class_map, order),
        )

    def find_nearest(self, queries: Sequence[str], min_score: float) -> list[Neighbours]:
        """Best class and next class for each key, from ``min_score`` (0 to 100, at most 50 counts) on."""
        found = dict.fromkeys(queries, Neighbours(None, None))
        cutoff = find_cutoff(min_score)
        for length, group in groupby(sorted(found, key=len), key=len):
            alike = list(group)
            # Of two keys the shorter has at most that share of the longer one's letters in common.
            low = int(np.searchsorted(self.lengths, math.ceil(length * cutoff)))
            high = int(np.searchsorted(self.lengths, math.floor(length / cutoff) if cutoff else _NO_LIMIT, side="right"))
            step = max(1, _CELLS_AT_ONCE // max(1, high - low))
            for start in range(0, len(alike) if high > low else 0, step):
                part = alike[start : start + step]
                found.update(zip(part, self._compare(part, low, high, cutoff), strict=True))
        return [found[query] for query in queries]

    def list_candidates(self, query: str, limit: int, min_score: float = 0.0) -> list[NearSpelling]:
        """The nearest spellings, best class first, one per class."""
        scored = process.extract(query, self.keys, scorer=OSA.normalized_similarity, limit=None, score_cutoff=min_score / 100)
        seen: dict[int, NearSpelling] = {}
        for _, score, entry in scored:
            seen.setdefault(int(self.codes[entry]), NearSpelling(entry, 100 * score))
        return list(seen.values())[:limit]

    def _compare(self, queries: Sequence[str], low: int, high: int, cutoff: float) -> list[Neighbours]:
        """The two best classes for each key among those from ``low`` to ``high``."""
        keys, codes = self.keys[low:high], self.codes[low:high]
        scores = process.cdist(queries, keys, scorer=OSA.normalized_similarity, dtype=np.float32, score_cutoff=cutoff, workers=-1)
        rows = np.arange(len(queries))
        best = scores.argmax(axis=1)
        best_scores = scores[rows, best]
        scores[codes[None, :] == codes[best][:, None]] = 0
        second = scores.argmax(axis=1)
        second_scores = scores[rows, second]
        return [
            Neighbours(
                NearSpelling(low + int(entry), 100 * float(score)) if score > 0 else None,
                NearSpelling(low + int(other), 100 * float(next_score)) if next_score > 0 else None,
            )
            for entry, score, other, next_score in zip(best, best_scores, second, second_scores, strict=True)
        ]


def find_cutoff(min_score: float) -> float:
    """The similarity, 0 to 1, from which on a spelling is a neighbour, where ``min_score`` (0 to 100) is asked for."""
    return min(0.5, min_score / 100)


def _add_entry(
    entries: dict[tuple[str, str], tuple[Spelling | None, Sequence[str]]],
    text: str,
    owner: str,
    spelling: Spelling | None,
    *,
    is_latin: bool,
) -> None:
    folded = fold(text)
    if folded.is_latin != is_latin:
        return
    words = (folded.ascii if is_latin else folded.plain).split()
    key = folded.joined if is_latin else "".join(words)
    if key and len(key) <= MAX_KEY_LENGTH:
        entries.setdefault((key, owner), (spelling, words))


def _find_generic_words(owned: Iterable[tuple[str, Sequence[str]]]) -> frozenset[str]:
    owners: dict[str, set[str]] = {}
    for owner, words in owned:
        for word in words:
            owners.setdefault(word, set()).add(owner)
    counts = Counter({word: len(names) for word, names in owners.items()})
    return GENERIC_WORDS | {word for word, count in counts.items() if count >= _GENERIC_CLASSES}


def _gather_partners(class_map: ClassMap, order: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for key, owner in order:
        keys.setdefault(owner, []).append(key)
    partners: dict[str, list[str]] = {}
    for left, right in class_map.distinct_from:
        for one, other in ((left, right), (right, left)):
            owner = other if other in class_map.names else f"\0{other}"
            partners.setdefault(one, []).extend(keys.get(owner, []))
    return partners
