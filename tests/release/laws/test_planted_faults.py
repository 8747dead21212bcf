"""Faults planted by somebody who knows how a release is made and mends all that can be mended; what verify says of each, and no more.

Three ways of planting: ``hash`` mends the hashes and the fingerprint, ``forge`` also renders card and Croissant anew, ``leave`` mends
nothing. Expected are the laws that are named, all of them.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import struct
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from builders.patients import TEST_FILE, TRAIN_FILE, Patient
from builders.places import ROOT
from logoingest.release import open_release, verify_release
from logoingest.release.form.features import release_schema
from logoingest.release.laws import data_files, descriptions
from logoingest.release.laws.violations import Law

PATHS = "    path: data/train-*"


def card(old, new):
    return lambda patient: patient.edit_text("README.md", old, new)


def croissant(old, new):
    return lambda patient: patient.edit_text("croissant.json", old, new)


def manifest(edit):
    return lambda patient: patient.edit_manifest(edit)


def row(name=TEST_FILE, number=1, **values):
    return lambda patient: patient.edit_rows(name, lambda rows: rows[number].update(values))


def on_test_rows(edit):
    return lambda patient: patient.edit_rows(TEST_FILE, edit)


def both(*faults):
    def plant(patient):
        for fault in faults:
            fault(patient)

    return plant


def add(name, content=b"", listed=False):
    """A file more, in the manifest or not."""

    def plant(patient):
        patient.path(name).parent.mkdir(parents=True, exist_ok=True)
        patient.path(name).write_bytes(content)
        if listed:
            record = {"sha256": "0" * 64, "bytes": 0, "rows": None}
            patient.edit_manifest(lambda manifest: manifest["files"].update({name: record}))

    return plant


def hide_other_pictures(patient):
    """A hidden split with swapped labels that the card's only config points at."""
    patient.path(".more").mkdir()
    for file in patient.path("data").iterdir():
        shutil.copy(file, patient.path(".more") / file.name)
    patient.edit_text("README.md", "path: data/", "path: .more/", 3)


def put_pipe(patient):
    patient.path(TEST_FILE).unlink()
    os.mkfifo(patient.path(TEST_FILE))


def put_loop(patient):
    patient.path(TEST_FILE).unlink()
    patient.path(TEST_FILE).symlink_to(patient.path(TEST_FILE))


def link_to_missing(patient):
    shutil.rmtree(patient.path("data"))
    patient.path("data").symlink_to(patient.folder / "unplugged")


def repeat_key(name, key, value):
    """The key once more at the top of a JSON file: parsers take the last, or the first."""

    def plant(patient):
        text = patient.path(name).read_text(encoding="utf-8")
        patient.path(name).write_text("{" + f"{json.dumps(key)}: {json.dumps(value)}," + text[1:], encoding="utf-8")

    return plant


def write_manifest_as(change):
    def plant(patient):
        patient.path("manifest.json").write_bytes(change(patient.path("manifest.json").read_text(encoding="utf-8")))

    return plant


def with_metadata(change):
    def plant(patient):
        schema = pq.read_schema(patient.path(TEST_FILE))
        patient.edit_rows(TEST_FILE, lambda rows: rows, schema.with_metadata(change(dict(schema.metadata))))

    return plant


def repeat_feature(metadata):
    text = metadata[b"huggingface"].decode()
    return {b"huggingface": text.replace('{"info": {', '{"info": {"features": {}, ', 1).encode()}


def save_again(split_file, regroup=True):
    """The first picture of the test file (a JPEG of noise) saved once more as PNG, with every pixel the same, as a picture of its own."""

    def plant(patient):
        original = pq.read_table(patient.path(TEST_FILE)).to_pylist()[0]
        stream = io.BytesIO()
        with Image.open(io.BytesIO(original["image"]["bytes"])) as picture:
            picture.convert("RGB").save(stream, "PNG")
        image_id = hashlib.sha256(stream.getvalue()).hexdigest()

        def replace(rows):
            victim = next(row for row in rows if row["label"] == original["label"] and row["image_id"] != original["image_id"])
            victim.update(
                image={"bytes": stream.getvalue(), "path": f"{image_id}.png"}, image_id=image_id, width=40, height=30, boxes=[]
            )
            victim["group_id"] = image_id if regroup else min(image_id, original["image_id"])
            for row in rows:
                if not regroup and row["image_id"] == original["image_id"]:
                    row["group_id"] = min(image_id, original["image_id"])
            return sorted(rows, key=lambda row: row["image_id"])

        patient.edit_rows(split_file, replace)

    return plant


