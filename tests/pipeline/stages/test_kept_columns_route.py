"""Columns of the source, from its cells to the release and what others read there."""

from __future__ import annotations

import csv
import json
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest

from builders.datasets import Dataset
from logoingest import diff, export, load_config, open_release, run, verify_release
from logoingest.config.kept_columns import RELEASE_COLUMNS
from logoingest.errors import ConfigError
from logoingest.release.form.features import ReleaseRow
from logoingest.schemas import Stage

LICENCES = {"w0": "CC-BY", "w1": "CC-BY", "w2": "CC0", "w3": "", "w4": ""}
SECOND = (
    '\n[[sources]]\npath = "more.csv"\nurl_column = "image_url"\nlabel_column = "brand"\nkeep_columns = { "der Ort" = "place" }\n'
)


def write_sources(made: Dataset, keep: str) -> Path:
    """Twelve pictures of two classes with licence and caption a row, and a second source about one of them."""
    for number in range(12):
        made.add_picture("acme" if number % 2 else "bolt", number)
    config = made.write()
    with (made.folder / "answers.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["image_url", "brand", "worker", "licence", "caption"])
        writer.writeheader()
        for row in made.rows:
            writer.writerow({**row, "licence": LICENCES[row["worker"]], "caption": f"by {row['worker']}, <b>=1+1"})
    (made.folder / "more.csv").write_text(f"image_url,brand,place\n{made.rows[0]['image_url']},bolt,Köln\n", encoding="utf-8")
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace('worker_column = "worker"', f'worker_column = "worker"\n{keep}{SECOND}'), encoding="utf-8")
    return config


@pytest.fixture
def release(site, tmp_path):
    config = write_sources(Dataset(tmp_path, site), 'keep_columns = ["licence", "caption"]')
    run(load_config(config, (), {}), until=Stage.RELEASE)
    return open_release(tmp_path / "work/release")


@pytest.mark.slow
def test_columns_reach_the_release_and_its_readers(release, tmp_path):
    """Each is a list of distinct texts, sorted; loaders, card, Croissant, verify and exports know it."""
    assert release.kept_columns == ["licence", "caption", "der Ort"]
    table = release.to_arrow()
    assert {table.schema.field(name).type for name in release.kept_columns} == {pa.list_(pa.string())}
    first = next(row for row in table.to_pylist() if row["url"].endswith("/bolt/0.jpg"))
    assert (first["licence"], first["der Ort"]) == (["CC-BY", "CC0"], ["Köln"])
    assert first["caption"] == [f"by w{worker}, <b>=1+1" for worker in range(3)]
    assert [row["der Ort"] for row in table.to_pylist() if row["url"] != first["url"]] == [[]] * 11
    assert not verify_release(release.path)
    card = (release.path / "README.md").read_text(encoding="utf-8")
    assert "| licence | kept from the source" in card
    fields = json.loads((release.path / "croissant.json").read_text(encoding="utf-8"))["recordSet"][1]["field"]
    assert [field["repeated"] for field in fields if field["name"] in release.kept_columns] == [True] * 3


@pytest.mark.slow
def test_datasets_reads_them(release):
    """By folder: the columns stand beside the others."""
    from datasets import load_dataset

    loaded = load_dataset(str(release.path), split="train", cache_dir=str(release.path.parent / "cache"))
    assert set(release.kept_columns) < set(loaded.column_names)
    assert set(loaded["licence"][0]) <= set(LICENCES.values())


@pytest.mark.slow
def test_exports_carry_them(release, tmp_path):
    """WebDataset in each picture's JSON, COCO among the picture's attributes."""
    export(release.path, "webdataset", tmp_path / "tars")
    with tarfile.open(tmp_path / "tars/train-000000.tar") as shard:
        told = [json.load(shard.extractfile(entry)) for entry in shard if entry.name.endswith(".json")]
    assert all(set(entry["licence"]) <= set(LICENCES.values()) for entry in told)
    export(release.path, "coco", tmp_path / "coco")
    images = json.loads((tmp_path / "coco/annotations/labels_train.json").read_text(encoding="utf-8"))["images"]
    assert all(entry["attributes"]["caption"] and entry["license"] == 1 for entry in images)


@pytest.mark.slow
def test_a_column_kept_later_makes_the_release_again(site, tmp_path):
    """Same pictures, same ids; only the release is another."""
    config = write_sources(Dataset(tmp_path, site), "")
    run(load_config(config, (), {}), until=Stage.RELEASE)
    before = open_release(tmp_path / "work/release")
    ids, asked = before.to_arrow(columns=["annotation_ids"]), site.requests.total()
    kept = config.read_text(encoding="utf-8").replace(
        'worker_column = "worker"', 'worker_column = "worker"\nkeep_columns = ["licence"]'
    )
    config.write_text(kept, encoding="utf-8")
    run(load_config(config, (), {}), until=Stage.RELEASE)
    after = open_release(tmp_path / "work/release")
    assert (before.kept_columns, after.kept_columns) == (["der Ort"], ["licence", "der Ort"])
    assert after.to_arrow(columns=["annotation_ids"]) == ids
    assert site.requests.total() == asked
    found = diff(f"{config}@v1", config)
    assert (found.columns_added, found.columns_removed, found.same, found.is_empty) == (["licence"], [], 12, False)


@pytest.mark.parametrize("name", sorted(RELEASE_COLUMNS))
def test_our_own_columns_are_not_taken(site, tmp_path, name):
    """A source's column of that name is kept under another one; the message shows how."""
    config = write_sources(Dataset(tmp_path, site), f"keep_columns = ['{name.upper()}']")
    with pytest.raises(ConfigError, match=f"sources.0..keep_columns: .*{name.upper()}' is a column of every release.*another name"):
        load_config(config, (), {})


def test_the_names_taken_are_those_of_a_release():
    """The list that config checks is the release's own."""
    assert {*ReleaseRow.model_fields, "split"} == RELEASE_COLUMNS
