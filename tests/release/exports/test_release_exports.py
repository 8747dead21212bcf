"""A release in other forms, each reopened by its own reader: the same pictures, labels and boxes, whatever the classes are called."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import resource
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torchvision
import webdataset
import yaml
from PIL import Image
from pycocotools.coco import COCO

from logoingest.cli.main import main
from logoingest.cli.releases import EXPORT_FORMATS
from logoingest.config import SourceConfig
from logoingest.errors import GateError, UsageError
from logoingest.pictures.orientation import is_turned
from logoingest.release import open_release, verify_release
from logoingest.release.exports import FORMATS, ExportOptions, export_release
from logoingest.release.exports.classes import name_folders, name_in_xml
from logoingest.release.exports.folder import ExportFolder
from logoingest.release.exports.web_dataset import write_web_dataset
from logoingest.sources import read_annotations

HOSTILE = [
    "../../etc",
    "<b>&amp;",
    "a/b",
    "CON",
    "x" * 300,
    "new\nline",
    "アディダス",
    " spaced ",
    "..",
    "\x1b[31mred",
    "c,d;\"e'",
    "a_b",
]


@pytest.fixture(scope="module")
def hostile(making, tmp_path_factory):
    """A release whose classes have names that break folders, XML, CSV and terminals; boxes on every picture but the first."""
    pictures = [making.draw_picture(number, ("JPEG", "PNG", "WEBP", "GIF")[number % 4]) for number in range(2 * len(HOSTILE))]
    class_ids = [[HOSTILE[number % len(HOSTILE)]] for number in range(len(pictures))]
    splits = ["train" if number < len(HOSTILE) else "test" for number in range(len(pictures))]
    boxes = [[{"class_id": ids[0], "bbox": [1.5, 2.0, 10.0, 12.25]}] if number else [] for number, ids in enumerate(class_ids)]
    ingredients = replace(making.collect(pictures, class_ids, splits, boxes), classes=[(name, name) for name in HOSTILE])
    folder = tmp_path_factory.mktemp("hostile") / "release"
    ingredients.write(folder)
    return folder


@pytest.fixture(scope="module")
def unboxed(making, tmp_path_factory):
    """A release without boxes; every class in both splits."""
    pictures = [making.draw_picture(number) for number in range(12)]
    class_ids = [[HOSTILE[number % 3]] for number in range(12)]
    splits = ["train" if number < 6 else "validation" for number in range(12)]
    ingredients = replace(making.collect(pictures, class_ids, splits), classes=[(name, name) for name in HOSTILE])
    folder = tmp_path_factory.mktemp("unboxed") / "release"
    ingredients.write(folder)
    return folder


#: EXIF orientation → whether the stored picture is as wide as the upright one is high.
TURNED = {1: False, 3: False, 6: True, 8: True}


def draw_quarters(size=(64, 48)) -> Image.Image:
    """A picture whose four corners are of four colours."""
    picture = Image.new("RGB", size, "white")
    for place, colour in zip(((0, 0), (1, 0), (0, 1), (1, 1)), ("red", "lime", "blue", "black"), strict=True):
        corner = (place[0] * (size[0] - 16), place[1] * (size[1] - 16))
        picture.paste(colour, (*corner, corner[0] + 16, corner[1] + 16))
    return picture


def store_turned(picture: Image.Image, orientation: int, form: str) -> bytes:
    """The picture as a camera stores it: turned back, with the orientation that brings it upright."""
    back = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    stream = io.BytesIO()
    (picture if back is None else picture.transpose(back)).save(
        stream, form, exif=exif, **({"quality": 95} if form == "JPEG" else {})
    )
    return stream.getvalue()


@pytest.fixture(scope="module")
def turned(making, tmp_path_factory):
    """Pictures of a red corner with a box around it, as JPEG and PNG in four orientations, and a palette without one."""
    pictures = [store_turned(draw_quarters((64 + n, 48)), turn, form) for n, (turn, form) in enumerate(
        (turn, form) for turn in TURNED for form in ("JPEG", "PNG"))]  # fmt: skip
    stream = io.BytesIO()
    draw_quarters((90, 48)).convert("P").save(stream, "GIF")
    pictures.append(stream.getvalue())
    boxes = [[{"class_id": "no", "bbox": [0.0, 0.0, 16.0, 16.0]}]] * len(pictures)
    ingredients = making.collect(pictures, [["no"]] * len(pictures), ["train"] * len(pictures), boxes)
    folder = tmp_path_factory.mktemp("turned") / "release"
    ingredients.write(folder)
    return folder


@pytest.fixture(params=["written", "hostile", "unboxed"])
def folder(request):
    return request.getfixturevalue(request.param)


def export(folder: Path, form: str, out: Path, **options):
    release = open_release(folder)
    return release, export_release(release, form, out, options=ExportOptions(**options))


def list_rows(release, split: str) -> list[dict]:
    return release.to_arrow(split, ["image", "image_id", "label", "class_ids", "boxes", "width", "height"]).to_pylist()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


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


@pytest.mark.parametrize("form", ["coco", "voc", "yolo", "webdataset"])
@pytest.mark.parametrize(
    "box",
    [
        {"class_id": "no", "bbox": [-10.0, 10.0, 30.0, 10.0]},
        {"class_id": "no", "bbox": [50.0, 0.0, 5.0, 5.0]},
        {"class_id": "no", "bbox": [10.0, 10.0, -5.0, 5.0]},
        {"class_id": "no", "bbox": [float("nan"), 0.0, 5.0, 5.0]},
        {"class_id": "adidas", "bbox": [0.0, 0.0, 5.0, 5.0]},
        {"class_id": "no", "bbox": [0.0, 0.0, 5.0, 5.0], "attributes": "[]"},
    ],
)
def test_a_box_that_breaks_the_law_is_not_exported(making, tmp_path, form, box):
    """Outside its picture, without area, of a class that the picture does not show: what verify names, no form holds."""
    pictures = [making.draw_picture(0, size=(40, 20)), making.draw_picture(1)]
    boxes = [[{"truncated": None, "attributes": None, **box}], []]
    making.collect(pictures, [["no"], ["adidas"]], ["train"] * 2, boxes).write(tmp_path / "release")
    with pytest.raises(GateError, match="breaks a law of releases"):
        export(tmp_path / "release", form, tmp_path / "out")
    assert {violation.law for violation in verify_release(tmp_path / "release", deep=False)} == {"boxes"}


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


@pytest.mark.parametrize(
    ("form", "options", "message"),
    [
        ("coco", {"shards": 2}, "--shards: says nothing to the format coco: it is for webdataset"),
        ("webdataset", {"shards": 0}, "--shards: is 0"),
        ("yolo", {"boxes_only": True}, "--boxes-only: says nothing to the format yolo"),
    ],
)
def test_options_that_a_form_does_not_know(written, tmp_path, form, options, message):
    """An option is never passed over in silence."""
    with pytest.raises(UsageError) as caught:
        export(written, form, tmp_path / "out", **options)
    assert message in str(caught.value).replace("; ", ": ")
    assert not (tmp_path / "out").exists()


def list_pictures(out: Path) -> list[Path]:
    return sorted(path for path in out.rglob("*") if path.suffix in {".jpg", ".png", ".gif"})


def is_red_in_the_box(path: Path) -> bool:
    """As a reader sees it that turns nothing."""
    with Image.open(path) as picture:
        red, green, blue = picture.convert("RGB").crop((4, 4, 12, 12)).resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    return red > 200 > 60 > max(green, blue)


@pytest.mark.parametrize("form", ["coco", "voc", "yolo", "imagefolder"])
def test_upright_pictures_lie_under_their_boxes(turned, tmp_path, form):
    """With upright, who turns nothing finds the box where it is, and sizes agree; what was upright is the same bytes as before."""
    release, plain = export(turned, form, tmp_path / "plain")
    _, upright = export(turned, form, tmp_path / "upright", upright=True)
    assert (plain.turned, plain.rewritten) == (6, {})
    assert (upright.turned, upright.rewritten) == (0, {"train": 6})
    assert sum(map(is_red_in_the_box, list_pictures(tmp_path / "plain"))) == 3
    sizes = {row["image_id"]: (row["width"], row["height"]) for row in release.to_arrow().to_pylist()}
    pictures = list_pictures(tmp_path / "upright")
    assert len(pictures) == 9
    for path in pictures:
        assert is_red_in_the_box(path)
        with Image.open(path) as picture:
            assert picture.size == sizes[path.stem]
            assert picture.getexif().get(274, 1) == 1
    assert sum(digest(path) == path.stem for path in pictures) == 3


def test_a_huge_picture_is_not_decoded_to_be_copied():
    """Whether a picture is turned is read from its header: a PNG that says it has 169 million pixels costs nothing."""
    bomb = bytearray(store_turned(draw_quarters(), 6, "PNG"))
    assert is_turned(bytes(bomb))
    bomb[16:24] = (13_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert is_turned(bytes(bomb))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert not is_turned(b"\x89PNG\r\n\x1a\n eXIf")
    assert not is_turned(b"")


def test_jpeg_only(turned, hostile, tmp_path):
    """On request every picture is a JPEG under that name; those that were stay as they are; annotations name the new files."""
    _, summary = export(hostile, "imagefolder", tmp_path / "folders", jpeg=True)
    pictures = [path for path in (tmp_path / "folders").rglob("*") if path.parent.parent.parent == tmp_path / "folders"]
    assert {path.suffix for path in pictures} == {".jpg"}
    assert sum(summary.rewritten.values()) == 18
    for path in pictures:
        with Image.open(path) as picture:
            assert (picture.format, picture.mode) == ("JPEG", "RGB")
    assert sum(digest(path) == path.stem for path in pictures) == 6
    export(turned, "coco", tmp_path / "coco", jpeg=True, upright=True)
    described = json.loads((tmp_path / "coco/annotations/instances_train.json").read_text())["images"]
    assert {image["file_name"] for image in described} == {path.name for path in (tmp_path / "coco/train").iterdir()}
    for image in described:
        path = tmp_path / "coco/train" / image["file_name"]
        assert path.suffix == ".jpg"
        assert is_red_in_the_box(path)


def test_a_turned_tiff_becomes_a_png_that_coco_names(making, tmp_path):
    """A form that changes a file's ending changes it in the annotations, too."""
    picture = store_turned(draw_quarters(), 3, "TIFF")
    boxes = [[{"class_id": "no", "bbox": [0.0, 0.0, 16.0, 16.0]}]]
    making.collect([picture], [["no"]], ["train"], boxes).write(tmp_path / "release")
    export(tmp_path / "release", "coco", tmp_path / "out", upright=True)
    (path,) = (tmp_path / "out/train").iterdir()
    (described,) = json.loads((tmp_path / "out/annotations/labels_train.json").read_text())["images"]
    assert described["file_name"] == path.name
    assert path.suffix == ".png"
    assert is_red_in_the_box(path)


