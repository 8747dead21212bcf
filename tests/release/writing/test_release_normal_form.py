"""Releases whose pictures were brought into another form: sizes, boxes, paths and hashes are those of what is stored."""

import hashlib
import io
import shutil
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from logoingest.errors import LogoingestError
from logoingest.pictures.normal_form import normalise_picture
from logoingest.release import open_release, verify_release, write_release

SHRINK = partial(normalise_picture, max_side_px=24)
RGB = {"config": {"images": {"store": "rgb", "max_side_px": 24}}}


def turned(number):
    """A picture of noise, 40 x 30, stored lying on its side."""
    pixels = np.random.default_rng(number).integers(0, 256, (40, 30, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def palette(number):
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((20, 10 + number)).convert("P").save(stream, "GIF")
    return stream.getvalue()


@pytest.fixture(scope="module")
def pictures(making):
    return [turned(0), palette(1), making.draw_picture(2, "PNG", (20, 20)), making.draw_picture(3, "JPEG", (48, 24))]


@pytest.fixture(scope="module")
def parts(making, pictures):
    boxes = [
        [{"class_id": "adidas", "bbox": [10.0, 6.0, 20.0, 15.0], "attributes": "{}"}],
        [],
        [],
        [{"class_id": "no", "bbox": [4.0, 4.0, 8.0, 8.0]}] * 2,
    ]
    made = making.collect(pictures, [["adidas"], ["adidas"], ["no"], ["no"]], ["train", "train", "train", "test"], boxes)
    made.lineage = {**made.lineage, **RGB}
    return made


def write(parts, folder, convert=SHRINK, lineage=None):
    folder.mkdir(parents=True)
    return write_release(
        folder, parts.samples, parts.images, parts.splits, parts.rejected, parts.classes,
        lambda shard, rows: [parts.shards[shard][row] for row in rows],
        dataset=parts.dataset, settings=parts.settings, lineage=parts.lineage if lineage is None else lineage, counts=parts.counts,
        convert=convert,
    )  # fmt: skip


@pytest.fixture(scope="module")
def released(parts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("normal") / "release"
    write(parts, folder)
    return folder


def rows_of(folder):
    table = open_release(folder).to_arrow(columns=["image", "image_id", "stored_sha256", "width", "height", "boxes"])
    return {row["image_id"]: row for row in table.to_pylist()}


def test_sizes_paths_and_hashes_are_of_what_is_stored(pictures, released):
    """image_id stays the hash of the fetched bytes; a picture that was so already keeps its bytes and has no other hash."""
    rows = rows_of(released)
    expected = {0: ((24, 18), "jpg"), 1: ((20, 11), "png"), 2: ((20, 20), "png"), 3: ((24, 12), "jpg")}
    for number, (size, extension) in expected.items():
        row = rows[hashlib.sha256(pictures[number]).hexdigest()]
        data = row["image"]["bytes"]
        assert (row["width"], row["height"]) == size == Image.open(io.BytesIO(data)).size
        assert row["image"]["path"] == f"{row['image_id']}.{extension}"
        assert row["stored_sha256"] == (None if number == 2 else hashlib.sha256(data).hexdigest())
        assert (data == pictures[number]) == (number == 2)


def test_boxes_are_scaled(pictures, released):
    """They were drawn on the picture as shown, so orientation does not move them; shrinking does, in proportion."""
    rows = rows_of(released)
    first = rows[hashlib.sha256(pictures[0]).hexdigest()]["boxes"]
    assert [box["bbox"] for box in first] == [pytest.approx([6.0, 3.6, 12.0, 9.0])]
    assert first[0]["attributes"] == "{}"
    last = rows[hashlib.sha256(pictures[3]).hexdigest()]["boxes"]
    assert [box["bbox"] for box in last] == [pytest.approx([2.0, 2.0, 4.0, 4.0])] * 2


def test_it_verifies_and_its_card_says_so(released):
    """Every law holds; the card tells how the pictures were brought there."""
    assert verify_release(released) == []
    card = (released / "README.md").read_text()
    assert "normal form" in card
    assert "shrunk to 24 px" in card


def test_equal_ingredients_equal_bytes(parts, released, tmp_path):
    """In another order, the same manifest."""
    write(parts.shuffled(3), tmp_path / "again")
    assert (tmp_path / "again/manifest.json").read_bytes() == (released / "manifest.json").read_bytes()


def test_originals_stay_byte_for_byte(parts, tmp_path):
    """Without a converter nothing is touched, and no row has another hash."""
    write(parts, tmp_path / "release", None, {})
    rows = rows_of(tmp_path / "release")
    assert {hashlib.sha256(row["image"]["bytes"]).hexdigest() for row in rows.values()} == set(rows)
    assert {row["stored_sha256"] for row in rows.values()} == {None}
    assert verify_release(tmp_path / "release") == []
    assert "as fetched, byte for byte" in (tmp_path / "release/README.md").read_text()


def edit_train(folder, change):
    path = next((folder / "data").glob("train-*"))
    table = pq.read_table(path)
    pq.write_table(pa.Table.from_pylist(change(table.to_pylist()), schema=table.schema), path)


def laws(folder):
    return {violation.law for violation in verify_release(folder)}


def test_a_swapped_stored_picture_is_caught(released, tmp_path):
    """Bytes that are not those of stored_sha256, and a stored picture of another form, break a law of their own."""
    bad = tmp_path / "bad"
    shutil.copytree(released, bad)

    def swap(rows):
        stored = [row for row in rows if row["stored_sha256"]]
        stored[0]["image"]["bytes"], stored[1]["image"]["bytes"] = stored[1]["image"]["bytes"], stored[0]["image"]["bytes"]
        return rows

    edit_train(bad, swap)
    assert "image_bytes" in laws(bad)


def test_a_picture_of_another_form_is_caught(released, tmp_path):
    """A grey picture in a release that says 8-bit RGB."""
    bad = tmp_path / "bad"
    shutil.copytree(released, bad)

    def grey(rows):
        stream = io.BytesIO()
        Image.new("L", (rows[0]["width"], rows[0]["height"])).save(stream, "PNG")
        rows[0]["image"]["bytes"] = stream.getvalue()
        rows[0]["stored_sha256"] = hashlib.sha256(stream.getvalue()).hexdigest()
        return rows

    edit_train(bad, grey)
    assert "stored_form" in laws(bad)


def test_another_form_than_the_manifest_says_is_caught(parts, tmp_path):
    """Converted pictures under a manifest that says they are as fetched."""
    write(parts, tmp_path / "release", lineage={})
    assert laws(tmp_path / "release") == {"stored_form"}


def test_a_picture_that_cannot_be_converted_is_named(parts, tmp_path):
    """With what to do about it."""

    def fail(data):
        raise ValueError("it cannot be brought into normal form: no")

    with pytest.raises(LogoingestError, match=r"picture [0-9a-f]{64}: it cannot .*images.store"):
        write(parts, tmp_path / "release", fail)
