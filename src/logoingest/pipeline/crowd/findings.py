"""What the crowd tells of the words in a workspace, and against its class map; copies count once where pictures are known."""

from __future__ import annotations

import pyarrow as pa

from logoingest.labels.crowd.contradictions import CrowdFindings, hear_crowd
from logoingest.labels.crowd.evidence import number_answers
from logoingest.labels.crowd.tables import read_decisions, tabulate_contradictions, tabulate_words
from logoingest.labels.matching.label_table import encode_labels
from logoingest.pipeline.crowd.files import CONTRADICTIONS, CROWD_WORDS
from logoingest.pipeline.session import Run


def ask_crowd(run: Run, annotations: pa.Table, labels: pa.Table | None = None, *, open_only: bool = True) -> CrowdFindings:
    """What the crowd tells of the words, and against the map.

    Args:
        run: whose class map decides, and whose pictures count.
        annotations: ``AnnotationRow``s, of which url, worker_id and raw_label are looked at.
        labels: ``LabelRow``s of the labels stage, where they are there: what this map decided is not decided again.
        open_only: nobody asks for the evidence of words that the map decides.
    """
    _, distinct = encode_labels(annotations.column("raw_label"))
    decisions = None if labels is None else read_decisions(labels, distinct, run.class_map.hash)
    reading = number_answers(annotations, run.class_map, _read_groups(run), decisions)
    return hear_crowd(reading, run.class_map, open_only=open_only)


def tabulate_findings(findings: CrowdFindings) -> dict[str, pa.Table]:
    """The tables of them, by name."""
    return {CONTRADICTIONS: tabulate_contradictions(findings.contradictions), CROWD_WORDS: tabulate_words(findings.evidence)}


def _read_groups(run: Run) -> pa.Table | None:
    """The pictures' URLs and groups; None where none are known yet."""
    return run.workspace.read_table("images", ["urls", "group_id"]) if run.workspace.has_table("images") else None
