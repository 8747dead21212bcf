"""Turned and mirrored copies through the whole route: never in two splits, told by explain, and not moved where they were released."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from logoingest import load_config, run
from logoingest.config import Config
from logoingest.images.alike import copies, duplicates
from logoingest.labels.class_map.entries import Signature
from logoingest.pipeline import Run, explain_url, summarise_status, verify
from logoingest.pipeline.stages.images import IMAGES
from logoingest.pipeline.staleness import explain_staleness
from logoingest.samples.group_rulings import GroupDecision, GroupRuling, add_group_rulings
from logoingest.schemas import CopyRow, Stage

WAYS = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_LEFT_RIGHT)


def draw_scene(seed: int) -> Image.Image:
    random = np.random.default_rng(seed)
    return Image.fromarray(random.integers(0, 256, (6, 8, 3)).astype(np.uint8)).resize((160, 120), Image.Resampling.BICUBIC)


@pytest.fixture
def config(tmp_path) -> Config:
    """Twelve scenes, each with three turned or mirrored copies, as somebody's augmentation left them; the first has two classes."""
    (tmp_path / "photos").mkdir()
    rows = ["image,label,worker_id"]
    for number, (turn, way) in itertools.product(range(12), enumerate(WAYS)):
        scene = draw_scene(number)
        (scene if way is None else scene.transpose(way)).save(tmp_path / f"photos/{number}-{turn}.jpg", quality=85)
        label = "nike" if number % 2 or (number, turn) == (0, 2) else "puma"
        rows += [f"{number}-{turn}.jpg,{label},w{worker}" for worker in range(2)]
    (tmp_path / "rows.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "map.toml").write_text("[classes.nike]\n[classes.puma]\n")
    (tmp_path / "dataset.toml").write_text(
        '[dataset]\nname = "local"\nworkspace = "work"\n[[sources]]\npath = "rows.csv"\nlocal_root = "photos"\n'
        '[labels]\nclass_map = "map.toml"\n[fetch]\nprocesses = 1\n[train]\nenabled = false\n[images]\nmin_side_px = 8\n'
    )
    return load_config(tmp_path / "dataset.toml")


def read_places(config: Config) -> dict[str, set[str]]:
    """Scene → the splits its pictures are in."""
    tables = Path(config.workspace_url) / "tables"
    urls = {row["image_id"]: row["urls"][0] for row in pq.read_table(tables / "images.parquet").to_pylist()}
    places: dict[str, set[str]] = {}
    for row in pq.read_table(tables / "splits.parquet").to_pylist():
        places.setdefault(Path(urls[row["image_id"]]).name.partition("-")[0], set()).add(row["split"])
    return places


@pytest.mark.slow
def test_turned_copies_are_in_one_split_and_explained(config):
    """No scene is in two splits; explain names the copies with the way they are turned; two classes of one scene go to review."""
    run(config, until=Stage.RELEASE)
    assert {len(splits) for splits in read_places(config).values()} == {1}
    assert verify(Run(config)) == []
    told = explain_url(Run(config), "file:///photos/3-1.jpg").copies.to_pylist()
    assert told
    assert {row["kind"] for row in told} == {"turned"}
    conflicts = pq.read_table(Path(config.workspace_url) / "tables/conflicts.parquet").to_pylist()
    assert [(row["kind"], sorted(row["class_ids"]), len(row["image_ids"])) for row in conflicts] == [("near", ["nike", "puma"], 4)]


@pytest.mark.slow
def test_what_the_search_left_out_is_said_everywhere(config, monkeypatch):
    """A set above the search's bound: the images stage's figures, status and report say how many pictures, and what of them is unknown."""
    monkeypatch.setattr(copies, "MOST_PICTURES", 11)
    run(config, until=Stage.REPORT)
    opened = Run(config)
    assert opened.workspace.read_manifest().stages[Stage.IMAGES].counts["unsearched_pictures"] == 12
    sentence = "copies: 12 pictures are too many: crops and frames were not looked for among them"
    assert any(warning.startswith(sentence) for warning in summarise_status(opened).warnings)
    assert sentence in (Path(config.workspace_url) / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_was_released_apart_stays_and_is_named(config, monkeypatch, caplog, tmp_path):
    """Copies that an earlier release has in two splits keep their places; the run warns, its counts and verify say so."""
    with monkeypatch.context() as earlier:  # as before turned copies were known
        earlier.setattr(
            "logoingest.images.grouping.group_copies",
            lambda ids, _signatures, _pixels, **_: duplicates.Grouping(ids, CopyRow.empty_table()),
        )
        run(config, until=Stage.RELEASE)
    before = read_places(config)
    assert max(len(splits) for splits in before.values()) > 1
    rows = pq.read_table(Path(config.workspace_url) / "tables/splits.parquet", columns=["image_id", "split"])
    changed = load_config(tmp_path / "dataset.toml", ["images.min_side_px=9"], environ={})
    with caplog.at_level(logging.WARNING, "logoingest"):
        run(changed, until=Stage.RELEASE)
    after = pq.read_table(Path(config.workspace_url) / "tables/splits.parquet", columns=["image_id", "split"])
    assert after.equals(rows)
    assert "stay in two splits" in caplog.text
    assert Run(changed).workspace.read_manifest().stages[Stage.SPLITS].counts["copies_apart"] > 0
    assert "splits_apart" in {violation.law for violation in verify(Run(changed))}


@pytest.mark.slow
def test_what_a_person_says_of_copies_is_replayed_by_every_run(config):
    """The images stage runs again for it, and not for a ruling on labels; verify takes what is ruled apart for two."""
    run(config, until=Stage.IMAGES)
    images = pq.read_table(Path(config.workspace_url) / "tables/images.parquet", columns=["image_id", "urls"]).to_pylist()
    names = {row["image_id"]: Path(row["urls"][0]).name.partition("-")[0] for row in images}
    scenes = [tuple(sorted(one for one in names if names[one] == str(number))) for number in range(12)]
    path, ada = config.resolve(config.samples.rulings), Signature("Ada", None)
    add_group_rulings(path, [GroupRuling(scenes[3], GroupDecision.CLASS, "nike")], ada)
    assert explain_staleness(Run(config), IMAGES, Run(config).workspace.read_manifest()) is None
    add_group_rulings(path, [GroupRuling(scene, GroupDecision.NOT_SAME) for scene in scenes], ada)
    assert "on copies" in str(explain_staleness(Run(config), IMAGES, Run(config).workspace.read_manifest()))
    run(config, until=Stage.RELEASE)
    parted = {name for name, splits in read_places(config).items() if len(splits) > 1}
    assert parted
    assert verify(Run(config)) == []
    path.unlink()
    assert "splits_apart" in {violation.law for violation in verify(Run(config))}
