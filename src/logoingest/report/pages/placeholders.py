"""Placeholders: the picture that stands for many, and why it is one."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.report.material import Material, read_optional
from logoingest.report.pages.contents import Notice, PageContents
from logoingest.schemas import Reason
from logoingest.wording import spell_count

_MOST_PLACEHOLDERS = 40
_MOST_LINES = 100


def gather_placeholders(material: Material) -> PageContents:
    """The table ``placeholders``; where a workspace has none, what the rejections say."""
    table = read_optional(material.workspace, "placeholders")
    refused = material.rejected.filter(pc.equal(material.rejected.column("reason"), Reason.PLACEHOLDER.value))
    conflicts = read_optional(material.workspace, "conflicts")
    suspected = 0 if conflicts is None else pc.sum(pc.equal(conflicts.column("kind"), "placeholder")).as_py() or 0
    facts = {
        "rows": _list_placeholders(table) if table is not None else [],
        "suspected": suspected,
        "count": table.num_rows if table is not None else None,
        "left_out": max(0, (table.num_rows if table is not None else 0) - _MOST_PLACEHOLDERS),
        "refused": refused.num_rows,
        "lines": _list_details(refused) if table is None or not table.num_rows else [],
        "min_urls": material.config.samples.placeholder_min_urls,
    }
    notices = []
    if refused.num_rows:
        notices.append(
            Notice(
                f"{spell_count(refused.num_rows, 'source row shows', 'source rows show')} a placeholder",
                "placeholders",
                grave=False,
            )
        )
    if suspected:
        notices.append(
            Notice(
                f"{spell_count(suspected, 'picture', 'pictures')} may stand for photos that are gone: labels review",
                "placeholders",
                grave=False,
            )
        )
    return PageContents({"placeholders": facts}, [[row["image_id"]] for row in facts["rows"]], notices)


def _list_placeholders(table: pa.Table) -> list[dict[str, Any]]:
    order = [(name, way) for name, way in (("urls", "descending"), ("image_id", "ascending")) if name in table.column_names]
    rows: list[dict[str, Any]] = table.sort_by(order).slice(0, _MOST_PLACEHOLDERS).to_pylist()
    return rows


def _list_details(refused: pa.Table) -> list[dict[str, Any]]:
    counted = refused.group_by("detail").aggregate([("annotation_id", "count")])
    ordered = counted.sort_by([("annotation_id_count", "descending"), ("detail", "ascending")])
    return [{"detail": row["detail"], "rows": row["annotation_id_count"]} for row in ordered.slice(0, _MOST_LINES).to_pylist()]
