"""Slip or name: how much likelier it is that an answer is a misspelt class than that it is another name altogether.

The odds of a noisy channel (Kernighan, Church and Gale 1990, doi:10.3115/997939.997975): the probability that the edits between
the two were made by accident, over the probability that a name just has the letters the answer has. Only what differs tells: a
word both share may be shared by a family ("Deutsche Bank", "Deutsche Bahn"), a word many names share ("Hotel") tells little.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from rapidfuzz.distance import OSA, Editop, Levenshtein

from logoingest.labels.matching.letter_triples import cost_word
from logoingest.labels.matching.shared_parts import SharedParts

NONE_COUNTED = SharedParts()
"""Where no map is: the beginnings and endings that are known anyway."""

_LETTERS = 26
_VOWELS = frozenset("aeiouy")
# In powers of ten:
# Slips are of four kinds, about as often each; of names one edit apart two thirds differ by a letter exchanged, hardly any by a swap.
_SWAP_COST = -0.1
_LENGTH_COST = 0.4
_EXCHANGE_COST = 1.0
_GENERIC_COST = 2.3
_GENERIC_ENDING_COST = 1.8
_MOST_PER_SHARED_WORD = 5.0
_MOST_OF_SHARED_WORDS = 10.0
# Names rhyme ("Healthy", "Wealthy") and are inflected ("Smuggler", "Smugglers"): an edit at either end tells less.
_FIRST_LETTER_COST = 1.0
_LAST_LETTER_COST = 1.0
_MIN_GENERIC_ENDING = 4


def weigh_evidence(
    query: str,
    key: str,
    words: Sequence[str],
    generic: AbstractSet[str],
    parts: SharedParts = NONE_COUNTED,
    *,
    made: Sequence[str] | None = None,
) -> float:
    """Powers of ten by which a slip is likelier than another name.

    Args:
        query: the answer, without spaces.
        key: the class's spelling, without spaces.
        words: the words ``key`` is made of.
        generic: words that many names share.
        parts: the words, beginnings and endings that the map's names share.
        made: what became of each word, where ``cut_like`` was asked before.

    Returns:
        The odds' logarithm; about 0 when nothing tells, 5 and more for a slip in an improbable enough name.
    """
    changed = shared = 0.0
    for word, now in zip(words, made or cut_like(query, key, words), strict=True):
        if word == now:
            shared += min(_cost_shared(word, generic), parts.cost(word), _MOST_PER_SHARED_WORD)
        else:
            changed += parts.cost(now)
    return changed + min(shared, _MOST_OF_SHARED_WORDS) - _cost_edits(query, key)


def cut_like(query: str, key: str, words: Sequence[str]) -> list[str]:
    """The answer cut into as many parts as the spelling has words, each what became of that word."""
    if len(words) == 1:
        return [query]
    spans = [(op.src_start, op.src_end, op.dest_start, op.dest_end) for op in Levenshtein.opcodes(key, query)]
    parts, start, end = [], 0, 0
    for word in words[:-1]:
        end += len(word)
        cut = next((dest + min(end - src, stop - dest) for src, till, dest, stop in spans if src <= end <= till), len(query))
        parts.append(query[start:cut])
        start = max(start, cut)
    return [*parts, query[start:]]


def _cost_shared(word: str, generic: AbstractSet[str]) -> float:
    if word in generic:
        return _GENERIC_COST
    for length in range(len(word) - 1, _MIN_GENERIC_ENDING - 1, -1):
        if word[-length:] in generic:  # "Sberbank"
            return min(cost_word(word), cost_word(word[:-length]) + _GENERIC_ENDING_COST)
    return cost_word(word)


def _cost_edits(query: str, key: str) -> float:
    """How improbable the edits are as slips: of which kind, at which of so many places, which letter where one was typed."""
    edits = list(Levenshtein.editops(key, query))
    if not edits:
        return 0.0
    swaps = len(edits) - OSA.distance(key, query)
    kinds = Counter(edit.tag for edit in edits)
    moved = min(swaps, kinds["insert"], kinds["delete"])
    exchanged = kinds["replace"] - 2 * (swaps - moved)
    resized = kinds["insert"] + kinds["delete"] - 2 * moved
    typed = kinds["insert"] - moved + exchanged
    cost = (len(edits) - swaps) * math.log10(len(key)) + typed * math.log10(_LETTERS)
    cost += swaps * _SWAP_COST + resized * _LENGTH_COST + exchanged * _EXCHANGE_COST
    return cost if swaps else cost + _cost_places(query, key, edits)


def _cost_places(query: str, key: str, edits: Sequence[Editop]) -> float:
    """What it tells of names that the edits are at either end; there a vowel for a vowel is an inflection ("Ravioli", "Raviolo")."""
    first, last = edits[0], edits[-1]
    cost = _FIRST_LETTER_COST if first.src_pos == 0 else 0.0
    if last.tag == "replace":
        is_ending = last.src_pos == len(key) - 1 and key[-1] in _VOWELS and query[-1] in _VOWELS
    else:
        is_ending = last.src_pos >= len(key) - (last.tag == "delete")
    return cost + (_LAST_LETTER_COST if is_ending else 0.0)
