"""What would run and why, and where everything is: looked at without touching anything."""

from __future__ import annotations

import itertools
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.pipeline.fetching import count_begun, find_missing_contact, list_pending, plan_fetch
from logoingest.pipeline.ledger import collect_ledger
from logoingest.pipeline.session import Run
from logoingest.pipeline.stages import list_stages, list_upstream, select_stages
from logoingest.pipeline.stages.annotations import ANNOTATIONS
from logoingest.pipeline.staleness import explain_staleness
from logoingest.sources import read_annotations
from logoingest.stage_names import FUNNEL

#: Assumed mean size of a picture before any was fetched.
ASSUMED_BYTES = 150_000


def describe_stages(run: Run) -> list[dict[str, Any]]:
    """Each stage: its state (fresh, stale, never run), why, and its figures when it last ran."""
    manifest = run.workspace.read_manifest()
    described = []
    for spec in list_stages():
        record = manifest.stages.get(spec.name)
        why = explain_staleness(run, spec, manifest)
        state = "fresh" if why is None else "never run" if record is None else "stale"
        facts: dict[str, Any] = {"stage": str(spec.name), "state": state, "why": why or ""}
        if record is not None:
            facts |= {"counts": record.counts, "elapsed_s": record.elapsed_s, "finished_at": record.finished_at}
        described.append(facts)
    return described


def plan(run: Run, until: str | None = None) -> dict[str, Any]:
    """What ``run`` would do: stages with reasons (one that hangs on a stage that will run is marked so), URLs left, disk needed."""
    stages = []
    upstream: list[str] = []
    wanted = select_stages(run.config, until)
    for facts in describe_stages(run):
        if facts["stage"] not in wanted:
            stages.append({**facts, "action": "skip", "why": "not asked for"})
            continue
        stale = facts["state"] != "fresh"
        maybe = not stale and not list_upstream(facts["stage"]).isdisjoint(upstream)
        action = "run" if stale else "run if its input changes" if maybe else "skip"
        stages.append({**facts, "action": action})
        if stale or maybe:
            upstream.append(facts["stage"])
    return {"dataset": run.config.dataset.name, "workspace": run.workspace.url, "stages": stages, **_describe_fetch(run)}


def summarise_status(run: Run) -> dict[str, Any]:
    """What ``status`` prints: the law's figures, the funnel by stage and reason, the stages and their state."""
    ledger = collect_ledger(run.workspace)
    pairs = zip(ledger.rejected.column("stage").to_pylist(), ledger.rejected.column("reason").to_pylist(), strict=True)
    by_stage: dict[str, Counter[str]] = {}
    for stage, reason in pairs:
        by_stage.setdefault(stage, Counter())[reason] += 1
    funnel = []
    left = ledger.total
    for stage in FUNNEL:
        reasons = by_stage.get(stage, Counter())
        rows_in, left = left, left - reasons.total()
        named = dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
        funnel.append({"stage": stage.value, "in": rows_in, "kept": left, "rejected": reasons.total(), "reasons": named})
    return {
        "dataset": run.config.dataset.name,
        "workspace": run.workspace.url,
        "law": {**ledger.counts, "holds": ledger.total == len(ledger.voted) + ledger.rejected.num_rows + ledger.pending},
        "funnel": funnel,
        "stages": describe_stages(run),
    }


def _describe_fetch(run: Run) -> dict[str, Any]:
    """URLs in all and left, and what they need on disk (shards and release)."""
    workspace = run.workspace
    if workspace.has_table("annotations") and explain_staleness(run, ANNOTATIONS, workspace.read_manifest()) is None:
        urls = workspace.read_table("annotations", ["url"]).column("url")
    else:
        urls = read_annotations(run.config.sources, run.config.base_dir).kept.column("url")
    planned = plan_fetch(run, urls)
    jobs = list_pending(run, planned)
    left = sum(len(job.urls if job.only is None else job.only) for job in jobs) - count_begun(run, jobs)
    needed = int(left * _mean_bytes(run) * 2.2)
    free = _free_bytes(run)
    warnings = []
    if left and (missing := find_missing_contact(run)):
        warnings.append(missing)
    if free is not None and needed > free:
        warnings.append(
            f"the disk has {free / 1e9:,.1f} GB free, about {needed / 1e9:,.1f} GB are needed: choose another dataset.workspace"
        )
    return {
        "annotations": len(urls),
        "urls": len(pc.unique(urls)),
        "urls_left": left,
        "shards_left": len(jobs),
        "disk_needed_bytes": needed,
        "disk_free_bytes": free,
        "warnings": warnings,
    }


def _mean_bytes(run: Run) -> float:
    counts: list[int] = []
    whole = (shard for shard in run.workspace.shard_names() if run.workspace.count_shard_rows(shard))
    for shard in itertools.islice(whole, 5):
        column: pa.ChunkedArray = run.workspace.read_shard(shard, ["byte_count"]).column("byte_count")
        counts += [count or 0 for count in column.to_pylist()]
    return sum(counts) / len(counts) if counts else float(ASSUMED_BYTES)


def _free_bytes(run: Run) -> int | None:
    if not run.workspace.is_local:
        return None
    folder = Path(run.workspace.root)
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
