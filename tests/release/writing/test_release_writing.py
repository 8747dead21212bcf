"""What write_release makes of tables: the form, the bytes, and the refusals."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest.config import DatasetConfig, ReleaseConfig
from logoingest.errors import LogoingestError
from logoingest.release import open_release, verify_release, write_release
from logoingest.release.form.manifest import ReleaseManifest
from logoingest.release.writing import parquet as parquet_files
from logoingest.release.writing.parquet import RowRange, plan_files
from logoingest.release.writing.rows import name_extension
from logoingest.schemas import ImageRow, RejectedRow, SampleRow, SplitRow


def read_files(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_files_of_a_release(written):
    """A release is data files by split, a card, rejected rows, Croissant and a manifest, and nothing else."""
    assert sorted(read_files(written)) == [
        "README.md",
        "croissant.json",
        "data/test-00000-of-00001.parquet",
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002.parquet",
        "data/validation-00000-of-00001.parquet",
        "manifest.json",
        "rejected.parquet",
    ]


def test_schema_of_a_data_file(written):
    """The columns have the types that datasets needs, label int64 above all, and carry the class names."""
    schema = pq.read_schema(written / "data/test-00000-of-00001.parquet")
    assert schema.field("image").type == pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    assert schema.field("label").type == pa.int64()
    assert {"image_id", "url", "urls", "group_id", "confidence", "width", "height", "votes", "class_ids", "boxes"} < set(
        schema.names
    )
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert features["image"] == {"_type": "Image"}
    assert features["label"] == {"names": ["adidas", "coca-cola", "no"], "_type": "ClassLabel"}


def test_rows_carry_what_went_in(written, ingredients):
    """A row holds the bytes, the label by class-map order, the boxes with labels, and the path of its image_id."""
    rows = {row["image_id"]: row for row in pq.read_table(written / "data").to_pylist()}
    images = {row["image_id"]: row for row in ingredients.images.to_pylist()}
    for sample in ingredients.samples.to_pylist():
        row = rows[sample["image_id"]]
        expected = ["adidas", "coca-cola", "no"].index(sample["class_id"]) if sample["class_id"] else -1
        assert row["label"] == expected
        assert row["class_ids"] == sample["class_ids"]
        assert row["annotation_ids"] == sample["annotation_ids"]
        assert hashlib.sha256(row["image"]["bytes"]).hexdigest() == row["image_id"]
        assert row["image"]["path"].split(".") in ([row["image_id"], "jpg"], [row["image_id"], "png"])
        assert [box["bbox"] for box in row["boxes"]] == [box["bbox"] for box in sample["boxes"]]
        assert row["urls"] == images[sample["image_id"]]["urls"]
        assert row["url"] == row["urls"][0]


def test_rows_lie_in_the_order_of_their_hash(written):
    """Within a split rows are sorted by image_id, over all its files."""
    files = sorted((written / "data").glob("train-*"))
    ids = [value for file in files for value in pq.read_table(file, columns=["image_id"]).column(0).to_pylist()]
    assert ids == sorted(ids)
    assert len(ids) == 16


def test_pictures_are_plain_and_the_rest_is_packed(written):
    """Picture bytes are neither compressed nor given statistics or a dictionary; every other column is zstd."""
    footer = pq.read_metadata(written / "data/test-00000-of-00001.parquet")
    columns = [footer.row_group(0).column(index) for index in range(footer.num_columns)]
    for column in columns:
        plain = column.path_in_schema == "image.bytes"
        assert column.compression == ("UNCOMPRESSED" if plain else "ZSTD")
        if plain:
            assert not column.is_stats_set
            assert not column.has_dictionary_page


def test_equal_tables_in_any_order_give_equal_bytes(ingredients, written, tmp_path):
    """Rows in another order and other chunks give the same release, byte for byte."""
    for seed in range(3):
        ingredients.shuffled(seed).write(tmp_path / str(seed))
        assert read_files(tmp_path / str(seed)) == read_files(written)


def test_nothing_of_this_machine_or_moment(written):
    """No file holds a path of the machine it was made on."""
    for name, content in read_files(written).items():
        assert str(written.parent).encode() not in content, name
        assert b"/tmp" not in content, name


def test_returned_manifest_is_the_file(ingredients, tmp_path):
    """What write_release returns is what manifest.json says."""
    manifest = ingredients.write(tmp_path / "release")
    assert ReleaseManifest.model_validate_json((tmp_path / "release/manifest.json").read_bytes()) == manifest
    assert manifest.splits == {"train": 16, "validation": 4, "test": 4}
    assert manifest.rejected == {"fetch": {"http_4xx": 3}}
    assert manifest.multi_class_images == {"train": 1, "validation": 0, "test": 0}


def test_unused_classes_get_no_label(written):
    """A class of the map without a released picture has no label; the others keep the map's order."""
    manifest = json.loads((written / "manifest.json").read_text())
    assert [entry["id"] for entry in manifest["classes"]] == ["adidas", "coca-cola", "no"]


