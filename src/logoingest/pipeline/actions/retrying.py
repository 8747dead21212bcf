"""Fetching again what failed, and only that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pyarrow.compute as pc

from logoingest.errors import Problem, UsageError, suggest_name
from logoingest.fetch import ShardJob
from logoingest.pipeline.downloading import forget_shards, has_failed, is_on_host, read_listed_urls, read_plan, run_jobs
from logoingest.pipeline.session import Run
from logoingest.schemas import Reason


class Retried(NamedTuple):
    """What came of fetching again, in URLs."""

    tried: int
    healed: int
    still_failing: int


def retry(run: Run, reasons: Sequence[str] = (), hosts: Sequence[str] = (), statuses: Sequence[int] = ()) -> Retried:
    """Fetch again what failed, and only that, of what the sources list today.

    Args:
        run: a run that holds the workspace.
        reasons: names of ``Reason``, or their beginning (``timeout`` means timeout_connect, timeout_read and timeout_total).
        hosts: host names; a host's subdomains count.
        statuses: HTTP statuses. What is left out does not narrow the choice; with all three left out every failed URL is tried.

    Raises:
        UsageError: a reason does not exist, or nothing was fetched yet.
    """
    wanted = _match_reasons(reasons)
    planned = read_plan(run)
    if planned is None:
        raise UsageError(Problem(run.workspace.url, "nothing was fetched yet", "run the fetch first"))
    jobs = []
    listed = frozenset(read_listed_urls(run).to_pylist())
    for shard in run.workspace.shard_names():
        rows = run.workspace.read_shard(shard, ["url", "outcome", "reason", "image_reason", "http_status"]).to_pylist()
        chosen = frozenset(row["url"] for row in rows if row["url"] in listed and _is_chosen(row, wanted, hosts, statuses))
        if chosen:
            urls = planned.filter(pc.equal(planned.column("shard"), shard)).column("url").to_pylist()
            jobs.append(ShardJob(run.workspace.url, shard, tuple(urls), chosen))
    forget_shards(run, [job.shard for job in jobs])
    run_jobs(run, jobs)
    tried = sum(len(job.only or ()) for job in jobs)
    failing = 0
    for job in jobs:
        rows = run.workspace.read_shard(job.shard, ["url", "outcome", "reason", "image_reason", "http_status"]).to_pylist()
        failing += sum(row["url"] in (job.only or ()) and has_failed(row) for row in rows)
    return Retried(tried, tried - failing, failing)


def _is_chosen(row: Mapping[str, object], wanted: set[Reason] | None, hosts: Sequence[str], statuses: Sequence[int]) -> bool:
    if not has_failed(row):
        return False
    if wanted is not None and not {row["reason"], row["image_reason"]} & wanted:
        return False
    if statuses and row["http_status"] not in statuses:
        return False
    return not hosts or any(is_on_host(str(row["url"]), host) for host in hosts)


def _match_reasons(names: Sequence[str]) -> set[Reason] | None:
    if not names:
        return None
    matched: set[Reason] = set()
    for name in names:
        found = {reason for reason in Reason if reason == name or reason.startswith(f"{name}_")}
        if not found:
            hint = suggest_name(name, Reason, f"known: {', '.join(Reason)}")
            raise UsageError(Problem(f"--reason {name}", "there is no such reason", hint))
        matched |= found
    return matched
