"""The figures at the top, and the funnel: where every source row went."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc

from logoingest.report.material import Material
from logoingest.report.pages.contents import PageContents
from logoingest.stage_names import FUNNEL


def gather_overview(material: Material) -> PageContents:
    """Figures and funnel."""
    return PageContents({"figures": _list_figures(material), "funnel": _list_funnel(material)})


def _list_figures(material: Material) -> list[tuple[str, str]]:
    megabytes = (pc.sum(material.downloads.column("byte_count")).as_py() or 0) / 1e6
    return [
        ("source rows", f"{material.annotations:,}"),
        ("rows that voted", f"{material.annotations - material.rejected.num_rows:,}"),
        ("URLs", f"{material.downloads.num_rows:,}"),
        ("megabytes fetched", f"{megabytes:,.1f}"),
        ("distinct pictures", f"{material.images.num_rows:,}"),
        ("released pictures", f"{material.splits.num_rows:,}"),
    ]


def _list_funnel(material: Material) -> list[dict[str, Any]]:
    counts = material.rejected.group_by(["stage", "reason"]).aggregate([("annotation_id", "count")]).to_pylist()
    rows: list[dict[str, Any]] = []
    left = total = material.annotations
    for stage in FUNNEL:
        reasons = {row["reason"]: row["annotation_id_count"] for row in counts if row["stage"] == stage}
        left -= sum(reasons.values())
        ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        share = left / total if total else 0.0
        rows.append({"stage": stage.value, "kept": left, "share": share, "rejected": sum(reasons.values()), "reasons": ordered})
    return rows
