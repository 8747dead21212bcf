"""What the sources say a picture's bytes must be: handed to whoever fetches, and looked after where it was said later."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.fetch import ShardJob, find_hash_fault, write_expected
from logoingest.pipeline.session import Run
from logoingest.schemas import AnnotationRow, Outcome, Reason

logger = logging.getLogger("logoingest")

_COLUMNS = ("url", "outcome", "reason", "sha256", "expected")


def read_expected(run: Run) -> dict[str, tuple[str, ...]]:
    """URL → the hashes that its rows expect (``sha256:…``, ``md5:…``), distinct and sorted; only URLs of which any is expected."""
    is_asked = any(source.sha256_column or source.md5_column for source in run.config.sources)
    if not is_asked or not run.workspace.has_table("annotations"):
        return {}
    columns = ["url", "expected_hashes"]
    table = AnnotationRow.complete(run.workspace.read_table("annotations", columns), columns)
    table = table.filter(pc.is_valid(table.column("expected_hashes")))
    found: dict[str, set[str]] = {}
    for url, hashes in zip(table.column("url").to_pylist(), table.column("expected_hashes").to_pylist(), strict=True):
        found.setdefault(url, set()).update(hashes)
    return {url: tuple(sorted(hashes)) for url, hashes in found.items()}


def give_expected(run: Run, jobs: Sequence[ShardJob]) -> Sequence[ShardJob]:
    """The jobs, each with the hashes of its own URLs; URLs whose rows contradict each other are told."""
    expected = read_expected(run)
    if not expected:
        return jobs
    _tell_contradictions(expected)
    return [replace(job, expected={url: expected[url] for url in _list_urls(job) if url in expected}) for job in jobs]


def list_rechecks(run: Run, jobs: Sequence[ShardJob]) -> list[ShardJob]:
    """Of whole shards, jobs for what today's sources expect otherwise than was expected when it was fetched.

    Bytes that are as expected now stay; others, and those that an earlier expectation turned away, are fetched again.
    """
    expected = read_expected(run)
    due = ((job, _find_due(run, job.shard, expected)) for job in jobs) if expected else ()
    return [replace(job, only=urls) for job, urls in due if urls]


def _find_due(run: Run, shard: str, expected: Mapping[str, Sequence[str]]) -> frozenset[str]:
    rows = run.workspace.read_shard(shard, _COLUMNS).to_pylist()
    changed = [index for index, row in enumerate(rows) if row["expected"] != write_expected(expected.get(row["url"], ()))]
    turned_away = {rows[index]["url"] for index in changed if rows[index]["reason"] == Reason.HASH_MISMATCH}
    doubtful = [index for index in changed if rows[index]["outcome"] == Outcome.OK and rows[index]["url"] in expected]
    unread = [index for index in doubtful if not _is_sha256(rows[index], expected)]
    bodies = run.workspace.read_shard_bytes(shard, unread) if unread else []
    wrong = {
        rows[index]["url"]
        for index, body in zip(unread, bodies, strict=True)
        if find_hash_fault(expected[rows[index]["url"]], body or b"") is not None
    }
    return frozenset(turned_away | wrong)


def _is_sha256(row: Mapping[str, Any], expected: Mapping[str, Sequence[str]]) -> bool:
    """Whether the hash that is known of the bytes is all that is expected, so that they need not be read."""
    return list(expected[row["url"]]) == [f"sha256:{row['sha256']}"]


def _list_urls(job: ShardJob) -> Sequence[str]:
    return job.urls.to_pylist() if isinstance(job.urls, pa.Array | pa.ChunkedArray) else job.urls


def _tell_contradictions(expected: Mapping[str, Sequence[str]]) -> None:
    algorithms = ((url, [text.partition(":")[0] for text in hashes]) for url, hashes in expected.items())
    torn = sorted(url for url, names in algorithms if len(set(names)) < len(names))
    if torn:
        shown = ", ".join(torn[:3]) + (" …" if len(torn) > 3 else "")
        logger.warning("%d URLs are given different hashes by different rows, so that no bytes can be right: %s", len(torn), shown)
