"""verify_release passes a clean release and names every planted fault, also where all hashes were mended afterwards."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from builders.patients import TEST_FILE, TRAIN_FILE
from logoingest import workers
from logoingest.errors import UsageError
from logoingest.release import Violation, open_release, verify_release
from logoingest.release.form.features import release_schema
from logoingest.release.laws import readers


def test_clean_release_passes(written):
    """A release as written breaks no law, and every installed reader sees the same rows."""
    assert verify_release(written) == []
    assert verify_release(written, deep=False) == []


def test_every_kind_of_release_passes(making, tmp_path):
    """Releases of one picture, of none, and with turned pictures are clean."""
    making.collect([], [], []).write(tmp_path / "none")
    assert verify_release(tmp_path / "none") == []
    exif = Image.Exif()
    exif[274] = 6
    stream = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(stream, "JPEG", exif=exif)
    making.collect([stream.getvalue()], [["no"]], ["train"]).write(tmp_path / "one")
    assert verify_release(tmp_path / "one") == []
    assert open_release(tmp_path / "one").to_arrow("train", ["width", "height"]).to_pylist() == [{"width": 20, "height": 30}]


def test_hidden_files_are_no_part_of_a_release(patient):
    """What the Hub's tools leave behind is not an extra file."""
    patient.path(".gitattributes").write_text("*.parquet filter=lfs")
    patient.path(".cache").mkdir()
    patient.path(".cache/x").write_text("x")
    assert patient.laws() == set()


