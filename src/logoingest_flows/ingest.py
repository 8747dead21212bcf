"""The route as a Prefect flow: scheduling, one task per shard, retries and artifacts over ``logoingest.pipeline``; no logic of its own."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import cast

from prefect import flow, get_run_logger, task
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.annotations import quote

from logoingest import load_config
from logoingest.errors import Problem, UsageError
from logoingest.fetch import ShardCounts
from logoingest.pipeline import (
    Conservation,
    Run,
    check_extras,
    check_gates,
    fetch_shard,
    open_run,
    pending_shards,
    record_run,
    run_stage,
    select_stages,
    summarise_status,
)
from logoingest.release.keeping.versions import locate_versions
from logoingest.schemas import Stage
from logoingest.sources.dated_files import names_several
from logoingest.workspace.lease import Lease
from logoingest_flows.publishing import emit_alerts, publish_changes, publish_status
from logoingest_flows.slots import hold_slot, name_key

#: Shards in flight at once; each gets its share of ``fetch.concurrency`` and ``fetch.per_host``.
SHARDS_AT_ONCE = 2


@task(task_run_name="{stage}")
async def run_one_stage(
    config_path: str, overrides: list[str], stage: str, lease: str, fetched: Sequence[ShardCounts] = ()
) -> dict[str, int]:
    """Run one stage if it is stale, in a thread: a busy event loop would miss its heartbeats."""
    run = Run(load_config(config_path, overrides), fetched=fetched, lease=Lease(lease))
    outcome = await asyncio.to_thread(run_stage, run, stage)
    return outcome.counts


@task(
    task_run_name="fetch shard {number:05d}/{total:05d}",
    retries=2,
    retry_delay_seconds=[5, 30],
    retry_jitter_factor=0.5,
)
async def fetch_one_shard(  # noqa: PLR0917  (a task's parameters are its record in the UI)
    config_path: str,
    overrides: list[str],
    shard: str,
    number: int,  # noqa: ARG001  (names the task run)
    total: int,  # noqa: ARG001  (names the task run)
    at_once: int,
    lease: str,
) -> ShardCounts:
    """Fetch one shard and write it; a shard that is there whole costs nothing, so a retry goes on where it stopped."""
    return await fetch_shard(Run(load_config(config_path, overrides), lease=Lease(lease)), shard, shares=at_once)


@flow(name="ingest", task_runner=ThreadPoolTaskRunner(max_workers=SHARDS_AT_ONCE))  # type: ignore[arg-type]  # its futures are invariant
async def ingest(
    config_path: str, overrides: list[str] | None = None, until: str | None = None, days: list[dt.date] | None = None
) -> Conservation:
    """The whole route for one dataset.toml.

    Args:
        config_path: the dataset's config, relative to the deployment's working directory.
        overrides: as ``--set``: ``["fetch.concurrency=16"]``.
        until: the last stage to run; all when left out.
        days: to go through nights that were missed: first and last; the route is run once a day, with the source files up to that day
            (sources whose path is a pattern), so that each night has its release. Left out: once, with all files.

    Returns:
        The conservation law's figures, after the last day.
    """
    law = None
    for day in list_days(days):
        law = await ingest_once(config_path, [*(overrides or []), *bound_sources(config_path, overrides or [], day)], until)
    assert law is not None
    return law


def list_days(days: Sequence[dt.date] | None) -> list[dt.date | None]:
    """The days between two, both included; one that is no bound where none are given.

    Raises:
        UsageError: they are not a first and a last day.
    """
    if not days:
        return [None]
    first, last = days[0], days[-1]
    if len(days) > 2 or last < first:
        raise UsageError(Problem("days", f"are not a first and a last day: {[str(day) for day in days]}"))
    return [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]


def bound_sources(config_path: str, overrides: list[str], day: dt.date | None) -> list[str]:
    """Overrides that leave out what the sources' patterns match of later days."""
    if day is None:
        return []
    config = load_config(config_path, overrides)
    sources = enumerate(config.sources)
    return [f"sources.{number}.last_day={day}" for number, source in sources if names_several(source.path, config.base_dir)]


async def ingest_once(config_path: str, given: list[str], until: str | None) -> Conservation:
    """One night."""
    config = load_config(config_path, given)
    stages = select_stages(config, until)
    async with hold_slot(config):
        with open_run(config) as opened:
            try:
                with record_run(opened, "ingest"):
                    return await run_route(opened, stages, config_path, given)
            finally:
                if Stage.RELEASE in stages:
                    emit_alerts(opened)


async def run_route(opened: Run, stages: Sequence[str], config_path: str, given: list[str]) -> Conservation:
    """The stages, what is published of them, and the gates."""
    check_extras(opened, stages)
    before = await asyncio.to_thread(find_newest, opened)
    try:
        await run_stages(opened, stages, config_path, given)
    finally:  # what there is, also of a night that failed
        status = await asyncio.to_thread(summarise_status, opened)
        await publish_status(opened, status)
    if Stage.RELEASE in stages:
        await publish_changes(opened, before)
    check_gates(opened, stages)
    return status.law


def find_newest(run: Run) -> str | None:
    """The fingerprint of the release that is there."""
    versions = locate_versions(run.workspace)
    return versions[-1].fingerprint if versions else None


async def run_stages(run: Run, stages: Sequence[str], config_path: str, overrides: list[str]) -> None:
    """One after the other, each a task; the fetch a task a shard before it."""
    for stage in stages:
        fetched: Sequence[ShardCounts] = ()
        if stage == Stage.FETCH and run.config.fetch.executor == "local":
            fetched = await fetch_pending(run, config_path, overrides)
        await run_one_stage(config_path, overrides, str(stage), run.lease.token, quote(fetched))  # not searched for futures


async def fetch_pending(run: Run, config_path: str, overrides: list[str]) -> list[ShardCounts]:
    """Fetch the shards that are still missing, a few at once, and show how far they are."""
    shards = await asyncio.to_thread(pending_shards, run)
    if not shards:
        return []
    total = len(shards)
    at_once = min(SHARDS_AT_ONCE, run.config.fetch.per_host, total)  # each has at least one request in flight towards a host
    places = asyncio.Semaphore(at_once)
    progress = await acreate_progress_artifact(0.0, key=name_key(run.config, "fetch-progress"), description=f"0 of {total} shards")
    done: list[ShardCounts] = []

    async def fetch_one(number: int, shard: str) -> None:
        async with places:
            future = fetch_one_shard.submit(config_path, overrides, shard, number, total, at_once, run.lease.token)
            counts = cast("ShardCounts", await asyncio.to_thread(future.result))
        done.append(counts)
        get_run_logger().info("shard %s: %s URLs, %s failed", number, counts.urls, counts.failed)
        await aupdate_progress_artifact(progress, 100.0 * len(done) / total, description=f"{len(done)} of {total} shards")

    async with asyncio.TaskGroup() as group:
        for number, shard in enumerate(shards, 1):
            group.create_task(fetch_one(number, shard))
    return done
