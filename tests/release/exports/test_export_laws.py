"""What holds of an export whatever its form: safe names, equal bytes, nothing overwritten, nothing of what breaks a law."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.releases import HOSTILE, digest, export
from logoingest.cli.main import main
from logoingest.cli.releases import EXPORT_FORMATS
from logoingest.errors import GateError, UsageError
from logoingest.release import open_release, verify_release
from logoingest.release.exports import FORMATS, export_release
from logoingest.release.exports.classes import name_folders, name_in_xml


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
