"""How answers became classes, and what waits for a person."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.report.material import Material
from logoingest.report.pages.contents import MOST_ROWS, Notice, PageContents
from logoingest.schemas import Decision
from logoingest.wording import spell_count

_MOST_EXAMPLES = 8


def gather_labels(material: Material) -> PageContents:
    """Rules with examples, and the queue."""
    labels = material.workspace.read_table("labels").sort_by([("count", "descending"), ("raw_label", "ascending")])
    queue = _list_queue(labels)
    notices = []
    if queue["labels"]:
        answers = spell_count(queue["labels"], "distinct answer waits", "distinct answers wait")
        text = f"{answers} for a person ({queue['answers']:,} source rows)"
        notices.append(Notice(text, "review", grave=False))
    return PageContents({"rules": _list_rules(labels), "queue": queue}, notices=notices)


def _list_rules(labels: pa.Table) -> list[dict[str, Any]]:
    counted = labels.group_by(["decision", "rule"]).aggregate([([], "count_all"), ("count", "sum")])
    order = [("decision", "ascending"), ("count_sum", "descending"), ("rule", "ascending")]
    rows = []
    for entry in counted.sort_by(order).to_pylist():
        chosen = pc.and_(pc.equal(labels.column("decision"), entry["decision"]), pc.equal(labels.column("rule"), entry["rule"]))
        examples = labels.filter(chosen).slice(0, _MOST_EXAMPLES).select(["raw_label", "class_ids", "score"]).to_pylist()
        rows.append({**entry, "labels": entry["count_all"], "answers": entry["count_sum"], "examples": examples})
    return rows


def _list_queue(labels: pa.Table) -> dict[str, Any]:
    doubtful = labels.filter(pc.is_in(labels.column("decision"), value_set=pa.array([Decision.REVIEW, Decision.UNKNOWN])))
    answers = pc.sum(doubtful.column("count")).as_py() or 0
    rows = doubtful.slice(0, MOST_ROWS).to_pylist()
    return {"rows": rows, "labels": doubtful.num_rows, "answers": answers, "left_out": max(0, doubtful.num_rows - MOST_ROWS)}
