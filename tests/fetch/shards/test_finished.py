"""Shards that were finished by a process that died before it could say so."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from logoingest.fetch.jobs import ShardJob
from logoingest.fetch.shards.finished import count_finished, list_present
from logoingest.fetch.shards.shard import run_job
from logoingest.workspace import Workspace, shard_name


def test_a_file_that_was_put_in_place_is_counted_as_its_process_would_have(site, settings, tmp_path):
    """Pictures, failures and bytes, all but the hash of the file, which nobody has looked at."""
    urls = [f"{site.url}/picture", f"{site.url}/status/404", f"{site.url}/status/500", "no url"]
    job = ShardJob(str(tmp_path), shard_name(0), urls)
    present = list_present([job])
    said = asyncio.run(run_job(job, replace(settings, max_attempts=1), None))
    assert said.ok == 1
    assert count_finished(job, present) == replace(said, record=None)


def test_what_may_be_older_than_the_death_is_fetched_again(site, settings, tmp_path):
    """No file, a damaged one, one that was there before, one of which some URLs were asked for again."""
    job = ShardJob(str(tmp_path), shard_name(0), [f"{site.url}/picture"])
    assert count_finished(job, list_present([job])) is None
    asyncio.run(run_job(job, settings, None))
    assert list_present([job, replace(job, shard=shard_name(1))]) == {(str(tmp_path), shard_name(0))}
    assert count_finished(job, list_present([job])) is None
    assert count_finished(replace(job, only=list(job.urls)), ()) is None
    path = Workspace(tmp_path).local_path(f"downloads/{shard_name(0)}")
    path.write_bytes(path.read_bytes()[:-9])
    assert count_finished(job, ()) is None
