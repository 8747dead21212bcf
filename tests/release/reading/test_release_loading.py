"""A release through its readers: our own, torch, datasets, pandas, duckdb, Croissant."""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import pickle
import re
import shutil

import datasets
import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler

from logoingest.errors import GateError, UsageError
from logoingest.release import open_release
from logoingest.release.reading.random_access import PictureReader


@pytest.fixture
def copied(written, tmp_path):
    """A release that the test may spoil."""
    return shutil.copytree(written, tmp_path / "copied")


def draw_mode(mode):
    """A small PNG of a mode."""
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((16, 16)).convert(mode).save(stream, "PNG")
    return stream.getvalue()


def to_item(picture):
    """The mean colour."""
    return torch.tensor(np.asarray(picture, np.float32).mean(axis=(0, 1)))


def test_what_a_release_says_of_itself(written):
    """Class names, splits, counts and the manifest are there without reading a picture."""
    release = open_release(written)
    assert release.class_ids == ["adidas", "coca-cola", "no"]
    assert release.display_names[1] == "Coca-Cola | コカ・コーラ"
    assert release.splits == {"train": 16, "validation": 4, "test": 4}
    assert release.counts == {"annotations": 51, "voted": 48, "rejected": 3, "pending": 0}
    assert release.name == "logos"
    assert release.fingerprint == json.loads((written / "manifest.json").read_text())["fingerprint"]


def test_load_dataset_gives_pictures_and_class_names(written, tmp_path):
    """datasets.load_dataset of the folder, offline: PIL pictures, class names, boxes, and -1 where several classes are."""
    opened = datasets.load_dataset(str(written), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in opened.items()} == {"train": 16, "validation": 4, "test": 4}
    assert opened["train"].features["label"].names == ["adidas", "coca-cola", "no"]
    assert opened["train"].features["boxes"].feature["label"].names == ["adidas", "coca-cola", "no"]
    for split in opened.values():
        for row in split:
            assert isinstance(row["image"], Image.Image)
            assert row["image"].size == (row["width"], row["height"])
            if row["label"] >= 0:
                assert split.features["label"].int2str(row["label"]) == row["class_ids"][0]
    assert sum(row["label"] == -1 for row in opened["train"]) == 1


def test_single_files_open_with_every_datasets(written, tmp_path):
    """A Parquet file opened directly has pictures, class names and boxes; its features name no type that datasets 2 does not know."""
    opened = datasets.Dataset.from_parquet(str(written / "data/test-00000-of-00001.parquet"), cache_dir=str(tmp_path / "cache"))
    folder = datasets.load_dataset(str(written), cache_dir=str(tmp_path / "cache"), split="test")
    assert opened.features == folder.features
    assert isinstance(opened[0]["image"], Image.Image)
    metadata = pq.read_schema(written / "data/test-00000-of-00001.parquet").metadata[b"huggingface"]
    assert set(re.findall(r'"_type": "(\w+)"', metadata.decode())) == {"ClassLabel", "Image", "Sequence", "Value"}


def test_the_card_shows_a_cast_and_a_filter_that_work(making, tmp_path):
    """What the card says of datasets does what it says: pictures of any mode come as RGB, those of several classes go."""
    grey, palette = (draw_mode(mode) for mode in ("L", "P"))
    classes = [["no"], ["adidas", "no"]]
    making.collect([grey, palette], classes, ["train", "train"]).write(tmp_path / "release")
    card = (tmp_path / "release/README.md").read_text()
    assert "(here: 1)" in card
    cast = re.search(r"^release = (release.cast_column.*?\))  #", card, re.MULTILINE)[1]
    kept = re.search(r"`(release.filter\(.*\))`", card)[1]
    release = datasets.load_dataset(str(tmp_path / "release"), cache_dir=str(tmp_path / "cache"))
    names = {"release": release, "Image": datasets.Image}
    assert {row["image"].mode for row in eval(cast, names)["train"]} == {"RGB"}
    assert [row["label"] for row in eval(kept, names)["train"]] == [1]