def end_otherwise(rows):
    rows[0]["image"]["path"] = rows[0]["image_id"] + ".png"


def lie_about_width(patient):
    """The footer's bounds of width, 40 to 40, become 32 to 32: who filters by them finds nothing."""
    content = patient.path(TEST_FILE).read_bytes()
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    footer = content[start:]
    assert footer.count(b"\x04\x28\x00\x00\x00") >= 2
    patient.path(TEST_FILE).write_bytes(content[:start] + footer.replace(b"\x04\x28\x00\x00\x00", b"\x04\x20\x00\x00\x00"))


def say_a_million_rows(patient):
    schema = release_schema(["adidas", "coca-cola", "no"])
    table = pa.Table.from_arrays([pa.nulls(1_000_000, field.type) for field in schema], schema=schema)
    pq.write_table(table, patient.path(TEST_FILE), compression="zstd")


def borrow_group(patient):
    """The group of a picture that says it is in another one."""
    rows = pq.read_table(patient.path(TEST_FILE)).to_pylist()
    for number in (1, 2):
        row(number=number, group_id=rows[number - 1]["image_id"])(patient)


def reject_with_password(patient):
    table = pq.read_table(patient.path("rejected.parquet"))
    urls = pa.array(["http://ann:secret@gone.test/0", *table.column("url").to_pylist()[1:]])
    pq.write_table(table.set_column(1, table.schema.field(1), urls), patient.path("rejected.parquet"))


def claim_gigapixels(rows):
    """A PNG of a few bytes whose header says 40,000 × 40,000."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 40_000, 40_000, 1, 0, 0, 0, 0)
    stream = io.BytesIO()
    Image.new("1", (8, 8)).save(stream, "PNG")
    data = stream.getvalue()
    data = data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
    image_id = hashlib.sha256(data).hexdigest()
    path = f"{image_id}.png"
    rows[0].update(image={"bytes": data, "path": path}, image_id=image_id, group_id=image_id, width=40_000, height=40_000)
    return sorted(rows, key=lambda row: row["image_id"])


def draw_in_a_language(rows):
    """PostScript, which Pillow hands to another program."""
    data = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 30\n%%EndComments\nshowpage\n%%EOF\n"
    image_id = hashlib.sha256(data).hexdigest()
    rows[0].update(image={"bytes": data, "path": f"{image_id}.eps"}, image_id=image_id, group_id=image_id, boxes=[])
    return sorted(rows, key=lambda row: row["image_id"])


BOX = {"label": 0, "bbox": [1.0, 2.0, 10.0, 12.0], "truncated": None, "attributes": None}


def boxes(**change):
    """A box of the picture's own class, but for one thing."""

    def edit(rows):
        rows[1]["boxes"] = [{**BOX, "label": rows[1]["label"], **change}]

    return lambda patient: patient.edit_rows(TEST_FILE, edit)


def box_of_another_class(rows):
    rows[1]["boxes"] = [{**BOX, "label": (rows[1]["label"] + 1) % 3}]


def version(number):
    return manifest(lambda content: content.update(logoingest=number))


def other_version(*faults):
    """Of a release that says another version wrote it."""
    return both(version("0.0.1"), lambda patient: patient.forge(), *faults)


def url(address):
    return row(url=address, urls=[address])


def name_class(class_id):
    """The first class called so, everywhere."""

    def plant(patient):
        old = "adidas"
        for name in [name for name in patient.manifest["files"] if name.startswith("data/")]:
            names = [class_id, "coca-cola", "no"]

            def rename(rows):
                for row in rows:
                    row["class_ids"] = sorted(class_id if one == old else one for one in row["class_ids"])

            patient.edit_rows(name, rename, release_schema(names))
        patient.edit_manifest(lambda content: content["classes"][0].update(id=class_id))

    return plant


