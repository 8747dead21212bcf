"""The writer of a shard's file: order, memory, what is taken over, and what a failure leaves."""

from __future__ import annotations

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest.errors import WorkspaceError
from logoingest.fetch.shards.kept_rows import KeptRows
from logoingest.fetch.shards.shard_writer import MAX_GROUP_BYTES, ROW_BYTES, ByteBudget, ShardWriter
from logoingest.workspace import Workspace, name_begun

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
@examples(30)
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


@given(st.lists(st.one_of(st.none(), st.binary(max_size=40)), max_size=30), st.randoms(), st.sampled_from([0, 50, 10**9]))
@examples(30)
def test_a_shard_broken_off_twice_and_finished_is_the_same_shard(tmp_path_factory, contents, chance, limit):
    """What came before each stop is taken over and not wanted again; the bytes are those of one undisturbed go."""
    urls = [f"http://h/{index}" for index in range(len(contents))]
    bodies = dict(zip(urls, contents, strict=True))
    straight, _, _ = write(tmp_path_factory.mktemp("straight"), urls, bodies, [0])
    folder = tmp_path_factory.mktemp("broken")
    workspace, came = Workspace(str(folder)), set()
    for is_last in (False, False, True):
        budget = ByteBudget(limit)
        kept = KeptRows(workspace, name_begun(SHARD), among=urls) if came else None
        with ThreadPoolExecutor(1) as executor:
            writer = ShardWriter(workspace, SHARD, urls, executor=executor, budget=budget, kept=kept)
            assert set(writer.wanted) == set(urls) - came
            chosen = list(range(len(writer.wanted)))
            chance.shuffle(chosen)
            chosen = chosen if is_last else chosen[: chance.randrange(len(chosen) + 1)]
            for index in chosen:
                writer.put(index, make_row(writer.wanted[index], bodies[writer.wanted[index]]))
            came |= {writer.wanted[index] for index in chosen}
            ended = (writer.finish() if is_last else writer.break_off()).result(60)
        assert budget.held == 0
        assert is_last or ended == len(chosen)
        assert workspace.shard_names() == ([SHARD] if is_last else [])
    assert ended == straight


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


def test_rows_that_wait_for_a_slow_one_go_to_disk_however_small_they_are(tmp_path):
    """Thousands of rows without a body weigh as much as pictures do; they come back whole, and the file is as if none had gone."""
    urls = [f"http://h/{index}" for index in range(300)]
    at = datetime(2026, 1, 2, tzinfo=UTC)
    rows = [make_row(url, None) | {"detail": "ÿ" * index, "elapsed_ms": index, "fetched_at": at} for index, url in enumerate(urls)]
    files = []
    for folder, limit in (("held", 10**9), ("spooled", 100_000)):
        budget = ByteBudget(limit)
        with ThreadPoolExecutor(1) as executor:
            writer = ShardWriter(Workspace(str(tmp_path / folder)), SHARD, urls, executor=executor, budget=budget)
            for index in range(1, 300):
                writer.put(index, dict(rows[index]))
                executor.submit(int).result(60)
                assert budget.held <= limit + ROW_BYTES
            writer.put(0, dict(rows[0]))
            writer.finish().result(60)
        assert budget.held == 0
        files.append((tmp_path / folder / "downloads" / SHARD).read_bytes())
    assert Workspace(str(tmp_path / "spooled")).read_shard(SHARD, ["detail"]).column("detail").to_pylist()[-1] == "ÿ" * 299
    assert files[0] == files[1]


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


def test_rows_in_order_go_to_disk_too_when_memory_is_short(tmp_path):
    """Many shards with half a row group each must not hold more than the budget between them: nobody would start anything new."""
    budget = ByteBudget(1_000_000)
    urls = [f"http://h/{index}" for index in range(30)]
    with ThreadPoolExecutor(1) as executor:
        writers = [
            ShardWriter(Workspace(str(tmp_path)), f"shard-{index:05d}.parquet", urls, executor=executor, budget=budget)
            for index in range(8)
        ]
        for index, url in enumerate(urls):
            for writer in writers:
                writer.put(index, make_row(url, bytes([index]) * 100_000))
        executor.submit(int).result(60)
        assert not budget.is_full
        assert [writer.finish().result(60).ok for writer in writers] == [30] * 8
    assert budget.held == 0
    for index in range(8):
        bodies = Workspace(str(tmp_path)).read_shard(f"shard-{index:05d}.parquet").column("bytes").to_pylist()
        assert bodies == [bytes([number]) * 100_000 for number in range(30)]


LIMITED = """
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from logoingest.errors import WorkspaceError
from logoingest.fetch.shards.kept_rows import KeptRows
from logoingest.fetch.shards.shard_writer import ByteBudget, ShardWriter
from logoingest.workspace import Workspace, name_begun

folder, most, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
urls = [f"http://h/{index}" for index in range(60)]
budget = ByteBudget(limit)
with ThreadPoolExecutor(1) as executor:
    writer = ShardWriter(Workspace(folder), "shard-00000.parquet", urls, executor=executor, budget=budget)
    try:
        for index in reversed(range(60)):
            body = index.to_bytes(1, "big") * 10_007
            writer.put(index, {"url": urls[index], "outcome": "ok", "attempts": 1, "bytes": body, "byte_count": len(body)})
            executor.submit(int).result(60)
            assert not budget.is_full, "whoever waits for room would never be told what is wrong"
        writer.finish().result(60)
        print("written")
    except WorkspaceError as error:
        print(error)
    finally:
        writer.discard().result(60)
    print(budget.held)
"""


@pytest.mark.parametrize(("most", "limit"), [(100_000, 10**9), (100_000, 20_000), (603_000, 10**9), (0, 10**9), (0, 0)])
def test_a_file_that_cannot_grow_is_explained_and_leaves_nothing(tmp_path, most, limit):
    """Wherever the disk fills up: the waiting bodies' file, a row group, the footer. A part that was written is no success."""
    command = [sys.executable, "-c", LIMITED, str(tmp_path), str(most), str(limit)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "may not become as large" in shown.stdout
    assert "run again: what is done is kept" in shown.stdout
    assert shown.stdout.endswith("\n0\n")
    assert shown.stderr == ""
    assert list((tmp_path / "downloads").iterdir()) == []


def test_a_full_device_takes_a_part_and_then_says_so(tmp_path):
    """A write of which only a part fits is gone on with, not taken for the whole."""
    most = 5_000
    code = (
        "import os, resource, sys\nfrom logoingest.fetch.shards.shard_writer import write_whole\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\n"
        "handle = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)\n"
        "try:\n    write_whole(handle, b'x' * 8000, 0)\nexcept OSError as error:\n    print(type(error).__name__, os.fstat(handle).st_size)"
    )
    shown = subprocess.run([sys.executable, "-c", code, str(tmp_path / "file")], capture_output=True, text=True, check=True)
    assert shown.stdout == f"OSError {most}\n"
