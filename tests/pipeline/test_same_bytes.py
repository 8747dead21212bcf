"""Two rebuilds give the same bytes: every file of the release, whatever the order of the inputs and the number of workers."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from logoingest import load_config
from logoingest.pipeline import run
from logoingest.schemas import Stage


def hash_files(folder: Path) -> dict[str, str]:
    """Every file below a folder → sha256."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture
def rebuild(make_dataset, tmp_path):
    """Rebuilds one dataset from nothing into a workspace of its own; returns the hashes of its release's files and its tables."""
    dataset = make_dataset(pictures=5)

    def make(name: str, *overrides: str) -> tuple[dict[str, str], dict[str, str]]:
        workspace = tmp_path / name
        run(load_config(dataset.config, [f"dataset.workspace={workspace}", *overrides], environ={}), until=Stage.RELEASE)
        tables = hash_files(workspace / "tables")
        return hash_files(workspace / "release"), {
            table: tables[f"{table}.parquet"] for table in ("samples", "splits", "conflicts", "workers")
        }

    make.dataset = dataset
    return make


@pytest.mark.slow
def test_rebuilds_are_the_same_bytes(rebuild):
    """Rebuilt from nothing, also with two fetching processes and other shards in flight, every file has the same hash."""
    first = rebuild("one")
    assert len(first[0]) >= 7  # data files of three splits, card, croissant, rejected, manifest
    assert rebuild("again") == first
    assert rebuild("two", "fetch.processes=2", "fetch.concurrency=7") == first


@pytest.mark.slow
def test_shuffled_rows_give_the_same_pictures(rebuild):
    """With the source's rows shuffled all is the same but what names the source: its hash in manifest and card, the rejected rows' numbers."""
    first, tables = rebuild("one")
    random.Random(7).shuffle(rebuild.dataset.rows)
    rebuild.dataset.write()
    second, shuffled = rebuild("shuffled", "fetch.processes=2")
    differing = {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}
    assert differing <= {"manifest.json", "README.md", "rejected.parquet"}
    assert shuffled == tables
