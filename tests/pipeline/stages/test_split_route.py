"""Splits on the whole route: named splits, a fixed set, earlier releases, and why a picture is where it is."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from logoingest import load_config, open_release, run
from logoingest.cli.main import main
from logoingest.errors import ConfigError, UsageError
from logoingest.pipeline import Run, explain_split, run_stage, verify
from logoingest.pipeline.assignments import read_assignments
from logoingest.schemas import Stage

NAMES = ["train", "validation", "test", "calibration"]
FOUR = """
[splits]
fixed = "fixed.csv"
[splits.shares]
train = 0.6
validation = 0.2
test = 0.0
calibration = 0.2
"""


def read_places(dataset):
    splits = pq.read_table(dataset.folder / "work/tables/splits.parquet").to_pylist()
    return {row["image_id"]: row for row in splits}


def find_image(dataset, path):
    images = pq.read_table(dataset.folder / "work/tables/images.parquet", columns=["image_id", "urls"]).to_pylist()
    return next(row["image_id"] for row in images if dataset.site.url(path) in row["urls"])


def write_fixed(dataset, *paths, split="test"):
    with (dataset.folder / "fixed.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["url", "split"])
        writer.writerows([dataset.site.url(path), split] for path in paths)


@pytest.mark.slow
def test_named_splits_and_a_closed_test_set(make_dataset, caplog, capsys):
    """Four splits, test closed but for a fixed set: released so, explained so, kept so; the file decides nothing that is released."""
    dataset = make_dataset()
    dataset.write(FOUR)
    write_fixed(dataset, "/copy.jpg", "/bolt/101.jpg", "/nowhere.jpg")
    config = load_config(dataset.config, environ={})
    with caplog.at_level("WARNING", "logoingest"):
        run(config)
    assert "fixed.csv: 1 of its pictures are not among the samples" in caplog.text
    release = open_release(dataset.release)
    assert list(release.splits) == NAMES
    assert release.splits["test"] == 2
    assert verify(Run(config), deep=False) == []
    lineage = release.manifest["lineage"]["config"]["splits"]
    assert lineage["fixed"]["file"] == "fixed.csv"
    assert len(lineage["fixed"]["sha256"]) == 64

    fixed = explain_split(Run(config), dataset.site.url("/acme/0.jpg"))
    assert (fixed.split, fixed.origin, fixed.why) == ("test", "fixed", "fixed: fixed.csv puts it into test")
    places = read_places(dataset)
    for image_id, row in places.items():
        explained = explain_split(Run(config), image_id[:20])
        assert (explained.split, explained.origin) == (row["split"], row["origin"])
        assert (row["origin"] == "fixed") == (not explained.steps)
        if explained.steps:
            assert explained.steps[-1].after == row["split"]
        for entry in explained.classes:
            found = [
                sum(entry.class_id in other["class_ids"] and other["split"] == name for other in places.values()) for name in NAMES
            ]
            assert [cell.pictures for cell in entry.splits] == found

    assert main(["splits", "explain", str(dataset.config), find_image(dataset, "/bolt/101.jpg")[:12]]) == 0
    assert "fixed: fixed.csv puts it into test" in capsys.readouterr().out
    assert main(["splits", "explain", str(dataset.config), find_image(dataset, "/acme/1.jpg"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["split"] in NAMES

    before = {image_id: row["split"] for image_id, row in places.items()}
    for number in range(20, 25):
        dataset.add_picture("acme", number)
    dataset.write(FOUR)
    run(config)
    after = read_places(dataset)
    assert all(after[image_id]["split"] == split for image_id, split in before.items())
    assert sum(row["split"] == "test" for row in after.values()) == 2
    kept = explain_split(Run(config), find_image(dataset, "/bolt/101.jpg"))
    assert kept.why == "kept: it is in test since v1, and a released picture never moves"
    assert kept.group.members[0].since == 1

    moved = next(image_id for image_id, split in before.items() if split == "train")
    with (dataset.folder / "fixed.csv").open("w", encoding="utf-8") as file:
        file.write(f"image_id,split\n{moved},test\n")
    with pytest.raises(UsageError, match="an earlier release has it in train"):
        run(config)


@pytest.mark.slow
def test_earlier_places_outlive_their_table(make_dataset):
    """tables/assignments.parquet is recorded; lost, it is made again from the releases, and no picture moves."""
    dataset = make_dataset()
    config = load_config(dataset.config, environ={})
    run(config)
    table = dataset.folder / "work/tables/assignments.parquet"
    recorded = Run(config).workspace.read_manifest().stages[Stage.RELEASE].outputs
    assert recorded["tables/assignments.parquet"].size == table.stat().st_size
    before = {image_id: row["split"] for image_id, row in read_places(dataset).items()}
    first = read_assignments(Run(config).workspace)
    assert dict(zip(first["image_id"].to_pylist(), first["split"].to_pylist(), strict=True)) == before

    table.unlink()
    assert read_assignments(Run(config).workspace).equals(first.replace_schema_metadata(None))
    for number in range(30, 36):
        dataset.add_picture("dune", number)
    dataset.write("[splits]\nseed = 7\n")
    config = load_config(dataset.config, environ={})
    run(config)
    after = read_places(dataset)
    assert all(after[image_id]["split"] == split and after[image_id]["origin"] == "kept" for image_id, split in before.items())
    made = read_assignments(Run(config).workspace)
    since = dict(zip(made["image_id"].to_pylist(), made["since"].to_pylist(), strict=True))
    assert {since[image_id] for image_id in before} == {1}
    assert {since[image_id] for image_id in after.keys() - before.keys()} == {2}


@pytest.mark.slow
def test_a_table_of_an_earlier_logoingest_is_read_on(make_dataset):
    """Two columns that are never null, no version and no release: every picture keeps its place all the same."""
    dataset = make_dataset()
    run(load_config(dataset.config, environ={}))
    before = {image_id: row["split"] for image_id, row in read_places(dataset).items()}
    earlier = pa.schema([pa.field("image_id", pa.string(), nullable=False), pa.field("split", pa.string(), nullable=False)])
    table = pa.table({"image_id": sorted(before), "split": [before[image_id] for image_id in sorted(before)]}, schema=earlier)
    pq.write_table(table, dataset.folder / "work/tables/assignments.parquet")
    dataset.add_picture("dune", 40)
    dataset.write("[splits]\nseed = 7\n")
    run(load_config(dataset.config, environ={}))
    after = read_places(dataset)
    assert len(after) == len(before) + 1
    assert all(after[image_id]["split"] == split for image_id, split in before.items())


@pytest.mark.slow
def test_pictures_of_a_kept_older_release_keep_their_place_too(make_dataset):
    """A picture that a later release lacks and a third has again is where it was, although the table is lost."""
    dataset = make_dataset()
    config = load_config(dataset.config, environ={})
    run(config)
    before = {image_id: row["split"] for image_id, row in read_places(dataset).items()}
    rows = list(dataset.rows)
    dataset.rows = [row for row in rows if "/acme/3.jpg" not in row["image_url"]]
    dataset.write()
    run(config)
    image_id = next(iter(before.keys() - read_places(dataset).keys()))
    (dataset.folder / "work/tables/assignments.parquet").unlink()
    places = read_assignments(Run(config).workspace).to_pylist()
    assert {row["image_id"]: row["split"] for row in places} == before
    dataset.rows = rows
    dataset.write("[splits]\nseed = 7\n")
    run(load_config(dataset.config, environ={}))
    assert (read_places(dataset)[image_id]["split"], read_places(dataset)[image_id]["origin"]) == (before[image_id], "kept")


def test_a_split_is_not_dropped_while_pictures_are_in_it(make_dataset):
    """Adding a split to a dataset is free; taking one away that was released says what to do."""
    dataset = make_dataset()
    run(load_config(dataset.config, ["splits.shares={train=0.6,validation=0.1,test=0.1,calibration=0.2}"], {}), Stage.RELEASE)
    config = load_config(dataset.config, environ={})
    with pytest.raises(UsageError, match=r"earlier release has pictures in 'calibration'.*calibration = 0"):
        run(config)
    closed = load_config(dataset.config, ["splits.shares={train=0.7,validation=0.15,test=0.15,calibration=0.0}"], {})
    run(closed, Stage.RELEASE)
    assert open_release(dataset.release).splits["calibration"] > 0


def test_what_cannot_be_explained_says_why(make_dataset, tmp_path):
    """Unknown, ambiguous and rejected pictures, changed settings, an empty workspace: one line each."""
    dataset = make_dataset()
    config = load_config(dataset.config, environ={})
    with pytest.raises(UsageError, match="has no splits yet"):
        explain_split(Run(config), "abcdef")
    run(config, Stage.SPLITS)
    opened = Run(config)
    for asked, words in (
        ("0" * 12, "no picture of this workspace is called so"),
        ("xyz", "no image_id and no URL"),
        (dataset.site.url("/gone.jpg"), "served no picture"),
        (dataset.site.url("/disputed.jpg"), r"is in no split: samples rejected it \(tie"),
    ):
        with pytest.raises(UsageError, match=words):
            explain_split(opened, asked)
    with pytest.raises(UsageError, match=r"cannot be played again \(changed: config\)"):
        explain_split(
            Run(load_config(dataset.config, ["splits.seed=3", "splits.train=0.2", "splits.test=0.65"], {})),
            find_image(dataset, "/acme/1.jpg"),
        )


def test_a_wrong_fixed_set_stops_the_stage(make_dataset):
    """The file's faults come before any work, with their lines; a changed file makes the stage stale."""
    dataset = make_dataset()
    dataset.write('[splits]\nfixed = "fixed.csv"\n')
    config = load_config(dataset.config, environ={})
    with pytest.raises(ConfigError, match="no such file"):
        run(config, Stage.SPLITS)
    write_fixed(dataset, "/acme/1.jpg", split="exam")
    with pytest.raises(ConfigError, match=r"line 2: 'exam' is no split"):
        run(config, Stage.SPLITS)
    write_fixed(dataset, "/acme/1.jpg")
    run(config, Stage.SPLITS)
    assert read_places(dataset)[find_image(dataset, "/acme/1.jpg")]["split"] == "test"
    write_fixed(dataset, "/acme/1.jpg", split="train")
    assert run_stage(Run(config), Stage.SPLITS).why == "changed: splits.fixed"
    assert read_places(dataset)[find_image(dataset, "/acme/1.jpg")]["split"] == "train"