def test_pandas_and_arrow_tables(written):
    """Tables hold all rows without pictures; pictures and columns on request; all splits with their name."""
    release = open_release(written)
    frame = release.to_pandas()
    assert len(frame) == 24
    assert "image" not in frame.columns
    assert frame["split"].value_counts().to_dict() == {"train": 16, "validation": 4, "test": 4}
    whole = release.to_pandas("test", images=True)
    assert hashlib.sha256(whole["image"][0]["bytes"]).hexdigest() == whole["image_id"][0]
    assert release.to_arrow("train", ["label", "image_id"]).column_names == ["label", "image_id"]
    assert release.to_arrow(columns=["image_id", "split"]).column_names == ["image_id", "split"]


def test_duckdb_and_pandas_read_the_files(written):
    """Any Parquet reader opens the files."""
    rows = duckdb.read_parquet(str(written / "data/*.parquet"))
    assert len(rows.select("image_id").fetchall()) == 24
    assert len(pd.read_parquet(written / "data/test-00000-of-00001.parquet")) == 4


def test_croissant_gives_the_records(written):
    """mlcroissant validates croissant.json and reads every record, with picture, label and split."""
    croissant = pytest.importorskip("mlcroissant")
    opened = croissant.Dataset(jsonld=str(written / "croissant.json"))
    records = list(opened.records("pictures"))
    assert len(records) == 24
    expected = {row["image_id"]: (row["split"], row["label"]) for row in open_release(written).to_arrow().to_pylist()}
    found = {row["pictures/image_id"].decode(): (row["pictures/split"].decode(), row["pictures/label"]) for row in records}
    assert found == expected
    assert all(isinstance(row["pictures/image"], Image.Image) for row in records)
    assert [row["classes/class_id"] for row in opened.records("classes")] == ["adidas", "coca-cola", "no"]
    boxes = {row["image_id"]: row["boxes"] for row in open_release(written).to_arrow().to_pylist()}
    for row in records:
        found = [{key.rpartition("/")[2]: value for key, value in box.items()} for box in row["pictures/boxes"]]
        assert found == boxes[row["pictures/image_id"].decode()]


def test_torch_dataset_gives_every_single_class_picture(written):
    """The dataset gives RGB pictures and labels in the order of the files, without pictures of several classes."""
    release = open_release(written)
    dataset = release.dataset("train")
    rows = [row for row in release.to_arrow("train", ["image", "label"]).to_pylist() if row["label"] >= 0]
    assert len(dataset) == len(rows) == 15
    for index in (0, 14, 7, 3, 8, 0):
        picture, label = dataset[index]
        assert picture.mode == "RGB"
        assert label == rows[index]["label"]
        with Image.open(io.BytesIO(rows[index]["image"]["bytes"])) as expected:
            assert np.array_equal(np.asarray(picture), np.asarray(expected.convert("RGB")))
    assert dataset.labels.tolist() == [row["label"] for row in rows]


def test_torch_dataset_with_pictures_of_several_classes(written):
    """On request pictures of several classes come too, with label -1."""
    dataset = open_release(written).dataset("train", keep_multi_class=True)
    assert len(dataset) == 16
    assert dataset.labels.tolist().count(-1) == 1


def test_index_out_of_range(written):
    """An index past the end ends iteration."""
    dataset = open_release(written).dataset("test")
    with pytest.raises(IndexError):
        dataset[4]
    assert len(list(dataset)) == 4


@pytest.mark.slow
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_data_loader_workers(written, start):
    """Workers, forked or spawned, give the same pictures and labels as none, also when the parent has read before."""
    dataset = open_release(written).dataset("train", np.asarray)
    alone = [dataset[index] for index in range(len(dataset))]
    workers = {"fork": 2, "spawn": 1}[start]  # a spawned one imports torch anew
    loader = DataLoader(dataset, batch_size=4, num_workers=workers, multiprocessing_context=multiprocessing.get_context(start))
    pictures, labels = zip(*loader, strict=True)
    assert torch.cat(labels).tolist() == [label for _, label in alone]
    assert np.array_equal(torch.cat(pictures), [picture for picture, _ in alone])