def test_a_picture_that_cannot_be_rewritten_is_named(making, tmp_path):
    """A release whose picture is none, or of another size than its row says: named, and no export is left."""
    making.collect([making.draw_picture(0, "PNG")], [["no"]], ["train"]).write(tmp_path / "release")
    release = open_release(tmp_path / "release")
    path = release.files("train")[0]
    table = pq.read_table(path)
    for change in ({"image": {"bytes": b"GIF89a", "path": "{}.png"}}, {"width": 41}):
        row = {**table.to_pylist()[0], **change}
        if "image" in change:
            row["image"] = {**row["image"], "path": f"{row['image_id']}.png"}
        pq.write_table(pa.Table.from_pylist([row], schema=table.schema), path)
        with pytest.raises(GateError, match=f"{row['image_id']}.*cannot be written anew"):
            export_release(release, "imagefolder", tmp_path / "out", options=ExportOptions(jpeg=True))
    assert [entry.name for entry in tmp_path.iterdir()] == ["release"]


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


def test_equal_bytes_and_nothing_outside(hostile, tmp_path):
    """Twice the same bytes, in another process and hash seed too; every file lies inside the folder under a safe name."""
    code = """
import sys
from pathlib import Path
from logoingest.release import open_release, verify_release
from logoingest.release.exports import FORMATS, ExportOptions, export_release
for form in FORMATS:
    export_release(open_release(sys.argv[1]), form, Path(sys.argv[2]) / form)
"""
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code, str(hostile), str(tmp_path / "two")], check=True, env=environment)
    for form in FORMATS:
        export(hostile, form, tmp_path / "one" / form)
    one, two = (
        {path.relative_to(tmp_path / name).as_posix(): digest(path) for path in (tmp_path / name).rglob("*") if path.is_file()}
        for name in ("one", "two")
    )
    assert one == two
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}
    for path in (tmp_path / "one").rglob("*"):
        assert path.name.isascii()
        assert len(path.name) <= 80
        assert not set(path.name) & set('<>:"\\|?*\n\x1b ')
        assert not path.is_symlink()