FAULTS = {
    # what leads readers elsewhere
    "the only config points at hidden pictures": (hide_other_pictures, "hash", {"card", "hidden_files"}),
    "a config of an address": (card(PATHS, "    path: http://127.0.0.1:9/train.parquet"), "hash", {"card"}),
    "a config of a place on the hub": (card(PATHS, "    path: hf://datasets/a/b/train-*"), "hash", {"card"}),
    "a config of an absolute path": (card(PATHS, "    path: /srv/train-*"), "hash", {"card"}),
    "a config that climbs out": (card(PATHS, "    path: ../other/data/train-*"), "hash", {"card"}),
    "a config that takes more": (card(PATHS, "    path: data/*"), "hash", {"card"}),
    "a list of paths": (card(PATHS, "    path:\n    - data/train-*\n    - data/test-*"), "hash", {"card"}),
    "a second config": (card("configs:\n", "configs:\n- config_name: more\n  data_files: data/test-*\n"), "hash", {"card"}),
    "a default that is another": (card("- config_name: default\n", "- config_name: default\n  default: false\n"), "hash", {"card"}),
    "a folder in the config": (card("- config_name: default\n", "- config_name: default\n  data_dir: .more\n"), "hash", {"card"}),
    "configs twice in the head": (card("pretty_name:", "configs: []\npretty_name:"), "hash", {"card"}),
    "a head that starts later": (card("---\n", "\n---\n"), "hash", {"card"}),
    "a head with an anchor": (card("pretty_name: logos", "pretty_name: &a logos"), "hash", {"card"}),
    "a comment in the head": (card("configs:\n", "configs:  # data/train-*\n"), "hash", {"card"}),
    "a key more in the head": (card("configs:\n", "viewer: false\nconfigs:\n"), "hash", {"card"}),
    "a sentence more in the card": (card("## Classes", "All pictures are in the public domain.\n\n## Classes"), "hash", {"card"}),
    "other bytes in the head": (card("num_bytes: ", "num_bytes: 1"), "hash", {"card"}),
    "a settings file of the hub": (add(".huggingface.yaml", b"configs: []"), "leave", {"hidden_files"}),
    "a loading script": (add("patient.py", b"print(1)", listed=True), "hash", {"files"}),
    "a hidden loading script": (add(".patient.py", b"print(1)"), "leave", {"hidden_files"}),
    "the infos of an old datasets": (add("dataset_infos.json", b"{}", listed=True), "hash", {"files"}),
    "what another system left": (add("data/._train-00000-of-00002.parquet", b"\0\5\x16\7"), "leave", {"hidden_files"}),
    "hidden data below": (add(".cache/deep/more.PARQUET", b"PAR1"), "leave", {"hidden_files"}),
    "Croissant's files at an address": (
        croissant(f'"contentUrl": "{TEST_FILE}"', '"contentUrl": "https://e.test/t.parquet"'), "hash", {"croissant"}
    ),
    "a context at an address": (croissant('"@language": "en",', '"@language": "en", "x": "http://e.test/",'), "hash", {"croissant"}),
    "another column as the label": (croissant('"column": "label"', '"column": "votes"'), "hash", {"croissant"}),
    # another version's words
    "another version, its Croissant changed": (other_version(croissant('"column": "label"', '"column": "votes"')), "hash", {"croissant"}),
    "another version, Croissant's address": (
        other_version(croissant('"description": "', '"description": "see http://e.test ')), "hash", {"croissant"}
    ),
    "another version, its config changed": (other_version(card(PATHS, "    path: .more/train-*")), "hash", {"card"}),
    "another version, a key more": (other_version(card("configs:\n", "viewer: false\nconfigs:\n")), "hash", {"card"}),
    "another version, a link in the card": (other_version(card("## Classes", "[here](http://e.test)\n\n## Classes")), "hash", {"card"}),
    "another version, its counts changed": (other_version(card("num_examples: 16", "num_examples: 15")), "hash", {"card"}),
    "another version, words that are none": (
        other_version(croissant('"keywords": [\n  "logos",', '"keywords": [\n  {"a": 1},')), "hash", {"croissant"}
    ),
    "another version, a column without its way": (
        other_version(croissant('"jsonPath": "bytes"', '"json": "bytes"')), "hash", {"croissant"}
    ),
    # the folder
    "a pipe in place of a file": (put_pipe, "leave", {"files"}),
    "a link to itself": (put_loop, "leave", {"files"}),
    "data on a disk that is not there": (link_to_missing, "leave", {"files"}),
    "a folder in the data folder": (add("data/more/train-00000-of-00001.parquet", b"PAR1"), "leave", {"files"}),
    "a copy beside a data file": (add("data/train-00000-of-00002.parquet.bak", b"", listed=True), "hash", {"file_names", "croissant"}),
    "digits of another script": (add("data/train-0000\u0661-of-00002.parquet", b"", listed=True), "leave", {"files", "file_names", "croissant"}),
    "a file that climbs out": (
        manifest(lambda content: content["files"].update({"data/../../x": {"sha256": "0" * 64, "bytes": 1, "rows": None}})),
        "leave",
        {"files", "file_names", "croissant"},
    ),
    # the manifest
    "a key twice in the manifest": (repeat_key("manifest.json", "licence", "cc0-1.0"), "leave", {"manifest"}),
    "a key twice in Croissant": (repeat_key("croissant.json", "license", "cc0-1.0"), "hash", {"croissant"}),
    "a key twice in a file's features": (with_metadata(repeat_feature), "forge", {"class_names"}),
    "a manifest with other blanks": (write_manifest_as(lambda text: text.replace("\n", "").encode()), "leave", {"manifest_form"}),
    "a manifest in another encoding": (write_manifest_as(lambda text: text.encode("utf-16")), "leave", {"manifest"}),
    "a number that JSON does not know": (
        write_manifest_as(lambda text: text.replace('"pending": 0', '"pending": NaN').encode()), "leave", {"manifest"}
    ),
    "a form before the first": (manifest(lambda content: content.update(format=0)), "leave", {"manifest"}),
    "a name with an escape": (manifest(lambda content: content.update(name="logos\x1b[2J")), "forge", {"texts"}),
    "a name that climbs out": (manifest(lambda content: content.update(name="../logos")), "forge", {"texts"}),
    "a display name that turns round": (manifest(lambda content: content["classes"][0].update(name="\u202egnp")), "forge", {"texts"}),
    "a password in the source's address": (
        manifest(lambda content: content.update(source_url="https://ann:secret@e.test/")), "forge", {"texts"}
    ),
    "a class id of two lines": (name_class("adidas\n"), "forge", {"class_ids"}),
    "a class id that turns round": (name_class("adi\u202edas"), "forge", {"class_ids"}),
    "a class id that cannot be seen": (name_class("adi\u200bdas"), "forge", {"class_ids"}),
    "half a surrogate pair": (
        write_manifest_as(lambda text: text.replace('"licence": "', '"licence": "\\ud800').encode()), "leave", {"manifest"}
    ),
    "a hundred lists in each other": (
        write_manifest_as(lambda text: text.replace('"sources": [', f'"deep": {"[" * 100}{"]" * 100}, "sources": [').encode()),
        "leave",
        {"manifest"},
    ),
    "a count of 4,000 digits": (manifest(lambda content: content["counts"].update(voted=10**4000)), "leave", {"manifest"}),
    "rows of the rejected that are not there": (
        manifest(lambda content: content["files"]["rejected.parquet"].update(rows=4)), "leave", {"rows"}
    ),
    "rows of a text": (manifest(lambda content: content["files"]["README.md"].update(rows=4)), "leave", {"rows"}),
    # the rows
    "a script for a URL": (url("javascript:alert(1)"), "forge", {"urls"}),
    "a picture in its URL": (url("data:image/png;base64,AAAA"), "forge", {"urls"}),
    "a password in a URL": (url("https://ann:secret@a.test/1.jpg"), "forge", {"urls"}),
    "a password in a further URL": (row(urls=["http://a.test/x", "http://u:p@b.test/"], url="http://a.test/x"), "forge", {"urls"}),
    "a line end in a URL": (url("http://a.test/\r\nSet-Cookie: x"), "forge", {"urls"}),
    "a URL twice": (row(url="http://a.test/x", urls=["http://a.test/x"] * 2), "forge", {"urls"}),
    "a URL of 9,000 characters": (url("http://a.test/" + "x" * 9000), "forge", {"urls"}),
    "more votes than voters": (row(votes=3), "forge", {"votes"}),
    "votes of nobody": (row(annotation_ids=[], votes=0), "forge", {"annotation_ids", "conservation"}),
    "a voter with another id": (row(annotation_ids=["e" * 32, "worker-7"]), "forge", {"annotation_ids"}),
    "a group that is none of ours": (row(group_id="cluster-7"), "forge", {"group_ids"}),
    "a group of a later picture": (row(number=0, group_id="f" * 64), "forge", {"group_ids"}),
    "a group whose picture is elsewhere": (borrow_group, "forge", {"group_ids"}),
    "classes out of order": (row(TRAIN_FILE, 0, label=-1, class_ids=["no", "adidas"], boxes=[]), "forge", {"labels_match_classes", "class_counts"}),
    "a box outside": (boxes(bbox=[100.0, 2.0, 10.0, 12.0]), "forge", {"boxes"}),
    "a box over the edge": (boxes(bbox=[35.0, 2.0, 10.0, 12.0]), "forge", {"boxes"}),
    "a box of negative width": (boxes(bbox=[20.0, 2.0, -10.0, 12.0]), "forge", {"boxes"}),
    "a box without area": (boxes(bbox=[20.0, 2.0, 10.0, 0.0]), "forge", {"boxes"}),
    "a box of another class": (on_test_rows(box_of_another_class), "forge", {"boxes"}),
    "what is said of a box is no object": (boxes(attributes="[1]"), "forge", {"boxes"}),
    "a box says a thing twice": (boxes(attributes='{"pose": 1, "pose": 2}'), "forge", {"boxes"}),
    "further metadata": (with_metadata(lambda metadata: {**metadata, b"pandas": b"{}"}), "forge", {"features"}),
    "features in another form": (
        with_metadata(lambda metadata: {b"huggingface": metadata[b"huggingface"].replace(b'": ', b'":')}), "forge", {"features"}
    ),
    "bounds that are not true": (lie_about_width, "forge", {"statistics"}),
    "more rows than fit": (say_a_million_rows, "leave", {"files", "rows", "oversized"}),
    "a column that unpacks to 30 MB": (boxes(attributes=json.dumps({"a": "0" * 30_000_000})), "forge", {"oversized"}),
    "a password among the rejected": (reject_with_password, "forge", {"rejected"}),
}  # fmt: skip

