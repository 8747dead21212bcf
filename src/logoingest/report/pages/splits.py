"""Whether the splits are what was asked for: pictures have and wanted, by split and by class, the worst classes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.report.material import Material, flatten_classes, rank_values
from logoingest.report.pages.contents import Notice, PageContents
from logoingest.report.plots import draw_ranks
from logoingest.wording import spell_count

#: Classes with a row of their own; those after the first ``OPEN_ROWS`` are folded away.
MOST_CLASSES = 1_000
OPEN_ROWS = 50
_MOST_NAMED = 400
_PLOTTED_FROM = 50

Counts = npt.NDArray[np.int64]


class ClassTable(NamedTuple):
    """What every class has where: ``pictures`` classes x splits, ``groups`` likewise, ``all_groups`` by class."""

    class_ids: list[str]
    splits: list[str]
    pictures: Counts
    groups: Counts
    all_groups: Counts


def gather_splits(material: Material) -> PageContents:
    """The balance as a whole and of each class."""
    shares = material.config.splits.shares
    table = count_classes(material.splits, shares)
    wanted = np.array([shares.get(name, 0.0) for name in table.splits])
    needed = [number for number, name in enumerate(table.splits) if shares.get(name, 0.0) > 0]
    rows = [_judge_class(table, number, wanted, needed) for number in range(len(table.class_ids))]
    full = sorted(
        (row for row in rows if not row["few"]), key=lambda row: (not row["lacks"], -row["excess"], -row["total"], row["class_id"])
    )
    few = sorted((row for row in rows if row["few"]), key=lambda row: (-row["total"], row["class_id"]))
    lacking = [row for row in full if row["lacks"]]
    facts = {
        "splits": _list_splits(material.splits, table.splits, shares),
        "marks": [100 * float(mark) for mark in np.cumsum(wanted[:-1])] if needed else [],
        "rows": full[:MOST_CLASSES],
        "open_rows": OPEN_ROWS,
        "left_out": max(0, len(full) - MOST_CLASSES),
        "few": few[:_MOST_NAMED],
        "few_left_out": max(0, len(few) - _MOST_NAMED),
        "few_count": len(few),
        "needed": len(needed),
        "origins": rank_values(material.splits.column("origin")),
        "lacking": len(lacking),
        "error": float(np.mean([row["error"] for row in full])) if full else None,
        "count": len(rows),
        "plot": draw_ranks(table.pictures.sum(axis=1), "class-sizes") if len(rows) >= _PLOTTED_FROM else None,
    }
    notices = []
    if lacking:
        notices.append(
            Notice(f"{spell_count(len(lacking), 'class lacks', 'classes lack')} a split in spite of groups enough", "classes")
        )
    return PageContents({"classes": facts}, notices=notices)


def count_classes(splits: pa.Table, shares: Mapping[str, float]) -> ClassTable:
    """Count ``SplitRow``s by class and split; splits in the config's order, those it does not know after them."""
    flat = flatten_classes(splits, "split", "group_id")
    found = set(splits.column("split").unique().to_pylist())
    names = [name for name in shares if shares[name] > 0 or name in found]
    names += sorted(found - set(names))
    class_ids = sorted(flat.column("class_id").unique().to_pylist())
    pictures = _cross(flat, class_ids, names)
    groups = flat.group_by(["class_id", "split", "group_id"]).aggregate([])
    once = flat.group_by(["class_id", "group_id"]).aggregate([])
    of_class = np.bincount(_rank(once.column("class_id"), class_ids), minlength=len(class_ids))
    return ClassTable(class_ids, names, pictures, _cross(groups, class_ids, names), of_class)


def _cross(table: pa.Table, class_ids: Sequence[str], names: Sequence[str]) -> Counts:
    cells = _rank(table.column("class_id"), class_ids) * len(names) + _rank(table.column("split"), names)
    return np.bincount(cells, minlength=len(class_ids) * len(names)).reshape(len(class_ids), len(names))


def _rank(column: pa.ChunkedArray, values: Sequence[str]) -> Counts:
    ranks: Counts = pc.index_in(column, value_set=pa.array(values, pa.string())).to_numpy().astype(np.int64)
    return ranks


def _judge_class(table: ClassTable, number: int, wanted: npt.NDArray[np.float64], needed: Sequence[int]) -> dict[str, Any]:
    """A class's row.

    ``excess`` is how far the split that is furthest off is off, as a share of the class, beyond the one picture no rule can help.
    """
    counts, groups = table.pictures[number], int(table.all_groups[number])
    total = int(counts.sum())
    off = counts - wanted * total
    worst = int(np.argmax(np.abs(off)))
    few = groups < len(needed)
    return {
        "class_id": table.class_ids[number],
        "counts": counts.tolist(),
        "widths": (100 * counts / max(total, 1)).tolist(),
        "total": total,
        "groups": groups,
        "few": few,
        "lacks": [table.splits[split] for split in needed if not counts[split]],
        "error": float(np.abs(off).max() / max(total, 1)),
        "excess": max(0.0, float(np.abs(off).max()) - 1.0) / max(total, 1),
        "worst": table.splits[worst],
        "worst_have": int(counts[worst]),
        "worst_wanted": float(wanted[worst] * total),
    }


def _list_splits(splits: pa.Table, names: Sequence[str], shares: Mapping[str, float]) -> list[dict[str, Any]]:
    counts = np.bincount(_rank(splits.column("split"), names), minlength=len(names))
    total = max(int(counts.sum()), 1)
    return [
        {"name": name, "have": int(count), "share": count / total, "wanted": shares.get(name)}
        for name, count in zip(names, counts.tolist(), strict=True)
    ]
