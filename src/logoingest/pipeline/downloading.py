"""Which shards are still to be fetched, one shard, and the end of it: the fetch stage, and the unit of work of a task runner."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import Problem, UsageError, WorkspaceError
from logoingest.fetch import (
    PLAN_SCHEMA,
    FetchProgress,
    FetchSettings,
    Inspect,
    ShardCounts,
    ShardJob,
    plan_shards,
    run_shards,
)
from logoingest.fetch.rules.targets import Target, parse_target
from logoingest.pipeline.alternatives import give_alternatives
from logoingest.pipeline.expected import give_expected, list_rechecks
from logoingest.pipeline.retention.budget import find_budget_left, require_budget
from logoingest.pipeline.retention.tombstones import guard_inspection, read_tombstones
from logoingest.pipeline.session import Run
from logoingest.schemas import Outcome, Stage
from logoingest.workspace import FileRecord, name_begun
from logoingest.workspace.rows import pick_rows

logger = logging.getLogger("logoingest")

#: The append-only plan: url → shard.
SHARD_PLAN = "shards"


def plan_fetch(run: Run, urls: pa.ChunkedArray | None = None) -> pa.Table:
    """The shard plan (columns url, shard) of today's URLs, those of the annotations that are there if left out; nothing is written.

    What the sources no longer list and was never fetched is no longer planned; what is fetched stays where it is.
    """
    urls = read_listed_urls(run) if urls is None else pc.unique(urls)
    planned = read_plan(run)
    return plan_shards(urls, None if planned is None else _drop_unlisted(run, planned, urls), run.config.fetch.shard_size)


def read_listed_urls(run: Run) -> pa.ChunkedArray:
    """The distinct URLs that the sources list today."""
    return pc.unique(run.workspace.read_table("annotations", ["url"]).column("url"))


def _drop_unlisted(run: Run, planned: pa.Table, urls: pa.Array) -> pa.Table:
    is_listed = pc.is_in(planned.column("url"), value_set=urls)
    doubtful = set(planned.filter(pc.invert(is_listed)).column("shard").to_pylist())
    part = planned.filter(pc.is_in(planned.column("shard"), value_set=pa.array(sorted(doubtful), pa.string())))
    pending = pa.array([job.shard for job in _divide_jobs(run, part)[1]], pa.string())
    return planned.filter(pc.or_(is_listed, pc.invert(pc.is_in(planned.column("shard"), value_set=pending))))


def read_plan(run: Run) -> pa.Table | None:
    """The plan that is written; where it is missing or damaged, what the shards that are there say; None before the first."""
    written = _read_written_plan(run)
    if written is not None:
        return written
    parts = []
    for shard in run.workspace.shard_names():
        with contextlib.suppress(WorkspaceError):  # cut short as well: its URLs are planned anew
            urls = run.workspace.read_shard(shard, ["url"]).column("url")
            parts.append(pa.table({"url": urls, "shard": pa.array([shard] * len(urls), pa.string())}, schema=PLAN_SCHEMA))
    return pa.concat_tables(parts) if parts else None


def find_shards(run: Run, url: str) -> list[str] | None:
    """The shards that a URL is planned in; None where no plan is written, so that it may be in any."""
    if not run.workspace.has_table(SHARD_PLAN):
        return None
    try:
        return [str(name) for name in pick_rows(run.workspace, SHARD_PLAN, "url", [url], ["shard"]).column(0).to_pylist()]
    except WorkspaceError:
        return None


def _read_written_plan(run: Run) -> pa.Table | None:
    if not run.workspace.has_table(SHARD_PLAN):
        return None
    try:
        return run.workspace.read_table(SHARD_PLAN)
    except WorkspaceError as error:
        logger.warning("%s; making it again from the shards", error.problems[0].where + ": is damaged")
        return None


def list_pending(run: Run, planned: pa.Table) -> list[ShardJob]:
    """The shards of a plan that are not there whole, and of the others the URLs whose bytes must be other ones by now."""
    whole, unfinished = _divide_jobs(run, planned)
    return sorted([*unfinished, *list_rechecks(run, whole)], key=lambda job: job.shard)


def _divide_jobs(run: Run, planned: pa.Table) -> tuple[list[ShardJob], list[ShardJob]]:
    """A plan's shards: those that are there whole, and the others."""
    shards: dict[str, list[str]] = {}
    for url, shard in zip(planned.column("url").to_pylist(), planned.column("shard").to_pylist(), strict=True):
        shards.setdefault(shard, []).append(url)
    there = set(run.workspace.shard_names())
    jobs = [ShardJob(run.workspace.url, shard, tuple(urls)) for shard, urls in sorted(shards.items())]
    whole = {job.shard for job in jobs if job.shard in there and run.workspace.count_shard_rows(job.shard) == len(job.urls)}
    return [job for job in jobs if job.shard in whole], [job for job in jobs if job.shard not in whole]


