"""Our pictures against another dataset's: what is alike is found as comparing all pairs would, and a leak is told from a twin."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from builders.datasets import draw_picture
from builders.fingerprints import list_near, make_prints
from builders.laws import examples
from logoingest.errors import UsageError
from logoingest.images import inspect_image
from logoingest.images.alike.against import MOST_PAIRS, OURS_SCHEMA, SAVED_AGAIN, Comparison, Ours, Theirs, find_between, is_leak
from logoingest.images.alike.duplicates import find_near_rows
from logoingest.images.alike.elsewhere import (
    PRINT_SCHEMA,
    Piece,
    fingerprint_piece,
    guess_split,
    hash_listing,
    hash_piece,
    list_pieces,
)
from logoingest.images.alike.neighbours import Fingerprints, NearSearch
from logoingest.workers import Workers


@examples(25)
@given(st.integers(0, 10_000), st.integers(1, 150), st.integers(1, 150))
def test_search_between_two_sets_is_exact(seed, count, others):
    """Between two sets just those pairs come out that comparing all pairs finds, in order."""
    both = make_prints(seed, count + others, 15.0)
    held, other = both.take(np.arange(count)), both.take(np.arange(count, count + others))
    found = NearSearch(held).find_pairs(other)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == list_near(held, other)


@pytest.mark.slow
def test_search_between_large_sets_is_exact():
    """The same with more pictures than a block holds."""
    both = make_prints(3, 2_100, 15.0)
    held, other = both.take(np.arange(1_200)), both.take(np.arange(1_200, 2_100))
    found = NearSearch(held).find_pairs(other)
    assert len(found.first) == len(list_near(held, other)) > 1_000


@examples(25)
@given(st.integers(0, 10_000), st.integers(1, 150), st.integers(1, 4), st.sampled_from([0.0, 2.0, 5.0]))
def test_what_is_saved_again_is_looked_for_between_splits_alone(seed, count, splits, noise):
    """The pairs of different splits that a search among all pictures finds within the same limits, and no others."""
    prints, split = make_prints(seed, count, noise), np.random.default_rng(seed).integers(-1, splits - 1, count)
    found, every = find_between(prints, split), find_near_rows(prints, SAVED_AGAIN)
    expected = zip(every.first.tolist(), every.second.tolist(), strict=True)
    assert sorted(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [
        (one, two) for one, two in expected if split[one] != split[two]
    ]


def test_nothing_is_near_an_empty_set():
    """Empty sets and sets of one colour have no near pairs."""
    some, none = make_prints(1, 5, 5.0), Fingerprints.make(np.empty((0, 1024), np.uint8))
    plain = Fingerprints.make(np.full((5, 1024), 7, np.uint8))
    for held, other in ((some, none), (none, some), (none, none), (plain, plain), (some, plain)):
        assert len(NearSearch(held).find_pairs(other).first) == 0


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("data/train-00000-of-00002.parquet", "train"),
        ("data/calibration_two-00000-of-00001.parquet", "calibration_two"),
        ("val/nike/7.jpg", "validation"),
        ("images/test2017/000001.jpg", "test"),
        ("Training/x.png", "train"),
        ("validation.parquet", "validation"),
        ("default/test/0000.parquet", "test"),
        ("photos/contest.jpg", None),
        ("nike/7.jpg", None),
    ],
)
def test_split_is_told_by_the_path(name, split):
    """A split is read off file and folder names as datasets, Kaggle and the Hub lay them out."""
    assert guess_split(name) == split


@pytest.mark.parametrize(
    ("ours", "theirs", "leak"),
    [("train", "test", True), ("test", "train", True), ("test", "test", False), ("test", None, True), (None, "train", False)],
)
def test_leak_is_a_picture_in_two_splits(ours, theirs, leak):
    """Trained on here and tested with there is a leak; the same split in both is none, nor is what we do not release."""
    assert is_leak(ours, theirs) is leak


def save_again(data: bytes) -> bytes:
    """The picture as a JPEG of lower quality."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(data)).save(buffer, "JPEG", quality=60)
    return buffer.getvalue()


