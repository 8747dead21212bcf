"""The fewest lines that a map needs: of a class's spellings only those that the matching does not decide by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rapidfuzz.distance import OSA

from logoingest.labels.class_map.class_map import ClassMap, Spelling
from logoingest.labels.first_maps.languages import tell_language
from logoingest.labels.first_maps.spellings import SpellingGroup
from logoingest.labels.growing.alias_judgement import is_short
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.text.fold import fold

_MIN_COUNT = 2
"""Answers that are worth a line …"""
_MIN_SLIP_COUNT = 5
"""… and so many where it is the class's name misspelt."""
_SLIP_EDITS = 2
_MAX_ROUNDS = 12
_MAX_AT_ONCE = 8
_ALIKE_EDITS = 3


def choose_aliases(class_map: ClassMap, members: Mapping[str, Sequence[SpellingGroup]]) -> dict[str, list[str]]:
    """Class → the spellings that need a line, the most frequent first.

    A spelling is written out only if neither the class's name nor a line written before it decides it: each round takes the most
    frequent of each class that are still undecided and unlike each other, and asks the matching again.

    Args:
        class_map: the classes, without aliases.
        members: class → its groups of spellings.
    """
    owners = {
        group.name: class_id
        for class_id, groups in members.items()
        for group in groups
        if group.count >= (_MIN_SLIP_COUNT if _is_near(group, groups[0]) else _MIN_COUNT)
    }
    counts = {group.name: group.count for groups in members.values() for group in groups}
    open_names = sorted(owners, key=lambda name: (-counts[name], name))
    chosen: dict[str, list[str]] = {}
    for number in range(_MAX_ROUNDS):
        decisions = decide_labels(open_names, class_map)
        open_names = [name for name, one in zip(open_names, decisions, strict=True) if one.class_ids != (owners[name],)]
        new = _choose_next(open_names, owners, min(2**number, _MAX_AT_ONCE))
        if not new:
            break
        for name in new:
            chosen.setdefault(owners[name], []).append(name)
        extra = [Spelling(name, owners[name], True, tell_language(name), is_short(name)) for name in new]
        class_map = replace(class_map, spellings=(*class_map.spellings, *extra))
        open_names = [name for name in open_names if name not in set(new)]
    return chosen


def _is_near(group: SpellingGroup, main: SpellingGroup) -> bool:
    return group is not main and group.is_latin == main.is_latin and OSA.distance(group.key, main.key) <= _SLIP_EDITS


def _choose_next(names: Sequence[str], owners: Mapping[str, str], most: int) -> list[str]:
    """Of each class a few, none of which is a slip of another."""
    taken: dict[str, list[str]] = {}
    for name in names:
        key = fold(name).plain
        others = taken.setdefault(owners[name], [])
        if len(others) < most and all(OSA.distance(key, other, score_cutoff=_ALIKE_EDITS) > _ALIKE_EDITS for other in others):
            others.append(key)
        else:
            continue
        taken[owners[name]] = others
    kept = {(owner, key) for owner, keys in taken.items() for key in keys}
    return [name for name in names if (owners[name], fold(name).plain) in kept]
