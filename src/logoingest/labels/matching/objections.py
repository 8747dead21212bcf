"""What speaks against taking an answer for the spelling nearest to it: the guards that a fuzzy match must pass."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from rapidfuzz.distance import OSA, Levenshtein

from logoingest.labels.matching.evidence import NONE_COUNTED, cut_like, weigh_evidence
from logoingest.labels.matching.nearest import NearestTable, Neighbours
from logoingest.labels.matching.shared_parts import SharedParts
from logoingest.labels.matching.whole_words import find_meant_word
from logoingest.labels.text.counterparts import find_counterpart
from logoingest.labels.text.foreign_words import is_foreign_word
from logoingest.labels.text.known_names import is_known_name
from logoingest.labels.text.numbers import is_roman_numeral, pick_numbers
from logoingest.labels.text.syllables import find_other_sign
from logoingest.wording import spell_count

if TYPE_CHECKING:
    from logoingest.labels.class_map.map_file import Thresholds

_SHORT_WORD = 2
_EVIDENCE_PER_FURTHER_EDIT = 2.0
_PARTNER_EDITS = 2


def find_objection(
    query: str, neighbours: Neighbours, table: NearestTable, thresholds: Thresholds, *, said: Sequence[str] = ()
) -> str | None:
    """Why the best neighbour must not be accepted unasked; None when nothing speaks against it.

    The guards, in order: a text it is told apart from; digits; what ``judge_edits`` finds; the words it was ``said`` in
    (``find_meant_word``); the next class; words people know; ``distinct_from``.
    """
    best = neighbours.best
    if best is None:
        return "nothing is near"
    key, spelling = table.keys[best.entry], table.spellings[best.entry]
    if spelling is None:
        return f"is told apart from its neighbours by distinct_from ({key})"
    if pick_numbers(query) != pick_numbers(key):
        return "the numbers differ"
    if objection := judge_edits(
        query, key, table.words[best.entry], table.generic, thresholds, parts=table.parts, crowding=table.crowding
    ):
        return objection
    if said and (meant := find_meant_word(said, table.words[best.entry])):
        return meant
    edits = OSA.distance(query, key)
    if neighbours.runner_up is not None:
        rival = table.keys[neighbours.runner_up.entry]
        if OSA.distance(query, rival) < edits + thresholds.margin_edits:
            is_class = table.spellings[neighbours.runner_up.entry] is not None
            return f"another class is as near ({rival})" if is_class else f"{rival}, told apart by distinct_from, is as near"
    if is_known_name(query) or is_foreign_word(query):
        return f"{query} is a word or a name of its own"
    for partner in table.partners.get(spelling.class_id, ()):
        if OSA.distance(query, partner) <= edits + _PARTNER_EDITS:
            return f"distinct_from forbids to choose between it and {partner}"
    return None


def judge_edits(
    query: str,
    key: str,
    words: Sequence[str],
    generic: AbstractSet[str],
    thresholds: Thresholds,
    *,
    parts: SharedParts = NONE_COUNTED,
    crowding: float = 0.0,
) -> str | None:
    """Why the edits between an answer and a key (of these words) cannot be a slip; None when they can.

    In order: the number of edits; letters, by edits; edits in words too short to be misspelt, or that make another word of
    one; the evidence that it is a slip rather than a name of its own, see ``weigh_evidence``; another sign, or a word's sibling.
    """
    edits = OSA.distance(query, key, score_cutoff=thresholds.max_edits)
    if edits > thresholds.max_edits:
        return f"more than {thresholds.max_edits} edits"
    letters = min(len(query), len(key))
    needed = (0, thresholds.one_edit_letters, thresholds.two_edits_letters, thresholds.three_edits_letters)[edits]
    if letters < needed:
        return f"{spell_count(edits, 'edit', 'edits')} in {letters} letters, {needed} letters are needed"
    if _touches_short_word(query, key, words):
        return "the edit is in a word too short to be misspelt"
    made = cut_like(query, key, words)
    if other := _find_other_word(words, made, generic):
        return f"{other} is a word of its own"
    evidence = weigh_evidence(query, key, words, generic, parts, made=made)
    needed_evidence = thresholds.evidence + crowding + _EVIDENCE_PER_FURTHER_EDIT * (max(edits, 1) - 1)
    if evidence < needed_evidence:
        return f"may be a name of its own rather than a slip ({spell_count(edits, 'edit', 'edits')}, evidence {evidence:.1f}, {needed_evidence:.1f} needed)"
    if other := find_other_sign(query, key) or find_counterpart(query, key, words):  # the dearest question comes last
        return f"{other} is a word of its own"
    return None


def describe_edits(query: str, entry: int, table: NearestTable) -> str:
    """How far an answer and a spelling are apart, and the evidence that it is a slip."""
    key = table.keys[entry]
    evidence = weigh_evidence(query, key, table.words[entry], table.generic, table.parts)
    return f"{spell_count(OSA.distance(query, key), 'edit', 'edits')}, evidence {evidence:.1f}"


def _find_other_word(words: Sequence[str], made: Sequence[str], generic: AbstractSet[str]) -> str | None:
    """A word that many names share and that stands where the key has another ("Hyper" for "Super")."""
    return next((other for other, word in zip(made, words, strict=True) if other != word and _is_word(other, word, generic)), None)


def _is_word(other: str, word: str, generic: AbstractSet[str]) -> bool:
    """It is no slip of that word: *Hyper* for *Super*, *XIII* for *XII*."""
    return other in generic or (is_roman_numeral(other) and is_roman_numeral(word))


def _touches_short_word(query: str, key: str, words: Sequence[str]) -> bool:
    """A letter of a word of one or two is changed ("TJ Maxx" is not "TK Maxx")."""
    if len(words) == 1:
        return False
    lengths = [len(word) for word in words for _ in word]
    return any(lengths[edit.src_pos] <= _SHORT_WORD for edit in Levenshtein.editops(key, query) if edit.tag != "insert")
