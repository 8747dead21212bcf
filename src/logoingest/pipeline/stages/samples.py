"""Annotations, decisions and images → samples, workers and how far they agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from logoingest.pipeline.spec import StageOutput, StageSpec, write_tables
from logoingest.pipeline.stages.annotations import ANNOTATIONS_FILE
from logoingest.pipeline.stages.images import IMAGES_FILE, LISTED_FILE, load_rulings
from logoingest.pipeline.stages.labels import accepts_crowd
from logoingest.stage_names import Stage

if TYPE_CHECKING:
    import pyarrow as pa

    from logoingest.pipeline.session import Run
    from logoingest.workspace import Manifest

SAMPLES_FILE = "tables/samples.parquet"
#: What is read of annotations and of images: a table of a million pictures has columns that are larger than these together.
_ANSWER_COLUMNS = (
    "annotation_id", "url", "raw_label", "worker_id", "work_time_s", "submitted_at", "bbox", "attributes", "source_id", "source_file",
    "source_row",
)  # fmt: skip
_PICTURE_COLUMNS = (
    "image_id", "group_id", "width", "height", "pixel_hash", "urls", "shard", "shard_row", "redirect_url", "redirected"
)  # fmt: skip


def make_samples(run: Run) -> StageOutput:
    """Settle the votes."""
    from logoingest.pipeline.crowd.findings import ask_crowd, read_crowd_answers, tabulate_findings

    tables, ruled, gold = _settle(run)
    tables |= tabulate_findings(ask_crowd(run, read_crowd_answers(run), run.workspace.read_table("labels")))
    if run.config.images.ocr:
        tables |= _compare_texts(run, tables["samples"])
    return StageOutput(write_tables(run.workspace, tables), _count(tables, ruled, gold))


def _settle(run: Run) -> tuple[dict[str, pa.Table], int | None, int | None]:
    """(the tables, pictures that people ruled on, gold questions; None where there are none): what is only read for it is let go of."""
    import pyarrow as pa

    from logoingest.samples import settle_samples
    from logoingest.samples.conflicts import resolve_conflicts
    from logoingest.samples.group_rulings import map_classes

    read, config = run.workspace.read_table, run.config.samples
    annotations, images = read("annotations", _ANSWER_COLUMNS), read("images", _PICTURE_COLUMNS)
    gold = _gather_gold(run, annotations)
    decisions, unconfirmed = _recheck_crowd(run, annotations)
    listed = read("placeholders_listed") if run.workspace.has_table("placeholders_listed") else None
    rulings = load_rulings(run)
    ruled = map_classes(rulings)
    settled = settle_samples(annotations, decisions, images, config, gold, listed=listed, ruled=ruled)
    samples, rejected, workers, agreement, placeholders, suspected = settled
    resolved = resolve_conflicts(samples, images, annotations, decisions, rulings, config.group_conflicts, suspected=suspected)
    samples, rejected = resolved.samples, pa.concat_tables([rejected, resolved.rejected, unconfirmed]).sort_by("annotation_id")
    tables = {"samples": samples, "samples_rejected": rejected, "workers": workers, "agreement": agreement}
    tables |= {"placeholders": placeholders, "conflicts": resolved.conflicts}
    return tables, resolved.ruled if rulings else None, len(gold) if gold or config.gold else None


def _recheck_crowd(run: Run, annotations: pa.Table) -> tuple[pa.Table, pa.Table]:
    """(the decisions, rejected rows): what the crowd decided must hold where copies of a picture count once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from logoingest.labels.crowd.deciding import RULE, UNCONFIRMED, find_unconfirmed
    from logoingest.pipeline.crowd.layer import load_layer
    from logoingest.refusals import Refusal, reject_annotations
    from logoingest.schemas import Decision, Reason, RejectedRow

    decisions = run.workspace.read_table("decisions")
    by_crowd = pc.and_(pc.equal(decisions.column("rule"), RULE), pc.equal(decisions.column("decision"), Decision.ACCEPTED))
    if not pc.any(by_crowd).as_py():
        return decisions, RejectedRow.arrow_schema().empty_table()
    images = run.workspace.read_table("images", ["urls", "group_id"])
    lines, confidence = load_layer(run), run.config.labels.crowd_confidence
    doubted = pa.array(find_unconfirmed(annotations, images, run.class_map, lines, confidence))
    shown = pc.is_in(annotations.column("url"), value_set=pc.unique(pc.list_flatten(images.column("urls"))))
    refused = pc.and_(pc.and_(by_crowd, doubted), shown)
    columns = {
        "decision": pc.if_else(refused, Decision.REVIEW, decisions.column("decision")),
        "class_ids": pc.if_else(refused, pa.scalar([], pa.list_(pa.string())), decisions.column("class_ids")),
    }
    kept = pa.Table.from_arrays(
        [columns.get(name, decisions.column(name)) for name in decisions.column_names], schema=decisions.schema
    )
    rows = annotations.filter(refused)
    why = dict.fromkeys(rows.column("annotation_id").to_pylist(), Refusal(Reason.LABEL_REVIEW, UNCONFIRMED))
    return kept, reject_annotations(rows, why, Stage.SAMPLES)


