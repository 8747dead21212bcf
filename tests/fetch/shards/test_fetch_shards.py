"""Shards: planned once, written whole or not at all, by one process or several, killed or not."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter, deque
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from logoingest.errors import LogoingestError, OutOfSpaceError, WorkspaceError
from logoingest.fetch import FetchProgress, ShardJob, choose_retries, plan_shards, run_shard, run_shards
from logoingest.fetch.executors import processes as executor
from logoingest.schemas import DownloadRow, Reason
from logoingest.workspace import Workspace, name_begun, shard_name

STEADY = [name for name in DownloadRow.arrow_schema().names if name not in {"elapsed_ms", "fetched_at"}]
unhurried = hypothesis_settings(deadline=None)  # other work on the machine is no failure
URL_LISTS = st.lists(st.text(max_size=6), max_size=40)


@unhurried
@given(URL_LISTS, URL_LISTS, st.integers(1, 7), st.randoms())
def test_a_plan_is_append_only_and_ignores_the_order_given(first, more, size, rng):
    """Every URL has one shard of at most ``size``; what was planned stays; equal sets give equal plans."""
    plan = plan_shards(first, None, size)
    assert sorted(plan.column("url").to_pylist()) == sorted(set(first))
    assert max(Counter(plan.column("shard").to_pylist()).values(), default=0) <= size
    shuffled = first * 2
    rng.shuffle(shuffled)
    assert plan_shards(shuffled, None, size).equals(plan)
    grown = plan_shards(more, plan, size)
    assert grown.slice(0, len(plan)).equals(plan)
    assert sorted(grown.column("url").to_pylist()) == sorted(set(first) | set(more))
    assert not set(grown.slice(len(plan)).column("shard").to_pylist()) & set(plan.column("shard").to_pylist())
    assert plan_shards(first + more, grown, size).equals(grown)


def test_a_plan_spreads_hosts_over_shards():
    """No shard is one host's alone."""
    urls = [f"http://host{host}.test/{index}" for host in range(4) for index in range(100)]
    plan = plan_shards(urls, None, 50).to_pylist()
    assert [row["shard"] for row in plan] == [shard_name(index // 50) for index in range(400)]
    for index in range(8):
        hosts = Counter(row["url"].split("/")[2] for row in plan[index * 50 : index * 50 + 50])
        assert len(hosts) == 4


def read(workspace, shard, columns=None) -> pa.Table:
    return Workspace(workspace).read_shard(shard, columns)


def test_a_shard_has_a_row_per_url_in_their_order(site, settings, tmp_path):
    """Failures included; counts say what it holds."""
    urls = [f"{site.url}/picture?{index}" for index in range(5)] + [f"{site.url}/status/404", "nonsense", f"{site.url}/empty"]
    counts = asyncio.run(run_shard(str(tmp_path), shard_name(0), pa.array(urls), settings, None))
    table = read(tmp_path, shard_name(0))
    assert table.schema.equals(DownloadRow.arrow_schema())
    assert table.column("url").to_pylist() == urls
    assert (counts.urls, counts.ok, counts.failed, counts.fetched, counts.finished) == (8, 5, 3, 8, True)
    assert counts.reasons == {"bad_url": 1, "empty": 1, "http_4xx": 1}
    assert counts.byte_count == sum(table.column("byte_count").drop_null().to_pylist())


def test_a_retry_touches_only_what_it_was_told(site, settings, tmp_path):
    """The failed URLs of one reason are asked for again; every other row stays as it is, byte for byte."""
    urls = [f"{site.url}/picture?1", f"{site.url}/fails-then-ok/500/1/x", f"{site.url}/status/404", f"{site.url}/picture?2"]
    once = replace(settings, max_attempts=1)
    asyncio.run(run_shard(str(tmp_path), shard_name(0), urls, once, None))
    before = read(tmp_path, shard_name(0))
    assert choose_retries(before) == urls[1:3]
    only = choose_retries(before, [Reason.HTTP_5XX])
    assert only == [urls[1]]
    counts = asyncio.run(run_shard(str(tmp_path), shard_name(0), urls, once, None, only=only))
    after = read(tmp_path, shard_name(0))
    assert after.column("url").to_pylist() == urls
    assert after.column("outcome").to_pylist() == ["ok", "ok", "failed", "ok"]
    assert (counts.fetched, counts.ok) == (1, 3)
    keep = [0, 2, 3]
    assert after.take(keep).equals(before.take(keep))
    assert sorted(site.hits.values()) == [1, 1, 1, 2]


def test_a_retry_without_a_shard_says_so(site, settings, tmp_path):
    """There is nothing to keep rows from."""
    with pytest.raises(WorkspaceError, match="is not there"):
        asyncio.run(run_shard(str(tmp_path), shard_name(0), [site.url], settings, None, only=[site.url]))


def test_a_stopped_shard_of_which_nothing_came_leaves_no_file(site, settings, tmp_path):
    """There is nothing to keep."""

    async def run():
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.2, stop.set)
        return await run_shard(str(tmp_path), shard_name(0), [f"{site.url}/silent/3"], settings, None, stop=stop)

    counts = asyncio.run(run())
    assert not counts.finished
    assert list((tmp_path / "downloads").iterdir()) == []


def stop_when(condition, stop: threading.Event):
    """A watcher of progress that stops the run once the condition holds."""

    def watch(progress):
        if condition(progress):
            stop.set()

    return watch


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_what_came_before_a_stop_is_not_asked_for_again(site, settings, tmp_path, processes):
    """A slow URL holds each of three shards open: their other rows are kept, and the next run asks for the slow ones alone."""
    jobs = [
        ShardJob(
            str(tmp_path),
            shard_name(index),
            [f"{site.url}/slow/30/{index}", *(f"{site.url}/picture?{index}.{i}" for i in range(5))],
        )
        for index in range(3)
    ]
    stop = threading.Event()
    hurried = replace(settings, processes=processes, read_timeout_s=60, total_timeout_s=60)
    assert run_shards(jobs, hurried, None, stop_when(lambda progress: progress.urls == 15, stop), stop) == []
    workspace = Workspace(tmp_path)
    assert (workspace.shard_names(), workspace.begun_shards()) == ([], [shard_name(index) for index in range(3)])
    assert [workspace.count_shard_rows(name_begun(shard_name(index))) for index in range(3)] == [5, 5, 5]
    site.hits.clear()
    counts = run_shards(jobs, replace(settings, processes=processes, read_timeout_s=0.3, max_attempts=1), None)
    assert [(one.urls, one.ok, one.fetched, one.kept) for one in counts] == [(6, 5, 1, 1)] * 3
    assert {path for path in site.hits if path != "/robots.txt"} == {f"/slow/30/{index}" for index in range(3)}
    assert sorted(path.name for path in (tmp_path / "downloads").iterdir()) == [shard_name(index) for index in range(3)]
    for job in jobs:
        assert workspace.read_shard(job.shard, ["url"]).column("url").to_pylist() == list(job.urls)


def test_a_retry_that_is_stopped_keeps_what_it_healed(site, settings, tmp_path):
    """The shard is whole at any time: what was asked again has its new row, the rest its old one."""
    urls = [f"{site.url}/slow/30/0", *(f"{site.url}/picture?{index}" for index in range(4))]
    nothing = replace(settings, read_timeout_s=0.2, max_attempts=1)
    asyncio.run(run_shard(str(tmp_path), shard_name(0), urls, replace(nothing, allowed_networks=()), None))
    before = Workspace(tmp_path).read_shard(shard_name(0)).to_pylist()
    assert {row["outcome"] for row in before} == {"failed"}
    stop = threading.Event()
    job = ShardJob(str(tmp_path), shard_name(0), urls, frozenset(urls))
    slow = replace(settings, processes=1, read_timeout_s=60, total_timeout_s=60)
    run_shards([job], slow, None, stop_when(lambda progress: progress.urls == 4, stop), stop)
    after = Workspace(tmp_path).read_shard(shard_name(0)).to_pylist()
    assert after[0] == before[0]
    assert [row["url"] for row in after] == urls
    assert {row["outcome"] for row in after[1:]} == {"ok"}
    assert [path.name for path in (tmp_path / "downloads").iterdir()] == [shard_name(0)]


def test_a_cancelled_shard_keeps_what_came(site, settings, tmp_path):
    """As a task runner ends its tasks."""
    urls = [f"{site.url}/slow/30/0", *(f"{site.url}/picture?{index}" for index in range(4))]
    came = []

    async def run():
        task = asyncio.current_task()
        await run_shard(
            str(tmp_path),
            shard_name(0),
            urls,
            settings,
            None,
            on_outcome=lambda row: (came.append(row), len(came) == 4 and task.cancel()),
        )

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert Workspace(tmp_path).count_shard_rows(name_begun(shard_name(0))) == 4


def test_a_disk_that_is_nearly_full_is_left_in_time(site, settings, tmp_path):
    """While there is room to write what has come: it is kept, the message says what to do, and with room the next run goes on."""
    urls = [f"{site.url}/slow/{index / 5}/{index}" for index in range(4)]
    tight = replace(settings, min_free_bytes=10**18)
    with pytest.raises(
        OutOfSpaceError, match=r"the disk is full but for .* MB .*; free some space and run again: what is done is kept"
    ):
        asyncio.run(run_shard(str(tmp_path), shard_name(0), urls, tight, None))
    kept = Workspace(tmp_path).count_shard_rows(name_begun(shard_name(0)))
    assert [path.name for path in (tmp_path / "downloads").iterdir()] == [name_begun(shard_name(0))]
    site.hits.clear()
    counts = asyncio.run(run_shard(str(tmp_path), shard_name(0), urls, settings, None))
    assert (counts.ok, counts.fetched) == (4, 4 - kept)
    assert sum(count for path, count in site.hits.items() if path.startswith("/slow")) == 4 - kept < 4


@pytest.mark.parametrize("rubbish", [b"", b"PAR1", b"\0" * 1000])
def test_rows_that_were_kept_and_cannot_be_read_are_fetched_again(site, settings, tmp_path, rubbish, caplog):
    """They were a help, no more: the file goes, with a warning."""
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / name_begun(shard_name(0))).write_bytes(rubbish)
    counts = asyncio.run(run_shard(str(tmp_path), shard_name(0), [f"{site.url}/picture"], settings, None))
    assert (counts.ok, counts.fetched) == (1, 1)
    assert "fetching its URLs again" in caplog.text
    assert [path.name for path in (tmp_path / "downloads").iterdir()] == [shard_name(0)]


