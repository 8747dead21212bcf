"""Pictures of this machine through the whole route: fetched, retried, refreshed, released and verified as URLs are."""

from __future__ import annotations

import pytest

from builders.datasets import draw_picture
from logoingest import load_config, run
from logoingest.pipeline.actions.retrying import retry
from logoingest.pipeline.session import open_run
from logoingest.pipeline.stages.samples import SAMPLES
from logoingest.pipeline.staleness import collect_inputs
from logoingest.release import verify_release
from logoingest.schemas import Stage


@pytest.fixture
def config(tmp_path):
    """Twelve pictures in a folder, one of them missing at first, and a list of paths."""
    photos = tmp_path / "photos"
    photos.mkdir()
    rows = ["image,label,worker_id"]
    for number in range(12):
        if number:
            (photos / f"{number} x.png").write_bytes(draw_picture(number))
        rows += [f"{number} x.png,{'nike' if number % 2 else 'puma'},w{worker}" for worker in range(2)]
    rows.append("../secret.png,nike,w0")
    (tmp_path / "secret.png").write_bytes(draw_picture(99))
    (tmp_path / "rows.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "map.toml").write_text("[classes.nike]\n[classes.puma]\n")
    (tmp_path / "dataset.toml").write_text(
        '[dataset]\nname = "local"\nworkspace = "work"\n[[sources]]\npath = "rows.csv"\nlocal_root = "photos"\n'
        '[labels]\nclass_map = "map.toml"\n[fetch]\nprocesses = 1\n[train]\nenabled = false\n[images]\nmin_side_px = 8\n'
    )
    return load_config(tmp_path / "dataset.toml")


@pytest.mark.slow
def test_a_release_of_files(config, tmp_path):
    """The missing file fails with its reason; once it is there a retry heals it; the release is whole and names no folder of ours."""
    run(config)
    assert verify_release(tmp_path / "work/release") == []
    with open_run(config) as opened:
        rows = [
            row
            for shard in opened.workspace.shard_names()
            for row in opened.workspace.read_shard(shard, ["url", "reason"]).to_pylist()
        ]
    assert len(rows) == 12
    assert [row for row in rows if row["reason"]] == [{"url": "file:///photos/0%20x.png", "reason": "file_missing"}]
    (tmp_path / "photos/0 x.png").write_bytes(draw_picture(0))
    with open_run(config) as opened:
        assert retry(opened, ["file"]) == (1, 1, 0)
    run(config)
    assert verify_release(tmp_path / "work/release") == []
    assert str(tmp_path) not in (tmp_path / "work/release/README.md").read_text()


def test_right_answers_and_boxes_in_shares_reach_their_end(config, tmp_path):
    """A pool's control tasks measure its workers, and read the class map; a rectangle in shares is pixels in the release."""
    rectangle = '"[{""shape"":""rectangle"",""left"":0.25,""top"":0.5,""width"":0.5,""height"":0.25,""label"":""%s""}]"'
    rows = ["INPUT:image\tOUTPUT:result\tGOLDEN:result\tASSIGNMENT:assignment_id\tASSIGNMENT:worker_id\tASSIGNMENT:status"]
    for number in range(1, 12):
        label = "nike" if number % 2 else "puma"
        rows += [
            f"{number} x.png\t{rectangle % label}\t{label if number < 5 else ''}\ta{number}{worker}\tw{worker}\tAPPROVED"
            for worker in range(3)
        ]
    (tmp_path / "pool.tsv").write_text("\n".join(rows) + "\n")
    text = (tmp_path / "dataset.toml").read_text().replace("rows.csv", "pool.tsv")
    (tmp_path / "dataset.toml").write_text(text)
    config = load_config(tmp_path / "dataset.toml")
    run(config)
    with open_run(config) as opened:
        stages = opened.workspace.read_manifest().stages
        assert (stages[Stage.ANNOTATIONS].counts["given_gold"], stages[Stage.SAMPLES].counts["gold"]) == (12, 4)
        workers = opened.workspace.read_table("workers").to_pylist()
        assert [(row["worker_id"], row["gold"], row["gold_accuracy"]) for row in workers] == [(f"w{n}", 4, 1.0) for n in range(3)]
        assert "class map" in collect_inputs(opened, SAMPLES, opened.workspace.read_manifest())
        samples = opened.workspace.read_table("samples").to_pylist()
        sizes = {row["image_id"]: (row["width"], row["height"]) for row in opened.workspace.read_table("images").to_pylist()}
    assert len(samples) == 11
    for row in samples:
        width, height = sizes[row["image_id"]]
        assert [box["bbox"] for box in row["boxes"]] == [[width / 4, height / 2, width / 2, height / 4]]
