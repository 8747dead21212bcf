"""What the report says, gathered from a workspace's tables as plain lists and mappings for the template."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.config import Config
from logoingest.schemas import DownloadRow, Reason, Stage
from logoingest.workspace import Workspace

#: Rows a list of the page has at most; what is left out is counted.
MOST_ROWS = 100
MOST_CLASSES = 600
_FUNNEL = (Stage.ANNOTATIONS, Stage.FETCH, Stage.IMAGES, Stage.LABELS, Stage.SAMPLES, Stage.SPLITS)


def gather_facts(workspace: Workspace, config: Config, rejected: pa.Table) -> dict[str, Any]:
    """Every figure and list of the page.

    Args:
        workspace: with all tables of the route; train may be missing.
        config: the dataset's config.
        rejected: the ledger's ``RejectedRow`` table, one row a source row.
    """
    images = workspace.read_table("images")
    samples = workspace.read_table("samples")
    splits = workspace.read_table("splits")
    labels = workspace.read_table("labels")
    downloads = _read_downloads(workspace)
    total = workspace.read_table("annotations", ["annotation_id"]).num_rows
    total += workspace.read_table("annotations_rejected", ["annotation_id"]).num_rows
    return {
        "name": config.dataset.name,
        "description": config.dataset.description,
        "figures": _list_figures(total, rejected, downloads, images, splits),
        "funnel": _list_funnel(total, rejected),
        "reasons": _list_fetch_failures(downloads),
        "hosts": _list_hosts(downloads),
        "classes": _list_classes(samples, splits),
        "rules": _list_rules(labels),
        "queue": _list_queue(labels),
        "flags": _list_flags(images),
        "duplicates": _list_duplicates(images, samples),
        "placeholders": _list_rejected(rejected, Reason.PLACEHOLDER),
        "unsettled": _list_unsettled(rejected),
        "doubtful": _list_doubtful(samples, splits),
        "gallery": _list_gallery(samples, splits),
        "workers": _list_workers(workspace),
        "agreement": _list_agreement(workspace),
        "verdict": _read_verdict(workspace),
    }


def _read_downloads(workspace: Workspace) -> pa.Table:
    columns = ["url", "outcome", "reason", "detail", "http_status", "attempts", "image_reason", "image_detail", "byte_count"]
    tables = [workspace.read_shard(name, columns) for name in workspace.shard_names()]
    return pa.concat_tables(tables) if tables else DownloadRow.empty_table().select(columns)


def _list_figures(total: int, rejected: pa.Table, downloads: pa.Table, images: pa.Table, splits: pa.Table) -> list[tuple[str, str]]:
    megabytes = (pc.sum(downloads.column("byte_count")).as_py() or 0) / 1e6
    return [
        ("source rows", f"{total:,}"),
        ("rows that voted", f"{total - rejected.num_rows:,}"),
        ("URLs", f"{downloads.num_rows:,}"),
        ("megabytes fetched", f"{megabytes:,.1f}"),
        ("distinct pictures", f"{images.num_rows:,}"),
        ("released pictures", f"{splits.num_rows:,}"),
    ]


def _list_funnel(total: int, rejected: pa.Table) -> list[dict[str, Any]]:
    counts = rejected.group_by(["stage", "reason"]).aggregate([("annotation_id", "count")]).to_pylist()
    rows: list[dict[str, Any]] = []
    left = total
    for stage in _FUNNEL:
        reasons = {row["reason"]: row["annotation_id_count"] for row in counts if row["stage"] == stage}
        left -= sum(reasons.values())
        ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        share = left / total if total else 0.0
        rows.append({"stage": stage.value, "kept": left, "share": share, "rejected": sum(reasons.values()), "reasons": ordered})
    return rows


def _list_fetch_failures(downloads: pa.Table) -> list[dict[str, Any]]:
    """URLs by reason, with an example each; failing pictures count beside failing requests."""
    found: dict[str, dict[str, Any]] = {}
    for row in downloads.to_pylist():
        reason = row["reason"] or row["image_reason"]
        if reason is None:
            continue
        entry = found.setdefault(reason, {"reason": reason, "urls": 0, "url": row["url"], "detail": ""})
        entry["urls"] += 1
        entry["detail"] = entry["detail"] or row["detail"] or row["image_detail"] or ""
    return sorted(found.values(), key=lambda entry: (-entry["urls"], entry["reason"]))


def _list_hosts(downloads: pa.Table) -> list[dict[str, Any]]:
    hosts: dict[str, Counter[str]] = {}
    for row in downloads.select(["url", "reason", "image_reason"]).to_pylist():
        reason = row["reason"] or row["image_reason"] or "ok"
        hosts.setdefault(_host_of(row["url"]), Counter())[reason] += 1
    rows = []
    for host, counts in hosts.items():
        failures = Counter({reason: count for reason, count in counts.items() if reason != "ok"})
        most = failures.most_common(1)[0][0] if failures else ""
        rows.append({"host": host, "urls": counts.total(), "failed": failures.total(), "most": most})
    return sorted(rows, key=lambda row: (-row["urls"], row["host"]))


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or "(no host)"
    except ValueError:
        return "(not a URL)"


def _list_classes(samples: pa.Table, splits: pa.Table) -> dict[str, Any]:
    joined = _place_samples(samples, splits)
    counts: dict[str, Counter[str]] = {}
    for class_ids, split in zip(joined.column("class_ids").to_pylist(), joined.column("split").to_pylist(), strict=True):
        for class_id in class_ids:
            counts.setdefault(class_id, Counter())[split] += 1
    names = sorted({split for counter in counts.values() for split in counter}, key=("train", "validation", "test").index)
    largest = max((counter.total() for counter in counts.values()), default=1)
    rows: list[dict[str, Any]] = [
        {
            "class_id": class_id,
            "total": counter.total(),
            "parts": [(name, counter[name], counter[name] / largest) for name in names],
        }
        for class_id, counter in counts.items()
    ]
    rows.sort(key=lambda row: (-row["total"], row["class_id"]))
    return {"splits": names, "rows": rows[:MOST_CLASSES], "left_out": max(0, len(rows) - MOST_CLASSES), "count": len(rows)}


def _place_samples(samples: pa.Table, splits: pa.Table) -> pa.Table:
    """Samples with their split; joined by hand, since Arrow's join takes no list columns."""
    place = dict(zip(splits.column("image_id").to_pylist(), splits.column("split").to_pylist(), strict=True))
    found = [place.get(image_id) for image_id in samples.column("image_id").to_pylist()]
    joined = samples.append_column("split", pa.array(found, pa.string()))
    return joined.filter(pc.is_valid(joined.column("split")))


