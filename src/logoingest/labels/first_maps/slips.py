"""Spellings that are a much more common one misspelt, and what a spelling might be, by their letters alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from logoingest.labels.class_map.map_file import Thresholds
from logoingest.labels.first_maps.closed_sets import COMMON_RATIO, find_slip_objection
from logoingest.labels.first_maps.spellings import SpellingGroup
from logoingest.labels.text.numbers import pick_numbers

_CELLS_AT_ONCE = 4_000_000
_LETTERS_PER_HINT = 4


def find_slips(groups: Sequence[SpellingGroup]) -> dict[str, str]:
    """Key of a slip → key of the spelling it is one of, which is no slip itself.

    Args:
        groups: most common first.
    """
    targets: dict[str, str] = {}
    thresholds = Thresholds()
    near = find_near([group.key for group in groups], thresholds.max_edits)
    for place, group in enumerate(groups):
        for other in (groups[number] for number in near[place] if number < place):
            if other.key not in targets and is_slip(group, other, thresholds):
                targets[group.key] = other.key
                break
    return targets


def is_slip(group: SpellingGroup, other: SpellingGroup, thresholds: Thresholds) -> bool:
    """The one is the other misspelt: much rarer, and near enough."""
    if other.count < COMMON_RATIO * group.count or group.is_latin != other.is_latin:
        return False
    return find_slip_objection(group.key, other.key, other.words, thresholds) is None


def find_near(keys: Sequence[str], max_edits: int) -> list[list[int]]:
    """For each key the places of those at most so many edits away, in their order; itself among them."""
    found: list[list[int]] = []
    step = max(1, _CELLS_AT_ONCE // max(1, len(keys)))
    for start in range(0, len(keys), step):
        edits = process.cdist(
            keys[start : start + step], keys, scorer=OSA.distance, score_cutoff=max_edits, dtype=np.int32, workers=-1
        )
        found += [np.flatnonzero(row <= max_edits).tolist() for row in edits]
    return found


def hint_at_others(groups: Sequence[SpellingGroup]) -> Mapping[str, str]:
    """Key → what it might be: a more common spelling that it extends, or that it is an edit or two away from."""
    by_words: dict[frozenset[str], SpellingGroup] = {}
    hints: dict[str, str] = {}
    near = find_near([group.key for group in groups], Thresholds().max_edits)
    for place, group in enumerate(groups):
        words = frozenset(group.words)
        part = next((by_words[rest] for word in sorted(words) if len(words) > 1 and (rest := words - {word}) in by_words), None)
        reach = len(group.key) // _LETTERS_PER_HINT
        alike = [
            groups[number]
            for number in near[place]
            if number < place
            and OSA.distance(group.key, groups[number].key) <= reach
            and pick_numbers(group.key) == pick_numbers(groups[number].key)
        ]
        if part is not None:
            hints[group.key] = f"an alias of {part.name}?"
        elif alike:
            hints[group.key] = f"{alike[0].name} misspelt?"
        by_words.setdefault(words, group)
    return hints