def test_pickled_dataset_is_small(written):
    """A dataset that was used pickles to its paths, not to pictures or open files."""
    dataset = open_release(written).dataset("train")
    dataset[3]
    sent = pickle.dumps(dataset)
    assert len(sent) < 2000
    assert np.array_equal(np.asarray(pickle.loads(sent)[3][0]), np.asarray(dataset[3][0]))


def test_picture_is_one_small_read(written):
    """After its row group was seen once, a picture is read at its place, not with its group."""
    reader = PictureReader(open_release(written).files("train"))
    pictures = open_release(written).to_arrow("train", ["image"]).column("image").to_pylist()
    assert [reader.read(row) for row in range(len(reader))] == [picture["bytes"] for picture in pictures]
    assert all(places is not None for places in reader._places.values())
    assert not reader._kept
    reader.close()
    assert reader.read(5) == pictures[5]["bytes"]


def test_rewritten_files_are_read_by_row_group(written, tmp_path):
    """Files that another tool compressed are read all the same, with few groups kept."""
    paths = []
    for source in open_release(written).files("train"):
        paths.append(tmp_path / source.name)
        pq.write_table(pq.read_table(source), paths[-1], compression="zstd", row_group_size=2)
    reader = PictureReader(paths)
    pictures = open_release(written).to_arrow("train", ["image"]).column("image").to_pylist()
    order = np.random.default_rng(0).permutation(len(reader))
    assert [reader.read(int(row)) for row in order] == [pictures[row]["bytes"] for row in order]
    assert len(reader._kept) <= 4


def test_equal_and_nested_pictures_are_told_apart(tmp_path):
    """Pictures that repeat or contain each other are found at their own places."""
    pictures = [b"", b"\1\0\0\0a", b"a", b"a", b"\1\0\0\0a" * 20, b"", b"aa"]
    image = pa.StructArray.from_arrays([pa.array(pictures, pa.binary()), pa.array(["x"] * 7)], names=["bytes", "path"])
    pq.write_table(pa.table({"image": image}), tmp_path / "x.parquet", compression="none", use_dictionary=False)
    reader = PictureReader([tmp_path / "x.parquet"])
    assert [reader.read(row) for row in range(7)] == pictures


@pytest.mark.parametrize("largest", [100, 3_000_000])
def test_pictures_lie_where_their_pages_say(making, tmp_path, largest):
    """Small pictures share a page, large ones have pages of their own: each is found at its place, in every group and file."""
    random = np.random.default_rng(0)
    pictures = [random.bytes(int(random.integers(1, largest))) for _ in range(9)] + [
        making.draw_picture(number) for number in range(9)
    ]
    image = pa.StructArray.from_arrays([pa.array(pictures, pa.binary()), pa.array(["x"] * 18)], names=["bytes", "path"])
    options = {"compression": "none", "use_dictionary": False, "write_statistics": False, "row_group_size": 7}
    pq.write_table(pa.table({"image": image}), tmp_path / "cut.parquet", use_content_defined_chunking=True, **options)
    pq.write_table(pa.table({"image": image}), tmp_path / "plain.parquet", data_page_size=1000, **options)
    reader = PictureReader([tmp_path / "cut.parquet", tmp_path / "plain.parquet"])
    assert [reader.read(row) for row in range(36)] == pictures * 2
    assert len(reader._places) == 6
    assert all(places is not None for places in reader._places.values())


@pytest.mark.parametrize("options", [{"data_page_version": "2.0"}, {"compression": "snappy"}, {"use_dictionary": True}, {}])
def test_other_layouts_are_not_guessed_at(tmp_path, options):
    """A layout that is not the one known, or a missing picture, is left to pyarrow."""
    pictures = [b"abc", None if not options else b"d", b"" * 3, b"ef"] * 5
    image = pa.StructArray.from_arrays([pa.array(pictures, pa.binary()), pa.array(["x"] * 20)], names=["bytes", "path"])
    pq.write_table(
        pa.table({"image": image}), tmp_path / "x.parquet", **{"compression": "none", "use_dictionary": False, **options}
    )
    reader = PictureReader([tmp_path / "x.parquet"])
    if options:
        assert [reader.read(row) for row in range(20)] == pictures
    else:
        with pytest.raises(GateError, match="a picture is missing"):
            reader.read(0)
    assert reader._places == {0: None}


