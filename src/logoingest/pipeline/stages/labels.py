"""Annotations → labels (distinct answers) and decisions (one per annotation)."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING

from logoingest.pipeline.spec import StageOutput, StageSpec, write_tables
from logoingest.pipeline.stages.annotations import ANNOTATIONS_FILE
from logoingest.stage_names import Stage

if TYPE_CHECKING:
    import pyarrow as pa

    from logoingest.config import Config
    from logoingest.labels.crowd.layer import CrowdDecisions
    from logoingest.pipeline.session import Run
    from logoingest.workspace import FileRecord, Manifest


_LAYER_INPUT = "crowd layer"

logger = logging.getLogger("logoingest")


def make_labels(run: Run) -> StageOutput:
    """Decide every distinct answer."""
    import pyarrow.compute as pc

    from logoingest.labels.text.foreign_words import forget_foreign_words
    from logoingest.labels.text.known_names import forget_dictionary

    made = normalise_answers(run, run.workspace.read_table("annotations"))
    forget_foreign_words()
    forget_dictionary()
    labels, decisions, rejected = made.normalised
    decided = pc.value_counts(decisions.column("decision")).to_pylist()
    counts = {"labels": labels.num_rows, **{entry["values"]: entry["counts"] for entry in decided}}
    tables = {"labels": labels, "decisions": decisions, "labels_rejected": rejected}
    outputs = write_tables(run.workspace, tables)
    if not accepts_crowd(run.config):
        return StageOutput(outputs, counts)
    return StageOutput(outputs | _keep_layer(run, made), counts | _count_crowd(made), {_LAYER_INPUT: ""})


def accepts_crowd(config: Config) -> bool:
    """Whether the crowd may decide answers."""
    return config.labels.crowd == "accept"


def normalise_answers(run: Run, annotations: pa.Table) -> CrowdDecisions:
    """What is decided about the annotations, by the class map and, where the config says so, by the crowd; nothing is written."""
    if not accepts_crowd(run.config):
        from logoingest.labels import normalise_annotations
        from logoingest.labels.crowd.layer import CrowdDecisions

        return CrowdDecisions(normalise_annotations(annotations, run.class_map))
    from logoingest.labels.crowd.deciding import normalise_with_crowd
    from logoingest.pipeline.crowd.layer import load_layer

    today = dt.datetime.now(dt.UTC).date()
    return normalise_with_crowd(annotations, run.class_map, load_layer(run), run.config.labels.crowd_confidence, today)


def _keep_layer(run: Run, made: CrowdDecisions) -> dict[str, FileRecord]:
    from logoingest.labels.text.quoting import shorten
    from logoingest.pipeline.crowd.layer import save_layer

    for line in made.withdrawn:
        logger.warning("the crowd no longer says that %s is %s: %s", shorten(line.text), shorten(line.class_id), line.why)
    return save_layer(run, made.lines)


def _count_crowd(made: CrowdDecisions) -> dict[str, int]:
    import pyarrow.compute as pc

    from logoingest.labels.crowd.deciding import RULE
    from logoingest.schemas import Decision

    rules = made.normalised.decisions.filter(pc.equal(made.normalised.decisions.column("decision"), Decision.ACCEPTED)).column(
        "rule"
    )
    applied = sum(not line.why for line in made.lines)
    by_crowd = pc.sum(pc.equal(rules, RULE)).as_py() or 0
    return {"by_crowd": by_crowd, "crowd_lines": applied, "crowd_withdrawn": len(made.lines) - applied}


def _list_further_inputs(run: Run, manifest: Manifest) -> dict[str, str]:
    from logoingest.pipeline.crowd.layer import hash_foreign_layer

    inputs = {"class map": run.class_map.hash}
    return inputs | ({_LAYER_INPUT: hash_foreign_layer(run, manifest)} if accepts_crowd(run.config) else {})


def _list_settings(config: Config) -> list[object]:
    return [config.labels.crowd, config.labels.crowd_confidence if accepts_crowd(config) else None]


LABELS = StageSpec(
    name=Stage.LABELS,
    version=8,
    needs=(Stage.ANNOTATIONS,),
    reads={ANNOTATIONS_FILE: Stage.ANNOTATIONS},
    make=make_labels,
    help="decide every distinct answer against the class map",
    command="normalise",
    settings=_list_settings,
    further_inputs=_list_further_inputs,
)
