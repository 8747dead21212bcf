"""The law as a property: whatever the rows, labels and downloads, every source row is in exactly one place."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from builders.datasets import CLASS_MAP, draw_picture
from builders.laws import examples
from logoingest import load_config
from logoingest.errors import GateError
from logoingest.images import inspect_image
from logoingest.pipeline import Run, pending_shards, run_stage
from logoingest.schemas import DownloadRow, Stage

BODIES = [draw_picture(seed) for seed in range(6)] + [b"<html>", draw_picture(7)[:900], b""]
FACTS = [inspect_image(body) for body in BODIES]
ANSWERS = ["Acme", "acme logo", "Bolt", "Bolt / Dune", "dune", "none", "", "acmee", "nobody knows", "\u202eemcA", "Citron", "=1+1"]
STATUSES = ["Approved", "Submitted", "Rejected"]

row = st.fixed_dictionaries(
    {
        "url": st.sampled_from([""] + [f"http://photos.test/{number}.jpg" for number in range(12)]),
        "answer": st.sampled_from(ANSWERS)
        | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),  # NUL: no text file
        "worker": st.sampled_from(["", "w1", "w2", "w3"]),
        "status": st.sampled_from(STATUSES),
    }
)


def fetch_by_hand(run: Run, bodies: dict[str, int]) -> None:
    """Write the shards as a fetch would: a body (or a 404) for each URL."""
    for shard in pending_shards(run):
        planned = run.workspace.read_table("shards").to_pylist()
        rows = []
        for url in (entry["url"] for entry in planned if entry["shard"] == shard):
            number = bodies.get(url, -1)
            if number < 0:
                rows.append({"url": url, "outcome": "failed", "reason": "http_4xx", "http_status": 404, "attempts": 1})
                continue
            body = BODIES[number]
            facts = {"sha256": hashlib.sha256(body).hexdigest(), "byte_count": len(body), "bytes": body}
            rows.append({"url": url, "outcome": "ok", "http_status": 200, "attempts": 1, **facts, **FACTS[number]})
        run.workspace.write_shard(shard, DownloadRow.table(rows))


def write_source(folder: Path, rows: list[dict[str, str]]) -> Path:
    header = ["HITId", "AssignmentId", "WorkerId", "AssignmentStatus", "Input.image_url", "Answer.brand", "Approve", "Reject"]
    with (folder / "batch.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([f"H{n}", f"A{n}", r["worker"], r["status"], r["url"], r["answer"]] for n, r in enumerate(rows))
    (folder / "map.toml").write_text(CLASS_MAP, encoding="utf-8")
    config = (
        '[dataset]\nname="law"\nworkspace="work"\n[[sources]]\npath="batch.csv"\nformat="mturk"\n[labels]\nclass_map="map.toml"\n'
    )
    (folder / "dataset.toml").write_text(config + "[samples]\nplaceholder_min_urls = 4\n[fetch]\nshard_size = 5\n")
    return folder / "dataset.toml"


@pytest.mark.slow
@examples(15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(rows=st.lists(row, min_size=1, max_size=60), bodies=st.lists(st.integers(-2, len(BODIES) - 1), min_size=12, max_size=12))
def test_every_source_row_is_in_exactly_one_place(tmp_path_factory, rows, bodies):
    """Over the written files: rows = those that voted for a released sample + those in rejected.parquet, and none is in both."""
    folder = tmp_path_factory.mktemp("law")
    run = Run(load_config(write_source(folder, rows), environ={}))
    run_stage(run, Stage.ANNOTATIONS)
    run_stage(run, Stage.LABELS)
    fetch_by_hand(run, {f"http://photos.test/{number}.jpg": body for number, body in enumerate(bodies)})
    for stage in (Stage.FETCH, Stage.IMAGES, Stage.SAMPLES, Stage.SPLITS, Stage.RELEASE):
        run_stage(run, stage)
    release = folder / "work/release"
    rejected = pq.read_table(release / "rejected.parquet").to_pylist()
    released = {
        image_id
        for file in (release / "data").iterdir()
        for image_id in pq.read_table(file, columns=["image_id"]).column(0).to_pylist()
    }
    samples = run.workspace.read_table("samples").to_pylist()
    voted = [annotation for sample in samples if sample["image_id"] in released for annotation in sample["annotation_ids"]]
    refused = [entry["annotation_id"] for entry in rejected]
    assert len(voted) == len(set(voted))
    assert len(refused) == len(set(refused))
    assert not set(voted) & set(refused)
    assert len(voted) + len(refused) == len(rows)
    assert sorted(entry["source_row"] for entry in rejected) == sorted({entry["source_row"] for entry in rejected})


def test_a_lost_row_stops_the_release(make_dataset):
    """The law is checked before anything is published."""
    dataset = make_dataset(pictures=3)
    run = Run(load_config(dataset.config, environ={}))
    for stage in list(Stage)[: list(Stage).index(Stage.RELEASE)]:
        run_stage(run, stage)
    table = run.workspace.read_table("labels_rejected")
    run.workspace.write_table("labels_rejected", table.slice(1))
    with pytest.raises(GateError, match=r"1 of \d+ annotations are nowhere"):
        run_stage(run, Stage.RELEASE)
    assert not dataset.release.exists()
