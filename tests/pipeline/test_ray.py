"""Shards on a Ray cluster: the same bytes as on one machine, also when a machine is lost on the way.

Two minutes at most on two cores: pip install -e '.[dev,ray]' && pytest -m ray
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from importlib import import_module
from ipaddress import ip_network
from pathlib import Path

import pytest

from builders.ray_clusters import on_ray
from logoingest import load_config, run
from logoingest.errors import LogoingestError, OutOfSpaceError, Problem, UsageError
from logoingest.fetch import FetchSettings, ShardJob, run_shards_on_ray
from logoingest.pipeline.downloading import pending_shards
from logoingest.pipeline.session import open_run
from logoingest.ray_cluster.node import LOOPBACK, find_port
from logoingest.schemas import DownloadRow, Stage
from logoingest.workspace import Workspace, name_begun, shard_name

#: For what takes seconds on a machine that has nothing else to do.
PATIENCE_S = 400.0

STEADY = [name for name in DownloadRow.arrow_schema().names if name not in {"elapsed_ms", "fetched_at"}]


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed here")
def test_without_ray_the_message_names_the_extra(make_dataset):
    """Exit code 2, before anything is fetched."""
    dataset = make_dataset(pictures=1)
    with pytest.raises(UsageError, match=r"logoingest\[ray\]"):
        run(load_config(dataset.config, ["fetch.executor=ray"], {}), until=Stage.FETCH)
    assert not dataset.site.requests


def read_shards(config) -> dict[str, list]:
    workspace = Workspace(config.workspace_url)
    return {name: workspace.read_shard(name, STEADY).to_pylist() for name in workspace.shard_names()}


def fetch(dataset, folder: Path, *overrides: str):
    config = load_config(dataset.config, [f"dataset.workspace={folder}", "fetch.shard_size=4", *overrides], {})
    run(config, until=Stage.FETCH)
    return config


@on_ray
def test_a_machine_killed_midway_costs_nothing(make_dataset, tmp_path, ray_cluster):
    """A head and two machines, one killed -9 while it fetches: the same shards as on one machine; what was done is not done again."""
    dataset = make_dataset(pictures=20)
    calm = fetch(dataset, tmp_path / "calm")
    dataset.site.requests.clear()
    dataset.site.delay_s = 0.3
    workspace = Workspace(str(tmp_path / "stormy"))
    done_before: set[str] = set()

    def strike() -> None:
        deadline = time.monotonic() + PATIENCE_S
        while len(workspace.shard_names()) < 6 and time.monotonic() < deadline:
            time.sleep(0.02)
        done_before.update(workspace.shard_names())
        ray_cluster.kill_worker()

    blow = threading.Thread(target=strike)
    blow.start()
    overrides = ["fetch.executor=ray", f"fetch.ray_address={ray_cluster.address}", "fetch.concurrency=4", "fetch.per_host=4"]
    stormy = fetch(dataset, tmp_path / "stormy", *overrides)
    blow.join()
    shards = read_shards(stormy)
    assert 0 < len(done_before) < len(shards)
    assert shards == read_shards(calm)
    paths = {row["url"].removeprefix(dataset.site.address) for name in done_before for row in shards[name]}
    assert {path: count for path, count in dataset.site.requests.items() if path in paths and count > 1} == {}
    with open_run(stormy) as opened:
        assert pending_shards(opened) == []
    ray_cluster.start_worker()


@on_ray
def test_a_stop_keeps_what_the_tasks_have(make_dataset, tmp_path):
    """Interrupted, each task writes the rows of its unfinished shard; the next run, here, asks for none of them.

    The cluster is one of the run's own, and nothing of it stays: no token in the user's home, no process.
    """
    dataset = make_dataset(pictures=20)
    dataset.site.delay_s = 0.3
    folder = tmp_path / "stopped"
    overrides = ["fetch.executor=ray", "fetch.concurrency=2", "fetch.per_host=2"]
    config = load_config(dataset.config, [f"dataset.workspace={folder}", "fetch.shard_size=40", *overrides], {})
    command = [sys.executable, "-m", "logoingest", "run", str(dataset.config), "--until", "fetch", "--quiet"]
    command += [word for name in (f"dataset.workspace={folder}", "fetch.shard_size=40", *overrides) for word in ("--set", name)]
    home = tmp_path / "home"
    home.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")} | {"HOME": str(home)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ) as process:
        deadline = time.monotonic() + PATIENCE_S
        while dataset.site.requests.total() < 20:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        message = process.communicate(timeout=PATIENCE_S)[1]
    workspace = Workspace(str(folder))
    kept = [
        url.removeprefix(dataset.site.address)
        for name in map(name_begun, workspace.begun_shards())
        for url in workspace.read_shard(name, ["url"]).column("url").to_pylist()
    ]
    assert process.returncode == 130, message
    assert len(kept) >= 15
    assert f"all {len(kept)} URLs of this run are there" in message
    assert not (home / ".ray").exists()
    dataset.site.requests.clear()
    dataset.site.delay_s = 0
    run(config.model_copy(update={"fetch": config.fetch.model_copy(update={"executor": "local"})}), until=Stage.FETCH)
    assert not set(kept) & set(dataset.site.requests)


@on_ray
def test_a_budget_that_is_used_up_keeps_what_the_tasks_have(make_dataset, tmp_path, ray_cluster):
    """The first shard that is done uses it up; the rows of the one beside it, which is half done, are there."""
    site = make_dataset(pictures=4).site
    paths = list(site.pages)
    urls, first = [site.url(path) for path in paths], frozenset(paths[:3])
    site.is_open = lambda path: (
        path in first or (path not in paths[:14] and sum(site.requests[one] for one in paths[:14]) > len(first))
    )
    jobs = [ShardJob(str(tmp_path / "w"), shard_name(0), urls[:14]), ShardJob(str(tmp_path / "w"), shard_name(1), urls[14:16])]

    def refuse(progress) -> None:
        raise OutOfSpaceError(Problem("work", "has used up its budget"))

    settings = FetchSettings(allowed_networks=(ip_network("127.0.0.0/8"),), robots="ignore", per_host=2)
    with pytest.raises(OutOfSpaceError):
        run_shards_on_ray(jobs, settings, None, refuse, address=ray_cluster.address)
    workspace = Workspace(str(tmp_path / "w"))
    assert workspace.begun_shards() == [shard_name(0)]
    kept = workspace.read_shard(name_begun(shard_name(0)), ["url"]).num_rows
    site.is_open = lambda path: True
    assert 0 < kept < 14


@on_ray
def test_a_picture_that_kills_its_process_costs_its_own_shard(make_dataset, tmp_path, ray_cluster, monkeypatch):
    """It is tried twice, named and left out; all else is fetched."""
    import ray

    dataset = make_dataset(pictures=2)
    (tmp_path / "poison.py").write_text(
        "import os\ndef inspect(data):\n    return os.kill(os.getpid(), 9) if data == b'poison' else {}\n"
    )
    dataset.site.pages["/poison.jpg"] = (200, "image/jpeg", b"poison")
    paths = [path for path in dataset.site.pages if path != "/poison.jpg"]
    jobs = [
        ShardJob(str(tmp_path / "w"), shard_name(index), [dataset.site.url(path) for path in paths[index::5]]) for index in range(5)
    ]
    jobs.insert(1, ShardJob(str(tmp_path / "w"), shard_name(9), [dataset.site.url("/poison.jpg")]))
    monkeypatch.syspath_prepend(str(tmp_path))
    ray.init(ray_cluster.address, log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": str(tmp_path)}})
    try:
        with pytest.raises(LogoingestError, match=r"^shard-00009.*its process died 2 times") as raised:
            settings = FetchSettings(allowed_networks=(ip_network("127.0.0.0/8"),), robots="ignore")
            run_shards_on_ray(jobs, settings, import_module("poison").inspect)
    finally:
        ray.shutdown()
    assert len(raised.value.problems) == 1
    assert Workspace(str(tmp_path / "w")).shard_names() == [shard_name(index) for index in range(5)]


@on_ray
def test_another_token_is_explained(make_dataset, ray_cluster):
    """Whoever is refused for want of the token hears of it, and is not told to start a head."""
    dataset = make_dataset(pictures=1)
    command = [sys.executable, "-m", "logoingest", "run", str(dataset.config), "--until", "fetch", "--quiet"]
    command += ["--set", "fetch.executor=ray", "--set", f"fetch.ray_address={ray_cluster.address}"]
    environ = {**os.environ, "RAY_AUTH_TOKEN": "0" * 64, "RAY_NUM_REDIS_GET_RETRIES": "2"}
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 2, ended.stderr
    assert "fetch.ray_address" in ended.stderr
    assert "wants a token" in ended.stderr
    assert "RAY_AUTH_MODE" in ended.stderr
    assert "ray start --head" not in ended.stderr


@on_ray
def test_no_cluster_at_the_address_is_explained(make_dataset):
    """Exit code 2, with the key and what to do."""
    dataset = make_dataset(pictures=1)
    with pytest.raises(UsageError, match=r"fetch\.ray_address.*ray start --head"):
        run(
            load_config(dataset.config, ["fetch.executor=ray", f"fetch.ray_address={LOOPBACK}:{find_port()}"], {}),
            until=Stage.FETCH,
        )
