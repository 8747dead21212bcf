"""Pruning: bytes that no release needs any more, by the policy in ``[retention]``."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import Problem, UsageError
from logoingest.pipeline.downloading import read_listed_urls
from logoingest.pipeline.retention.remaking import make_again
from logoingest.pipeline.retention.shards import Chosen, choose_rows, remove_bytes, remove_rows
from logoingest.pipeline.session import Run
from logoingest.release.keeping.versions import list_surplus, remove_release

#: What a training leaves that was broken off.
_UNFINISHED = "baseline.unfinished"


class Surplus(StrEnum):
    """A kind of thing that nobody needs any more."""

    UNLISTED = "unlisted"
    """Fetched for URLs that the sources no longer list."""
    REFUSED = "refused"
    """Bytes that are no usable picture."""
    VERSIONS = "versions"
    """Earlier releases beyond ``release.keep_versions``."""
    UNFINISHED = "unfinished"
    """A training that was broken off."""


class Pruned(NamedTuple):
    """What went, or would go, of one kind."""

    kind: Surplus
    items: int
    """URLs, bodies, releases or folders."""
    bytes: int
    """As they lie in the workspace; bodies without the rows around them."""


def prune(run: Run, *, dry_run: bool = False) -> list[Pruned]:
    """Take away what the policy in ``[retention]`` does not keep; the tables are made again where places have moved.

    What the sources list, and every release that is kept, stays as it is. Killed at any moment, it is finished by doing it again.

    Args:
        run: a run that holds the workspace.
        dry_run: say what would go, and change nothing.

    Raises:
        UsageError: nothing was run yet.
    """
    if not run.workspace.has_table("annotations"):
        raise UsageError(Problem(run.workspace.url, "nothing was run yet", "there is nothing to prune"))
    unlisted, refused = _find_unlisted(run), _find_refused(run)
    versions, unfinished = list_surplus(run.workspace, run.config.release.keep_versions), _find_unfinished(run)
    pruned = [
        Pruned(Surplus.UNLISTED, sum(entry.facts.num_rows for entry in unlisted), sum(entry.byte_count for entry in unlisted)),
        Pruned(Surplus.REFUSED, sum(entry.facts.num_rows for entry in refused), sum(entry.byte_count for entry in refused)),
        Pruned(Surplus.VERSIONS, len(versions), sum(_measure(run, folder) for folder in versions)),
        Pruned(Surplus.UNFINISHED, len(unfinished), sum(_measure(run, folder) for folder in unfinished)),
    ]
    if dry_run:
        return pruned
    for folder in versions:
        remove_release(run.workspace, folder)
    for folder in unfinished:
        run.workspace.remove(folder)
    remove_bytes(run, refused)
    remove_rows(run, unlisted)
    if unlisted or refused:
        make_again(run)
    return pruned


def _find_unlisted(run: Run) -> list[Chosen]:
    days = run.config.retention.unlisted_days
    return [] if days == "never" else choose_rows(run, partial(_is_unlisted, pc.unique(read_listed_urls(run)), _limit(days)))


def _is_unlisted(listed: pa.Array, limit: datetime, facts: pa.Table) -> pa.ChunkedArray:
    return pc.and_(pc.invert(pc.is_in(facts.column("url"), value_set=listed)), _is_before(facts, limit))


def _find_refused(run: Run) -> list[Chosen]:
    days = run.config.retention.refused_days
    return [] if days == "never" else choose_rows(run, partial(_is_refused, _limit(days)))


def _is_refused(limit: datetime, facts: pa.Table) -> pa.ChunkedArray:
    is_unusable = pc.and_(pc.is_valid(facts.column("image_reason")), pc.is_valid(facts.column("byte_count")))
    return pc.and_(is_unusable, _is_before(facts, limit))


def _is_before(facts: pa.Table, limit: datetime) -> pa.ChunkedArray:
    """Rows that were fetched, or found the same, before a moment; those of an unknown time were."""
    seen = pc.coalesce(facts.column("checked_at"), facts.column("fetched_at"))
    return pc.fill_null(pc.less_equal(seen, pa.scalar(limit, seen.type)), fill_value=True)


def _limit(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def _find_unfinished(run: Run) -> list[str]:
    days = run.config.retention.unfinished_days
    if days == "never" or not run.workspace.is_local or not run.workspace.exists(_UNFINISHED):
        return []
    folder = Path(run.workspace.path(_UNFINISHED))
    newest = max((path.stat().st_mtime for path in [folder, *folder.rglob("*")]), default=0.0)
    return [_UNFINISHED] if newest <= time.time() - days * 86_400 else []


def _measure(run: Run, folder: str) -> int:
    return int(run.workspace.filesystem.du(run.workspace.path(folder)))
