"""What others called the same pictures, once a first map has classes: spellings that are surely theirs, and proposals for a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa

from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.crowd.evidence import NO_LABEL, Meaning, SpellingEvidence, gather_evidence
from logoingest.labels.first_maps.draft_text import DraftClass, list_ids
from logoingest.labels.first_maps.spellings import SpellingGroup, make_readable

_SURE = 0.995
"""Probability from which a rare spelling is one of a class that was found."""


class CrowdProposal(NamedTuple):
    """An undecided answer, and the class that others' answers about its pictures name."""

    text: str
    answers: int
    class_id: str
    """As it comes out."""
    probability: float
    """That it names the class, 0 to 1."""
    words: str
    """What was seen."""


def join_by_crowd(
    classes: Sequence[DraftClass], groups: Sequence[SpellingGroup], said: pa.Table, class_map: ClassMap
) -> list[DraftClass]:
    """The classes with the spellings that the crowd's evidence, now that there are classes, surely finds to be theirs."""
    ids = list_ids(classes)
    numbers = {value: place for place, group in enumerate(groups) for value in group.answers}
    held = {group.key for one in classes for group in one.groups}
    more: defaultdict[str, list[SpellingGroup]] = defaultdict(list)
    for spelling in _list_named(said, class_map):
        place = numbers.get(spelling.text)
        if spelling.probability >= _SURE and place is not None:
            group = groups[place]
            if group.key not in held and spelling.class_id is not None:
                held.add(group.key)
                more[spelling.class_id].append(group)
    return [DraftClass(one.name, [*one.groups, *more[ids[one.name]]], one.hint) for one in classes]


def propose_by_crowd(undecided: Iterable[tuple[str, int]], said: pa.Table, class_map: ClassMap) -> list[CrowdProposal]:
    """What the crowd says of undecided answers, in their order; those that it gives no class are left out.

    Args:
        undecided: readable answers and how often each was given.
        said: columns url, worker_id, raw_label.
        class_map: the map that leaves them undecided.
    """
    told = {make_readable(label): one for one in _list_named(said, class_map) for label in one.raw_labels}
    return [
        CrowdProposal(answer, count, str(told[answer].class_id), told[answer].probability, told[answer].words)
        for answer, count in undecided
        if answer in told and told[answer].class_id != NO_LABEL
    ]


def _list_named(said: pa.Table, class_map: ClassMap) -> list[SpellingEvidence]:
    """The undecided words that the crowd gives a class."""
    return [one for one in gather_evidence(said, class_map).spellings if one.is_open and one.meaning is Meaning.NAMES]
