"""Who answered how well, and how far people agree."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.report.material import Material
from logoingest.report.pages.contents import MOST_ROWS, Notice, PageContents
from logoingest.samples.agreement import find_doubt


def gather_workers(material: Material) -> PageContents:
    """Workers, the suspects first; alpha over all answers and by class."""
    workers = _list_workers(material.workspace.read_table("workers"))
    notices = []
    if workers["suspects"]:
        verb = "is" if workers["suspects"] == 1 else "are"
        text = f"{workers['suspects']:,} of {workers['count']:,} workers {verb} suspect"
        notices.append(Notice(text, "workers", grave=False))
    agreement = material.workspace.read_table("agreement")
    confidence = material.workspace.read_table("samples", ["confidence"]).column("confidence")
    if doubt := find_doubt(agreement, confidence, workers["gold"]):
        notices.append(Notice(doubt, "workers", grave=True))
    return PageContents({"workers": workers, "agreement": _list_agreement(agreement), "doubt": doubt}, notices=notices)


def _list_workers(workers: pa.Table) -> dict[str, Any]:
    ordered = workers.append_column("trusted", pc.cast(pc.is_null(workers.column("suspect")), pa.int8()))
    ordered = ordered.sort_by([("trusted", "ascending"), ("annotations", "descending"), ("worker_id", "ascending")])
    return {
        "rows": ordered.slice(0, MOST_ROWS).to_pylist(),
        "left_out": max(0, workers.num_rows - MOST_ROWS),
        "suspects": workers.num_rows - workers.column("suspect").null_count,
        "count": workers.num_rows,
        "gold": pc.sum(workers.column("gold")).as_py() or 0,
        "alike": workers.num_rows - workers.column("like").null_count,
    }


def _list_agreement(agreement: pa.Table) -> dict[str, Any]:
    """Alpha over all answers, and the classes people agree on least first; classes that nobody could disagree about left out."""
    rows = agreement.to_pylist()
    overall = next((row for row in rows if row["scope"] == "all"), None)
    parts = [row for row in rows if row["scope"] != "all" and row["alpha"] is not None]
    parts.sort(key=lambda row: (row["alpha"], -row["answers"], row["class_id"] or ""))
    return {"overall": overall, "rows": parts[:MOST_ROWS], "left_out": max(0, len(parts) - MOST_ROWS)}