def test_class_names_in_folders_and_xml():
    """Names are safe, unique, in the order of the labels; XML keeps a name wherever it can give it back."""
    folders = name_folders(HOSTILE)
    assert folders[:4] == ["0000-etc", "0001-b_amp", "0002-a_b", "0003-CON"]
    assert folders[6] == "0006"
    assert folders == sorted(set(folders))
    texts = name_in_xml([*HOSTILE, "0005-new_line"])
    assert len(set(texts)) == len(texts)
    assert texts[:4] == HOSTILE[:4]
    assert texts[5] == "0005-new_line_"


def test_an_export_stands_in_no_ones_way(written, tmp_path):
    """What is there is kept, unless it is an export and is to be replaced; the release itself is never written into."""
    release = open_release(written)
    export_release(release, "coco", tmp_path / "out")
    with pytest.raises(UsageError, match="--force"):
        export_release(release, "voc", tmp_path / "out")
    export_release(release, "voc", tmp_path / "out", force=True)
    assert (tmp_path / "out/Annotations").is_dir()
    assert not (tmp_path / "out/annotations").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="is no export"):
        export_release(release, "voc", tmp_path / "mine", force=True)
    assert (tmp_path / "mine/thesis.txt").read_text() == "years of work"
    with pytest.raises(UsageError, match="inside the release"):
        export_release(release, "voc", written / "voc")
    with pytest.raises(UsageError, match="coco, voc"):
        export_release(release, "tfrecord", tmp_path / "new")
    assert {path.name for path in tmp_path.iterdir()} == {"out", "mine"}


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


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("path", "../../evil.jpg"), ("path", None), ("path", "{id}.j/pg"), ("path", "{id}.JPG\n"), ("image_id", "../evil"),
        ("label", 7), ("label", -1), ("class_ids", ["unheard of"]), ("class_ids", None), ("width", 0),
        ("boxes", [{"label": 9, "bbox": [0.0, 0.0, 1.0, 1.0]}]), ("boxes", [{"label": 0, "bbox": [0.0, 0.0, float("nan"), 1.0]}]),
        ("boxes", [{"label": 0, "bbox": [0.0, 0.0, 1.0, 1.0], "attributes": "{"}]),
    ],
)  # fmt: skip
def test_rows_that_break_a_law_are_not_exported(making, tmp_path, column, value):
    """A stranger's release with paths, labels or boxes that cannot be: refused with its file, and nothing is written anywhere."""
    making.collect([making.draw_picture(0)], [["no"]], ["train"]).write(tmp_path / "deep/release")
    release = open_release(tmp_path / "deep/release")
    path = release.files("train")[0]
    table = pq.read_table(path)
    row = table.to_pylist()[0]
    if column == "path":
        row["image"]["path"] = value and value.format(id=row["image_id"])
    else:
        row[column] = value
    pq.write_table(pa.Table.from_pylist([row], schema=table.schema), path)
    for form in FORMATS:
        with pytest.raises(GateError, match="breaks a law"):
            export_release(release, form, tmp_path / "deep/out")
    assert [entry.name for entry in tmp_path.iterdir()] == ["deep"]
    assert [entry.name for entry in (tmp_path / "deep").iterdir()] == ["release"]


