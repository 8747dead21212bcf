"""Near-duplicates side by side, files that many URLs serve, groups whose answers disagree, and leaks towards other releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.images.alike.bounds import describe_unsearched, read_unsearched
from logoingest.report.material import Material, filter_rows, flatten_classes, index_rows, read_optional
from logoingest.report.pages.contents import Notice, PageContents
from logoingest.report.plots import draw_counts
from logoingest.schemas import CopyKind
from logoingest.stage_names import Stage
from logoingest.wording import spell_count

MOST_GROUPS = 30
MOST_MEMBERS = 6
_MOST_SHARED = 10
_MOST_CONFLICTS = 40
_CONFLICT_MEMBERS = 4
_MOST_LEAKS = 40
_UNSHOWN = {"image_id", "other_sha256"}
_SIZES = ((2, 2), (3, 3), (4, 4), (5, 9), (10, 19), (20, 49), (50, None))


def gather_duplicates(material: Material) -> PageContents:
    """Groups, the most doubtful first; totals; conflicts; leaks."""
    sizes = _measure_groups(material)
    conflicts = read_optional(material.workspace, "conflicts")
    against = read_optional(material.workspace, "against")
    groups = _list_groups(material, sizes, conflicts)
    shared, shared_count, shared_urls = _list_shared(material)
    shown_conflicts = _list_conflicts(conflicts, {group["group_id"] for group in groups})
    facts = {
        "groups": groups,
        "group_count": sizes.num_rows,
        "members": pc.sum(sizes.column("size")).as_py() or 0,
        "mixed": pc.sum(pc.greater(sizes.column("classes"), 1)).as_py() or 0,
        "crossing": pc.sum(pc.greater(sizes.column("splits"), 1)).as_py() or 0,
        "left_out": max(0, sizes.num_rows - MOST_GROUPS),
        "plot": _draw_sizes(sizes.column("size").to_numpy()),
        "shared": shared,
        "shared_count": shared_count,
        "shared_urls": shared_urls,
        "conflicts": shown_conflicts,
        "conflict_count": conflicts.num_rows if conflicts is not None else None,
        "against": _list_leaks(against),
        "unsearched": _list_unsearched(material),
    }
    wanted = [
        [[member["image_id"] for member in group["members"]] for group in groups],
        [row["image_ids"] for row in shown_conflicts if not row["shown"]],
        [[row["image_id"] for row in shared]],
        [[row["image_id"] for row in facts["against"]["rows"] if row["image_id"]]] if facts["against"] else [],
    ]
    turns = [bundle for turn in zip_longest(*wanted, fillvalue=()) for bundle in turn if bundle]
    return PageContents({"duplicates": facts}, turns, _list_notices(facts))


def _list_notices(facts: Mapping[str, Any]) -> list[Notice]:
    notices = []
    if facts["crossing"]:
        notices.append(
            Notice(
                f"{spell_count(facts['crossing'], 'group of near-duplicates crosses', 'groups of near-duplicates cross')} splits",
                "duplicates",
            )
        )
    if facts["conflict_count"]:
        notices.append(
            Notice(
                f"{spell_count(facts['conflict_count'], 'conflict', 'conflicts')} between pictures that show the same",
                "duplicates",
                grave=False,
            )
        )
    if facts["against"] is not None and facts["against"]["leaks"]:
        text = f"{spell_count(facts['against']['leaks'], 'picture leaks', 'pictures leak')} towards another dataset"
        notices.append(Notice(text, "duplicates"))
    notices += [Notice(sentence, "duplicates", grave=False) for sentence in facts["unsearched"]]
    return notices


def _list_unsearched(material: Material) -> list[str]:
    record = material.workspace.read_manifest().stages.get(Stage.IMAGES)
    return describe_unsearched(read_unsearched(record.counts if record else None))


def _measure_groups(material: Material) -> pa.Table:
    """Groups of two or more: group_id, size, how many classes and how many splits their pictures have."""
    counted = material.images.group_by("group_id").aggregate([([], "count_all")]).rename_columns(["group_id", "size"])
    counted = counted.filter(pc.greater(counted.column("size"), 1)).combine_chunks()
    ids = counted.column("group_id").combine_chunks()
    samples = material.samples.filter(pc.is_in(material.samples.column("group_id"), value_set=ids))
    splits = material.splits.filter(pc.is_in(material.splits.column("group_id"), value_set=ids))
    classes = flatten_classes(samples, "group_id").group_by("group_id").aggregate([("class_id", "count_distinct")])
    places = splits.group_by("group_id").aggregate([("split", "count_distinct")])
    for name, table, column in (("classes", classes, "class_id_count_distinct"), ("splits", places, "split_count_distinct")):
        found = pc.index_in(ids, value_set=table.column("group_id").combine_chunks())
        counted = counted.append_column(name, pc.fill_null(table.column(column).combine_chunks().take(found), 0))
    return counted


def _list_groups(material: Material, sizes: pa.Table, conflicts: pa.Table | None) -> list[dict[str, Any]]:
    """The groups to show: those that cross splits, that are in conflict, of several classes, then the largest."""
    disputed = set(conflicts.column("group_id").to_pylist()) if conflicts is not None else set()
    marks = pc.is_in(sizes.column("group_id"), value_set=pa.array(sorted(filter(None, disputed)), pa.string()))
    crossing = pc.greater(sizes.column("splits"), 1)
    ranked = sizes.append_column("disputed", pc.cast(marks, pa.int8())).append_column("crossing", pc.cast(crossing, pa.int8()))
    order = [(name, "descending") for name in ("crossing", "disputed", "classes", "size")]
    chosen = ranked.sort_by([*order, ("group_id", "ascending")]).slice(0, MOST_GROUPS).to_pylist()
    members = filter_rows(material.images, "group_id", [group["group_id"] for group in chosen])
    by_group: dict[str, list[dict[str, Any]]] = {}
    for row in members.sort_by("image_id").to_pylist():
        by_group.setdefault(row["group_id"], []).append(row)
    told = describe_members(material, members.column("image_id").to_pylist()) if members.num_rows <= 20_000 else {}
    evidence = _read_evidence(material, members.column("image_id"))
    return [{**group, "members": _order_members(by_group[group["group_id"]], told, evidence)} for group in chosen]


def _read_evidence(material: Material, image_ids: pa.ChunkedArray) -> dict[tuple[str, str], dict[str, Any]]:
    """(picture, another) → what was found of the two, both ways round, as far as one of them is among ``image_ids``."""
    copies = read_optional(material.workspace, "copies")
    if copies is None:
        return {}
    rows = copies.filter(pc.is_in(copies.column("other_id"), value_set=image_ids.combine_chunks())).to_pylist()
    return {pair: row for row in rows for pair in ((row["image_id"], row["other_id"]), (row["other_id"], row["image_id"]))}


def _order_members(
    rows: Sequence[dict[str, Any]], told: Mapping[str, dict[str, Any]], evidence: Mapping[tuple[str, str], dict[str, Any]]
) -> list[dict[str, Any]]:
    """The picture that names the group, then those of other classes, then the least alike; each with what was found of it."""
    first = next((row for row in rows if row["image_id"] == row["group_id"]), rows[0])
    members = []
    for row in rows:
        about = told.get(row["image_id"], {"classes": [], "split": None, "reason": None})
        members.append({**row, **about, **_tell_evidence(row["image_id"], first["image_id"], evidence)})
    classes = next(member["classes"] for member in members if member["image_id"] == first["image_id"])
    for member in members:
        member["differs"] = bool(classes and member["classes"] and member["classes"] != classes)
    members.sort(key=lambda m: (m["image_id"] != first["image_id"], not m["differs"], -m["residual"], m["image_id"]))
    return members[:MOST_MEMBERS]


def _tell_evidence(image_id: str, first: str, evidence: Mapping[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    """``alike``, a few words, and ``residual``: towards the first of the group, or towards another through which it came in."""
    if image_id == first:
        return {"alike": "the first", "residual": 0.0}
    other = first if (image_id, first) in evidence else next((pair[1] for pair in evidence if pair[0] == image_id), None)
    if other is None:
        return {"alike": "in a group with it", "residual": 0.0}
    row = evidence[image_id, other]
    words = [row["kind"].replace("_", " "), *([row["transformation"]] if row["transformation"] != "as it is" else [])]
    shares = "" if row["kind"] == CopyKind.SAME_PIXELS else f" ({row['overlap']:.0%} shared, r {1 - row['residual']:.3f})"
    named = "" if other == first else f" of {other[:12]}"
    return {"alike": ", ".join(words) + named + shares, "residual": row["residual"]}


def describe_members(material: Material, image_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """image_id → its classes, its split (None where it has none) and the reason of that (None where it has one)."""
    samples = index_rows(material.samples.select(["image_id", "class_ids"]), image_ids)
    splits = index_rows(material.splits.select(["image_id", "split"]), image_ids)
    images = index_rows(material.images.select(["image_id", "urls"]), image_ids)
    homeless = [url for image_id, row in images.items() if image_id not in splits for url in row["urls"]]
    reasons = index_rows(material.rejected.select(["url", "reason"]), homeless, key="url")
    described = {}
    for image_id in image_ids:
        urls = images[image_id]["urls"] if image_id in images else []
        why = next((reasons[url]["reason"] for url in urls if url in reasons), "not released")
        split = splits[image_id]["split"] if image_id in splits else None
        classes = samples[image_id]["class_ids"] if image_id in samples else []
        described[image_id] = {"classes": classes, "split": split, "reason": None if split else why, "urls": urls}
    return described


def _list_shared(material: Material) -> tuple[list[dict[str, Any]], int, int]:
    """(the files that most URLs served, how many such files, at how many URLs)."""
    counts = pc.list_value_length(material.images.column("urls"))
    table = material.images.select(["image_id", "urls", "width", "height"]).append_column("url_count", counts)
    table = table.filter(pc.greater(counts, 1))
    chosen = table.sort_by([("url_count", "descending"), ("image_id", "ascending")]).slice(0, _MOST_SHARED).to_pylist()
    told = describe_members(material, [row["image_id"] for row in chosen])
    total = pc.sum(table.column("url_count")).as_py() or 0
    return [{**row, **told[row["image_id"]], "urls": row["urls"][:4]} for row in chosen], table.num_rows, total


def _list_conflicts(conflicts: pa.Table | None, shown: set[str]) -> list[dict[str, Any]]:
    """Groups whose answers disagree; ``shown`` is whether their pictures stand among the groups."""
    if conflicts is None:
        return []
    rows = conflicts.slice(0, _MOST_CONFLICTS).to_pylist()
    listed = []
    for row in rows:
        ids = (row.get("image_ids") or [])[:_CONFLICT_MEMBERS]
        votes = row.get("votes") or []
        classes = row.get("class_ids") or []
        counted = [(class_id, votes[number] if number < len(votes) else None) for number, class_id in enumerate(classes)]
        listed.append(
            {
                "kind": row.get("kind") or "",
                "group_id": row.get("group_id"),
                "image_ids": ids,
                "classes": counted,
                "detail": row.get("detail"),
                "shown": row.get("group_id") in shown,
            }
        )
    return listed


def _list_leaks(against: pa.Table | None) -> dict[str, Any] | None:
    """The rows of ``against``, leaks first, whatever its columns are; None where nothing was compared or found."""
    if against is None or not against.num_rows:
        return None
    shown = [field.name for field in against.schema if not pa.types.is_binary(field.type) and field.name not in _UNSHOWN]
    ids = against.column("image_id") if "image_id" in against.column_names else pa.nulls(against.num_rows, pa.string())
    leaking = pc.fill_null(against.column("leak"), False) if "leak" in against.column_names else None
    if leaking is not None:
        against = against.take(
            pc.sort_indices(pa.table({"kept": pc.invert(leaking), "id": ids}), [("kept", "ascending"), ("id", "ascending")])
        )
    rows = [
        {"cells": [_spell_cell(row[name]) for name in shown], "image_id": row.get("image_id")}
        for row in against.slice(0, _MOST_LEAKS).to_pylist()
    ]
    leaks = len(pc.unique(ids.filter(leaking))) if leaking is not None else 0
    alike = len(pc.unique(pc.drop_null(ids)))
    return {
        "columns": [name.replace("_", " ") for name in shown],
        "rows": rows,
        "alike": alike,
        "leaks": leaks,
        "left_out": max(0, against.num_rows - _MOST_LEAKS),
    }


def _spell_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _draw_sizes(sizes: np.ndarray) -> Any:
    names, counts = [], []
    for low, high in _SIZES:
        count = int(((sizes >= low) & (sizes <= (high or sizes.max(initial=0)))).sum())
        names.append(str(low) if low == high else f"{low}–{high}" if high else f"{low}+")
        counts.append(count)
    while counts and not counts[-1]:
        names.pop()
        counts.pop()
    return draw_counts(names, counts, "pictures in a group", "group-sizes") if len(counts) > 1 else None
