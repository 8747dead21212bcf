"""The writer of a shard's file: order, memory, what is taken over, and what a failure leaves."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logoingest.errors import WorkspaceError
from logoingest.fetch.shard_writer import MAX_GROUP_BYTES, ByteBudget, KeptRows, ShardWriter
from logoingest.workspace import Workspace

SHARD = "shard-00000.parquet"


def make_row(url: str, body: bytes | None) -> dict:
    if body is None:
        return {"url": url, "outcome": "failed", "reason": "http_4xx", "attempts": 1}
    return {"url": url, "outcome": "ok", "attempts": 1, "bytes": body, "byte_count": len(body)}


def write(folder, urls, bodies, order, limit=10**9, only=None):
    """Put the rows in the given order; the finished shard's facts, its budget and its table."""
    workspace = Workspace(str(folder))
    budget = ByteBudget(limit)
    with ThreadPoolExecutor(1) as executor:
        kept = None if only is None else KeptRows(workspace, SHARD, only)
        writer = ShardWriter(workspace, SHARD, urls, executor=executor, budget=budget, kept=kept)
        wanted = writer.wanted
        for index in sorted(range(len(wanted)), key=lambda place: order[place % len(order)]):
            writer.put(index, make_row(wanted[index], bodies[wanted[index]]))
        written = writer.finish().result(60)
    return written, budget, workspace.read_shard(SHARD)


@given(st.lists(st.one_of(st.none(), st.binary(max_size=40)), max_size=30), st.randoms(), st.sampled_from([0, 50, 10**9]))
@settings(max_examples=60, deadline=None)
def test_the_file_does_not_depend_on_the_order_rows_came_in(tmp_path_factory, contents, chance, limit):
    """Any order, with or without moving bodies to disk: the rows stand in the order of the URLs, and the bytes are the same."""
    urls = [f"http://h/{index}" for index in range(len(contents))]
    bodies = dict(zip(urls, contents, strict=True))
    order = list(range(len(urls))) or [0]
    folder = tmp_path_factory.mktemp("straight")
    straight, _, table = write(folder, urls, bodies, order)
    chance.shuffle(order)
    other, budget, _ = write(tmp_path_factory.mktemp("shuffled"), urls, bodies, order, limit)
    assert table.column("url").to_pylist() == urls
    assert table.column("bytes").to_pylist() == contents
    assert other == straight
    assert budget.held == 0
    assert straight.ok + straight.failed == len(urls)
    assert straight.byte_count == sum(len(body or b"") for body in contents)
    assert [file.name for file in (folder / "downloads").iterdir()] == [SHARD]


def test_bodies_that_wait_for_a_slow_one_go_to_disk(tmp_path):
    """While the first URL is missing, what the process holds stays about its budget."""
    urls = [f"http://h/{index}" for index in range(200)]
    budget = ByteBudget(1_000_000)
    with ThreadPoolExecutor(1) as executor:
        writer = ShardWriter(Workspace(str(tmp_path)), SHARD, urls, executor=executor, budget=budget)
        for index in range(1, 200):
            writer.put(index, make_row(urls[index], bytes([index]) * 100_000))
            executor.submit(int).result(60)
            assert budget.held <= 1_100_000
        writer.put(0, make_row(urls[0], b"\0" * 100_000))
        written = writer.finish().result(60)
    table = Workspace(str(tmp_path)).read_shard(SHARD)
    assert [set(body) for body in table.column("bytes").to_pylist()] == [{index} for index in range(200)]
    assert (written.ok, budget.held) == (200, 0)


def test_row_groups_are_bounded_by_bytes(tmp_path):
    """Large bodies make small row groups: a reader of one picture need not read a hundred."""
    urls = [f"http://h/{index}" for index in range(12)]
    write(tmp_path, urls, dict.fromkeys(urls, b"x" * (MAX_GROUP_BYTES // 3)), range(12))
    metadata = pq.read_metadata(tmp_path / "downloads" / SHARD)
    assert [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)] == [4, 4, 4]


def test_rows_that_are_not_fetched_again_are_taken_over(tmp_path):
    """A retry of some URLs gives the very file that a fetch of all would have given."""
    chance = random.Random(1)
    urls = [f"http://h/{index}" for index in range(250)]
    healed = {url: chance.randbytes(chance.randrange(60_000)) for url in urls}
    broken = set(chance.sample(urls, 40))
    order = list(range(250))
    write(tmp_path / "retried", urls, {url: None if url in broken else body for url, body in healed.items()}, order)
    retried, _, table = write(tmp_path / "retried", urls, healed, order, only=broken)
    whole, _, same = write(tmp_path / "whole", urls, healed, order)
    assert retried == whole
    assert table.equals(same)


def test_a_discarded_shard_leaves_the_file_as_it_was(tmp_path):
    """Nothing changes, nothing is left behind, nothing is held."""
    urls = ["http://h/a", "http://h/b"]
    write(tmp_path, urls, dict.fromkeys(urls, b"old"), [0, 1])
    budget = ByteBudget(10)
    with ThreadPoolExecutor(1) as executor:
        writer = ShardWriter(Workspace(str(tmp_path)), SHARD, urls, executor=executor, budget=budget)
        writer.put(1, make_row(urls[1], b"new" * 100))
        writer.discard().result(60)
    assert Workspace(str(tmp_path)).read_shard(SHARD).column("bytes").to_pylist() == [b"old", b"old"]
    assert [file.name for file in (tmp_path / "downloads").iterdir()] == [SHARD]
    assert budget.held == 0


def test_a_budget_says_when_there_is_room_again():
    """Full at twice the limit; whoever waits is told once it no longer is."""
    budget = ByteBudget(10)
    told = []
    budget.on_room = lambda: told.append(budget.held)
    budget.add(21)
    assert (budget.is_over, budget.is_full) == (True, True)
    budget.add(-5)
    budget.add(-5)
    assert told == [16]


def test_a_shard_that_is_missing_cannot_be_taken_over(tmp_path):
    """The message names the file."""
    with pytest.raises(WorkspaceError, match=SHARD):
        KeptRows(Workspace(str(tmp_path)), SHARD, ["http://h/a"])