def rewrap(data: bytes) -> bytes:
    """Another file with the same pixels: a comment behind the JPEG's first marker."""
    return data[:2] + b"\xff\xfe\x00\x07hello" + data[2:]


def describe_ours(pictures: list[bytes], splits: list[str | None]) -> Ours:
    rows = []
    for data, split in zip(pictures, splits, strict=True):
        facts = inspect_image(data)
        rows.append({"image_id": hashlib.sha256(data).hexdigest(), "split": split} | {k: facts[k] for k in OURS_SCHEMA.names[2:]})
    return Ours.gather([pa.Table.from_pylist(rows, schema=OURS_SCHEMA)])


def fingerprint(piece: Piece) -> list[pa.RecordBatch]:
    with Workers(piece.rows) as workers:
        return list(fingerprint_piece(piece, 10**8, workers))


def read_theirs(folder: Path) -> list[Theirs]:
    parts = []
    for piece in list_pieces(str(folder)):
        prints = pa.Table.from_batches(fingerprint(piece), PRINT_SCHEMA)
        rows = range(prints.num_rows)
        parts.append(Theirs(prints, [piece.name_row(row) for row in rows], [piece.guess_split(row) for row in rows]))
    return parts


def write_parquet(
    path: Path, column: str, values: list[object], kind: pa.DataType, metadata: dict[bytes, bytes] | None = None
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"id": pa.array(range(len(values))), column: pa.array(values, kind)}).replace_schema_metadata(metadata)
    pq.write_table(table, path, row_group_size=3)


STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
DECLARED = {b"huggingface": json.dumps({"info": {"features": {"logo": {"_type": "Image"}}}}).encode()}


def lay_out_files(folder: Path, pictures: list[bytes]) -> None:
    for number, data in enumerate(pictures):
        (folder / "test/acme").mkdir(parents=True, exist_ok=True)
        (folder / f"test/acme/{number}.jpg").write_bytes(data)
    (folder / "notes.txt").write_text("no picture")
    (folder / ".cache").mkdir()
    (folder / ".cache/hidden.jpg").write_bytes(pictures[0])


def lay_out_declared(folder: Path, pictures: list[bytes]) -> None:
    write_parquet(
        folder / "data/test-00000-of-00001.parquet", "logo", [{"bytes": d, "path": None} for d in pictures], STRUCT, DECLARED
    )


def lay_out_plain(folder: Path, pictures: list[bytes]) -> None:
    write_parquet(folder / "test.parquet", "img", list(pictures), pa.large_binary())
    pq.write_table(pa.table({"x": [1]}), folder / "facts.parquet")


@pytest.mark.parametrize("lay_out", [lay_out_files, lay_out_declared, lay_out_plain])
def test_alike_pictures_are_found_in_any_layout(tmp_path, lay_out):
    """The same file, the same pixels and a picture saved again are found, with their splits; strangers and broken files are not."""
    ours = [draw_picture(seed) for seed in range(4)]
    theirs = [ours[0], rewrap(ours[1]), save_again(ours[2]), draw_picture(50), b"<html>"]
    lay_out(tmp_path, theirs)
    found = Comparison(describe_ours(ours, ["train", "test", None, "train"])).compare("them", read_theirs(tmp_path))
    pairs = {pair["image_id"]: pair for pair in found.pairs.to_pylist()}
    ids = [hashlib.sha256(data).hexdigest() for data in ours]
    assert [pairs[one]["kind"] for one in ids[:3]] == ["same_bytes", "same_pixels", "near"]
    assert [pairs[one]["leak"] for one in ids[:3]] == [True, False, False]
    assert {pair["other_split"] for pair in pairs.values()} == {"test"}
    assert len(pairs) == found.pairs.num_rows == 3
    assert (found.pictures, found.unusable) == (4, 1)
    assert pairs[ids[2]]["other_sha256"] == hashlib.sha256(theirs[2]).hexdigest()