def test_empty_split_has_no_file(making, tmp_path):
    """A split without pictures has no data file: datasets refuses an empty one."""
    making.collect([making.draw_picture(0)], [["no"]], ["train"]).write(tmp_path / "release")
    assert [file.name for file in (tmp_path / "release/data").iterdir()] == ["train-00000-of-00001.parquet"]


def test_release_without_pictures(making, tmp_path):
    """No picture at all still gives a card, a manifest and the rejected rows."""
    manifest = making.collect([], [], []).write(tmp_path / "release")
    assert manifest.splits == {"train": 0, "validation": 0, "test": 0}
    assert manifest.files["rejected.parquet"].rows == 3


def test_samples_without_a_split_are_left_out(ingredients, tmp_path):
    """What splits does not name is not released."""
    fewer = dataclasses.replace(ingredients, splits=ingredients.splits.slice(0, 5))
    assert sum(fewer.write(tmp_path / "release").splits.values()) == 5


def drop(table: pa.Table, image_id: str) -> pa.Table:
    return table.filter(pc.not_equal(table.column("image_id"), image_id))


@pytest.mark.parametrize("name", ["samples", "images"])
def test_tables_that_do_not_fit_are_refused(ingredients, tmp_path, name):
    """A split that names a picture another table lacks is our fault, and is said with the stage to run."""
    image_id = ingredients.splits.column("image_id")[0].as_py()
    broken = dataclasses.replace(ingredients, **{name: drop(getattr(ingredients, name), image_id)})
    with pytest.raises(LogoingestError, match=rf"{name}: lacks 1 pictures .*{image_id}.*run the {name} stage"):
        broken.write(tmp_path / "release")


def test_picture_named_twice_is_refused(ingredients, tmp_path):
    """Two splits for one picture are refused."""
    twice = dataclasses.replace(ingredients, splits=pa.concat_tables([ingredients.splits, ingredients.splits.slice(0, 1)]))
    with pytest.raises(LogoingestError, match="names a picture twice"):
        twice.write(tmp_path / "release")


def test_unknown_class_is_refused(ingredients, tmp_path):
    """A class that the class map does not know is refused by name."""
    with pytest.raises(LogoingestError, match="coca-cola"):
        dataclasses.replace(ingredients, classes=[("adidas", "Adidas"), ("no", "no")]).write(tmp_path / "release")


def test_unknown_split_is_refused(ingredients, tmp_path):
    """A fourth split is refused."""
    other = ingredients.splits.set_column(3, ingredients.splits.schema.field(3), pa.array(["dev"] * 24))
    with pytest.raises(LogoingestError, match="other splits"):
        dataclasses.replace(ingredients, splits=other).write(tmp_path / "release")