def pending_shards(run: Run) -> list[str]:
    """Write the shard plan and name the shards that are still to be fetched, in order."""
    return [job.shard for job in _prepare_jobs(run)]


def _prepare_jobs(run: Run) -> list[ShardJob]:
    planned = plan_fetch(run)
    written = _read_written_plan(run)
    if written is None or not written.equals(planned):
        run.workspace.write_table(SHARD_PLAN, planned)
    jobs = list_pending(run, planned)
    if jobs:
        _urge_contact(run)
    forget_shards(run, [job.shard for job in jobs])
    return jobs


async def fetch_shard(run: Run, shard: str, shares: int = 1) -> ShardCounts:
    """Fetch one planned shard and write it: the unit of work for a task runner.

    Args:
        run: the run; its lease is that of whoever hands the shards out.
        shard: a name ``pending_shards`` gave.
        shares: how many shards are fetched at once; each keeps to its share of ``fetch.concurrency`` and ``fetch.per_host``.

    Raises:
        UsageError: the shard is not planned.
        LeaseLostError: another run has taken the workspace over.
    """
    planned = run.workspace.read_table(SHARD_PLAN)
    urls = planned.filter(pc.equal(planned.column("shard"), shard)).column("url").to_pylist()
    if not urls:
        raise UsageError(Problem(shard, "is not in the shard plan", "run pending_shards first"))
    require_budget(run, find_budget_left(run), 0, "the fetch")
    settings = _settings(run).divide(shares)[0]
    from logoingest.fetch import run_job

    jobs = [ShardJob(run.workspace.url, shard, urls, lease=run.lease.token)]
    if run.workspace.count_shard_rows(shard) == len(urls):
        jobs = list_rechecks(run, jobs) or jobs
    (job,) = give_expected(run, give_alternatives(run, jobs))
    return await run_job(job, settings, make_inspector(run))


