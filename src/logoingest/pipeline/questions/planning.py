"""What would run and why, and where everything is: looked at without touching anything."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.evidence.suspects import LABEL, SETTLED
from logoingest.images.alike.bounds import describe_unsearched, read_unsearched
from logoingest.pipeline.crowd.files import count_contradictions
from logoingest.pipeline.downloading import count_begun, find_missing_contact, list_pending, plan_fetch
from logoingest.pipeline.evidence.suspects import SUSPECTS, read_open_suspects
from logoingest.pipeline.ledger import Ledger, collect_ledger
from logoingest.pipeline.session import Run
from logoingest.pipeline.spec import StageSpec
from logoingest.pipeline.stages import list_stages, list_upstream, select_stages
from logoingest.pipeline.stages.annotations import ANNOTATIONS
from logoingest.pipeline.stages.train import SAFEGUARD_FILE
from logoingest.pipeline.staleness import explain_staleness
from logoingest.plain_json import ABSENT, JsonName
from logoingest.sources import read_annotations
from logoingest.stage_names import FUNNEL, Stage
from logoingest.workspace import Manifest

#: Assumed mean size of a picture before any was fetched.
ASSUMED_BYTES = 150_000


class StageState(StrEnum):
    """How a stage stands."""

    FRESH = "fresh"
    """Nothing it depends on has changed since it ran."""
    STALE = "stale"
    NEVER_RUN = "never run"


class PlannedAction(StrEnum):
    """What a run would do with a stage."""

    RUN = "run"
    RUN_IF_CHANGED = "run if its input changes"
    """It is fresh, but a stage that it hangs on will run."""
    SKIP = "skip"


class StageStatus(NamedTuple):
    """A stage, and how it stands."""

    stage: str
    state: StageState
    why: str
    """What has changed; "" where nothing has, or it never ran."""
    counts: Annotated[Mapping[str, int] | None, ABSENT]
    """Its figures when it last ran; None where it never ran, as the next two."""
    elapsed_s: Annotated[float | None, ABSENT]
    """Seconds that took."""
    finished_at: Annotated[str | None, ABSENT]
    """When, in UTC (ISO 8601)."""


class PlannedStage(NamedTuple):
    """A stage, how it stands, and what a run would do with it."""

    stage: str
    state: StageState
    why: str
    """Why it would run, or would not."""
    action: PlannedAction
    counts: Annotated[Mapping[str, int] | None, ABSENT]
    """Its figures when it last ran; None where it never ran, as the next two."""
    elapsed_s: Annotated[float | None, ABSENT]
    """Seconds that took."""
    finished_at: Annotated[str | None, ABSENT]
    """When, in UTC (ISO 8601)."""


class Plan(NamedTuple):
    """What a run would do."""

    dataset: str
    workspace: str
    """Its folder or URL."""
    stages: Sequence[PlannedStage]
    """All of them, in order."""
    annotations: int
    """Usable source rows."""
    urls: int
    """Distinct ones."""
    urls_left: int
    """Still to be fetched."""
    shards_left: int
    disk_needed_bytes: int
    """An estimate, for shards and release."""
    disk_free_bytes: int | None
    """None for a workspace that is not on this machine."""
    warnings: Sequence[str]


class Conservation(NamedTuple):
    """The law of conservation in figures: every source row voted, was rejected, or is still on its way."""

    annotations: int
    voted: int
    rejected: int
    pending: int
    holds: bool
    """annotations = voted + rejected + pending."""


class FunnelStep(NamedTuple):
    """A stage that refuses rows, and how many."""

    stage: Stage
    rows_in: Annotated[int, JsonName("in")]
    kept: int
    rejected: int
    reasons: Mapping[str, int]
    """``Reason`` → rows, the most frequent first."""


class Status(NamedTuple):
    """Where every row is, and how the stages stand."""

    dataset: str
    workspace: str
    """Its folder or URL."""
    law: Conservation
    funnel: Sequence[FunnelStep]
    """In the order of the route."""
    stages: Sequence[StageStatus]
    """All of them, in order."""
    warnings: Sequence[str]
    """What must not be believed as it is."""
    suspects: Annotated[Mapping[str, int] | None, ABSENT] = None
    """Kind → pictures that a person should look at; None where none were looked for."""
    contradictions: Annotated[Mapping[str, int] | None, ABSENT] = None
    """Kind → what the crowd says against the class map; None where nobody asked it yet."""


def describe_stages(run: Run) -> list[StageStatus]:
    """Each stage: its state, why, and its figures when it last ran."""
    manifest = run.workspace.read_manifest()
    return [_describe_stage(run, spec, manifest) for spec in list_stages()]


def _describe_stage(run: Run, spec: StageSpec, manifest: Manifest) -> StageStatus:
    record = manifest.stages.get(spec.name)
    why = explain_staleness(run, spec, manifest)
    state = StageState.FRESH if why is None else StageState.NEVER_RUN if record is None else StageState.STALE
    if record is None:
        return StageStatus(str(spec.name), state, why or "", None, None, None)
    return StageStatus(str(spec.name), state, why or "", record.counts, record.elapsed_s, record.finished_at)


def plan(run: Run, until: str | None = None) -> Plan:
    """What ``run`` would do: stages with reasons (one that hangs on a stage that will run is marked so), URLs left, disk needed."""
    stages = []
    upstream: list[str] = []
    wanted = select_stages(run.config, until)
    for status in describe_stages(run):
        if status.stage not in wanted:
            stages.append(_plan_stage(status, PlannedAction.SKIP, "not asked for"))
            continue
        stale = status.state != StageState.FRESH
        maybe = not stale and not list_upstream(status.stage).isdisjoint(upstream)
        action = PlannedAction.RUN if stale else PlannedAction.RUN_IF_CHANGED if maybe else PlannedAction.SKIP
        stages.append(_plan_stage(status, action, status.why))
        if stale or maybe:
            upstream.append(status.stage)
    return _plan_fetch(run, stages)


def _plan_stage(status: StageStatus, action: PlannedAction, why: str) -> PlannedStage:
    return PlannedStage(**{**status._asdict(), "why": why}, action=action)


def summarise_status(run: Run) -> Status:
    """The law's figures, the funnel by stage and reason, the stages and their state."""
    ledger = collect_ledger(run.workspace)
    law = Conservation(**ledger.counts, holds=ledger.total == len(ledger.voted) + ledger.rejected.num_rows + ledger.pending)
    return Status(
        run.config.dataset.name,
        run.workspace.url,
        law,
        _draw_funnel(ledger),
        describe_stages(run),
        [*_list_unsearched(run), *_list_doubts(run), *_list_broken(run)],
        _count_suspects(run),
        count_contradictions(run),
    )


