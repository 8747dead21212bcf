"""Asking again for everything that was fetched: has it changed, is it still there? Shard by shard; nothing that is there is lost."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import Problem, UsageError
from logoingest.fetch import ShardJob
from logoingest.fetch.rules.revalidation import RefreshResult, mark_placeholders
from logoingest.pipeline.downloading import (
    forget_shards,
    has_failed,
    is_on_host,
    make_inspector,
    read_listed_urls,
    read_plan,
    run_jobs,
)
from logoingest.pipeline.session import Run
from logoingest.pipeline.stages.images import load_listed

logger = logging.getLogger("logoingest")

#: There while a refresh is under way: when it began, and the hosts it is about.
MARKER = "refresh.json"
_COLUMNS = ("url", "outcome", "image_reason", "refreshed", "checked_at")


class Refreshed(NamedTuple):
    """What came of asking again, in URLs; the part before a cut is included. How one ended is a ``RefreshResult``."""

    asked: int
    changed: int
    unchanged: int
    gone: int
    failed: int


def refresh(run: Run, hosts: Sequence[str] = ()) -> Refreshed:
    """Ask again for every URL that the sources list today and whose picture is there, and record what became of it (``refreshed``, ``checked_at``).

    Bytes are replaced only by a usable picture; what failed before is not touched (see ``retry``). A refresh that was cut short is
    gone on with: what it has asked for is not asked again. Fallbacks are not tried: it is the URL itself that is asked.

    Args:
        run: a run that holds the workspace.
        hosts: host names, their subdomains included; all when left out.

    Raises:
        UsageError: nothing was fetched yet.
    """
    planned = read_plan(run)
    if planned is None:
        raise UsageError(Problem(run.workspace.url, "nothing was fetched yet", "run the fetch first"))
    begun = _begin(run, hosts)
    listed = frozenset(read_listed_urls(run).to_pylist())
    parts = [_sort_out(run, shard, begun, hosts, listed) for shard in run.workspace.shard_names()]
    jobs = [_make_job(run, part, planned) for part in parts if part.left]
    done = sum((part.done for part in parts), Counter[str]())
    if done:
        told = f"a refresh that began at {begun:%Y-%m-%d %H:%M} UTC was cut short: going on with it"
        logger.info("%s; asked so far %s, left %s", told, f"{done.total():,}", f"{sum(len(part.left) for part in parts):,}")
    forget_shards(run, [job.shard for job in jobs])
    run_jobs(run, jobs, partial(mark_placeholders, make_inspector(run), _list_placeholders(run)))
    found = done + _count(run, jobs)
    run.workspace.remove(MARKER)
    return Refreshed(found.total(), **{finding.value: found[finding.value] for finding in RefreshResult})


class _Part(NamedTuple):
    """A shard's share of a refresh: URLs still to be asked, and how those ended that were asked."""

    shard: str
    left: frozenset[str]
    done: Counter[str]


def _begin(run: Run, hosts: Sequence[str]) -> datetime:
    """When this refresh began: now, unless one about the same hosts was cut short."""
    now = datetime.now(UTC)
    about = sorted({host.lower() for host in hosts})
    marker = _read_marker(run)
    if marker is not None and marker[1] == about and marker[0] <= now:
        return marker[0]
    document = {"began_at": now.isoformat(), "hosts": about}
    run.workspace.write_bytes(MARKER, json.dumps(document, indent=1).encode())
    return now


def _read_marker(run: Run) -> tuple[datetime, list[str]] | None:
    if not run.workspace.exists(MARKER):
        return None
    try:
        document = json.loads(run.workspace.read_bytes(MARKER))
        began_at = datetime.fromisoformat(document["began_at"])
        return (began_at, list(document["hosts"])) if began_at.tzinfo is not None else None
    except (ValueError, TypeError, KeyError):
        return None  # cut short itself: as if it were not there


def _sort_out(run: Run, shard: str, begun: datetime, hosts: Sequence[str], listed: Collection[str]) -> _Part:
    rows = [row for row in run.workspace.read_shard(shard, _COLUMNS).to_pylist() if row["url"] in listed and _is_wanted(row, hosts)]
    done = [row["checked_at"] is not None and row["checked_at"] >= begun for row in rows]
    left = frozenset(row["url"] for row, is_done in zip(rows, done, strict=True) if not is_done)
    return _Part(shard, left, Counter(row["refreshed"] for row, is_done in zip(rows, done, strict=True) if is_done))


def _is_wanted(row: Mapping[str, Any], hosts: Iterable[str]) -> bool:
    return not has_failed(row) and (not hosts or any(is_on_host(row["url"], host) for host in hosts))


def _make_job(run: Run, part: _Part, planned: pa.Table) -> ShardJob:
    urls = planned.filter(pc.equal(planned.column("shard"), part.shard)).column("url").to_pylist()
    return ShardJob(run.workspace.url, part.shard, tuple(urls), part.left, refresh=True)


def _list_placeholders(run: Run) -> frozenset[str]:
    """Hashes of the placeholders that config lists, and of those that earlier runs found."""
    if not run.workspace.has_table("placeholders"):
        return frozenset(load_listed(run))
    table = run.workspace.read_table("placeholders", ["image_id", "decided"])
    found = table.column("image_id").filter(pc.not_equal(table.column("decided"), "suspected")).to_pylist()
    return frozenset(load_listed(run)) | frozenset(found)


def _count(run: Run, jobs: Iterable[ShardJob]) -> Counter[str]:
    """How those ended that were asked for in this run."""
    found: Counter[str] = Counter()
    for job in jobs:
        rows = run.workspace.read_shard(job.shard, ["url", "refreshed"]).to_pylist()
        found.update(row["refreshed"] for row in rows if row["url"] in (job.only or ()))
    return found
