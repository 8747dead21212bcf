"""The nearest spellings of an answer, over whole arrays at once, and the guards a fuzzy match must pass.

Distance is Damerau-Levenshtein in its optimal-string-alignment form (insert, delete, substitute, swap neighbours), on keys
without spaces. A spelling within reach is still refused unless the guards find that it can only be a slip: see
``find_objection``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA, Levenshtein

from logoingest.labels.fold import fold
from logoingest.labels.known_names import KNOWN_NAMES
from logoingest.labels.letter_pairs import rate_new_pairs
from logoingest.labels.words import GENERIC_WORDS

if TYPE_CHECKING:
    from logoingest.labels.class_map import ClassMap, Spelling
    from logoingest.labels.map_file import Thresholds

MAX_KEY_LENGTH = 120
"""Longer keys take no part in fuzzy matching."""

_CELLS_AT_ONCE = 8_000_000
_GENERIC_CLASSES = 3
_MIN_NAME_WORD = 3
_SHORT_WORD = 2
_FIRST_LETTER_PENALTY = 1
_MIN_GENERIC_ENDING = 4
_MIN_TELLING_LETTERS = 4
_GENERIC_LETTERS_PER_LETTER = 2
# How usual an edit's rarest new letter pair may be, by the letters there are beyond the least number; beyond, anything goes.
_USUALNESS_LIMITS = ((), (2, 3), (1, 2, 3), (1, 2, 3))
_PARTNER_EDITS = 2


class Candidate(NamedTuple):
    """A spelling near an answer."""

    entry: int
    """Its place in the table."""
    score: float
    """Similarity, 0 to 100."""


class Neighbours(NamedTuple):
    """The best spelling of the best class, and of the next class; None where nothing is near."""

    best: Candidate | None
    runner_up: Candidate | None


@dataclass(frozen=True, eq=False)
class NearestTable:
    """The spellings of one kind (Latin in ASCII, or others in their own script) with what the guards need."""

    keys: Sequence[str]
    spellings: Sequence[Spelling | None]
    """None: the text of a ``distinct_from`` pair that is no class; near it, nothing is accepted."""
    codes: NDArray[np.int32]
    """A number per class (and per such text)."""
    words: Sequence[Sequence[str]]
    generic: frozenset[str]
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
        order = sorted(entries)
        numbers = {owner: number for number, owner in enumerate(sorted({owner for _, owner in order}))}
        return cls(
            keys=[key for key, _ in order],
            spellings=[entries[place][0] for place in order],
            codes=np.array([numbers[owner] for _, owner in order], np.int32),
            words=[entries[place][1] for place in order],
            generic=_find_generic_words((owner, entries[key, owner][1]) for key, owner in order),
            partners=_gather_partners(class_map, order),
        )

    def find_nearest(self, queries: Sequence[str], min_score: float) -> list[Neighbours]:
        """Best class and next class for each key, from ``min_score`` (0 to 100) on."""
        found: list[Neighbours] = []
        if not self.keys:
            return [Neighbours(None, None)] * len(queries)
        step = max(1, _CELLS_AT_ONCE // len(self.keys))
        for start in range(0, len(queries), step):
            found += self._compare(queries[start : start + step], min_score)
        return found

    def list_candidates(self, query: str, limit: int, min_score: float = 0.0) -> list[Candidate]:
        """The nearest spellings, best class first, one per class."""
        scored = process.extract(query, self.keys, scorer=OSA.normalized_similarity, limit=None, score_cutoff=min_score / 100)
        seen: dict[int, Candidate] = {}
        for _, score, entry in scored:
            seen.setdefault(int(self.codes[entry]), Candidate(entry, 100 * score))
        return list(seen.values())[:limit]

    def _compare(self, queries: Sequence[str], min_score: float) -> list[Neighbours]:
        cutoff = min(0.5, min_score / 100)
        scores = process.cdist(
            queries, self.keys, scorer=OSA.normalized_similarity, dtype=np.float32, score_cutoff=cutoff, workers=-1
        )
        rows = np.arange(len(queries))
        best = scores.argmax(axis=1)
        best_scores = scores[rows, best]
        scores[self.codes[None, :] == self.codes[best][:, None]] = 0
        second = scores.argmax(axis=1)
        second_scores = scores[rows, second]
        return [
            Neighbours(
                Candidate(int(entry), 100 * float(score)) if score > 0 else None,
                Candidate(int(other), 100 * float(next_score)) if next_score > 0 else None,
            )
            for entry, score, other, next_score in zip(best, best_scores, second, second_scores, strict=True)
        ]


def find_objection(query: str, neighbours: Neighbours, table: NearestTable, thresholds: Thresholds) -> str | None:
    """Why the best neighbour must not be accepted unasked; None when nothing speaks against it.

    The guards, in order: a text it is told apart from; digits; names people know; edits against letters that tell something; whether the edit
    looks like a slip; the next class; ``distinct_from``.
    """
    best = neighbours.best
    if best is None:
        return "nothing is near"
    key, spelling = table.keys[best.entry], table.spellings[best.entry]
    if spelling is None:
        return f"is told apart from its neighbours by distinct_from ({key})"
    if _pick_digits(query) != _pick_digits(key):
        return "the digits differ"
    edits = OSA.distance(query, key)
    if known := _find_known_name(query, key, table.words[best.entry]):
        return f"{known} is a name of its own"
    if objection := judge_edits(query, key, table.words[best.entry], table.generic, thresholds):
        return objection
    if neighbours.runner_up is not None:
        rival = table.keys[neighbours.runner_up.entry]
        if OSA.distance(query, rival) < edits + thresholds.margin_edits:
            return f"another class is as near ({rival})"
    for partner in table.partners.get(spelling.class_id, ()):
        if OSA.distance(query, partner) <= edits + _PARTNER_EDITS:
            return f"distinct_from forbids to choose between it and {partner}"
    return None


def judge_edits(query: str, key: str, words: Sequence[str], generic: frozenset[str], thresholds: Thresholds) -> str | None:
    """Why the edits between an answer and a key (of these words) cannot be a slip; None when they can."""
    edits = OSA.distance(query, key)
    if edits > thresholds.max_edits:
        return f"{edits} edits, at most {thresholds.max_edits} are accepted"
    shared = [is_shared for word in words for is_shared in _mark_generic(word, generic)]
    telling = len(shared) - sum(shared)
    letters = min(telling, len(query) - sum(shared))
    if telling == 0 or telling >= _MIN_TELLING_LETTERS:  # of "TBC Bank" nothing but TBC counts
        letters += sum(shared) // _GENERIC_LETTERS_PER_LETTER
    needed = (0, thresholds.one_edit_letters, thresholds.two_edits_letters, thresholds.three_edits_letters)[edits]
    if telling >= _MIN_NAME_WORD and edits == 1 and _touches_only(query, key, shared):
        return None  # "TBC Bamk": what tells it apart is spelt right
    if _touches_short_word(query, key, words):
        return "the edit is in a word too short to be misspelt"
    if letters < needed:
        return f"{edits} edits in {letters} letters that tell it apart, {needed} are needed"
    limits = _USUALNESS_LIMITS[edits]
    slack = letters - needed
    if slack < len(limits) and rate_new_pairs(query, key) > limits[slack] - (_FIRST_LETTER_PENALTY if query[0] != key[0] else 0):
        return f"the spelling looks like a name of its own rather than a slip ({letters} letters, {edits} edits)"
    return None


def _mark_generic(word: str, generic: frozenset[str]) -> list[bool]:
    """For each letter, whether it belongs to a word that many names share, or that ends one ("Sberbank")."""
    if word in generic:
        return [True] * len(word)
    for length in range(len(word) - 1, _MIN_GENERIC_ENDING - 1, -1):
        if word[-length:] in generic:
            return [False] * (len(word) - length) + [True] * length
    return [False] * len(word)


def _find_known_name(query: str, key: str, words: Sequence[str]) -> str | None:
    """The answer, or the one word in which it differs from the key, where that is a word people know."""
    if query in KNOWN_NAMES:
        return query
    start = 0
    for word in words:
        end = start + len(word)
        if query.startswith(key[:start]) and query.endswith(key[end:]):
            changed = query[start : len(query) - (len(key) - end)]
            if changed != word and changed in KNOWN_NAMES:
                return changed
        start = end
    return None


def _touches_short_word(query: str, key: str, words: Sequence[str]) -> bool:
    """A letter of a word of one or two is changed ("TJ Maxx" is not "TK Maxx")."""
    if len(words) == 1:
        return False
    lengths = [len(word) for word in words for _ in word]
    return any(lengths[edit.src_pos] <= _SHORT_WORD for edit in Levenshtein.editops(key, query) if edit.tag != "insert")


def _touches_only(query: str, key: str, where: Sequence[bool]) -> bool:
    """Every edit falls on a marked letter of the key."""
    return all(where[min(edit.src_pos, len(key) - 1)] for edit in Levenshtein.editops(key, query))


def _pick_digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


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
