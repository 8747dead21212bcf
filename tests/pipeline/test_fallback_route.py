"""Dead links over the whole route: a picture that only an alternative URL or the archive serves is released, and explained."""

from __future__ import annotations

import asyncio
import csv
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from builders.datasets import Dataset, draw_picture
from logoingest import load_config, run
from logoingest.config import Config
from logoingest.pipeline import Run, explain_url, fetch_shard, open_run, pending_shards, retry, run_stage
from logoingest.schemas import DownloadRow, Stage
from logoingest.workspace import Workspace

STEADY = [name for name in DownloadRow.arrow_schema().names if name not in {"elapsed_ms", "fetched_at"}]


@pytest.fixture
def dataset(site, tmp_path) -> Dataset:
    """Eight pictures, of which two are dead: one with an alternative in both of its rows, one with none that lives."""
    made = Dataset(tmp_path, site)
    for number in range(6):
        made.add_picture("acme" if number % 2 else "bolt", number)
    site.pages["/mirror.jpg"] = (200, "image/jpeg", draw_picture(700))
    for worker in ("w0", "w1", "w2"):
        made.add_row("/dead.jpg", "Acme", worker)
        made.add_row("/lost.jpg", "Bolt", worker)
    made.write()
    others = {
        "/dead.jpg": {"w0": ("", site.url("/gone-as-well.jpg")), "w1": (site.url("/mirror.jpg"), ""), "w2": ("", "")},
        "/lost.jpg": {"w1": (site.url("/gone-too.jpg"), "http://10.0.0.1/x.jpg")},
    }
    with (tmp_path / "answers.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["image_url", "brand", "worker", "mirror", "mirror2"])
        writer.writeheader()
        for row in made.rows:
            first, second = others.get(row["image_url"].removeprefix(site.address), {}).get(row["worker"], ("", ""))
            writer.writerow({**row, "mirror": first, "mirror2": second})
    text = made.config.read_text(encoding="utf-8")
    columns = 'worker_column = "worker"\nalternative_url_columns = ["mirror", "mirror2"]'
    made.config.write_text(text.replace('worker_column = "worker"', columns), encoding="utf-8")
    return made


def load(dataset: Dataset, workspace: Path | None = None, *overrides: str) -> Config:
    place = [] if workspace is None else [f"dataset.workspace={workspace}"]
    return load_config(dataset.config, [*place, *overrides], {})


ALTERNATIVE = 'fetch.fallbacks=["alternative"]'


def read_release(dataset: Dataset) -> set[str]:
    """The URLs of the released pictures."""
    files = (dataset.release / "data").iterdir()
    return {url for file in files for url in pq.read_table(file, columns=["url"]).column("url").to_pylist()}


@pytest.mark.slow
def test_a_picture_served_only_by_its_alternative_is_released_and_explained(dataset, site):
    """The release has it under its own URL; explain says where it came from and why."""
    config = load(dataset, None, ALTERNATIVE)
    run(config, until=Stage.RELEASE)
    dead, lost = site.url("/dead.jpg"), site.url("/lost.jpg")
    (row,) = explain_url(Run(config), dead).downloads.to_pylist()
    assert (row["fallback"], row["first_reason"], row["fallback_detail"]) == (
        "alternative",
        "http_4xx",
        "HTTP 404; alternative 1: HTTP 404",
    )
    assert row["final_url"] == site.url("/mirror.jpg")
    assert dead in read_release(dataset)
    assert lost not in read_release(dataset)
    command = [sys.executable, "-m", "logoingest", "explain", str(dataset.config), "--url", dead]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "alternative" in printed
    assert site.url("/mirror.jpg") in printed
    (refused,) = {(row["reason"], row["detail"]) for row in explain_url(Run(config), lost).rejected.to_pylist()}
    assert refused == (
        "http_4xx",
        "HTTP 404; fallbacks: alternative 1: HTTP 404; alternative 2: a private address, which fetch.allowed_networks does not allow",
    )


def test_turning_fallbacks_on_and_retrying_heals(dataset, site):
    """The fetch alone is not stale for it; retry asks for what had failed, and for nothing else."""
    run(load(dataset), until=Stage.IMAGES)
    asked = dict(site.requests)
    config = load(dataset, None, ALTERNATIVE)
    with open_run(config) as opened:
        assert retry(opened) == (2, 1, 1)
    again = {path for path, count in site.requests.items() if count != asked.get(path, 0)}
    assert again - {"/robots.txt"} == {"/dead.jpg", "/gone-as-well.jpg", "/mirror.jpg", "/lost.jpg", "/gone-too.jpg"}
    run(config, until=Stage.RELEASE)
    assert site.url("/dead.jpg") in read_release(dataset)


@pytest.mark.slow
def test_every_executor_is_given_the_alternatives(dataset, tmp_path):
    """One process, two, and a task runner's tasks make the same rows."""
    looks = []
    for name, processes in (("one", 1), ("two", 2), ("tasks", 1)):
        config = load(dataset, tmp_path / name, ALTERNATIVE, f"fetch.processes={processes}", "fetch.shard_size=3")
        if name == "tasks":
            run(config, until=Stage.ANNOTATIONS)
            with open_run(config) as opened:
                opened.fetched = [asyncio.run(fetch_shard(opened, shard, shares=2)) for shard in pending_shards(opened)]
                run_stage(opened, Stage.FETCH)
        else:
            run(config, until=Stage.FETCH)
        workspace = Workspace(config.workspace_url)
        looks.append([workspace.read_shard(shard, STEADY).to_pylist() for shard in workspace.shard_names()])
    assert looks[0] == looks[1] == looks[2]
    assert [row["fallback"] for rows in looks[0] for row in rows].count("alternative") == 1
