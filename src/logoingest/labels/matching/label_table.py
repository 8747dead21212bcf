"""The labels stage: from annotations to a decision each, decided on distinct answers and joined back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from logoingest.labels.matching.match import LabelDecision, decide_labels
from logoingest.schemas import Decision, LabelRow, Reason, RejectedRow, Stage

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap, OverrideKey
    from logoingest.labels.class_map.map_file import OverrideForm

DECISION_SCHEMA = pa.schema(
    [
        pa.field("annotation_id", pa.string(), nullable=False),
        pa.field("decision", pa.string(), nullable=False),
        pa.field("class_ids", pa.list_(pa.string()), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("attributes", pa.string()),
    ]
)
"""One row per annotation: decision, classes (empty unless accepted), rule (``override`` where one decided), and ``LabelRow``'s attributes."""

REASONS = {
    Decision.IGNORED: Reason.NO_LABEL,
    Decision.REVIEW: Reason.LABEL_REVIEW,
    Decision.UNKNOWN: Reason.LABEL_UNKNOWN,
    Decision.DROPPED: Reason.LABEL_DROPPED,
}
"""Why an annotation whose decision is not ``accepted`` is turned away."""

_DETAIL_LENGTH = 200
_ROWS_AT_ONCE = 1_000_000


class NormalisedLabels(NamedTuple):
    """What the labels stage made of the annotations."""

    labels: pa.Table
    """``LabelRow``: one row per distinct raw label."""
    decisions: pa.Table
    """``DECISION_SCHEMA``: one row per annotation, in their order."""
    rejected: pa.Table
    """``RejectedRow``: the annotations that were not accepted, in their order."""


class Withheld(NamedTuple):
    """Rows whose answer is accepted elsewhere, but not of their picture."""

    rows: NDArray[np.bool_]
    why: str


class _Verdict(NamedTuple):
    """What an annotation comes to: a row of ``DECISION_SCHEMA`` without its id, and the detail of a rejection."""

    decision: Decision
    class_ids: Sequence[str]
    rule: str
    detail: str | None
    attributes: str | None


def normalise_labels(raw_labels: pa.ChunkedArray | pa.Array, class_map: ClassMap) -> pa.Table:
    """A ``LabelRow`` for each distinct answer (null counts as empty), sorted by raw_label, with how often it was given."""
    counted = pc.value_counts(pc.fill_null(raw_labels.cast(pa.string()), ""))
    order = pc.sort_indices(counted.field("values"))
    values, counts = counted.field("values").take(order), counted.field("counts").take(order)
    return _build_labels(decide_labels(values.to_pylist(), class_map), counts)


def normalise_annotations(annotations: pa.Table, class_map: ClassMap) -> NormalisedLabels:
    """The labels stage, by the class map alone.

    Args:
        annotations: ``AnnotationRow``s.
        class_map: what decides.

    Returns:
        Labels, decisions and rejected rows; every annotation has one decision, and is rejected unless it is accepted.
    """
    codes, distinct = encode_labels(annotations.column("raw_label"))
    return tabulate_decisions(annotations, class_map, codes, decide_labels(distinct, class_map))


def tabulate_decisions(
    annotations: pa.Table,
    class_map: ClassMap,
    codes: NDArray[np.int32],
    decided: Sequence[LabelDecision],
    withheld: Withheld | None = None,
) -> NormalisedLabels:
    """What is decided about distinct answers, joined back to the annotations; a person's override of one of them wins.

    Args:
        annotations: ``AnnotationRow``s.
        class_map: whose overrides count.
        codes: each row's place in ``decided``; changed.
        decided: a decision a distinct answer.
        withheld: rows whose answer is accepted, but not there.
    """
    distinct = [made.raw_label for made in decided]
    counts = np.bincount(codes, minlength=len(distinct))
    order = sorted(range(len(distinct)), key=distinct.__getitem__)
    labels = _build_labels([decided[code] for code in order], pa.array(counts[order], pa.int64()))
    verdicts = [_Verdict(made.decision, made.class_ids, made.rule, _describe(made), made.attributes) for made in decided]
    if withheld is not None and withheld.rows.any():
        codes, verdicts = _withhold(codes, verdicts, withheld)
    for row, verdict in _list_overridden(annotations, class_map):
        attributes = verdicts[codes[row]].attributes  # another class, but still partly visible
        codes[row] = len(verdicts)
        verdicts.append(verdict._replace(attributes=attributes))
    return NormalisedLabels(labels, _spread(annotations, codes, verdicts), _reject(annotations, codes, verdicts))


def _withhold(codes: NDArray[np.int32], verdicts: list[_Verdict], withheld: Withheld) -> tuple[NDArray[np.int32], list[_Verdict]]:
    """The rows' own verdicts: in doubt, by the rule that would have accepted them."""
    held, place = np.unique(codes[withheld.rows], return_inverse=True)
    codes = codes.copy()
    codes[withheld.rows] = len(verdicts) + place
    doubts = [verdicts[code]._replace(decision=Decision.REVIEW, class_ids=(), detail=withheld.why) for code in held.tolist()]
    return codes, [*verdicts, *doubts]