def _list_rules(labels: pa.Table) -> list[dict[str, Any]]:
    rules: dict[tuple[str, str], dict[str, Any]] = {}
    ordered = labels.sort_by([("count", "descending"), ("raw_label", "ascending")])
    for row in ordered.to_pylist():
        key = (row["decision"], row["rule"])
        entry = rules.setdefault(key, {"decision": key[0], "rule": key[1], "labels": 0, "answers": 0, "examples": []})
        entry["labels"] += 1
        entry["answers"] += row["count"]
        if len(entry["examples"]) < 8:
            entry["examples"].append({"raw": row["raw_label"], "classes": row["class_ids"], "score": row["score"]})
    return sorted(rules.values(), key=lambda entry: (entry["decision"], -entry["answers"], entry["rule"]))


def _list_queue(labels: pa.Table) -> dict[str, Any]:
    doubtful = labels.filter(pc.is_in(labels.column("decision"), value_set=pa.array(["review", "unknown"])))
    ordered = doubtful.sort_by([("count", "descending"), ("raw_label", "ascending")])
    answers = pc.sum(doubtful.column("count")).as_py() or 0
    rows = ordered.slice(0, MOST_ROWS).to_pylist()
    return {"rows": rows, "labels": doubtful.num_rows, "answers": answers, "left_out": max(0, doubtful.num_rows - MOST_ROWS)}


def _list_flags(images: pa.Table) -> list[tuple[str, int]]:
    return Counter(pc.list_flatten(images.column("flags")).to_pylist()).most_common()