def test_wrong_bytes_never_get_in(ingredients, tmp_path):
    """A shard that holds other bytes than the image_id was made of stops the release, with shard and row."""
    shards = {name: list(pictures) for name, pictures in ingredients.shards.items()}
    shards["shard-00001.parquet"][3] = b"other"
    with pytest.raises(LogoingestError, match=r"shard-00001.parquet row 3: does not hold the picture"):
        dataclasses.replace(ingredients, shards=shards).write(tmp_path / "release")
    assert not list((tmp_path / "release").glob("tmp*"))


def test_folder_that_is_not_empty_is_refused(tmp_path):
    """Nothing is written over."""
    (tmp_path / "there").write_text("mine")
    with pytest.raises(LogoingestError, match="is not empty"):
        write_release(tmp_path, *[None] * 6, dataset=None, settings=None, lineage={}, counts={})


def test_each_shard_is_read_once_and_in_order(ingredients, tmp_path):
    """Shards come in order, each asked for once, rows ascending."""
    asked = []
    watched = dataclasses.replace(ingredients)
    folder = tmp_path / "release"
    folder.mkdir()

    def load(shard, rows):
        asked.append((shard, rows))
        return [ingredients.shards[shard][row] for row in rows]

    write_release(
        folder, watched.samples, watched.images, watched.splits, watched.rejected, watched.classes, load,
        dataset=watched.dataset, settings=watched.settings, lineage=watched.lineage, counts=watched.counts,
    )  # fmt: skip
    assert asked == [("shard-00000.parquet", list(range(12))), ("shard-00001.parquet", list(range(12)))]


def test_row_groups_and_files_are_cut_by_rows_and_bytes(monkeypatch):
    """A group ends at rows_per_group or at the byte limit, a file at max_file_bytes; one huge picture stands alone."""
    monkeypatch.setattr(parquet_files, "MAX_GROUP_BYTES", 100)
    lengths = np.array([10] * 5 + [90, 90] + [500] + [10], np.int64)
    files = plan_files({"train": 7, "test": 2}, lengths, rows_per_group=3, max_file_bytes=130)
    groups = [group for file in files for group in file.groups]
    assert groups == [RowRange(0, 3), RowRange(3, 5), RowRange(5, 6), RowRange(6, 7), RowRange(7, 8), RowRange(8, 9)]
    assert [(file.name, len(file.groups)) for file in files] == [
        ("data/train-00000-of-00003.parquet", 2),
        ("data/train-00001-of-00003.parquet", 1),
        ("data/train-00002-of-00003.parquet", 1),
        ("data/test-00000-of-00002.parquet", 1),
        ("data/test-00001-of-00002.parquet", 1),
    ]


def test_files_of_a_split_hold_equally_many_pictures():
    """min_files deals the rows evenly, never more files than pictures; sizes cut further; one file is as it ever was."""
    lengths = np.full(13, 10, np.int64)
    plan = plan_files({"train": 11, "test": 2}, lengths, rows_per_group=3, max_file_bytes=1000, min_files=4)
    rows = {file.name: sum(group.stop - group.start for group in file.groups) for file in plan}
    assert list(rows) == [f"data/train-0000{n}-of-00004.parquet" for n in range(4)] + [
        "data/test-00000-of-00002.parquet",
        "data/test-00001-of-00002.parquet",
    ]
    assert list(rows.values()) == [2, 3, 3, 3, 1, 1]
    groups = [group for file in plan for group in file.groups]
    assert [group.start for group in groups] == [0, *(group.stop for group in groups[:-1])]
    small = plan_files({"train": 11, "test": 2}, lengths, rows_per_group=3, max_file_bytes=20, min_files=2)
    assert [len(file.groups) for file in small] == [1] * 6


def test_more_files_are_the_same_rows_for_more_workers(ingredients, tmp_path):
    """Four files a split: the same rows in the same order, sound to verify, and a part for each of four workers of datasets."""
    settings = ingredients.settings.model_copy(update={"min_files": 4})
    replace(ingredients, settings=settings).write(tmp_path / "four")
    ingredients.write(tmp_path / "plain")
    four, plain = open_release(tmp_path / "four"), open_release(tmp_path / "plain")
    assert [len(four.files(split)) for split in four.splits] == [4, 4, 4]
    assert four.to_arrow().equals(plain.to_arrow())
    assert verify_release(four, deep=False) == []
    opened = datasets.load_dataset(str(four.path), streaming=True, cache_dir=str(tmp_path / "cache"), split="train")
    assert opened.num_shards == 4