def test_pairs_of_a_picture_are_bounded(tmp_path):
    """Of one picture the strongest pairs are kept, however often the other dataset has it; all parts together count."""
    ours = draw_picture(1)
    lay_out_files(tmp_path, [rewrap(ours)] * 30 + [ours])
    parts = read_theirs(tmp_path) * 3
    pairs = Comparison(describe_ours([ours], ["train"])).compare("them", parts).pairs.to_pylist()
    assert len(pairs) == MOST_PAIRS
    assert [pair["kind"] for pair in pairs[:4]] == ["same_bytes"] * 3 + ["same_pixels"]


def test_fingerprints_go_by_content_alone(tmp_path):
    """A piece's key changes with what is in its files, not with where they lie; the listing's hash changes with any file."""
    lay_out_files(tmp_path / "a", [draw_picture(1), draw_picture(2)])
    lay_out_files(tmp_path / "b", [draw_picture(1), draw_picture(2)])
    keys = [hash_piece(list_pieces(str(tmp_path / name))[0], 100) for name in "ab"]
    assert keys[0] == keys[1] != hash_piece(list_pieces(str(tmp_path / "a"))[0], 101)
    before = hash_listing([str(tmp_path / "b")])
    (tmp_path / "b/test/acme/1.jpg").write_bytes(draw_picture(3) + b"more")
    assert hash_piece(list_pieces(str(tmp_path / "b"))[0], 100) != keys[0]
    assert hash_listing([str(tmp_path / "b")]) != before


def lay_out_broken(folder: Path) -> None:
    folder.mkdir()
    (folder / "test.parquet").write_bytes(b"PAR1 nonsense")


@pytest.mark.parametrize("make", [lambda folder: None, lambda folder: folder.mkdir(), lay_out_broken])
def test_what_holds_no_pictures_is_refused(tmp_path, make):
    """A dataset that is not there, is empty or is damaged is a fault of the command line, with its path."""
    make(tmp_path / "them")
    with pytest.raises(UsageError, match="them"):
        list_pieces(str(tmp_path / "them"))


def test_a_url_is_as_good_as_a_path():
    """A dataset behind an fsspec URL is read as a local one."""
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/them/train/a.jpg", draw_picture(1))
    try:
        piece = list_pieces("memory://them")[0]
        assert piece.names == ["train/a.jpg"]
        assert pa.Table.from_batches(fingerprint(piece)).column("signature").null_count == 0
    finally:
        memory.rm("/them", recursive=True)


def test_their_copies_are_found_in_any_guise():
    """Turned, or a part of ours: near, with what makes theirs of ours."""
    random = np.random.default_rng(4)
    scene = Image.fromarray(random.integers(0, 256, (6, 8, 3)).astype(np.uint8)).resize((360, 270), Image.Resampling.BICUBIC)

    def encode(picture: Image.Image) -> bytes:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=80)
        return buffer.getvalue()

    theirs = [encode(scene.transpose(Image.Transpose.ROTATE_180)), encode(scene.crop((36, 27, 324, 243)))]
    prints = pa.Table.from_pylist(
        [
            {"sha256": hashlib.sha256(data).hexdigest()} | {k: inspect_image(data)[k] for k in PRINT_SCHEMA.names[1:]}
            for data in theirs
        ],
        schema=PRINT_SCHEMA,
    )
    found = Comparison(describe_ours([encode(scene)], ["train"])).compare("them", [Theirs(prints, ["a", "b"], ["test", "test"])])
    rows = sorted((row["other_name"], row["kind"], row["transformation"], row["leak"]) for row in found.pairs.to_pylist())
    assert rows == [("a", "near", "turned by 180°", True), ("b", "near", "cropped to 80% x 80%", True)]