@pytest.mark.parametrize("place", range(0, 120, 7))
def test_a_damaged_page_is_never_read_as_a_picture_of_another_length(written, tmp_path, place):
    """Whatever byte of a page header or length is flipped: the right pictures, or a gate error."""
    path = tmp_path / "x.parquet"
    shutil.copy(open_release(written).files("test")[0], path)
    expected = [picture["bytes"] for picture in pq.read_table(path).column("image").to_pylist()]
    footer = pq.read_metadata(path).row_group(0)
    start = next(
        footer.column(index).data_page_offset for index in range(12) if footer.column(index).path_in_schema == "image.bytes"
    )
    content = bytearray(path.read_bytes())
    content[start + place % 40] ^= 1 << place % 8
    path.write_bytes(content)
    reader = PictureReader([path])
    try:
        found = [reader.read(row) for row in range(len(reader))]
    except GateError:
        return
    assert [len(picture) for picture in found] == [len(picture) for picture in expected]


def test_stream_gives_every_picture_once(written):
    """The iterable dataset gives each picture once over its workers, in another order each epoch, the same for the same epoch."""
    release = open_release(written)
    stream = release.iterable("train", to_item, shuffle_buffer=5, seed=1)
    expected = sorted(label for label in release.to_arrow("train", ["label"]).column(0).to_pylist() if label >= 0)
    assert len(stream) == len(expected)
    orders = []
    for epoch in (0, 1, 0):
        stream.set_epoch(epoch)
        batches = list(DataLoader(stream, batch_size=None, num_workers=2))
        assert sorted(label for _, label in batches) == expected
        orders.append([mean.tolist() for mean, _ in batches])
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


def test_stream_in_the_order_of_the_files(written):
    """Without a buffer the stream keeps the order."""
    release = open_release(written)
    labels = [label for _, label in release.iterable("validation", shuffle_buffer=0)]
    assert labels == release.dataset("validation").labels.tolist()


@pytest.mark.slow
@pytest.mark.parametrize(("ranks", "workers"), [(1, 0), (1, 2), (2, 2), (3, 0), (5, 2), (20, 0)])
@pytest.mark.parametrize("buffer", [0, 4])
def test_stream_deals_every_picture_once(written, ranks, workers, buffer):
    """Over all ranks and their workers no picture comes twice and none is missing, however the numbers divide; every epoch."""
    release = open_release(written)
    everything = sorted(tuple(mean.tolist()) for mean, _ in release.dataset("train", to_item, keep_multi_class=True))
    assert len(set(everything)) == 16
    for epoch in (0, 1):
        seen = []
        for rank in range(ranks):
            stream = release.iterable(
                "train", to_item, shuffle_buffer=buffer, seed=3, rank=rank, world_size=ranks, keep_multi_class=True
            )
            stream.set_epoch(epoch)
            items = [tuple(mean.tolist()) for mean, _ in DataLoader(stream, batch_size=None, num_workers=workers)]
            assert len(items) == len(stream)
            assert abs(len(items) - 16 / ranks) < 1
            seen += items
        assert sorted(seen) == everything


def test_stream_with_equal_ranks(written):
    """On request ranks get equally many pictures and none twice; what does not divide is left out."""
    release = open_release(written)
    seen = []
    for rank in range(4):
        stream = release.iterable("train", to_item, rank=rank, world_size=4, drop_remainder=True, seed=3)
        items = [tuple(mean.tolist()) for mean, _ in stream]
        assert len(items) == len(stream) == 3
        seen += items
    assert len(set(seen)) == 12
    with pytest.raises(UsageError, match="rank 4"):
        release.iterable("train", rank=4, world_size=4)


def test_boxes_of_a_release(written, making, tmp_path):
    """One row a box with its picture, split and class, in the order of the rows; none is an empty table with the same columns."""
    release = open_release(written)
    expected = [
        (row["split"], row["image_id"], box["label"], release.class_ids[box["label"]], box["bbox"])
        for row in release.to_arrow().to_pylist()
        for box in row["boxes"]
    ]
    boxes = release.boxes
    columns = ("split", "image_id", "label", "class_id", "bbox")
    assert [tuple(row[name] for name in columns) for row in boxes.to_pylist()] == expected
    assert len(expected) == 24
    making.collect([making.draw_picture(0)], [["no"]], ["train"]).write(tmp_path / "release")
    assert open_release(tmp_path / "release").boxes.schema.equals(boxes.schema)
    assert open_release(tmp_path / "release").boxes.num_rows == 0


