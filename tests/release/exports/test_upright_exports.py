"""Pictures that are turned by their EXIF orientation alone, and such as are to be JPEG: written anew, under their boxes."""

from __future__ import annotations

import json
import resource
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from builders.releases import digest, draw_quarters, export, store_turned
from logoingest.errors import GateError
from logoingest.pictures.orientation import is_turned
from logoingest.release import open_release
from logoingest.release.exports import ExportOptions, export_release


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
