"""The labels stage: from annotations to a decision each, decided on distinct answers and joined back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.labels.match import ACCEPTED, DROPPED, IGNORED, REVIEW, UNKNOWN, LabelDecision, decide_labels
from logoingest.schemas import LabelRow, Reason, RejectedRow, Stage

if TYPE_CHECKING:
    from logoingest.labels.class_map import ClassMap, OverrideKey
    from logoingest.labels.map_file import OverrideForm

DECISION_SCHEMA = pa.schema(
    [
        pa.field("annotation_id", pa.string(), nullable=False),
        pa.field("decision", pa.string(), nullable=False),
        pa.field("class_ids", pa.list_(pa.string()), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
    ]
)
"""One row per annotation: its decision, classes (empty unless accepted) and rule (``override`` where one decided)."""

REASONS = {
    IGNORED: Reason.NO_LABEL,
    REVIEW: Reason.LABEL_REVIEW,
    UNKNOWN: Reason.LABEL_UNKNOWN,
    DROPPED: Reason.LABEL_DROPPED,
}
"""Why an annotation whose decision is not ``accepted`` is turned away."""

_DETAIL_LENGTH = 200


class NormalisedLabels(NamedTuple):
    """What the labels stage made of the annotations."""

    labels: pa.Table
    """``LabelRow``: one row per distinct raw label."""
    decisions: pa.Table
    """``DECISION_SCHEMA``: one row per annotation, in their order."""
    rejected: pa.Table
    """``RejectedRow``: the annotations that were not accepted, in their order."""


class _Overridden(NamedTuple):
    """The annotations an override speaks about: their row numbers, and what it makes of each."""

    rows: list[int]
    class_ids: list[list[str]]
    details: list[str]


def normalise_labels(raw_labels: pa.ChunkedArray | pa.Array, class_map: ClassMap) -> pa.Table:
    """A ``LabelRow`` for each distinct answer (null counts as empty), sorted by raw_label, with how often it was given."""
    counted = pc.value_counts(pc.fill_null(raw_labels.cast(pa.string()), ""))
    order = pc.sort_indices(counted.field("values"))
    values, counts = counted.field("values").take(order), counted.field("counts").take(order)
    return _build_labels(decide_labels(values.to_pylist(), class_map), counts)


def normalise_annotations(annotations: pa.Table, class_map: ClassMap) -> NormalisedLabels:
    """The labels stage.

    Args:
        annotations: ``AnnotationRow``s.
        class_map: what decides.

    Returns:
        Labels, decisions and rejected rows; every annotation has one decision, and is rejected unless it is accepted.
    """
    raw = pc.fill_null(annotations.column("raw_label").cast(pa.string()), "")
    encoded = raw.combine_chunks().dictionary_encode() if raw.num_chunks != 1 else raw.chunk(0).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    counts = pc.value_counts(encoded.indices)
    distinct = encoded.dictionary.to_pylist()
    decided = decide_labels(distinct, class_map)
    decisions = _spread(annotations, encoded.indices, decided)
    details = pa.array([_describe(decision) for decision in decided], pa.string()).take(encoded.indices)
    overridden = _apply_overrides(annotations, class_map)
    decisions, details = _overlay(decisions, details, overridden)
    by_code = dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True))
    order = sorted(range(len(distinct)), key=distinct.__getitem__)
    labels = _build_labels([decided[code] for code in order], pa.array([by_code[code] for code in order], pa.int64()))
    return NormalisedLabels(labels, decisions, _reject(annotations, decisions, details))


def _build_labels(decisions: Sequence[LabelDecision], counts: pa.Array) -> pa.Table:
    schema = LabelRow.arrow_schema()
    columns = [
        counts.cast(pa.int64())
        if field.name == "count"
        else pa.array([_cell(decision, field.name) for decision in decisions], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _cell(decision: LabelDecision, column: str) -> object:
    value = getattr(decision, column)
    return list(value) if isinstance(value, tuple) else value


def _spread(annotations: pa.Table, codes: pa.Array, decided: Sequence[LabelDecision]) -> pa.Table:
    columns = [
        pa.array([decision.decision for decision in decided], pa.string()),
        pa.array([list(decision.class_ids) for decision in decided], pa.list_(pa.string())),
        pa.array([decision.rule for decision in decided], pa.string()),
    ]
    ids = annotations.column("annotation_id")
    return pa.Table.from_arrays([ids, *(column.take(codes) for column in columns)], schema=DECISION_SCHEMA)


def _apply_overrides(annotations: pa.Table, class_map: ClassMap) -> _Overridden:
    """The rows an override is about; an annotation's own id beats its source id, and a worker's beats its URL."""
    result = _Overridden([], [], [])
    overrides = class_map.overrides
    if not overrides:
        return result
    ids = pa.array(sorted({key.annotation for key in overrides if key.annotation is not None}), pa.string())
    urls = pa.array(sorted({key.url for key in overrides if key.url is not None}), pa.string())
    columns = (("annotation_id", ids), ("source_id", ids), ("url", urls))
    masks = [pc.fill_null(pc.is_in(annotations.column(name), value_set=wanted), False) for name, wanted in columns]
    rows = pc.indices_nonzero(pc.or_(pc.or_(masks[0], masks[1]), masks[2]))
    picked = annotations.select(["annotation_id", "source_id", "url", "worker_id"]).take(rows)
    for row, facts in zip(rows.to_pylist(), picked.to_pylist(), strict=True):
        override = _find_override(facts, overrides)
        if override is None:
            continue
        output = None if override.class_id is None else class_map.outputs[override.class_id]
        result.rows.append(row)
        result.class_ids.append([] if output is None else [output])
        result.details.append(f"override: {override.reason or 'no reason given'}"[:_DETAIL_LENGTH])
    return result


def _find_override(facts: dict[str, str | None], overrides: object) -> OverrideForm | None:
    from logoingest.labels.class_map import OverrideKey

    keys: list[OverrideKey] = [
        OverrideKey(facts["annotation_id"], None, None),
        OverrideKey(facts["source_id"], None, None),
        OverrideKey(None, facts["url"], facts["worker_id"]),
        OverrideKey(None, facts["url"], None),
    ]
    return next((overrides[key] for key in keys if key in overrides), None)  # type: ignore[index,operator]


def _overlay(decisions: pa.Table, details: pa.Array, overridden: _Overridden) -> tuple[pa.Table, pa.Array]:
    if not overridden.rows:
        return decisions, details
    # Rows after the table's own are the overrides' answers; each overridden row is taken from there.
    count = len(overridden.rows)
    places = list(range(decisions.num_rows))
    for order, row in enumerate(overridden.rows):
        places[row] = decisions.num_rows + order
    taken = pa.array(places, pa.int64())
    extra = pa.Table.from_arrays(
        [
            decisions.column("annotation_id").take(pa.array(overridden.rows, pa.int64())),
            pa.array([ACCEPTED if found else DROPPED for found in overridden.class_ids], pa.string()),
            pa.array(overridden.class_ids, pa.list_(pa.string())),
            pa.array(["override"] * count, pa.string()),
        ],
        schema=DECISION_SCHEMA,
    )
    all_details = pa.concat_arrays([details, pa.array(overridden.details, pa.string())])
    return pa.concat_tables([decisions, extra]).combine_chunks().take(taken), all_details.take(taken)


def _reject(annotations: pa.Table, decisions: pa.Table, details: pa.Array) -> pa.Table:
    mask = pc.not_equal(decisions.column("decision"), ACCEPTED)
    picked = annotations.filter(mask)
    kinds = decisions.column("decision").filter(mask).combine_chunks()
    names = pa.array(sorted(REASONS), pa.string())
    reasons = pa.array([REASONS[name].value for name in sorted(REASONS)], pa.string())
    made = {
        "stage": pa.array([Stage.LABELS.value], pa.string()).take(pa.array([0] * picked.num_rows, pa.int64())),
        "reason": reasons.take(pc.index_in(kinds, value_set=names)),
        "detail": details.filter(mask),
    }
    schema = RejectedRow.arrow_schema()
    return pa.Table.from_arrays([made[name] if name in made else picked.column(name) for name in schema.names], schema=schema)


def _describe(decision: LabelDecision) -> str | None:
    if decision.decision in {ACCEPTED, IGNORED}:
        return None
    near = "" if decision.matched_alias is None else f"nearest: {decision.matched_alias}"
    if near and decision.score is not None:
        near += f" ({decision.score:.0f})"
    text = "; ".join(part for part in (near, decision.note) if part)
    return text[:_DETAIL_LENGTH] or decision.rule
