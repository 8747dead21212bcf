"""Pruning: bytes that no release needs go, what is kept stays readable."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from builders.datasets import CLASSES, Dataset
from logoingest import load_config, run
from logoingest.cli.main import main
from logoingest.pipeline import Run, open_run, prune, verify

NOW = "[retention]\nunlisted_days = 0\nrefused_days = 0\nunfinished_days = 0\n"


@pytest.fixture
def dataset(tmp_path: Path, site) -> Dataset:
    made = Dataset(tmp_path, site)
    for class_id in CLASSES:
        for seed in range(5):
            made.add_picture(class_id, seed + 10 * list(CLASSES).index(class_id))
    site.pages["/page.jpg"] = (200, "image/jpeg", b"<!doctype html><title>no picture</title>")
    made.add_row("/page.jpg", "Acme", "w1")
    made.write(NOW)
    run(load_config(made.config))
    return made


def read_bodies(dataset: Dataset) -> dict[str, bytes | None]:
    shards = sorted((dataset.folder / "work/downloads").glob("*.parquet"))
    return {row["url"]: row["bytes"] for shard in shards for row in pq.read_table(shard).to_pylist()}


def prune_now(dataset: Dataset, **options) -> dict[str, tuple[int, int]]:
    with open_run(load_config(dataset.config)) as opened:
        return {str(entry.kind): (entry.items, entry.bytes) for entry in prune(opened, **options)}


@pytest.mark.slow
def test_what_the_sources_no_longer_list_goes(dataset: Dataset):
    """Rows and bytes; pictures that stay are found in their new places, and the laws hold."""
    gone = dataset.site.url("/acme/3.jpg")
    body = dataset.site.pages["/acme/3.jpg"][2]
    dataset.rows = [row for row in dataset.rows if row["image_url"] != gone]
    dataset.write(NOW)
    run(load_config(dataset.config))
    assert prune_now(dataset)["unlisted"] == (1, len(body))
    assert gone not in read_bodies(dataset)
    opened = Run(load_config(dataset.config))
    for row in pq.read_table(dataset.folder / "work/tables/images.parquet").to_pylist():
        (found,) = opened.workspace.read_shard_bytes(row["shard"], [row["shard_row"]])
        assert found == dataset.site.pages[row["urls"][0].removeprefix(dataset.site.url(""))][2]
    assert verify(opened, deep=False) == []


@pytest.mark.slow
def test_a_url_that_is_listed_again_is_fetched_again(dataset: Dataset):
    """Pruned is as never fetched."""
    rows, gone = dataset.rows, dataset.site.url("/bolt/11.jpg")
    dataset.rows = [row for row in rows if row["image_url"] != gone]
    dataset.write(NOW)
    run(load_config(dataset.config))
    prune_now(dataset)
    dataset.rows = rows
    dataset.write(NOW)
    run(load_config(dataset.config))
    assert dataset.site.requests["/bolt/11.jpg"] == 2
    assert read_bodies(dataset)[gone] == dataset.site.pages["/bolt/11.jpg"][2]


def test_bytes_that_are_no_picture_go_and_what_is_known_stays(dataset: Dataset):
    """The row says the same as before, without asking for it again."""
    url = dataset.site.url("/page.jpg")
    before = pq.read_table(dataset.folder / "work/tables/rejected.parquet").to_pylist() if _has_rejected(dataset) else []
    assert prune_now(dataset)["refused"] == (1, 40)
    assert read_bodies(dataset)[url] is None
    assert prune_now(dataset)["refused"] == (0, 0)
    run(load_config(dataset.config))
    after = pq.read_table(dataset.folder / "work/tables/rejected.parquet").to_pylist() if _has_rejected(dataset) else []
    assert after == before
    assert dataset.site.requests["/page.jpg"] == 1


def _has_rejected(dataset: Dataset) -> bool:
    return (dataset.folder / "work/tables/rejected.parquet").exists()


@pytest.mark.slow
def test_versions_beyond_those_to_keep_go(dataset: Dataset):
    """As many stay as ``release.keep_versions`` says today."""
    for seed in (50, 51, 52):
        dataset.add_picture("dune", seed)
        dataset.write(NOW)
        run(load_config(dataset.config))
    dataset.write(NOW + "[release]\nkeep_versions = 1\n")
    assert prune_now(dataset)["versions"][0] == 2
    assert [path.name for path in sorted((dataset.folder / "work/releases").glob("v*")) if path.is_dir()] == ["v3"]


@pytest.mark.slow
def test_an_old_training_that_was_broken_off_goes(dataset: Dataset):
    """And a young one stays."""
    folder = dataset.folder / "work/baseline.unfinished"
    folder.mkdir()
    (folder / "curves.json").write_text("{}")
    dataset.write(NOW.replace("unfinished_days = 0", "unfinished_days = 7"))
    assert prune_now(dataset)["unfinished"] == (0, 0)
    dataset.write(NOW)
    assert prune_now(dataset)["unfinished"][0] == 1
    assert not folder.exists()


def test_a_dry_run_changes_nothing(dataset: Dataset, capsys):
    """It says what would go, as the real one does."""
    before = {path: path.stat().st_mtime_ns for path in (dataset.folder / "work").rglob("*") if path.is_file()}
    assert main(["prune", str(dataset.config), "--dry-run", "--json", "--quiet"]) == 0
    told = {entry["kind"]: entry["items"] for entry in json.loads(capsys.readouterr().out)}
    assert told == {"unlisted": 0, "refused": 1, "versions": 0, "unfinished": 0}
    assert {path: path.stat().st_mtime_ns for path in (dataset.folder / "work").rglob("*") if path.is_file()} == before


def test_by_default_nothing_young_goes(dataset: Dataset):
    """Thirty days for what is not listed; what is refused stays."""
    dataset.rows = dataset.rows[3:]
    dataset.write()
    run(load_config(dataset.config))
    assert prune_now(dataset) == {"unlisted": (0, 0), "refused": (0, 0), "versions": (0, 0), "unfinished": (0, 0)}
