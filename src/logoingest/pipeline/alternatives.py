"""The other URLs that the source rows give for a URL, for those who want them tried when it is dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.fetch import ShardJob, merge_alternatives
from logoingest.pipeline.session import Run


def read_alternatives(run: Run, urls: pa.ChunkedArray | pa.Array | None = None) -> dict[str, tuple[str, ...]]:
    """URL → its other URLs, of today's annotations; only URLs that have any, and none at all unless config wants them tried.

    Args:
        run: the run.
        urls: only these; all when left out.
    """
    if "alternative" not in run.config.fetch.fallbacks or not run.workspace.has_table("annotations"):
        return {}
    table = run.workspace.read_table("annotations", ["url", "alternative_urls"])
    mask = pc.greater(pc.fill_null(pc.list_value_length(table.column("alternative_urls")), 0), 0)
    if urls is not None:
        mask = pc.and_(mask, pc.is_in(table.column("url"), value_set=pc.unique(urls)))
    table = table.filter(mask)
    lists: dict[str, list[list[str]]] = {}
    for url, others in zip(table.column("url").to_pylist(), table.column("alternative_urls").to_pylist(), strict=True):
        lists.setdefault(url, []).append(others)
    merged = {url: merge_alternatives(found, url) for url, found in lists.items()}
    return {url: others for url, others in merged.items() if others}


def give_alternatives(run: Run, jobs: Sequence[ShardJob]) -> Sequence[ShardJob]:
    """The jobs, each with the other URLs of its own."""
    known = read_alternatives(run)
    if not known:
        return jobs
    return [replace(job, alternatives={url: known[url] for url in job.urls if url in known}) for job in jobs]