def test_a_damaged_release_leaves_no_export(written, tmp_path):
    """A data file that is no Parquet is named, and nothing is left behind."""
    copied = tmp_path / "release"
    subprocess.run(["cp", "-r", str(written), str(copied)], check=True)
    path = copied / "data/test-00000-of-00001.parquet"
    path.write_bytes(b"\0" * path.stat().st_size)
    with pytest.raises(GateError, match="test-00000"):
        export_release(open_release(copied), "webdataset", tmp_path / "out")
    assert [entry.name for entry in tmp_path.iterdir()] == ["release"]


def test_the_export_command(written, turned, tmp_path, capsys):
    """Both spellings, JSON, and what was left out."""
    assert main(["export", str(written), "--format", "imagefolder", "--out", str(tmp_path / "a")]) == 0
    assert "left out 1 pictures of several classes: see left_out.csv" in capsys.readouterr().out
    assert main(["release", "export", str(written), "--format", "coco", "--out", str(tmp_path / "b"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == {"train": 16, "validation": 4, "test": 4}
    assert main(["export", str(written), "--format", "coco", "--out", str(tmp_path / "b")]) == 2
    assert main(["export", str(written), "--format", "webdataset", "--out", str(tmp_path / "c"), "--shards", "2"]) == 0
    assert len(list((tmp_path / "c").glob("train-*.tar"))) == 2
    assert main(["export", str(written), "--format", "voc", "--out", str(tmp_path / "d"), "--boxes-only"]) == 0
    assert main(["export", str(turned), "--format", "coco", "--out", str(tmp_path / "e")]) == 0
    assert main(["export", str(turned), "--format", "coco", "--out", str(tmp_path / "f"), "--jpeg", "--upright", "--json"]) == 0
    shown = capsys.readouterr().out
    assert "6 pictures are turned by their EXIF orientation alone" in " ".join(shown.split())
    assert json.loads(shown[shown.index("{") :])["rewritten"] == {"train": 8}
    assert "with a class that has no box" in shown
    assert tuple(FORMATS) == EXPORT_FORMATS
