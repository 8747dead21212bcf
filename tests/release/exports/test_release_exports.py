"""A release in other forms, each reopened by its own reader: the same pictures, labels and boxes, whatever the classes are called."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import torchvision
import webdataset
import yaml
from PIL import Image
from pycocotools.coco import COCO

from builders.releases import HOSTILE, digest, export, list_rows
from logoingest.config import SourceConfig
from logoingest.release import open_release
from logoingest.release.exports.folder import ExportFolder
from logoingest.release.exports.web_dataset import write_web_dataset
from logoingest.sources import read_annotations


def test_coco_opens_with_pycocotools(folder, tmp_path):
    """Every picture with each of its classes in labels_*.json, every box in instances_*.json, nothing else; ids unique over all."""
    release, summary = export(folder, "coco", tmp_path / "out")
    seen = {"image": set(), "annotation": set()}
    boxed = 0
    for split, pictures in release.splits.items():
        if not pictures:
            assert not (tmp_path / f"out/annotations/labels_{split}.json").exists()
            continue
        rows = {row["image"]["path"]: row for row in list_rows(release, split)}
        with contextlib.redirect_stdout(io.StringIO()):
            labels = COCO(str(tmp_path / f"out/annotations/labels_{split}.json"))
        names = {category["id"]: category["name"] for category in labels.loadCats(labels.getCatIds())}
        assert list(names.values()) == release.class_ids
        assert {image["file_name"] for image in labels.imgs.values()} == set(rows)
        for key, image in labels.imgs.items():
            row = rows[image["file_name"]]
            assert digest(tmp_path / "out" / split / image["file_name"]) == row["image_id"]
            assert (image["width"], image["height"]) == (row["width"], row["height"])
            found = sorted(names[entry["category_id"]] for entry in labels.loadAnns(labels.getAnnIds(key)))
            assert found == sorted(row["class_ids"])
        assert not seen["image"] & labels.imgs.keys()
        seen["image"] |= labels.imgs.keys()
        path = tmp_path / f"out/annotations/instances_{split}.json"
        if not any(row["boxes"] for row in rows.values()):
            assert not path.exists()
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            instances = COCO(str(path))
        assert {image["file_name"] for image in instances.imgs.values()} == {name for name, row in rows.items() if row["boxes"]}
        for key, image in instances.imgs.items():
            assert labels.imgs[key] == image
            expected = [(box["label"] + 1, box["bbox"]) for box in rows[image["file_name"]]["boxes"]]
            found = instances.loadAnns(instances.getAnnIds(key, areaRng=[0, 1e9]))
            assert [(entry["category_id"], entry["bbox"]) for entry in found] == expected
            assert all(entry["area"] == entry["bbox"][2] * entry["bbox"][3] and entry["iscrowd"] == 0 for entry in found)
        assert not seen["annotation"] & instances.anns.keys()
        seen["annotation"] |= instances.anns.keys()
        boxed += len(instances.anns)
    assert boxed == release.boxes.num_rows
    assert summary.pictures == {split: count for split, count in release.splits.items() if count}
    assert summary.left_out == {}


def test_voc_opens_with_an_xml_parser(folder, tmp_path):
    """A file a picture with its classes and boxes; a class without a box is an object without one; the lists name every picture."""
    release, _ = export(folder, "voc", tmp_path / "out")
    names = {entry["xml_name"]: entry["class_id"] for entry in json.loads((tmp_path / "out/classes.json").read_text())}
    assert len(names) == len(release.class_ids)
    for split, pictures in release.splits.items():
        listed = tmp_path / f"out/ImageSets/Main/{'val' if split == 'validation' else split}.txt"
        if not pictures:
            assert not listed.exists()
            continue
        rows = list_rows(release, split)
        assert listed.read_text().splitlines() == [row["image_id"] for row in rows]
        for row in rows:
            root = ET.parse(tmp_path / f"out/Annotations/{row['image_id']}.xml").getroot()
            assert digest(tmp_path / "out/JPEGImages" / root.findtext("filename")) == row["image_id"]
            assert int(root.findtext("size/width")) == row["width"]
            objects = root.findall("object")
            assert {names[entry.findtext("name")] for entry in objects} == set(row["class_ids"])
            corners = [
                [float(value.text) for value in entry.find("bndbox")] for entry in objects if entry.find("bndbox") is not None
            ]
            assert corners == [
                [box[0], box[1], box[0] + box[2], box[1] + box[3]] for box in (entry["bbox"] for entry in row["boxes"])
            ]


def test_voc_comes_back_through_our_own_reader(written, tmp_path):
    """The Pascal VOC source reads the export: the same labels, URLs and boxes."""
    release, _ = export(written, "voc", tmp_path / "out")
    source = SourceConfig(path="out/Annotations", format="voc")
    kept, rejected = read_annotations([source], tmp_path)
    assert rejected.num_rows == 0
    found = sorted((row["url"], row["raw_label"], row["bbox"]) for row in kept.to_pylist() if row["bbox"])
    urls = dict(zip(*(release.to_arrow().column(name).to_pylist() for name in ("image_id", "url")), strict=True))
    boxes = release.boxes.to_pylist()
    assert found == sorted((urls[box["image_id"]], box["class_id"], box["bbox"]) for box in boxes)
    assert {row["url"] for row in kept.to_pylist()} == set(urls.values())


def test_yolo_boxes_are_those_of_the_release(hostile, tmp_path):
    """data.yaml names every class and split; a line a box in shares of the picture; a picture without box is left out by name."""
    release, summary = export(hostile, "yolo", tmp_path / "out")
    described = yaml.safe_load((tmp_path / "out/data.yaml").read_text())
    assert [described["names"][label] for label in range(len(HOSTILE))] == release.class_ids
    assert {key: value for key, value in described.items() if key != "names"} == {"train": "images/train", "test": "images/test"}
    for split in ("train", "test"):
        files = {path.stem: path for path in (tmp_path / "out" / described[split]).iterdir()}
        for row in list_rows(release, split):
            label_file = tmp_path / f"out/labels/{split}/{row['image_id']}.txt"
            if not row["boxes"]:
                assert row["image_id"] not in files
                assert not label_file.exists()
                continue
            assert digest(files[row["image_id"]]) == row["image_id"]
            for line, box in zip(label_file.read_text().splitlines(), row["boxes"], strict=True):
                label, *numbers = line.split()
                x, y, width, height = (float(number) for number in numbers)
                assert int(label) == box["label"]
                size = (row["width"], row["height"], row["width"], row["height"])
                place = [value * side for value, side in zip((x - width / 2, y - height / 2, width, height), size, strict=True)]
                assert place == pytest.approx(box["bbox"], abs=1e-3)
    assert summary.left_out == {"class_without_box": {"train": 1}}
    lines = (tmp_path / "out/left_out.csv").read_text().splitlines()
    assert lines[0] == "split,image_id,reason"
    assert len(lines) == 2


def test_yolo_without_boxes_is_for_classification(unboxed, tmp_path):
    """train and val with a folder a class, numbered as the labels are."""
    release, _ = export(unboxed, "yolo", tmp_path / "out")
    assert not (tmp_path / "out/data.yaml").exists()
    opened = torchvision.datasets.ImageFolder(tmp_path / "out/val")
    expected = {row["image_id"]: row["label"] for row in list_rows(release, "validation")}
    assert {Path(path).stem: label for path, label in opened.samples} == expected


def test_image_folder_opens_with_torchvision(folder, tmp_path):
    """The classes are the release's labels, in number and order, in every split; what has several classes is left out by name."""
    release, summary = export(folder, "imagefolder", tmp_path / "out")
    for split, pictures in release.splits.items():
        if not pictures:
            assert not (tmp_path / "out" / split).exists()
            continue
        opened = torchvision.datasets.ImageFolder(
            tmp_path / "out" / split, allow_empty=True, is_valid_file=lambda path: not path.endswith(".csv")
        )
        expected = {row["image_id"]: row["label"] for row in list_rows(release, split) if row["label"] >= 0}
        assert {Path(path).stem: label for path, label in opened.samples} == expected
        assert len(opened.classes) == len(release.class_ids)
        for path, _ in opened.samples:
            with Image.open(path) as picture:
                assert Path(path).suffix == {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif"}[picture.format]
            assert digest(Path(path)) == Path(path).stem
    several = sum(row["label"] < 0 for split in release.splits for row in list_rows(release, split))
    assert sum(sum(counts.values()) for counts in summary.left_out.values()) == several


def test_image_folder_has_a_class_map_for_timm(folder, tmp_path):
    """class_map.txt names the class folders in the order of the labels, one a line."""
    release, _ = export(folder, "imagefolder", tmp_path / "out")
    names = (tmp_path / "out/class_map.txt").read_text().splitlines()
    assert names == [entry["folder"] for entry in json.loads((tmp_path / "out/classes.json").read_text())]
    assert len(names) == len(release.class_ids)
    for split in (path for path in (tmp_path / "out").iterdir() if path.is_dir()):
        assert sorted(path.name for path in split.iterdir()) == names


def test_voc_with_boxes_only(folder, tmp_path):
    """On request every object has a box, and a picture that shows a class without one is left out by name."""
    release, summary = export(folder, "voc", tmp_path / "out", boxes_only=True)
    kept = {path.stem: ET.parse(path).getroot().findall("object") for path in (tmp_path / "out/Annotations").iterdir()}
    rows = release.to_arrow(columns=["image_id", "class_ids", "boxes"]).to_pylist()
    whole = {
        row["image_id"]: len(row["boxes"])
        for row in rows
        if {release.class_ids[box["label"]] for box in row["boxes"]} == set(row["class_ids"])
    }
    assert {image_id: len(objects) for image_id, objects in kept.items()} == whole
    assert all(entry.find("bndbox") is not None for objects in kept.values() for entry in objects)
    left_out = sum(sum(counts.values()) for counts in summary.left_out.values())
    assert len(whole) + left_out == len(rows)
    assert {path.stem for path in (tmp_path / "out/JPEGImages").iterdir()} == set(whole)


@pytest.mark.parametrize(("shards", "train"), [(1, [16]), (3, [5, 5, 6]), (16, [1] * 16), (99, [1] * 16)])
def test_web_dataset_in_so_many_shards(written, tmp_path, shards, train):
    """As many archives a split as asked for, of equally many pictures, none empty; the rows stay in order."""
    release, summary = export(written, "webdataset", tmp_path / "out", shards=shards)
    account = json.loads((tmp_path / "out/export.json").read_text())
    assert [count for name, count in account["files"].items() if name.startswith("train")] == train
    assert account["options"] == {"shards": shards}
    paths = sorted(map(str, (tmp_path / "out").glob("train-*.tar")))
    samples = [sample["__key__"] for sample in webdataset.WebDataset(paths, shardshuffle=False, empty_check=False)]
    assert samples == release.to_arrow("train", ["image_id"]).column(0).to_pylist()
    assert summary.pictures == release.splits


def test_web_dataset_opens_with_webdataset(folder, tmp_path):
    """Its own reader gives the same bytes, labels, classes and boxes, in the order of the release."""
    release, _ = export(folder, "webdataset", tmp_path / "out")
    for split, pictures in release.splits.items():
        shards = sorted(map(str, (tmp_path / "out").glob(f"{split}-*.tar")))
        if not pictures:
            assert not shards
            continue
        samples = list(webdataset.WebDataset(shards, shardshuffle=False, empty_check=False).decode())
        rows = list_rows(release, split)
        assert [sample["__key__"] for sample in samples] == [row["image_id"] for row in rows]
        for sample, row in zip(samples, rows, strict=True):
            extension = row["image"]["path"].split(".")[1]
            assert sample["cls"] == row["label"]
            assert sample["json"]["class_ids"] == sorted(row["class_ids"], key=release.class_ids.index)
            assert [box["bbox"] for box in sample["json"]["boxes"]] == [box["bbox"] for box in row["boxes"]]
            assert hashlib.sha256(sample[extension]).hexdigest() == row["image_id"]


def test_web_dataset_shards_are_bounded(written, tmp_path):
    """A shard ends at its bytes or pictures, no picture is lost between two; a picture larger than a shard comes alone."""
    release = open_release(written)
    for name, limits in {"few": (10**9, 3), "small": (5_000, 1000), "tiny": (1, 1000)}.items():
        (tmp_path / name).mkdir()
        folder = ExportFolder(tmp_path / name, release)
        write_web_dataset(release, folder, *limits)
        samples = [shard["__key__"] for shard in webdataset.WebDataset(
            sorted(map(str, (tmp_path / name).glob("train-*.tar"))), shardshuffle=False, empty_check=False)]  # fmt: skip
        assert samples == release.to_arrow("train", ["image_id"]).column(0).to_pylist()
        train = [count for file, count in folder.files.items() if file.startswith("train")]
        assert sum(train) == 16
        assert max(train) == {"few": 3, "tiny": 1}.get(name, max(train))
        assert len(train) > 1


def test_what_is_said_of_a_box(making, tmp_path):
    """Truncation and attributes go into COCO, VOC and WebDataset; what is not said is not made up."""
    said = {
        "class_id": "no",
        "bbox": [1.0, 2.0, 3.0, 4.0],
        "truncated": True,
        "attributes": '{"pose": "Left\\u0001", "difficult": true}',
    }
    bare = {"class_id": "no", "bbox": [2.0, 2.0, 3.0, 4.0], "truncated": None, "attributes": None}
    making.collect([making.draw_picture(0)], [["no"]], ["train"], [[said, bare]]).write(tmp_path / "release")
    for form in ("coco", "voc", "webdataset"):
        export(tmp_path / "release", form, tmp_path / form)
    first, second = json.loads((tmp_path / "coco/annotations/instances_train.json").read_text())["annotations"]
    assert first["attributes"] == {"pose": "Left\x01", "difficult": True}
    assert "attributes" not in second
    (path,) = (tmp_path / "voc/Annotations").iterdir()
    one, other = ET.parse(path).getroot().findall("object")
    assert [one.findtext(tag) for tag in ("pose", "truncated", "difficult")] == ["Left\ufffd", "1", "1"]
    assert [other.findtext(tag) for tag in ("pose", "truncated", "difficult")] == ["Unspecified", None, "0"]
    (sample,) = webdataset.WebDataset(str(tmp_path / "webdataset/train-000000.tar"), shardshuffle=False).decode()
    assert [box["truncated"] for box in sample["json"]["boxes"]] == [True, None]
