"""The audit trail of one URL, one label or one source row through every stage."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.downloads import read_downloads
from logoingest.errors import Problem, UsageError
from logoingest.labels import explain_label
from logoingest.pipeline.ledger import collect_ledger
from logoingest.pipeline.session import Run

_HEAVY = ("hash", "signature")


def explain_url(run: Run, url: str) -> dict[str, Any]:
    """What every stage says of a URL.

    Raises:
        UsageError: no annotation has this URL.
    """
    annotations = _pick(run, "annotations", "url", url)
    rejected = _filter(collect_ledger(run.workspace).rejected, "url", url)
    if not annotations and not rejected:
        raise UsageError(Problem(f"--url {url}", "no source row has this URL", "give it exactly as the source does"))
    downloads = _filter(read_downloads(run.workspace), "url", url)
    trail: dict[str, Any] = {"url": url, "annotations": annotations, "downloads": [_lighten(row) for row in downloads]}
    images = [row["sha256"] for row in downloads if row["sha256"]]
    image_id = images[0] if images else ""
    for table in ("images", "samples", "splits"):
        trail[table] = [_lighten(row) for row in _pick(run, table, "image_id", image_id)]
    decisions = _decisions_of(run, [row["annotation_id"] for row in annotations])
    return {**trail, "decisions": decisions, "rejected": rejected}


def explain_row(run: Run, number: int, source_file: str | None = None) -> dict[str, Any]:
    """What every stage says of a source row (1-based, header not counted); of all sources when ``source_file`` is left out.

    Raises:
        UsageError: there is no such row.
    """
    rows = [*_pick(run, "annotations", "source_row", number), *_pick(run, "annotations_rejected", "source_row", number)]
    rows = [row for row in rows if source_file is None or row["source_file"] == source_file]
    if not rows:
        raise UsageError(Problem(f"--row {number}", "there is no such source row", "rows count from 1, without the header"))
    ids = [row["annotation_id"] for row in rows]
    rejected = collect_ledger(run.workspace).rejected
    trail: dict[str, Any] = {"row": number, "annotations": rows, "decisions": _decisions_of(run, ids)}
    trail["rejected"] = rejected.filter(pc.is_in(rejected.column("annotation_id"), value_set=pa.array(ids))).to_pylist()
    trail["urls"] = [explain_url(run, url) for url in dict.fromkeys(row["url"] for row in rows) if url]
    return trail


def explain_label_of(run: Run, raw_label: str) -> dict[str, Any]:
    """How the class map decides a raw label, step by step, and what became of the annotations that carry it."""
    explanation = explain_label(raw_label, run.class_map)
    annotations = _pick(run, "annotations", "raw_label", raw_label)
    rejected = _filter(collect_ledger(run.workspace).rejected, "raw_label", raw_label)
    reasons: dict[str, int] = {}
    for row in rejected:
        reasons[f"{row['stage']}: {row['reason']}"] = reasons.get(f"{row['stage']}: {row['reason']}", 0) + 1
    urls = list(dict.fromkeys(row["url"] for row in annotations))[:10]
    return {
        "label": raw_label,
        "explanation": json.loads(json.dumps(explanation, default=_to_plain)),
        "annotations": len(annotations),
        "rejected": reasons,
        "urls": urls,
    }


def _decisions_of(run: Run, ids: list[str]) -> list[dict[str, Any]]:
    if not run.workspace.has_table("decisions"):
        return []
    table = run.workspace.read_table("decisions")
    found: list[dict[str, Any]] = table.filter(
        pc.is_in(table.column("annotation_id"), value_set=pa.array(ids, pa.string()))
    ).to_pylist()
    return found


def _pick(run: Run, table: str, column: str, value: object) -> list[dict[str, Any]]:
    return _filter(run.workspace.read_table(table), column, value) if run.workspace.has_table(table) else []


def _filter(table: pa.Table, column: str, value: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.filter(pc.equal(table.column(column), value)).to_pylist()
    return found


def _lighten(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _HEAVY and value is not None}


def _to_plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(value, "_asdict"):
        return value._asdict()
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    return str(value)