@pytest.mark.parametrize(
    ("image_format", "extension"),
    [("JPEG", "jpg"), ("MPO", "jpg"), ("PNG", "png"), ("BMP", "bmp"), ("../x", "bin"), ("", "bin"), ("A" * 9, "bin")],
)
def test_extension_of_a_format(image_format, extension):
    """File name extensions are plain, whatever the format is called."""
    assert name_extension(image_format) == extension


CASES = st.lists(
    st.tuples(st.binary(max_size=40), st.sampled_from(["train", "validation", "test"]), st.sampled_from(["a", "b", "c"])),
    max_size=30,
)


@examples(15)
@given(CASES, st.integers(1, 7), st.integers(1, 200), st.integers(1, 9))
def test_rows_out_are_rows_in(cases, rows_per_group, max_file_bytes, min_files):
    """Law: whatever the sizes, every picture is released once, in its split, under its label, with its bytes."""
    cases = list({data: (data, split, class_id) for data, split, class_id in cases}.values())
    ids = [hashlib.sha256(data).hexdigest() for data, _, _ in cases]
    blank = {
        "frames": 1,
        "orientation": 1,
        "mode": "L",
        "format": "PNG",
        "pixel_hash": "",
        "hash": b"",
        "flags": [],
        "width": 1,
        "height": 1,
    }
    images = ImageRow.table(
        {**blank, "image_id": image_id, "group_id": image_id, "byte_count": len(data), "urls": ["u"], "shard": f"s{row % 2}", "shard_row": row}
        for row, (image_id, (data, _, _)) in enumerate(zip(ids, cases, strict=True))
    )  # fmt: skip
    samples = SampleRow.table(
        {"image_id": image_id, "group_id": image_id, "class_id": class_id, "class_ids": [class_id], "confidence": 1.0, "votes": 1,
         "agreement": 1.0, "boxes": [], "annotation_ids": []}
        for image_id, (_, _, class_id) in zip(ids, cases, strict=True)
    )  # fmt: skip
    splits = SplitRow.table(
        {"image_id": image_id, "group_id": image_id, "class_ids": [class_id], "split": split, "origin": "hash"}
        for image_id, (_, split, class_id) in zip(ids, cases, strict=True)
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_release(
            folder, samples, images, splits, RejectedRow.empty_table(), [(key, key) for key in "abc"],
            lambda shard, rows: [cases[row][0] for row in rows], dataset=DatasetConfig(name="law", workspace="w"),
            settings=ReleaseConfig(rows_per_group=rows_per_group, max_file_bytes=max_file_bytes, min_files=min_files), lineage={}, counts={},
        )  # fmt: skip
        classes = [entry["id"] for entry in json.loads((folder / "manifest.json").read_text())["classes"]]
        found = []
        files = [file.name for file in (folder / "data").iterdir()]
        for file in (folder / "data").iterdir():
            opened = pq.ParquetFile(file)
            assert all(opened.metadata.row_group(index).num_rows <= rows_per_group for index in range(opened.num_row_groups))
            rows = opened.read(columns=["image", "label"]).to_pylist()
            found += [(row["image"]["bytes"], file.name.split("-")[0], classes[row["label"]]) for row in rows]
    assert sorted(found) == sorted(cases)
    for split, count in Counter(split for _, split, _ in cases).items():
        assert len([file for file in files if file.startswith(f"{split}-")]) >= min(min_files, count)


def test_release_imports_no_torch():
    """Importing the package costs neither torch nor datasets."""
    code = "import sys, logoingest.release; sys.exit(any(name in sys.modules for name in ('torch', 'datasets', 'duckdb')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
