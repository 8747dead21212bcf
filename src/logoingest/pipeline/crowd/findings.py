"""What the crowd tells of the words in a workspace, and against its class map; copies count once where pictures are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from logoingest.labels.crowd.contradictions import Contradiction, find_contradictions
from logoingest.labels.crowd.evidence import CrowdEvidence, describe_meanings, number_answers
from logoingest.labels.crowd.meanings import weigh_meanings
from logoingest.pipeline.session import Run


class CrowdFindings(NamedTuple):
    """What answers about the same pictures tell."""

    evidence: CrowdEvidence
    contradictions: Sequence[Contradiction]
    """Against the class map, most answers first."""


def ask_crowd(run: Run, annotations: pa.Table) -> CrowdFindings:
    """What the crowd tells of the words, and against the map."""
    reading = number_answers(annotations, run.class_map, _read_groups(run))
    evidence = describe_meanings(reading, weigh_meanings(reading.votes, reading.class_of))
    return CrowdFindings(evidence, find_contradictions(reading, run.class_map))


def _read_groups(run: Run) -> pa.Table | None:
    """The pictures' URLs and groups; None where none are known yet."""
    return run.workspace.read_table("images", ["urls", "group_id"]) if run.workspace.has_table("images") else None
