"""Placeholders that the config lists by hash."""

import io

import pyarrow as pa
import pytest
from PIL import Image

from logoingest.config import ImagesConfig
from logoingest.errors import ConfigError
from logoingest.images import inspect_image, select_images
from logoingest.images.distinct import find_distinct
from logoingest.images.placeholders import read_listed, tabulate_listed
from logoingest.schemas import AnnotationRow, DownloadRow, ListedPlaceholderRow

NOISE = Image.effect_noise((64, 48), 80).convert("RGB")


def encode(comment):
    buffer = io.BytesIO()
    NOISE.save(buffer, "JPEG", comment=comment)
    return buffer.getvalue()


def make_downloads(rows):
    table = DownloadRow.table(
        {"outcome": "ok", "attempts": 1, "sha256": sha256, "byte_count": 1, "url": url, "final_url": end, **inspect_image(data)}
        for url, end, sha256, data in rows
    ).drop_columns(["bytes"])
    table = table.append_column("shard", pa.array(["s"] * len(rows), pa.string()))
    return table.append_column("shard_row", pa.array(range(len(rows)), pa.int32()))


def test_a_file_of_hashes_with_notes(tmp_path):
    """One a line, # begins a note, which becomes part of the evidence; the config's own hashes count too."""
    path = tmp_path / "gone.txt"
    path.write_text(f"# known ones\n\n{'A' * 64}  # a grey camera\n{'b' * 64}\n")
    listed = read_listed(("cc",), path)
    assert listed == {
        "cc": "listed in images.placeholder_sha256",
        "a" * 64: "listed in gone.txt: a grey camera",
        "b" * 64: "listed in gone.txt",
    }


def test_all_faults_of_the_file_at_once(tmp_path):
    """Every line that is no hash is named with its number; a missing file is named."""
    path = tmp_path / "gone.txt"
    path.write_text(f"camera.jpg\n{'a' * 64}\n{'a' * 63}\n")
    with pytest.raises(ConfigError) as caught:
        read_listed((), path)
    assert [problem.where for problem in caught.value.problems] == [f"{path}:1", f"{path}:3"]
    with pytest.raises(ConfigError, match="no such file"):
        read_listed((), tmp_path / "none.txt")


def test_a_pixel_hash_lists_every_wrapping_of_a_picture():
    """The same JPEG with another comment has another sha256 and the same pixels: one listed hash refuses both."""
    first, second = encode(b"one"), encode(b"two")
    pixel_hash = inspect_image(first)["pixel_hash"]
    downloads = make_downloads([("http://a", None, "s1", first), ("http://b", None, "s2", second)])
    listed = {pixel_hash: "listed in gone.txt"}
    annotations = AnnotationRow.table(
        {"annotation_id": url, "url": url, "raw_label": "x", "status": "submitted", "source_file": "f", "source_row": 1}
        for url in ("http://a", "http://b")
    )
    kept, rejected = select_images(downloads, annotations, ImagesConfig(), listed)
    assert kept.num_rows == 0
    assert rejected.column("detail").to_pylist() == ["listed in gone.txt"] * 2
    table = tabulate_listed(find_distinct(downloads), listed)
    assert table.schema == ListedPlaceholderRow.arrow_schema()
    assert table.column("image_id").to_pylist() == ["s1", "s2"]


def test_redirects_are_counted_but_for_trifles():
    """The address most URLs of a picture were redirected to; http to https, www. and a slash are no other address."""
    data = encode(b"")
    rows = [
        ("http://a.test/1", "http://a.test/gone", "s1", data),
        ("http://a.test/2", "http://a.test/gone", "s1", data),
        ("http://a.test/3", "http://a.test/lost", "s1", data),
        ("http://a.test/4", "https://www.a.test/4/", "s1", data),
        ("http://b.test/1", "https://b.test/1", "s2", data),
        ("http://b.test/2", None, "s2", data),
    ]
    found = [(row["redirect_url"], row["redirected"]) for row in find_distinct(make_downloads(rows)).to_pylist()]
    assert found == [("http://a.test/gone", 2), (None, None)]
