"""What the crowd tells of the words in a workspace, and against its class map; copies count once where pictures are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from logoingest.errors import Problem, UsageError
from logoingest.labels.crowd.contradictions import CrowdFindings, hear_crowd
from logoingest.labels.crowd.evidence import number_answers
from logoingest.labels.crowd.tables import read_decisions, tabulate_contradictions, tabulate_words
from logoingest.labels.matching.label_table import encode_labels
from logoingest.pipeline.crowd.files import CONTRADICTIONS, CROWD_WORDS
from logoingest.pipeline.session import Run

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap


def ask_crowd(
    run: Run, annotations: pa.Table, labels: pa.Table | None = None, class_map: ClassMap | None = None, *, open_only: bool = True
) -> CrowdFindings:
    """What the crowd tells of the words, and against the map.

    Args:
        run: whose pictures count.
        annotations: ``AnnotationRow``s, of which url, worker_id and raw_label are looked at.
        labels: ``LabelRow``s of the labels stage, where they are there: what this map decided is not decided again.
        class_map: what decides; the config's own where it is left out.
        open_only: nobody asks for the evidence of words that the map decides.
    """
    decides = class_map or run.class_map
    _, distinct = encode_labels(annotations.column("raw_label"))
    decisions = None if labels is None else read_decisions(labels, distinct, decides.hash)
    reading = number_answers(annotations, decides, _read_groups(run), decisions)
    return hear_crowd(reading, decides, open_only=open_only)


def read_crowd_answers(run: Run) -> pa.Table:
    """Who said what of which picture: url, worker_id, raw_label.

    Raises:
        UsageError: the annotations stage has not run.
    """
    if not run.workspace.has_table("annotations"):
        hint = "first: logoingest run CONFIG --until annotations"
        raise UsageError(Problem(run.workspace.url, "the annotations stage has not run here", hint))
    return run.workspace.read_table("annotations", ["url", "worker_id", "raw_label"])


def tabulate_findings(findings: CrowdFindings) -> dict[str, pa.Table]:
    """The tables of them, by name."""
    return {CONTRADICTIONS: tabulate_contradictions(findings.contradictions), CROWD_WORDS: tabulate_words(findings.evidence)}


def _read_groups(run: Run) -> pa.Table | None:
    """The pictures' URLs and groups; None where none are known yet."""
    return run.workspace.read_table("images", ["urls", "group_id"]) if run.workspace.has_table("images") else None
