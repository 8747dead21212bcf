"""Annotations → labels (distinct answers) and decisions (one per annotation)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.pipeline.spec import StageOutput, StageSpec, write_tables
from logoingest.pipeline.stages.annotations import ANNOTATIONS_FILE
from logoingest.stage_names import Stage

if TYPE_CHECKING:
    from logoingest.pipeline.session import Run


def make_labels(run: Run) -> StageOutput:
    """Decide every distinct answer."""
    import pyarrow.compute as pc

    from logoingest.labels import normalise_annotations

    labels, decisions, rejected = normalise_annotations(run.workspace.read_table("annotations"), run.class_map)
    decided = pc.value_counts(decisions.column("decision")).to_pylist()
    counts = {"labels": labels.num_rows, **{entry["values"]: entry["counts"] for entry in decided}}
    tables = {"labels": labels, "decisions": decisions, "labels_rejected": rejected}
    return StageOutput(write_tables(run.workspace, tables), counts)


LABELS = StageSpec(
    name=Stage.LABELS,
    version=3,
    needs=(Stage.ANNOTATIONS,),
    reads={ANNOTATIONS_FILE: Stage.ANNOTATIONS},
    make=make_labels,
    help="decide every distinct answer against the class map",
    command="normalise",
    further_inputs=lambda run, _manifest: {"class map": run.class_map.hash},
)
