"""Nothing lost: kills, files cut short, disks that are full or read-only, plans that vanish; the next run finishes the job or says how."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builders.places import ROOT
from logoingest import load_config, run
from logoingest.cli.main import main
from logoingest.pipeline import Run, plan, summarise_status
from logoingest.schemas import Stage
from logoingest.workspace import Workspace, name_begun


def hash_folder(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def call(capsys, *arguments: object) -> tuple[int, str]:
    """Exit code and stderr of a command."""
    code = main([str(argument) for argument in arguments])
    return code, capsys.readouterr().err


@pytest.mark.slow
def test_a_fetch_killed_ten_times_loses_nothing_and_asks_for_nothing_twice():
    """The tables are an undisturbed run's but for times; by the server's log no URL is fetched after its shard was done."""
    command = [sys.executable, ROOT / "benchmarks/kills.py", "--kills", "10", "--per-run", "12", "--processes", "1"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    facts = json.loads(shown.stdout)
    assert shown.returncode == 0, shown.stderr
    assert facts["kills"] == 10
    assert facts["tables_equal"]
    assert facts["asked_after_done"] == 0
    assert facts["left_over_files"] == 0
    assert facts["rows"] == 120


def mend(capsys, work: Path, *command: object) -> None:
    """Run; where the message says to remove a file of the workspace, remove it and run again."""
    for _ in range(3):
        code, err = call(capsys, *command)
        if code == 0:
            return
        assert "Traceback" not in err
        told = re.fullmatch(rf"logoingest: {work}/(\S+): .*remove it.*", err.strip())
        assert code == 2
        assert told, err
        (work / told[1]).unlink()
    pytest.fail(f"it goes on and on: {err}")


@pytest.mark.slow
def test_any_file_cut_short_is_mended_or_named(make_dataset, capsys):
    """Each file of a workspace in turn, as a power failure may leave it: the next run ends well, or it names the file to remove and
    the one after that ends well. The release is what it was, and nothing is fetched but what was lost."""
    dataset = make_dataset(pictures=3)
    run(load_config(dataset.config, environ={}))
    work = dataset.folder / "work"
    whole, release = hash_folder(work), hash_folder(dataset.release)
    assert len(whole) > 20
    chance = random.Random(5)
    for name in whole:
        content = (work / name).read_bytes()
        cut = content[: chance.choice([0, chance.randrange(len(content))])]
        (work / name).write_bytes(cut)
        dataset.site.requests.clear()
        mend(capsys, work, "run", dataset.config, "--quiet")
        if not (work / name).exists() or (work / name).read_bytes() == cut:  # nobody has needed it yet
            mend(capsys, work, "run", dataset.config, "--quiet", "--from", "splits")
        assert (work / name).read_bytes() != cut, name
        assert hash_folder(dataset.release) == release, name
        assert dataset.site.requests.total() <= (11 if name.startswith("downloads/") else 0), name


def test_a_lost_plan_is_made_again_from_the_shards(make_dataset):
    """A plan grown in two steps is not the plan of one: without its table, what is fetched stays where it is and counts."""
    dataset = make_dataset(pictures=3)
    config = load_config(dataset.config, environ={})
    run(config)
    for number in range(8):
        dataset.add_picture("dune", 700 + number)
    dataset.write()
    run(config)
    release = hash_folder(dataset.release)
    plan = dataset.folder / "work/tables/shards.parquet"
    before = Workspace(config.workspace_url).read_table("shards")
    asked = dataset.site.requests.total()
    for spoil in (plan.unlink, lambda: plan.write_bytes(plan.read_bytes()[:50])):
        spoil()
        run(config)
        assert Workspace(config.workspace_url).read_table("shards").equals(before)
        assert hash_folder(dataset.release) == release
    assert dataset.site.requests.total() == asked


def test_a_lost_plan_and_a_lost_shard_cost_that_shard(make_dataset):
    """Its URLs are planned anew and fetched again, and nothing else is."""
    dataset = make_dataset(pictures=3)
    config = load_config(dataset.config, environ={})
    run(config)
    law = summarise_status(Run(config)).law
    work = dataset.folder / "work"
    (work / "tables/shards.parquet").unlink()
    (work / "downloads/shard-00001.parquet").unlink()
    dataset.site.requests.clear()
    run(config)
    assert summarise_status(Run(config)).law == law
    assert 0 < dataset.site.requests.total() <= 11
    urls = [url for name in Workspace(config.workspace_url).shard_names() for url in read_urls(config, name)]
    assert len(urls) == len(set(urls))


def read_urls(config, shard: str) -> list[str]:
    return Workspace(config.workspace_url).read_shard(shard, ["url"]).column("url").to_pylist()


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_a_file_that_cannot_grow_stops_the_run_with_what_is_done_kept(make_dataset, processes):
    """As on a full disk, without one: exit code 2 and a message; with room the same command goes on where it stopped."""
    dataset = make_dataset(pictures=6)
    command = [sys.executable, "-m", "logoingest", "fetch", str(dataset.config), "--quiet", "--set", f"fetch.processes={processes}"]
    run(load_config(dataset.config, environ={}), until=Stage.ANNOTATIONS)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, resource.RLIM_INFINITY))  # a shard has 10 pictures of 2 kB

    tight = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert tight.returncode == 2, tight.stderr
    assert "may not become as large" in tight.stderr
    assert "run again: what is done is kept" in tight.stderr
    assert "Traceback" not in tight.stderr
    assert [path.name for path in (dataset.folder / "work/downloads").iterdir() if path.suffix == ".tmp"] == []
    roomy = subprocess.run(command, capture_output=True, text=True, check=False)
    assert roomy.returncode == 0, roomy.stderr


def family_of(pid: int) -> list[int]:
    """A process and its descendants."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family_of(int(child)))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "processes", "to_all"),
    [
        (signal.SIGTERM, 1, False),
        (signal.SIGTERM, 2, False),
        (signal.SIGTERM, 2, True),  # as supervisors do
        (signal.SIGINT, 2, False),
        (signal.SIGHUP, 2, False),
    ],
)
def test_a_signal_in_the_middle_of_shards_leaves_nothing_half(make_dataset, sent, processes, to_all):
    """What has come stays, the lease is given back, the message says how many and how to go on; the next run asks for none of it."""
    dataset = make_dataset(pictures=10)
    dataset.site.delay_s = 0.2
    overrides = [f"fetch.processes={processes}", "fetch.concurrency=4", "fetch.per_host=4"]
    config = load_config(dataset.config, overrides, {})
    command = [sys.executable, "-m", "logoingest", "run", str(dataset.config), "--until", "fetch", "--quiet"]
    command += [word for override in overrides for word in ("--set", override)]
    workspace = Workspace(config.workspace_url)
    heeded = signal.signal(sent, signal.SIG_DFL)  # under nohup, a hang-up is ignored from parent to child
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        signal.signal(sent, heeded)
        deadline = time.monotonic() + 60
        while not workspace.shard_names():
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        for pid in reversed(family_of(process.pid) if to_all else [process.pid]):
            os.kill(pid, sent)
        message = process.communicate(timeout=30)[1].decode()
    assert process.returncode == 128 + sent
    again = "logoingest " + " ".join(command[3:])
    told = re.search(r"stopped; what is done is kept; all (\d+) URLs of this run are there\. Go on with: (.*)\n", message)
    assert told, message
    assert told[2] == again
    assert "Traceback" not in message
    begun = [name_begun(name) for name in workspace.begun_shards()]
    assert begun
    kept = [row for name in (*workspace.shard_names(), *begun) for row in read_urls(config, name)]
    assert len(kept) == len(set(kept)) == int(told[1])
    planned = plan(Run(config))
    assert planned.urls - planned.urls_left == len(kept)
    assert [
        path.name for path in (dataset.folder / "work").rglob("*") if path.name.startswith(".") or path.name == "lease.json"
    ] == []
    dataset.site.requests.clear()
    dataset.site.delay_s = 0
    run(config, until=Stage.FETCH)
    assert not {url.removeprefix(dataset.site.address) for url in kept} & set(dataset.site.requests)
    assert workspace.begun_shards() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_explained(make_dataset, capsys):
    """Exit code 2, the folder, and the way out."""
    dataset = make_dataset(pictures=1)
    run(load_config(dataset.config, environ={}), until=Stage.ANNOTATIONS)
    work = dataset.folder / "work"
    work.chmod(0o500)
    try:
        code, err = call(capsys, "run", dataset.config, "--quiet")
    finally:
        work.chmod(0o700)
    assert code == 2
    assert re.search(r"work.*permission denied; make the folder writable", err)
