"""Decisions that came too late: somebody else's was written first, and stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from logoingest.labels.matching.match import LabelDecision, decide_labels
from logoingest.review.map_editing import describe_decision, is_decided_so
from logoingest.review.rulings import ClassFinder, RuledMeaning, read_meaning
from logoingest.review.session import Session, SessionStep


class LateDecision(NamedTuple):
    """What a person decided of an answer, and what the class map says of it by now."""

    raw_label: str
    text: str
    now: str


def list_late(steps: Sequence[Mapping[str, Any]], session: Session, finder: ClassFinder) -> list[LateDecision]:
    """The rulings of a journal's ``steps`` that its resumed ``session`` lacks, but for those that the map decides alike."""
    said = {label: text for step in map(SessionStep.from_json, steps) for label, text in step.rulings}
    lost = [label for label in said if label not in session.rulings]
    return [
        LateDecision(decision.raw_label, said[decision.raw_label], describe_decision(decision))
        for decision in decide_labels(lost, finder.class_map)
        if not _is_brought_about(said[decision.raw_label], decision, finder)
    ]


def _is_brought_about(text: str, decision: LabelDecision, finder: ClassFinder) -> bool:
    """Whether a map decides as a person did; a class that was to be made may be there by now."""
    meanings = [read_meaning(said, (), finder) for said in (text, text.replace("new:", "class:", 1))]
    return any(isinstance(one, RuledMeaning) and is_decided_so(decision, one, finder.class_map) for one in meanings)
