"""Releases of splits with other names: every reader, law, export and comparison takes them."""

import json
import shutil

import pyarrow.parquet as pq
import pytest

from logoingest.config import ReleaseConfig
from logoingest.release import open_release, verify_release, write_release
from logoingest.release.exports import export_release
from logoingest.release.keeping.comparison import compare_releases
from logoingest.release.keeping.publishing import pull_release, push_release

NAMES = ("train", "validation", "test", "calibration", "hold_out2")


def write_named(ingredients, folder, names=NAMES):
    folder.mkdir(parents=True)
    return write_release(
        folder,
        ingredients.samples,
        ingredients.images,
        ingredients.splits,
        ingredients.rejected,
        ingredients.classes,
        lambda shard, rows: [ingredients.shards[shard][row] for row in rows],
        dataset=ingredients.dataset,
        settings=ReleaseConfig(rows_per_group=4, max_file_bytes=20_000),
        lineage=ingredients.lineage,
        counts=ingredients.counts,
        split_names=names,
    )


@pytest.fixture(scope="module")
def five(making, tmp_path_factory):
    """A release of five splits, and its ingredients."""
    pictures = [making.draw_picture(number) for number in range(20)]
    class_ids = [["adidas", "no"] if number == 7 else [["adidas", "coca-cola"][number % 2]] for number in range(20)]
    boxes = [[{"class_id": ids[0], "bbox": [1.0, 2.0, 10.0, 12.0]}] for ids in class_ids]
    splits = [NAMES[max(0, number - 11) % 5] if number >= 12 else "train" for number in range(20)]
    ingredients = making.collect(pictures, class_ids, splits, boxes)
    folder = tmp_path_factory.mktemp("five") / "release"
    write_named(ingredients, folder)
    return folder


def test_the_manifest_names_the_splits_in_order(five):
    """The config's order, not the alphabet's, in the manifest, in the card's tables and in its head."""
    release = open_release(five)
    assert tuple(release.splits) == NAMES
    assert sum(release.splits.values()) == 20
    assert all(release.splits.values())
    card = (five / "README.md").read_text()
    assert "| label | class | name | train | validation | test | calibration | hold_out2 | all |" in card
    assert card.index("split: calibration") < card.index("split: hold_out2")


def test_every_law_and_reader_takes_them(five):
    """verify reopens the release in every library that is there."""
    assert list(verify_release(five, deep=True)) == []


def test_datasets_loads_every_split(five, tmp_path):
    """``load_dataset`` finds the five by their names, with class names and pictures."""
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(five), cache_dir=str(tmp_path))
    assert {name: len(rows) for name, rows in loaded.items()} == open_release(five).splits
    assert loaded["hold_out2"].features["label"].names == open_release(five).class_ids
    assert loaded["calibration"][0]["image"].size == (40, 30)


def test_croissant_tells_the_split_of_a_row(five):
    """The regular expression of the field knows the five names."""
    document = json.loads((five / "croissant.json").read_text())
    fields = {field["name"]: field for record in document["recordSet"] for field in record["field"]}
    assert "(train|validation|test|calibration|hold_out2)-" in fields["split"]["source"]["transform"]["regex"]


@pytest.mark.parametrize("form", ["coco", "voc", "yolo", "imagefolder", "webdataset"])
def test_every_export_holds_them(five, tmp_path, form):
    """Each form has the five splits' pictures."""
    summary = export_release(open_release(five), form, tmp_path / form)
    assert set(summary.pictures) == set(NAMES)


def test_push_pull_and_diff(five, tmp_path):
    """A pulled copy is the same release; against one of other splits the counts are named by split."""
    push_release(five, str(tmp_path / "there"), lambda _done, _total: None)
    pulled = open_release(pull_release(str(tmp_path / "there"), tmp_path / "back"))
    diff = compare_releases(open_release(five), pulled)
    assert diff.same == 20
    assert not diff.moved
    assert tuple(diff.splits) == NAMES


@pytest.mark.parametrize(
    ("change", "law"),
    [
        (lambda manifest: manifest["splits"].pop("calibration"), "file_names"),
        (lambda manifest: manifest["splits"].update({"all": 0}), "split_names"),
        (lambda manifest: manifest["classes"][0]["images"].update({"extra": 1}), "class_counts"),
        (lambda manifest: manifest["splits"].update({"hold_out2": 9}), "rows"),
    ],
)
def test_verify_sees_a_manifest_with_other_splits(five, tmp_path, change, law):
    """A split that was dropped, taken, made up or miscounted breaks a law by its name."""
    folder = tmp_path / "release"
    shutil.copytree(five, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert law in {violation.law for violation in verify_release(folder, deep=False)}


def test_a_release_made_before_still_opens_and_verifies(written):
    """Three splits, as releases had them when there were no others."""
    assert tuple(open_release(written).splits) == ("train", "validation", "test")
    assert list(verify_release(written, deep=False)) == []


def test_a_split_may_begin_like_another(making, tmp_path):
    """``test`` does not take the files of ``test_hard``."""
    pictures = [making.draw_picture(number) for number in range(6)]
    ingredients = making.collect(pictures, [["adidas"]] * 6, ["train", "train", "test", "test_hard", "test_hard", "test_hard"])
    write_named(ingredients, tmp_path / "release", ("train", "test", "test_hard"))
    release = open_release(tmp_path / "release")
    assert {split: release.to_arrow(split).num_rows for split in release.splits} == {"train": 2, "test": 1, "test_hard": 3}
    assert sum(pq.read_table(file).num_rows for file in release.files("test_hard")) == 3
    assert list(verify_release(tmp_path / "release", deep=True)) == []