def flip_byte(patient):
    content = bytearray(patient.path(TEST_FILE).read_bytes())
    content[len(content) // 2] ^= 1
    patient.path(TEST_FILE).write_bytes(content)


def delete_file(patient):
    patient.path("data/train-00001-of-00002.parquet").unlink()


def delete_file_and_entry(patient):
    delete_file(patient)
    patient.edit_manifest(lambda manifest: manifest["files"].pop("data/train-00001-of-00002.parquet"))


def add_file(patient):
    patient.path("data/notes.txt").write_text("hello")


def add_data_file(patient):
    shutil.copy(patient.path(TEST_FILE), patient.path("data/extra-00000-of-00001.parquet"))


def truncate_file(patient):
    content = patient.path(TEST_FILE).read_bytes()
    patient.path(TEST_FILE).write_bytes(content[: len(content) // 2])


def empty_file(patient):
    patient.path(TEST_FILE).write_bytes(b"")


def edit_card(patient):
    patient.edit_text("README.md", "24 pictures", "25 pictures")


def edit_counts(patient):
    patient.edit_manifest(lambda manifest: manifest["counts"].update(voted=47), fingerprint=False)


def edit_lineage(patient):
    patient.edit_manifest(lambda manifest: manifest["lineage"].update(sources=[]), fingerprint=False)


def delete_manifest(patient):
    patient.path("manifest.json").unlink()


def break_manifest(patient):
    patient.path("manifest.json").write_text('{"format": 1, "files": 7}')


def point_outside(patient):
    patient.edit_manifest(lambda manifest: manifest["files"].update({"../outside": {"sha256": "0" * 64, "bytes": 1, "rows": None}}))


#: Fault → the law it must be named by, hashes left as they fall.
PLAIN_FAULTS = [
    (flip_byte, "files"),
    (delete_file, "files"),
    (delete_file_and_entry, "file_names"),
    (add_file, "files"),
    (add_data_file, "files"),
    (truncate_file, "readable"),
    (empty_file, "files"),
    (edit_card, "files"),
    (edit_counts, "fingerprint"),
    (edit_counts, "conservation"),
    (edit_lineage, "fingerprint"),
    (delete_manifest, "manifest"),
    (break_manifest, "manifest"),
    (point_outside, "files"),
]


@pytest.mark.parametrize(("fault", "law"), PLAIN_FAULTS)
def test_planted_fault_is_named(patient, fault, law):
    """A fault planted by accident or in haste is named by its law."""
    fault(patient)
    assert law in patient.laws()


def on_rows(edit, name=TEST_FILE, schema=None):
    """A fault in the rows of a data file."""
    return lambda patient: patient.edit_rows(name, edit, schema)


def set_value(column, value, row=1):
    def edit(rows):
        rows[row][column] = value

    return on_rows(edit)


def swap_labels(rows):
    first = rows[0]
    other = next(row for row in rows if row["label"] not in {first["label"], -1})
    first["label"], other["label"] = other["label"], first["label"]


def swap_labels_and_classes(rows):
    rows[0]["label"], rows[0]["class_ids"] = 0, ["adidas"]


def repeat_row(rows):
    return [rows[0], *rows]


def drop_row(rows):
    return rows[1:]


def move_between_splits(patient):
    row = pq.read_table(patient.path(TEST_FILE)).to_pylist()[0]
    patient.edit_rows(TRAIN_FILE, lambda rows: sorted([*rows, row], key=lambda each: each["image_id"]))


def share_group(patient):
    group = pq.read_table(patient.path(TRAIN_FILE)).column("group_id")[0].as_py()
    set_value("group_id", group)(patient)


def reorder(rows):
    return rows[::-1]


def swap_pictures(rows):
    rows[0]["image"]["bytes"], rows[1]["image"]["bytes"] = rows[1]["image"]["bytes"], rows[0]["image"]["bytes"]


def break_picture(rows):
    """A picture that is cut, under the hash of what is left."""
    data = rows[0]["image"]["bytes"][:200]
    image_id = hashlib.sha256(data).hexdigest()
    rows[0].update(image={"bytes": data, "path": f"{image_id}.jpg"}, image_id=image_id)
    return sorted(rows, key=lambda row: row["image_id"])


def lose_picture(rows):
    rows[0]["image"]["bytes"] = None


def rename_class_in_card(patient):
    patient.edit_text("README.md", "'1': coca-cola", "'1': pepsi")


def rename_class_in_metadata(patient):
    schema = release_schema(["adidas", "pepsi", "no"])
    patient.edit_rows(TEST_FILE, lambda rows: rows, schema)


def rename_class_in_manifest(patient):
    patient.edit_manifest(lambda manifest: manifest["classes"][1].update(id="pepsi"))


def rename_class_in_croissant(patient):
    patient.edit_text("croissant.json", '"classes/class_id": "coca-cola"', '"classes/class_id": "pepsi"')


def swap_classes_everywhere(patient):
    """The order of the class names turned round in manifest, card and Croissant, but not in the rows."""
    patient.edit_manifest(lambda manifest: manifest["classes"].reverse())


def lose_metadata(patient):
    patient.edit_rows(TEST_FILE, lambda rows: rows, release_schema([]).remove_metadata())


def narrow_label(patient):
    schema = pq.read_schema(patient.path(TEST_FILE))
    index = schema.get_field_index("label")
    patient.edit_rows(TEST_FILE, lambda rows: rows, schema.set(index, pa.field("label", pa.int32())))


def edit_reason(patient):
    table = pq.read_table(patient.path("rejected.parquet"))
    index = table.schema.get_field_index("reason")
    pq.write_table(table.set_column(index, table.schema.field(index), pa.array(["because"] * 3)), patient.path("rejected.parquet"))


def drop_rejected(patient):
    table = pq.read_table(patient.path("rejected.parquet"))
    pq.write_table(table.slice(1), patient.path("rejected.parquet"))


def repeat_rejected(patient):
    table = pq.read_table(patient.path("rejected.parquet"))
    pq.write_table(table.take([0, 0, 2]), patient.path("rejected.parquet"))


def garble_rejected(patient):
    patient.path("rejected.parquet").write_bytes(b"PAR1 no PAR1")


#: Fault → the law it must be named by although every hash was mended.
SEALED_FAULTS = [
    (on_rows(swap_labels, TRAIN_FILE), "labels_match_classes"),
    (on_rows(swap_labels_and_classes), "class_counts"),
    (set_value("label", 7), "labels_in_range"),
    (set_value("label", -2), "labels_in_range"),
    (set_value("label", -1), "labels_match_classes"),
    (set_value("label", None), "no_nulls"),
    (set_value("class_ids", ["stranger"]), "labels_match_classes"),
    (set_value("class_ids", []), "labels_match_classes"),
    (set_value("boxes", [{"label": 9, "bbox": [0.0, 0.0, 1.0, 1.0]}]), "boxes"),
    (set_value("boxes", [{"label": 1, "bbox": [0.0, float("nan"), 1.0, 1.0]}]), "boxes"),
    (set_value("image_id", "0" * 63 + "g"), "image_ids"),
    (set_value("image", {"bytes": b"x", "path": "../../etc/passwd"}), "image_paths"),
    (set_value("url", "http://other.test/"), "urls"),
    (set_value("urls", []), "urls"),
    (set_value("confidence", 1.5), "ranges"),
    (set_value("confidence", float("nan")), "ranges"),
    (set_value("width", 0), "ranges"),
    (set_value("votes", -1), "ranges"),
    (set_value("annotation_ids", ["f" * 32]), "conservation"),
    (set_value("annotation_ids", ["f" * 32] * 2), "conservation"),
    (set_value("annotation_ids", ["f" * 32, "0" * 32]), "conservation"),
    (on_rows(repeat_row), "pictures_once"),
    (on_rows(drop_row), "rows"),
    (move_between_splits, "pictures_once"),
    (share_group, "groups_undivided"),
    (on_rows(reorder), "order"),
    (rename_class_in_card, "class_names"),
    (rename_class_in_metadata, "class_names"),
    (rename_class_in_manifest, "class_names"),
    (rename_class_in_croissant, "class_names"),
    (swap_classes_everywhere, "labels_match_classes"),
    (lose_metadata, "class_names"),
    (narrow_label, "schema"),
    (edit_reason, "rejected"),
    (drop_rejected, "conservation"),
    (repeat_rejected, "rejected"),
    (lambda patient: patient.edit_manifest(lambda manifest: manifest["counts"].update(annotations=52)), "conservation"),
    (lambda patient: patient.edit_manifest(lambda manifest: manifest["counts"].update(voted=49, annotations=52)), "conservation"),
    (lambda patient: patient.edit_manifest(lambda manifest: manifest["counts"].pop("rejected")), "conservation"),
    (lambda patient: patient.edit_manifest(lambda manifest: manifest["splits"].update(test=5)), "rows"),
    (lambda patient: patient.edit_manifest(lambda manifest: manifest["classes"][0]["images"].update(train=9)), "class_counts"),
    (lambda patient: patient.edit_manifest(lambda manifest: manifest["multi_class_images"].update(train=0)), "class_counts"),
    (lambda patient: patient.edit_manifest(lambda manifest: manifest.update(licence="cc0-1.0")), "card"),
    (lambda patient: patient.edit_text("README.md", "num_examples: 16", "num_examples: 17"), "card"),
    (lambda patient: patient.edit_text("README.md", "| 0 | adidas | Adidas | 8 |", "| 0 | adidas | Adidas | 80 |"), "card"),
    (lambda patient: patient.edit_text("README.md", "| voted | 48 |", "| voted | 50 |"), "card"),
    (lambda patient: patient.edit_text("README.md", "| fetch | http\\_4xx | 3 |", "| fetch | http\\_4xx | 1 |"), "card"),
    (lambda patient: patient.edit_text("README.md", "path: data/train-*", "path: data/test-*"), "card"),
    (lambda patient: patient.edit_text("README.md", "---\n", "----\n"), "card"),
    (lambda patient: patient.edit_text("README.md", "sequence: float64", "sequence: strange"), "card"),
    (lambda patient: patient.edit_text("croissant.json", '"recordSet": [', '"records": ['), "croissant"),
    (lambda patient: patient.edit_text("croissant.json", '"jsonPath": "bytes"', '"jsonPath": "path"'), "croissant"),
]


@pytest.mark.parametrize(("fault", "law"), SEALED_FAULTS)
def test_planted_fault_is_named_although_hashes_were_mended(patient, fault, law):
    """A fault whose planter mended every hash and the fingerprint is still named by the law it breaks."""
    fault(patient)
    patient.seal()
    laws = patient.laws()
    assert law in laws
    assert not {"files", "fingerprint"} & laws


#: Fault → the law that only a look at the pictures, or another reader, finds.
DEEP_FAULTS = [
    (on_rows(swap_pictures), "image_bytes"),
    (on_rows(break_picture), "pictures_decode"),
    (on_rows(lose_picture), "no_nulls"),
    (set_value("width", 41), "picture_size"),
]


@pytest.mark.parametrize(("fault", "law"), DEEP_FAULTS)
def test_planted_fault_in_pictures_is_named(patient, fault, law):
    """What is wrong with a picture itself is found by the deep check, hashes mended or not."""
    fault(patient)
    patient.seal()
    assert law in patient.laws(deep=True)


def test_many_pictures_are_looked_at_by_interpreters_of_their_own(patient, monkeypatch):
    """What they find is what is found here."""
    on_rows(swap_pictures)(patient)
    on_rows(break_picture)(patient)
    patient.seal()
    expected = verify_release(patient.folder)
    monkeypatch.setattr(workers, "MANY", 1)
    assert verify_release(patient.folder) == expected
    assert {"image_bytes", "pictures_decode"} & {violation.law for violation in expected}


def test_garbled_rejected_rows(patient):
    """A rejected.parquet that is no Parquet is a violation."""
    garble_rejected(patient)
    assert {"files", "readable"} <= patient.laws()


@pytest.mark.parametrize("name", ["manifest.json", "README.md", "croissant.json", "rejected.parquet", TEST_FILE])
@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[: len(data) // 3], lambda data: b"\xff\xfe" + data, lambda data: data[::-1]]
)
def test_damage_is_a_violation_never_a_traceback(patient, name, damage):
    """Any file emptied, cut, shifted or turned round gives violations."""
    path = patient.path(name)
    path.write_bytes(damage(path.read_bytes()))
    assert verify_release(patient.folder)


def test_folder_in_place_of_a_file(patient):
    """A folder where a file should be is a violation."""
    for name in ("README.md", TEST_FILE):
        patient.path(name).unlink()
        patient.path(name).mkdir()
    assert {violation.where for violation in verify_release(patient.folder) if violation.law == "files"} == {"README.md", TEST_FILE}


def test_a_violation_says_where(patient):
    """A violation names the law, the file and row, and what is wrong."""
    set_value("label", 7, row=2)(patient)
    found = next(violation for violation in verify_release(patient.folder, deep=False) if violation.law == "labels_in_range")
    assert found.where == f"{TEST_FILE} row 2"
    assert re.search(r"-1 … 2 \(1 rows, first picture [0-9a-f]{64}\)", found.what)


def test_missing_folder_is_a_usage_error(tmp_path):
    """A folder that is not there is no broken release."""
    with pytest.raises(UsageError, match="no such folder"):
        verify_release(tmp_path / "nowhere")


def test_newer_release_is_a_usage_error(patient):
    """Of a newer form nothing can be said."""
    patient.edit_manifest(lambda manifest: manifest.update(format=99))
    with pytest.raises(UsageError, match="update logoingest"):
        verify_release(patient.folder)


def test_leaks_found_by_a_further_check(written):
    """A further check is given the opened release and adds its violations."""

    def find_leaks(release):
        return [Violation("no_leaks", release.name, f"{len(release.to_arrow())} pictures looked at")]

    assert verify_release(written, deep=False, find_leaks=find_leaks) == [Violation("no_leaks", "logos", "24 pictures looked at")]


def test_oversized_row_group_is_named(ingredients, tmp_path, monkeypatch):
    """A row group that readers cannot take in whole is named."""
    from logoingest.release.laws import data_files

    dataclasses.replace(ingredients).write(tmp_path / "release")
    monkeypatch.setattr(data_files, "MAX_READ_GROUP_BYTES", 1000)
    assert "row_groups" in {violation.law for violation in verify_release(tmp_path / "release", deep=False)}


@pytest.mark.parametrize("library", list(readers.READERS))
def test_each_reader_is_among_those_that_verify_asks(written, library):
    """Each library that the README names is asked, sees every row and every picture's bytes."""
    pytest.importorskip(library)
    release = open_release(written)
    seen = readers.READERS[library](release)
    expected = {split: rows.to_pylist() for split in release.splits if (rows := release.to_arrow(split, ["image_id", "label"]))}
    assert {split: rows.select(["image_id", "label"]).to_pylist() for split, rows in seen.items() if len(rows)} == expected
    assert all(rows.column("sha256").equals(rows.column("image_id")) for rows in seen.values())


def swap_first_pictures(rows):
    order = [1, 0, *range(2, len(rows))]
    return rows.set_column(2, "sha256", rows.column("sha256").take(order))


def forget_labels(rows):
    return rows.set_column(1, "label", pa.array([0] * len(rows), pa.int64()))


@pytest.mark.parametrize("edit", [swap_first_pictures, lambda rows: rows.slice(1), forget_labels])
def test_a_reader_that_sees_other_things_is_named(written, monkeypatch, edit):
    """A library that gives another picture, label or number of rows than the files hold is named."""
    read = readers.READERS["pandas"]
    monkeypatch.setitem(readers.READERS, "pandas", lambda release: {split: edit(rows) for split, rows in read(release).items()})
    found = verify_release(written)
    assert [(violation.law, violation.where) for violation in found] == [("reopens", "pandas")]


def test_mlcroissant_reads_the_beginning_of_each_file_of_a_large_release(written, monkeypatch):
    """Where there are more pictures than it may take its time for, it sees the first of each file, and what is wrong there."""
    pytest.importorskip("mlcroissant")
    monkeypatch.setattr(readers, "_MOST_RECORDS", 3)
    monkeypatch.setattr(readers, "_LEAST_RECORDS", 1)
    asked, read = [], readers._read_records
    monkeypatch.setattr(readers, "_read_records", lambda *given: asked.append(read(*given)) or asked[-1])
    release = open_release(written)
    assert verify_release(written) == []
    assert {split: len(rows) for split, rows in asked[0].items() if len(rows)} == {
        split: len(release.files(split)) for split in release.splits if release.splits[split]
    }
    monkeypatch.setattr(readers, "_read_records", lambda *given: {s: forget_labels(rows) for s, rows in read(*given).items()})
    found = verify_release(written)
    assert [(violation.law, violation.where) for violation in found] == [("reopens", "mlcroissant")]


@pytest.mark.parametrize("name", ["lo[g]os*", "logos.py"])
def test_a_name_that_datasets_takes_for_something_else(written, tmp_path, name):
    """A folder whose name is a pattern or a script to datasets might be read as another one: it says what to do."""
    shutil.copytree(written, tmp_path / name)
    (found,) = verify_release(tmp_path / name)
    assert (found.law, found.where) == ("reopens", "datasets")
    assert "another name" in found.what


@pytest.mark.parametrize("name", ["parquet", "a=b", ".hidden", "sp ace #%41é"])
def test_other_names_are_names(written, tmp_path, monkeypatch, name):
    """A folder called as a format is, hidden, or like a partition is read as the release it is, also by a relative path."""
    shutil.copytree(written, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert verify_release(name) == []


def test_nothing_is_opened_by_a_description_that_is_broken(patient, monkeypatch):
    """What decides by card or Croissant what to load is not asked once a law is broken; what reads the files alone still is."""
    asked = []
    for name, read in list(readers.READERS.items()):
        monkeypatch.setitem(readers.READERS, name, lambda release, name=name, read=read: asked.append(name) or read(release))
    patient.edit_text("croissant.json", '"column": "label"', '"column": "labels"')
    patient.seal()
    assert patient.laws(deep=True) == {"croissant"}
    assert set(asked) == set(readers.READERS) - {"datasets", "mlcroissant"}


def test_a_missing_reader_is_named_in_the_log(written, monkeypatch, caplog):
    """A library that is not installed is no fault, and the log says that it was not asked."""
    monkeypatch.setitem(readers.READERS, "no_such_library", readers.READERS["pandas"])
    with caplog.at_level("INFO", logger="logoingest"):
        assert verify_release(written) == []
    assert "not reopened with no_such_library" in caplog.text
