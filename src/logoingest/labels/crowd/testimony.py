"""The crowd's evidence as an answer to people and machines (``--json``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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