def test_what_a_killed_writer_left_is_swept_up(site, settings, tmp_path):
    """A temporary file of the same shard goes; another shard's stays."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    (folder / ".shard-00000.parquet.abc.tmp").write_bytes(b"half")
    (folder / ".shard-00001.parquet.abc.tmp").write_bytes(b"half")
    asyncio.run(run_shard(str(tmp_path), shard_name(0), [f"{site.url}/picture"], settings, None))
    assert sorted(path.name for path in folder.iterdir()) == [".shard-00001.parquet.abc.tmp", "shard-00000.parquet"]


def make_jobs(workspace, urls, size) -> list[ShardJob]:
    plan = plan_shards(urls, None, size)
    shards = plan.column("shard").to_pylist()
    chunks = {
        shard: [url for url, name in zip(plan.column("url").to_pylist(), shards, strict=True) if name == shard] for shard in shards
    }
    return [ShardJob(str(workspace), shard, urls) for shard, urls in chunks.items()]


@pytest.mark.slow
def test_one_process_or_several_make_the_same_shards(site, settings, tmp_path, monkeypatch):
    """Equal but for times; each URL asked for once per run; per-host limit held over the processes together."""
    inspect = partial(make_inspection(tmp_path, monkeypatch, "return {'width': len(data) * scale}"), scale=2)
    urls = [f"{site.url}/slow/0.01/{index}" for index in range(90)] + [f"{site.url}/status/404", f"{site.url}/gzip"]
    tables, progress = [], []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        site.hits.clear()
        site.peak.clear()
        counts = run_shards(
            make_jobs(folder, urls, 20), replace(settings, processes=processes, per_host=4), inspect, progress.append
        )
        assert [one.shard for one in counts] == [shard_name(index) for index in range(5)]
        assert sum(one.urls for one in counts) == 92
        assert set(site.hits.values()) == {1}
        assert max(site.peak.values()) <= 4
        tables.append(pa.concat_tables(read(folder, shard_name(index)) for index in range(5)).select(STEADY))
    assert tables[0].equals(tables[1])
    assert progress[-1] == FetchProgress(92, 91, 1, progress[-1].byte_count, 5)
    sizes = tables[0].column("byte_count").to_pylist()
    assert tables[0].column("width").to_pylist() == [size and 2 * size for size in sizes]


def make_inspection(folder, monkeypatch, body):
    """A function that other processes can import."""
    name = f"inspection_{folder.name}"
    (folder / f"{name}.py").write_text(f"import os\ndef inspect(data, scale=1):\n    {body}\n")
    monkeypatch.syspath_prepend(str(folder))
    return import_module(name).inspect


def test_every_process_gets_a_shard_before_one_gets_two(settings, tmp_path):
    """The first to start asks for more while it waits for robots.txt, and would have them all."""
    jobs = make_jobs(tmp_path, [f"http://192.0.2.1/{index}" for index in range(4)], 1)
    run = executor._Run(deque(jobs), None, threading.Event())
    (early, its_end), (late, other_end) = multiprocessing.Pipe(), multiprocessing.Pipe()
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        both = [executor._Lane(process, pipe, settings) for pipe in (early, late)]
        for _ in range(2):
            executor._hear(run, both[0], "next")
            executor._answer_lanes(run, both)
        assert its_end.recv() == jobs[0]
        assert not its_end.poll()
        executor._hear(run, both[1], "next")
        executor._answer_lanes(run, both)
        assert {its_end.recv().shard, other_end.recv().shard} == {jobs[1].shard, jobs[2].shard}


def test_shards_can_be_run_inside_a_running_event_loop(site, settings, tmp_path):
    """As in a notebook or a flow."""

    async def run():
        return run_shards(make_jobs(tmp_path, [f"{site.url}/picture"], 5), settings, None)

    assert asyncio.run(run())[0].ok == 1


def test_nothing_to_do_starts_nothing(settings):
    """No jobs, no processes."""
    assert run_shards([], settings, None) == []


def test_the_tail_of_one_shard_overlaps_with_the_next(site, settings, tmp_path):
    """A slow URL in each of four shards: together they take little longer than one."""
    jobs = [
        ShardJob(str(tmp_path), shard_name(index), [f"{site.url}/slow/3/{index}", f"{site.url}/picture?{index}"])
        for index in range(4)
    ]
    run_shards(jobs, replace(settings, processes=1), None)
    starts = [site.times[f"/slow/3/{index}"][0] for index in range(4)]
    assert max(starts) - min(starts) < 3  # the last one was asked for before the first was answered


@pytest.mark.parametrize("processes", [1, 2])
def test_a_stop_keeps_what_is_finished(site, settings, tmp_path, processes):
    """Finished shards stay and are counted; the others leave no file; it does not wait for what hangs."""
    good = [ShardJob(str(tmp_path), shard_name(index), [f"{site.url}/picture?{index}"]) for index in range(2)]
    stuck = [ShardJob(str(tmp_path), shard_name(index), [f"{site.url}/silent/{index + 50}"]) for index in (2, 3)]
    stop = threading.Event()
    began = []

    def watch(progress):
        if progress.shards == 2 and not began:
            began.append(time.monotonic())
            stop.set()

    slow = replace(settings, processes=processes, read_timeout_s=60, total_timeout_s=60)
    counts = run_shards([*good, *stuck], slow, None, watch, stop)
    assert time.monotonic() - began[0] < 30
    assert [one.shard for one in counts] == [shard_name(0), shard_name(1)]
    assert Workspace(tmp_path).shard_names() == [shard_name(0), shard_name(1)]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_workspace_that_cannot_be_written_stops_the_run(site, settings, tmp_path, processes):
    """The error comes up as it is, from another process too."""
    (tmp_path / "downloads").write_text("a file where a folder belongs")
    with pytest.raises(WorkspaceError):
        run_shards(
            make_jobs(tmp_path, [f"{site.url}/picture?{i}" for i in range(4)], 2), replace(settings, processes=processes), None
        )


@pytest.mark.slow
@pytest.mark.parametrize("others", [20])
def test_a_picture_that_kills_its_process_costs_its_own_shard_only(site, settings, tmp_path, monkeypatch, others):
    """A decoder that crashes takes its process along: every other shard is fetched, the one is named, the message says how to go on."""
    crash = make_inspection(tmp_path, monkeypatch, "return os.kill(os.getpid(), 9) if data.startswith(b'GET /echo') else {}")
    jobs = [ShardJob(str(tmp_path), shard_name(index), [f"{site.url}/slow/0.05/{index}"]) for index in range(others)]
    jobs.insert(1, ShardJob(str(tmp_path), shard_name(99), [f"{site.url}/echo"]))
    with pytest.raises(LogoingestError, match=r"^shard-00099.*signal 9, twice.*run again") as raised:
        run_shards(jobs, replace(settings, processes=2), crash)
    assert len(raised.value.problems) == 1
    assert Workspace(tmp_path).shard_names() == [shard_name(index) for index in range(others)]
    assert site.hits["/echo"] == 2


@pytest.mark.slow
def test_a_process_that_is_killed_once_costs_nothing(site, settings, tmp_path, monkeypatch, caplog):
    """As the kernel does when memory is short: what it had open is fetched again, and a warning says so."""
    died = tmp_path / "died"
    body = f"return {{}} if os.path.exists({str(died)!r}) or b'echo' not in data else (open({str(died)!r}, 'w'), os.kill(os.getpid(), 9))"
    once = make_inspection(tmp_path, monkeypatch, body)
    jobs = make_jobs(tmp_path, [f"{site.url}/slow/0.05/{index}" for index in range(20)] + [f"{site.url}/echo"], 3)
    counts = run_shards(jobs, replace(settings, processes=2), once)
    assert [one.shard for one in counts] == [shard_name(index) for index in range(7)]
    assert sum(one.ok for one in counts) == 21
    assert died.exists()
    assert "killed by signal 9; fetching again" in caplog.text


def test_processes_that_cannot_start_end_the_run(site, settings, tmp_path, monkeypatch):
    """Nothing is tried over and over."""
    (tmp_path / "shadow/logoingest/fetch/executors").mkdir(parents=True)
    (tmp_path / "shadow/logoingest/imports").mkdir()
    for name in ("__init__.py", "imports/__init__.py", "fetch/__init__.py", "fetch/executors/__init__.py"):
        (tmp_path / "shadow/logoingest" / name).write_text("")
    (tmp_path / "shadow/logoingest/imports/lean.py").write_text("def refuse_imports(*_): pass\n")
    (tmp_path / "shadow/logoingest/fetch/executors/lane.py").write_text("import sys\nsys.exit(7)\n")
    monkeypatch.syspath_prepend(str(tmp_path / "shadow"))
    with pytest.raises(LogoingestError, match="exit code 7"):
        run_shards(make_jobs(tmp_path, [f"{site.url}/picture?{i}" for i in range(4)], 2), replace(settings, processes=2), None)


def children_of(pid: int) -> set[int]:
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            if parent == pid:
                found |= {int(entry.name)} | children_of(int(entry.name))
    return found


def wait_until(condition, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize(("blow", "processes"), [(signal.SIGKILL, 2), (signal.SIGINT, 2)])
def test_whatever_ends_the_parent_ends_the_processes(site, tmp_path, blow, processes):
    """kill -9, SIGTERM, Ctrl-C: no process is left, no half shard; the next run finishes the job."""
    script = textwrap.dedent(
        f"""
        from ipaddress import ip_network
        from logoingest.fetch import FetchSettings, ShardJob, run_shards

        settings = FetchSettings(processes={processes}, concurrency={processes}, allowed_networks=(ip_network("127.0.0.0/8"),), max_attempts=1)
        jobs = [ShardJob({str(tmp_path)!r}, f"shard-{{i:05d}}.parquet", [f"{site.url}/slow/{{10 * (i > 1)}}/{{i}}"]) for i in range(4)]
        run_shards(jobs, settings, None)
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    try:
        done = Workspace(tmp_path)
        # each process has one slot, so each holds one of the two slow shards by now
        assert wait_until(lambda: site.hits["/slow/10/2"] and site.hits["/slow/10/3"] and len(done.shard_names()) == 2, 30)
        family = children_of(parent.pid)
        assert len(family) == processes
        parent.send_signal(blow)
        assert parent.wait(5) != 0
        assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), 5)
    finally:
        parent.kill()
        parent.wait()
    assert done.shard_names() == [shard_name(0), shard_name(1)]
    if blow == signal.SIGKILL:  # nobody was left to tidy up: the next run does
        done.remove_leftovers()
    assert [path.name for path in (tmp_path / "downloads").iterdir() if path.suffix != ".parquet"] == []