def _list_duplicates(images: pa.Table, samples: pa.Table) -> dict[str, Any]:
    classes = dict(zip(samples.column("image_id").to_pylist(), samples.column("class_ids").to_pylist(), strict=True))
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in images.select(["image_id", "group_id", "width", "height", "urls"]).to_pylist():
        groups.setdefault(row["group_id"], []).append({**row, "class_ids": classes.get(row["image_id"], [])})
    near = [members for members in groups.values() if len(members) > 1]
    near.sort(key=lambda members: (-len(members), members[0]["image_id"]))
    exact = sum(len(row) > 1 for row in images.column("urls").to_pylist())
    return {"near": near[:40], "groups": len(near), "exact": exact, "left_out": max(0, len(near) - 40)}


def _list_rejected(rejected: pa.Table, reason: Reason) -> list[dict[str, Any]]:
    rows = rejected.filter(pc.equal(rejected.column("reason"), reason.value))
    return [
        {"detail": row["detail"], "rows": row["annotation_id_count"]}
        for row in rows.group_by("detail")
        .aggregate([("annotation_id", "count")])
        .sort_by([("annotation_id_count", "descending")])
        .to_pylist()
    ][:MOST_ROWS]


def _list_unsettled(rejected: pa.Table) -> list[dict[str, Any]]:
    rows = rejected.filter(pc.equal(rejected.column("stage"), Stage.SAMPLES.value))
    counted = rows.group_by(["reason", "detail"]).aggregate([("annotation_id", "count")])
    order = [("annotation_id_count", "descending"), ("reason", "ascending"), ("detail", "ascending")]
    return [{**row, "rows": row["annotation_id_count"]} for row in counted.sort_by(order).slice(0, 30).to_pylist()]


def _list_doubtful(samples: pa.Table, splits: pa.Table) -> list[dict[str, Any]]:
    joined = _place_samples(samples, splits).sort_by([("confidence", "ascending"), ("image_id", "ascending")])
    columns = ["image_id", "class_ids", "confidence", "votes", "agreement"]
    rows: list[dict[str, Any]] = joined.slice(0, 24).select(columns).to_pylist()
    return rows


def _list_gallery(samples: pa.Table, splits: pa.Table) -> list[dict[str, Any]]:
    """Pictures by class, the classes taking turns, so that a short gallery shows many classes."""
    by_class: dict[str, list[dict[str, Any]]] = {}
    for row in _place_samples(samples, splits).select(["image_id", "class_id", "split"]).to_pylist():
        if row["class_id"] is not None:
            by_class.setdefault(row["class_id"], []).append(row)
    return [{"class_id": class_id, "images": rows[:12]} for class_id, rows in sorted(by_class.items())]


def _list_workers(workspace: Workspace) -> dict[str, Any]:
    rows = workspace.read_table("workers").to_pylist()
    rows.sort(key=lambda row: (row["suspect"] is None, -row["annotations"], row["worker_id"]))
    return {
        "rows": rows[:MOST_ROWS],
        "left_out": max(0, len(rows) - MOST_ROWS),
        "suspects": sum(row["suspect"] is not None for row in rows),
        "count": len(rows),
        "gold": sum(row["gold"] for row in rows),
    }


def _list_agreement(workspace: Workspace) -> dict[str, Any]:
    """Alpha over all answers, and the classes people agree on least first; classes that nobody could disagree about left out."""
    rows = workspace.read_table("agreement").to_pylist()
    overall = next((row for row in rows if row["scope"] == "all"), None)
    parts = [row for row in rows if row["scope"] != "all" and row["alpha"] is not None]
    parts.sort(key=lambda row: (row["alpha"], -row["answers"], row["class_id"] or ""))
    return {"overall": overall, "rows": parts[:MOST_ROWS], "left_out": max(0, len(parts) - MOST_ROWS)}


def _read_verdict(workspace: Workspace) -> dict[str, Any] | None:
    if not workspace.exists("baseline/verdict.json"):
        return None
    verdict: dict[str, Any] = json.loads(workspace.read_bytes("baseline/verdict.json"))
    return verdict