def _list_unsearched(run: Run) -> list[str]:
    record = run.workspace.read_manifest().stages.get(Stage.IMAGES)
    return describe_unsearched(read_unsearched(record.counts if record else None))


def _list_doubts(run: Run) -> list[str]:
    from logoingest.samples.agreement import find_doubt

    workspace = run.workspace
    if not all(workspace.has_table(name) for name in ("agreement", "samples", "workers")):
        return []
    gold = pc.sum(workspace.read_table("workers", ["gold"]).column("gold")).as_py() or 0
    doubt = find_doubt(
        workspace.read_table("agreement"), workspace.read_table("samples", ["confidence"]).column("confidence"), gold
    )
    return [] if doubt is None else [doubt]


def _list_broken(run: Run) -> list[str]:
    if not run.workspace.exists(SAFEGUARD_FILE):
        return []
    from logoingest.report.pages.models.safeguards import describe_broken

    broken = describe_broken(run.workspace)
    return [broken] if broken else []


def _count_suspects(run: Run) -> dict[str, int] | None:
    if not run.workspace.has_table(SUSPECTS):
        return None
    kinds = read_open_suspects(run).column("kind").to_pylist()
    return {kind: kinds.count(kind) for kind in (LABEL, SETTLED)}


def _draw_funnel(ledger: Ledger) -> list[FunnelStep]:
    counted = ledger.count_reasons()
    funnel = []
    left = ledger.total
    for stage in FUNNEL:
        reasons = {reason: count for (where, reason), count in counted.items() if where == stage}
        rejected = sum(reasons.values())
        rows_in, left = left, left - rejected
        funnel.append(FunnelStep(stage, rows_in, left, rejected, reasons))
    return funnel


def _plan_fetch(run: Run, stages: Sequence[PlannedStage]) -> Plan:
    """The plan with URLs in all and left, and what they need on disk (shards and release)."""
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
    return Plan(
        dataset=run.config.dataset.name,
        workspace=workspace.url,
        stages=stages,
        annotations=len(urls),
        urls=len(pc.unique(urls)),
        urls_left=left,
        shards_left=len(jobs),
        disk_needed_bytes=needed,
        disk_free_bytes=free,
        warnings=warnings,
    )


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