@pytest.mark.parametrize("keep_multi_class", [False, True])
def test_boxes_of_a_dataset(written, keep_multi_class):
    """A dataset's boxes are those of its items, in order."""
    release = open_release(written)
    dataset = release.dataset("train", keep_multi_class=keep_multi_class)
    rows = [row for row in release.to_arrow("train", ["label", "boxes"]).to_pylist() if keep_multi_class or row["label"] >= 0]
    assert dataset.boxes == [row["boxes"] for row in rows]
    assert len(dataset.boxes) == len(dataset)


def test_dataset_works_with_samplers(written):
    """torch's distributed sampler deals the map-style dataset."""
    dataset = open_release(written).dataset("train", to_item)
    sampler = DistributedSampler(dataset, num_replicas=2, rank=1, shuffle=False)
    assert len(list(DataLoader(dataset, batch_size=4, sampler=sampler))) == 2


def test_missing_folder_says_what_to_do(tmp_path):
    """No folder and a folder without a release are usage errors with a way out."""
    for folder in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(UsageError, match=r"there is no release here.*manifest\.json"):
            open_release(folder)


def test_missing_and_cut_files_are_named(copied):
    """Every file that is missing or cut is named at once."""
    (copied / "data/test-00000-of-00001.parquet").unlink()
    (copied / "README.md").write_text("shorter")
    with pytest.raises(GateError) as caught:
        open_release(copied)
    assert {problem.where.removeprefix(f"{copied}/") for problem in caught.value.problems} == {
        "data/test-00000-of-00001.parquet",
        "README.md",
    }


@pytest.mark.parametrize("content", ["", "[]", "{", '{"format": 1}', "\udcff", "[" * 100_000])
def test_damaged_manifest(copied, content):
    """A damaged manifest is a gate error."""
    (copied / "manifest.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(GateError, match=r"manifest\.json"):
        open_release(copied)


def test_newer_release(copied):
    """A release of a newer form is refused as such."""
    manifest = json.loads((copied / "manifest.json").read_text())
    (copied / "manifest.json").write_text(json.dumps({**manifest, "format": 2}))
    with pytest.raises(UsageError, match="update logoingest"):
        open_release(copied)


def test_unknown_split_and_column(written):
    """Unknown splits and columns are refused with the known ones."""
    release = open_release(written)
    with pytest.raises(UsageError, match="train, validation, test"):
        release.dataset("val")
    with pytest.raises(UsageError, match="no such column"):
        release.to_arrow("train", ["lable"])


def test_damaged_data_file(copied):
    """A data file of the right length but garbage is named, in tables and in datasets."""
    path = copied / "data/test-00000-of-00001.parquet"
    path.write_bytes(b"\0" * path.stat().st_size)
    release = open_release(copied)
    with pytest.raises(GateError, match="test-00000"):
        release.to_arrow("test")
    with pytest.raises(GateError, match="test-00000"):
        len(release.dataset("test"))


def test_damaged_picture_is_named(copied):
    """A picture that does not decode says where it lies."""
    path = copied / "data/test-00000-of-00001.parquet"
    table = pq.read_table(path)
    content = path.read_bytes()
    picture = table.column("image")[2].as_py()["bytes"]
    path.write_bytes(content.replace(picture, b"\0" * len(picture)))
    with pytest.raises(GateError, match=r"row 2 of .*cannot be decoded"):
        open_release(copied).dataset("test")[2]


def test_empty_split_is_an_empty_dataset(making, tmp_path):
    """A split without pictures is empty, not an error."""
    making.collect([making.draw_picture(0)], [["no"]], ["train"]).write(tmp_path / "release")
    release = open_release(tmp_path / "release")
    assert len(release.dataset("test")) == 0
    assert list(release.iterable("test")) == []
    assert release.to_pandas("test").empty
