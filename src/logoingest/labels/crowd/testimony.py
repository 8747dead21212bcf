"""The crowd's evidence and contradictions as answers to people and machines (``--json``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from logoingest.labels.crowd.contradictions import Contradiction, ContradictionKind
from logoingest.labels.crowd.evidence import Meaning, SpellingEvidence


class CrowdTestimony(NamedTuple):
    """What others called the pictures an answer was given of."""

    words: str
    """In a sentence."""
    meaning: Meaning
    class_id: str | None
    """The class it most probably names, as it comes out."""
    probability: float
    """That it names that class."""
    pictures: int
    """It was given of; copies count once."""
    workers: int
    settled: int
    """Pictures that others settled as the class."""
    next_class_id: str | None
    next_settled: int
    urls: Sequence[str]
    """Some of the pictures, those settled as the class first."""


class MapContradiction(NamedTuple):
    """What the crowd says against the class map."""

    contradiction: str
    """As in the sheet."""
    kind: ContradictionKind
    label: str
    """The most frequent answer that it is about."""
    labels: Sequence[str]
    """The answers that it is about."""
    declared: str
    """The class they have."""
    class_id: str | None
    """The class they seem to be; null where it is none of the map's."""
    rule: str
    """That gave them their class; "" where it is about a whole class."""
    answers: int
    pictures: int
    workers: int
    probability: float
    words: str
    """What was seen."""
    urls: Sequence[str]
    """Some of the pictures."""


def describe_evidence(told: SpellingEvidence) -> CrowdTestimony:
    """The evidence of a spelling."""
    return CrowdTestimony(
        told.words,
        told.meaning,
        told.class_id,
        told.probability,
        told.pictures,
        told.workers,
        told.settled,
        told.next_class_id,
        told.next_settled,
        told.urls,
    )


def describe_contradiction(one: Contradiction) -> MapContradiction:
    """A contradiction with its id."""
    return MapContradiction(
        one.contradiction_id,
        one.kind,
        one.text,
        one.raw_labels,
        one.declared,
        one.class_id,
        one.rule,
        one.answers,
        one.pictures,
        one.workers,
        one.probability,
        one.words,
        one.urls,
    )