def finish_fetch(run: Run, counts: Iterable[ShardCounts] = ()) -> tuple[dict[str, FileRecord], dict[str, int]]:
    """Once all shards are there: the record of each file, and the outcomes of the URLs that the sources list today in figures.

    Args:
        run: the run.
        counts: of the shards that were fetched just now; only the others are read.
    """
    workspace = run.workspace
    for shard in workspace.begun_shards():
        workspace.remove(f"downloads/{name_begun(shard)}")  # left by who was killed when the shard had just been finished
    record = workspace.read_manifest().stages.get(Stage.FETCH)
    known = {} if record is None else dict(record.outputs)
    fresh = {count.shard: count for count in counts if count.finished and count.record is not None}
    known |= {f"downloads/{shard}": count.record for shard, count in fresh.items() if count.record is not None}
    outputs: dict[str, FileRecord] = {f"tables/{SHARD_PLAN}.parquet": run.workspace.hash_file(f"tables/{SHARD_PLAN}.parquet")}
    listed = read_listed_urls(run)
    partly = _find_partly_listed(run, listed)
    sums: Counter[str] = Counter()
    for shard in workspace.shard_names():
        name = f"downloads/{shard}"
        if shard in fresh and shard not in partly:
            sums.update(urls=fresh[shard].urls, failed=fresh[shard].failed, size=fresh[shard].byte_count)
        else:
            outcomes = workspace.read_shard(shard, ["url", "outcome", "byte_count"])
            sums.update(_sum_up(outcomes.filter(pc.is_in(outcomes.column("url"), value_set=listed)), outcomes.num_rows))
        outputs[name] = known[name] if name in known else run.workspace.hash_file(name)
    figures = {"urls": sums["urls"], "fetched": sums["urls"] - sums["failed"], "failed": sums["failed"]}
    figures |= {"unlisted": sums["unlisted"]} if sums["unlisted"] else {}
    return outputs, {**figures, "megabytes": sums["size"] // 1_000_000}


def _find_partly_listed(run: Run, listed: pa.Array) -> set[str]:
    """Shards that hold URLs which the sources no longer list."""
    planned = run.workspace.read_table(SHARD_PLAN)
    gone = planned.filter(pc.invert(pc.is_in(planned.column("url"), value_set=listed)))
    return set(gone.column("shard").to_pylist())


def _sum_up(outcomes: pa.Table, rows: int) -> dict[str, int]:
    """A shard's listed URLs, those that failed, and the bytes of the others; beside them those that are no longer listed."""
    failed = pc.sum(pc.equal(outcomes.column("outcome"), Outcome.FAILED)).as_py() or 0
    size = pc.sum(outcomes.column("byte_count")).as_py() or 0
    return {"urls": outcomes.num_rows, "failed": failed, "size": size, "unlisted": rows - outcomes.num_rows}


def fetch_all(run: Run) -> tuple[dict[str, FileRecord], dict[str, int]]:
    """Fetch every pending shard; what ``finish_fetch`` returns."""
    return finish_fetch(run, [*run.fetched, *run_jobs(run, _prepare_jobs(run))])


def run_jobs(run: Run, jobs: Sequence[ShardJob], inspect: Inspect | None = None) -> list[ShardCounts]:
    """Fetch the jobs' shards with the configured executor, telling ``run.progress`` how far it is.

    Args:
        run: the run.
        jobs: the shards.
        inspect: looks at the bodies in place of ``make_inspector``'s.

    Raises:
        UsageError: the executor is not installed or not there.
        LeaseLostError: another run has taken the workspace over.
        OutOfSpaceError: the workspace's budget or its disk is used up; what has come is kept.
    """
    if not jobs:
        return []
    jobs = [replace(job, lease=run.lease.token) for job in give_expected(run, give_alternatives(run, jobs))]
    total = sum(len(job.urls) if job.only is None else len(job.only) for job in jobs) - _tell_begun(run, jobs)
    settings, inspect = _settings(run), inspect or make_inspector(run)
    if any(job.refresh for job in jobs):
        settings = replace(settings, fallbacks=())  # somebody else's copy says nothing about the URL's own

    left = find_budget_left(run)
    require_budget(run, left, 0, "the fetch")

    def tell(progress: FetchProgress) -> None:
        run.progress(Stage.FETCH, progress.urls, total, f"{progress.failed:,} failed, {progress.byte_count / 1e6:,.0f} MB")
        require_budget(run, left, progress.byte_count, "the fetch")

    if run.config.fetch.executor == "ray":
        from logoingest.fetch import run_shards_on_ray

        counts = run_shards_on_ray(jobs, settings, inspect, tell, address=run.config.fetch.ray_address)
    else:
        counts = run_shards(jobs, settings, inspect, tell, run.lease.lost)
    with run.workspace.guard():  # raises, if that was why it stopped
        pass
    run.workspace.filesystem.invalidate_cache(run.workspace.path("downloads"))  # object stores: others have written there
    return counts


def count_begun(run: Run, jobs: Iterable[ShardJob]) -> int:
    """URLs of whole jobs that need not be asked for, since an earlier run that was stopped has kept their rows."""
    shards = {job.shard for job in jobs if job.only is None}.intersection(run.workspace.begun_shards())
    return sum(run.workspace.count_shard_rows(name_begun(shard)) or 0 for shard in shards)


def _tell_begun(run: Run, jobs: Sequence[ShardJob]) -> int:
    begun = count_begun(run, jobs)
    if begun:
        logger.info(
            "%-11s going on where an earlier run was stopped: %s URLs of unfinished shards are there", Stage.FETCH, f"{begun:,}"
        )
    return begun


def forget_shards(run: Run, shards: Sequence[str]) -> None:
    """Drop what is recorded of shards before they are written again, so that no old hash outlives a crash."""
    record = run.workspace.read_manifest().stages.get(Stage.FETCH)
    if record is not None and shards:
        gone = {f"downloads/{shard}" for shard in shards}
        kept = {name: output for name, output in record.outputs.items() if name not in gone}
        run.workspace.record_stage(Stage.FETCH, record.model_copy(update={"inputs": {}, "outputs": kept}))


def has_failed(row: Mapping[str, object]) -> bool:
    """Whether a row of ``downloads`` (outcome, image_reason) holds no usable picture."""
    return row["outcome"] != Outcome.OK or row["image_reason"] is not None


def is_on_host(url: str, host: str) -> bool:
    """Whether a URL, read as it is fetched, lies on a host or one of its subdomains; either may be spelled in any way."""
    found, name = parse_target(url), _read_host(host)
    return isinstance(found, Target) and (found.host == name or found.host.endswith(f".{name}"))


@functools.lru_cache(maxsize=256)
def _read_host(host: str) -> str:
    found = parse_target(f"https://{host}/")
    return found.host if isinstance(found, Target) else host.lower()


def find_missing_contact(run: Run) -> str | None:
    """What to say to whoever fetches without naming anybody that a bothered host could turn to; None when somebody is named."""
    if _settings(run).names_contact:
        return None
    return "the User-Agent names nobody to turn to: set fetch.contact to a mail address or page of yours"


def _urge_contact(run: Run) -> None:
    """Nobody watches an unattended run: whoever is bothered by it must be able to say so."""
    attended = sys.stdin is not None and sys.stdin.isatty()
    if not attended and (missing := find_missing_contact(run)):
        logger.warning(missing)


def _settings(run: Run) -> FetchSettings:
    settings = FetchSettings.from_config(run.config.fetch, run.config.base_dir, os.environ)
    return replace(settings, local_roots=run.config.local_roots, min_free_bytes=run.config.retention.min_free_bytes)


def make_inspector(run: Run) -> Inspect:
    """What looks at each body: a function that other processes can be handed."""
    from logoingest.images import inspect_image

    inspect = functools.partial(inspect_image, max_pixels=run.config.images.max_pixels, store=run.config.images.store)
    return guard_inspection(inspect, read_tombstones(run.workspace))
