"""Whoever fetches the shards, the same shards come out, and the fetch stage says the same of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from logoingest import load_config, run
from logoingest.config import Config
from logoingest.errors import ConfigError
from logoingest.pipeline import fetch_shard, open_run, pending_shards, run_stage
from logoingest.schemas import DownloadRow, Stage
from logoingest.workspace import Workspace, hash_file

STEADY = [name for name in DownloadRow.arrow_schema().names if name not in {"elapsed_ms", "fetched_at"}]


def fetch_by_tasks(config: Config) -> None:
    """As a task runner does: shard by shard, in any order, the counts handed to the stage at the end."""
    run(config, until=Stage.ANNOTATIONS)
    with open_run(config) as opened:
        opened.fetched = [asyncio.run(fetch_shard(opened, name, shares=2)) for name in reversed(pending_shards(opened))]
        run_stage(opened, Stage.FETCH)


def look_at(config: Config) -> tuple[list, dict[str, int]]:
    """All rows but for times, and the stage's figures; the recorded hashes must be the files'."""
    workspace = Workspace(config.workspace_url)
    record = workspace.read_manifest().stages[Stage.FETCH]
    for name, output in record.outputs.items():
        assert hash_file(Path(workspace.path(name))) == output
    assert len(record.outputs) == len(workspace.shard_names()) + 1
    return [workspace.read_shard(name, STEADY).to_pylist() for name in workspace.shard_names()], record.counts


@pytest.mark.slow
def test_processes_and_tasks_make_the_same_shards(make_dataset, tmp_path, monkeypatch):
    """One process, two, a task runner's tasks (a Ray cluster: see test_ray); nobody reads a shard again that he has just written."""
    dataset = make_dataset(pictures=4)
    looks = []
    hashed: list[str] = []
    original = Workspace.hash_file
    monkeypatch.setattr(Workspace, "hash_file", lambda workspace, name: hashed.append(name) or original(workspace, name))
    for name, processes in (("one", 1), ("two", 2), ("tasks", 1)):
        config = load_config(dataset.config, [f"dataset.workspace={tmp_path / name}", f"fetch.processes={processes}"], {})
        hashed.clear()
        fetch_by_tasks(config) if name == "tasks" else run(config, until=Stage.FETCH)
        assert [name for name in hashed if "shard" in name] == ["tables/shards.parquet"]
        looks.append(look_at(config))
    assert looks[0] == looks[1] == looks[2]
    assert sum(map(len, looks[0][0])) == looks[0][1]["urls"] == 24


def test_an_executor_nobody_knows_is_explained(make_dataset):
    """The config says which there are."""
    with pytest.raises(ConfigError, match=r"executor.*local.*ray"):
        load_config(make_dataset(pictures=1).config, ["fetch.executor=dask"], {})
