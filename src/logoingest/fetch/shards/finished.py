"""Shards that were finished by a process that died before it could say so: what is there is counted, not fetched again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable

from logoingest.errors import WorkspaceError
from logoingest.fetch.jobs import ShardCounts, ShardJob
from logoingest.schemas import Outcome
from logoingest.workspace import Workspace


def list_present(jobs: Iterable[ShardJob]) -> set[tuple[str, str]]:
    """(workspace, shard) of the jobs whose file is there: nobody finishes these unseen (``count_finished``)."""
    wanted: dict[str, set[str]] = {}
    for job in jobs:
        wanted.setdefault(job.workspace_url, set()).add(job.shard)
    return {(url, shard) for url, shards in wanted.items() for shard in shards.intersection(Workspace(url).shard_names())}


def count_finished(job: ShardJob, present: Container[tuple[str, str]]) -> ShardCounts | None:
    """The counts of a shard whose process died after it had put the file in place and before it could say so; None where there is none.

    Args:
        job: what the process was to do.
        present: ``list_present`` of before; what was there then may be as it was.
    """
    if job.only is not None or (job.workspace_url, job.shard) in present:
        return None
    workspace = Workspace(job.workspace_url)
    workspace.filesystem.invalidate_cache(workspace.path("downloads"))  # object stores: it was written elsewhere
    try:
        rows = workspace.read_shard(job.shard, ["outcome", "reason", "byte_count"])
    except WorkspaceError:
        return None
    import pyarrow.compute as pc  # fetch processes do without

    kinds = Counter(pc.coalesce(rows.column("reason"), rows.column("outcome")).to_pylist())
    ok, byte_count = kinds.pop(Outcome.OK, 0), pc.sum(rows.column("byte_count")).as_py() or 0
    count = rows.num_rows
    return ShardCounts(job.shard, count, ok, count - ok, byte_count, count, dict(sorted(kinds.items())), kept=count)