#: Found by a look at the pictures.
DEEP_FAULTS = {
    "an ending of another format": (on_test_rows(end_otherwise), {"file_endings"}),
    "a header that says 1.6 gigapixels": (on_test_rows(claim_gigapixels), {"pictures_decode", "reopens"}),
    "a picture in a language": (on_test_rows(draw_in_a_language), {"pictures_decode", "reopens"}),
    "equal pixels twice in a split": (save_again(TEST_FILE), {"pixels_once"}),
    "equal pixels in two splits": (save_again(TRAIN_FILE), {"pixels_once"}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_named(patient, name):
    """What stands in the table is what verify names: the law that is broken, and no other."""
    plant, mend, laws = FAULTS[name]
    plant(patient)
    if mend != "leave":
        (patient.forge if mend == "forge" else patient.seal)()
    assert patient.laws() == laws


@pytest.mark.parametrize("name", DEEP_FAULTS)
def test_a_planted_fault_in_pictures_is_named(patient, name):
    """The same of what only the pictures show."""
    plant, laws = DEEP_FAULTS[name]
    plant(patient)
    patient.forge()
    assert patient.laws(deep=True) == laws
    assert patient.laws() == set()


def test_each_law_has_its_row_in_the_document():
    """docs/release.md says what each law asks for, in the order in which the code names them, and names no other."""
    document = (ROOT / "docs/release.md").read_text("utf-8")
    section = document.partition("## What verify checks")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE) == [law.value for law in Law]


def test_every_law_that_can_be_is_broken_somewhere():
    """The laws that no other test breaks are in the tables above."""
    broken = {law for _, _, laws in FAULTS.values() for law in laws} | {law for _, laws in DEEP_FAULTS.values() for law in laws}
    assert broken <= set(Law)
    assert len(FAULTS) + len(DEEP_FAULTS) >= 60


def test_mending_everything_plants_nothing(patient):
    """A release forged from itself is clean, also as another version's: what the tables find is what was planted."""
    patient.forge()
    assert patient.laws(deep=True) == set()
    version("0.0.1")(patient)
    patient.forge()
    assert patient.laws() == set()


def test_kept_columns_are_in_order(making, tmp_path):
    """What goes along from the source is a list of distinct texts, in order; anything else is named."""
    ingredients = making.ingredients()
    urls = [url for urls in ingredients.images.column("urls").to_pylist() for url in urls]
    carried = pa.table({"url": urls, "carried": [json.dumps({"licence": url[:12]}) for url in urls]})
    ingredients.write(tmp_path / "patient", annotations=carried, kept=["licence"])
    patient = Patient(tmp_path / "patient")
    patient.forge()
    assert patient.laws() == set()
    on_test_rows(lambda rows: rows[1]["licence"].reverse())(patient)
    patient.forge()
    assert patient.laws() == {"kept_columns"}


def test_one_picture_saved_twice_is_one_group(patient):
    """Two files with equal pixels may both be there, as the route keeps them: in one group."""
    save_again(TEST_FILE, regroup=False)(patient)
    patient.forge()
    assert patient.laws(deep=True) == set()


def test_data_may_lie_on_another_disk(patient, tmp_path):
    """The data folder, or a file of it, may be a link, as caches and mounted disks have it: what it leads to counts."""
    shutil.move(patient.path("data"), tmp_path / "disk")
    patient.path("data").symlink_to(tmp_path / "disk")
    shutil.move(tmp_path / "disk/test-00000-of-00001.parquet", tmp_path / "blob")
    (tmp_path / "disk/test-00000-of-00001.parquet").symlink_to(tmp_path / "blob")
    assert patient.laws(deep=True) == set()
    assert open_release(patient.folder).to_arrow("test").num_rows == 4
    (tmp_path / "disk/notes.txt").write_text("x")
    assert patient.laws() == {"files"}


def test_a_strangers_many_files_are_counted(patient):
    """A folder full of other files gives so many lines, not one each."""
    for number in range(120):
        patient.path(f"{number}.txt").touch()
    found = verify_release(patient.folder, deep=False)
    assert len(found) == 51
    assert found[-1].what == "and 70 more that are no part of it"


@pytest.mark.parametrize(
    ("module", "limit", "law"),
    [
        (data_files, "MAX_FOOTER_BYTES", "oversized"),
        (descriptions, "MAX_CARD_BYTES", "readable"),
        (descriptions, "MAX_CROISSANT_BYTES", "croissant"),
    ],
)
def test_oversized_descriptions_are_not_read(patient, monkeypatch, module, limit, law):
    """What is longer than a description can be is named, not taken into memory."""
    monkeypatch.setattr(module, limit, 100)
    assert law in patient.laws()


def test_an_oversized_manifest_is_not_read(patient):
    """A sparse manifest of 200 MB costs nothing: its length is enough."""
    os.truncate(patient.path("manifest.json"), 200 << 20)
    found = verify_release(patient.folder)
    assert [(violation.law, violation.what) for violation in found] == [
        ("manifest", "cannot be read (is longer than 67,108,864 bytes)")
    ]


def test_pixels_are_compared_not_guessed(making, tmp_path):
    """Pictures that differ in one pixel, or in size alone, are different pictures."""
    base = np.zeros((64, 64, 3), np.uint8)
    other = base.copy()
    other[33, 17] = 255
    pictures = []
    for pixels in (base, other, base[:32]):
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        pictures.append(stream.getvalue())
    making.collect(pictures, [["no"]] * 3, ["train", "train", "test"]).write(tmp_path / "release")
    assert verify_release(tmp_path / "release") == []