def encode_labels(raw_labels: pa.ChunkedArray) -> tuple[NDArray[np.int32], list[str]]:
    """For each row the place of its answer among the distinct ones; null counts as empty."""
    encoded = pc.fill_null(raw_labels.cast(pa.string()), "").dictionary_encode()
    chunks = encoded.chunks or [pa.array([], pa.string()).dictionary_encode()]
    codes = np.concatenate([chunk.indices.to_numpy() for chunk in chunks])
    return codes, chunks[-1].dictionary.to_pylist()


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


def _spread(annotations: pa.Table, codes: NDArray[np.int32], verdicts: Sequence[_Verdict]) -> pa.Table:
    columns = [
        _take(pa.array([verdict.decision for verdict in verdicts], pa.string()), codes),
        _take(pa.array([verdict.class_ids for verdict in verdicts], pa.list_(pa.string())), codes),
        _take(pa.array([verdict.rule for verdict in verdicts], pa.string()), codes),
        _take(pa.array([verdict.attributes for verdict in verdicts], pa.string()), codes),
    ]
    return pa.Table.from_arrays([annotations.column("annotation_id"), *columns], schema=DECISION_SCHEMA)


def _take(values: pa.Array, codes: NDArray[np.int32]) -> pa.ChunkedArray:
    """A value per row, in chunks: an Arrow array of strings cannot hold more than 2 GiB."""
    parts = [values.take(pa.array(codes[start : start + _ROWS_AT_ONCE])) for start in range(0, len(codes), _ROWS_AT_ONCE)]
    return pa.chunked_array(parts, values.type)


def _list_overridden(annotations: pa.Table, class_map: ClassMap) -> Iterator[tuple[int, _Verdict]]:
    """The rows an override is about; an annotation's own id beats its source id, and a worker's beats its URL."""
    overrides = class_map.overrides
    if not overrides:
        return
    ids = pa.array(sorted({key.annotation for key in overrides if key.annotation is not None}), pa.string())
    urls = pa.array(sorted({key.url for key in overrides if key.url is not None}), pa.string())
    columns = (("annotation_id", ids), ("source_id", ids), ("url", urls))
    masks = [pc.fill_null(pc.is_in(annotations.column(name), value_set=wanted), False) for name, wanted in columns]
    rows = pc.indices_nonzero(pc.or_(pc.or_(masks[0], masks[1]), masks[2]))
    picked = annotations.select(["annotation_id", "source_id", "url", "worker_id"]).take(rows)
    for row, facts in zip(rows.to_pylist(), picked.to_pylist(), strict=True):
        override = _find_override(facts, overrides)
        if override is not None:
            output = None if override.class_id is None else class_map.outputs[override.class_id]
            detail = f"override: {override.reason or 'no reason given'}"[:_DETAIL_LENGTH]
            yield (
                row,
                _Verdict(
                    Decision.DROPPED if output is None else Decision.ACCEPTED,
                    [] if output is None else [output],
                    "override",
                    detail,
                    None,
                ),
            )


def _find_override(facts: dict[str, str | None], overrides: object) -> OverrideForm | None:
    from logoingest.labels.class_map.class_map import OverrideKey

    keys: list[OverrideKey] = [
        OverrideKey(facts["annotation_id"], None, None),
        OverrideKey(facts["source_id"], None, None),
        OverrideKey(None, facts["url"], facts["worker_id"]),
        OverrideKey(None, facts["url"], None),
    ]
    return next((overrides[key] for key in keys if key in overrides), None)  # type: ignore[index,operator]


def _reject(annotations: pa.Table, codes: NDArray[np.int32], verdicts: Sequence[_Verdict]) -> pa.Table:
    is_rejected = np.array([verdict.decision != Decision.ACCEPTED for verdict in verdicts], bool)[codes]
    reasons = [None if verdict.decision == Decision.ACCEPTED else REASONS[verdict.decision].value for verdict in verdicts]
    rejected = codes[is_rejected]
    made = {
        "stage": _take(pa.array([Stage.LABELS.value]), np.zeros(len(rejected), np.int32)),
        "reason": _take(pa.array(reasons, pa.string()), rejected),
        "detail": _take(pa.array([verdict.detail for verdict in verdicts], pa.string()), rejected),
    }
    schema = RejectedRow.arrow_schema()
    picked = annotations.select([name for name in schema.names if name not in made]).filter(pa.array(is_rejected))
    return pa.Table.from_arrays([made[name] if name in made else picked.column(name) for name in schema.names], schema=schema)


def _describe(decision: LabelDecision) -> str | None:
    if decision.decision in {Decision.ACCEPTED, Decision.IGNORED}:
        return None
    near = "" if decision.matched_alias is None else f"nearest: {decision.matched_alias}"
    if near and decision.score is not None:
        near += f" ({decision.score:.0f})"
    text = "; ".join(part for part in (near, decision.note) if part)
    return text[:_DETAIL_LENGTH] or decision.rule