def _gather_gold(run: Run, annotations: pa.Table) -> dict[str, str | None]:
    """URL → the right class, of the pictures that sources or the gold file give one for."""
    from logoingest.samples import read_given_gold, read_gold

    config = run.config.samples
    gold = read_given_gold(annotations, run.workspace.read_table("decisions"), run.class_map) if config.gold_from_sources else {}
    return gold | (read_gold(run.config.resolve(config.gold), config, run.class_map, annotations) if config.gold else {})


def _compare_texts(run: Run, samples: pa.Table) -> dict[str, pa.Table]:
    """What stands written on the pictures, and where that is another class than was answered."""
    from logoingest.pipeline.texts import TEXT_CONFLICTS, TEXTS, read_texts
    from logoingest.samples.texts import find_text_conflicts

    images = run.workspace.read_table("images", ["image_id", "urls", "shard", "shard_row"])
    texts = read_texts(run, samples.column("image_id"), images)
    return {TEXTS: texts, TEXT_CONFLICTS: find_text_conflicts(samples, texts, images, run.class_map)}


def _count(tables: Mapping[str, pa.Table], ruled: int | None, gold: int | None) -> dict[str, int]:
    """The stage's figures; those of what was not asked for are left out."""
    workers, alpha = tables["workers"], tables["agreement"].column("alpha")[0].as_py()
    counts = {
        "samples": tables["samples"].num_rows,
        "rejected": tables["samples_rejected"].num_rows,
        "workers": workers.num_rows,
        "conflicts": tables["conflicts"].num_rows,
        "ruled": ruled,
        "suspects": workers.num_rows - workers.column("suspect").null_count,
        "alpha_percent": None if alpha is None else round(100 * alpha),
        "gold": gold,
        "placeholders": _count_values(tables["placeholders"], "decided", {"found", "listed"}),
        "suspected_placeholders": _count_values(tables["conflicts"], "kind", {"placeholder"}) or None,
        "contradictions": tables["contradictions"].num_rows or None,
        "text_conflicts": tables["text_conflicts"].num_rows if "text_conflicts" in tables else None,
    }
    return {name: count for name, count in counts.items() if count is not None}


def _count_values(table: pa.Table, column: str, values: set[str]) -> int:
    return sum(value in values for value in table.column(column).to_pylist())


def _check_reader(run: Run) -> None:
    if run.config.images.ocr:
        from logoingest.images.looking.texts import check_reader

        check_reader()


def _list_further_inputs(run: Run, _manifest: Manifest) -> dict[str, str]:
    from logoingest.pipeline.staleness import hash_source, hash_value

    config = run.config.samples
    inputs = {"gold": hash_source(run.config.resolve(config.gold))} if config.gold else {}
    inputs["samples.rulings"] = hash_source(run.config.resolve(config.rulings))
    if accepts_crowd(run.config):
        inputs["labels.crowd"] = hash_value(run.config.labels.crowd_confidence)
    return inputs | {"class map": run.class_map.hash}


SAMPLES = StageSpec(
    name=Stage.SAMPLES,
    version=6,
    needs=(Stage.ANNOTATIONS, Stage.LABELS, Stage.FETCH, Stage.IMAGES),
    reads={
        ANNOTATIONS_FILE: Stage.ANNOTATIONS,
        "tables/labels.parquet": Stage.LABELS,
        "tables/decisions.parquet": Stage.LABELS,
        IMAGES_FILE: Stage.IMAGES,
        LISTED_FILE: Stage.IMAGES,
    },
    make=make_samples,
    help="settle the votes",
    settings=lambda config: [config.samples.model_dump(mode="json"), config.images.ocr],
    further_inputs=_list_further_inputs,
    check_extras=_check_reader,
)
