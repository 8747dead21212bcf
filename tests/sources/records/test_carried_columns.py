"""Columns that go along with an answer, and the hashes its picture must have."""

from __future__ import annotations

import base64
import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from builders.sources import read_all
from logoingest.config import Config, SourceConfig
from logoingest.errors import SourceError

SHA, MD5 = hashlib.sha256(b"x").hexdigest(), hashlib.md5(b"x", usedforsecurity=False).hexdigest()
MTURK = "HITId,AssignmentId,WorkerId,AssignmentStatus,Input.image_url,Input.licence,Answer.brand.nike,Answer.brand.puma\n"


def carried(got) -> list:
    return [json.loads(row["carried"] or "{}") for row in got.kept]


def test_csv_keeps_cells_as_they_are(read):
    """Empty cells are left out, everything else is text as it stands; short rows lack what is at their end."""
    got = read('url,label,licence,caption\nhttp://x.example/1,a,CC-BY," two\nlines, "\nhttp://x.example/2,b,,\nhttp://x.example/3,c\n',
               keep_columns=["licence", "caption"])  # fmt: skip
    assert carried(got) == [{"licence": "CC-BY", "caption": " two\nlines, "}, {}, {}]


def test_columns_change_no_id(read):
    """Who keeps a column later has the same annotation ids: overrides in a class map still hold."""
    text = "url,label,licence\nhttp://x.example/1,a,CC-BY\nhttp://x.example/1,a,CC0\n"
    assert read(text).ids == read(text, keep_columns=["licence"]).ids


def test_mturk_keeps_inputs_without_their_prefix(read):
    """Input.licence is kept as licence, for every assignment, rejected ones included."""
    got = read(MTURK + "H,A,W,Approved,http://x.example/1,CC0,true,true\nH,B,W,Rejected,http://x.example/1,CC0,true,false\n",
               keep_columns=["Input.licence"])  # fmt: skip
    assert carried(got) == [{"licence": "CC0"}]
    assert got.reasons == [(2, "assignment_rejected")]


def test_json_lines_and_parquet_keep_values_as_text(read, tmp_path):
    """Numbers, booleans, lists and objects become text, one way whatever the data."""
    record = {
        "url": "http://x.example/1",
        "label": "a",
        "size": 1.50,
        "tags": ["b", {"c": 1}],
        "sure": True,
        "odd": "\ud800!",
        "nul": "a\0b",
    }
    names = ["size", "tags", "sure", "odd", "nul"]
    got = read(json.dumps(record), "rows.jsonl", keep_columns=names)
    expected = {"size": "1.5", "tags": '["b", {"c": "1"}]', "sure": "true", "odd": "\N{REPLACEMENT CHARACTER}!", "nul": "a\0b"}
    assert carried(got) == [expected]
    table = pa.table({"url": ["http://x.example/1"], "label": ["a"], "size": [1.5], "raw": [b"\xff"], "tags": [["b", "c"]]})
    pq.write_table(table, tmp_path / "rows.parquet")
    kept = read_all(tmp_path, {"path": "rows.parquet", "keep_columns": ["size", "raw", "tags"]})
    assert carried(kept) == [{"size": "1.5", "raw": "ff", "tags": '["b", "c"]'}]


def test_label_studio_keeps_data(tmp_path):
    """Keys of a task's data go along with every annotation of it."""
    result = [{"type": "choices", "from_name": "brand", "value": {"choices": ["Nike"]}}]
    task = {
        "id": 1,
        "data": {"image": "http://x.example/1", "licence": "CC0", "sum": SHA},
        "annotations": [{"id": number, "result": result} for number in (1, 2)],
    }
    (tmp_path / "export.json").write_text(json.dumps([task]), encoding="utf-8")
    got = read_all(tmp_path, {"path": "export.json", "keep_columns": ["data.licence"], "sha256_column": "data.sum"})
    assert got == read_all(tmp_path, {"path": "export.json", "keep_columns": ["licence"], "sha256_column": "sum"})
    assert carried(got) == [{"licence": "CC0"}] * 2
    assert [row["expected_hashes"] for row in got.kept] == [[f"sha256:{SHA}"]] * 2


def test_a_long_cell_stays_whole(read):
    """A megabyte is a cell like others."""
    got = read(f"url,label,caption\nhttp://x.example/1,a,{'x' * 1_000_000}\n", keep_columns=["caption"])
    assert len(carried(got)[0]["caption"]) == 1_000_000


@pytest.mark.parametrize("name", ["voc", "coco", "urls", "cvat"])
def test_formats_without_columns_say_so(tmp_path, name):
    """What cannot be kept is asked back, not forgotten."""
    (tmp_path / "rows").write_text("http://x.example/1\n", encoding="utf-8")
    with pytest.raises(SourceError, match=f"is {name}, which has no columns for md5_column, keep_columns"):
        read_all(tmp_path, {"path": "rows", "format": name, "keep_columns": ["licence"], "md5_column": "m"})


def test_missing_columns_are_named(read):
    """All at once, with the nearest name."""
    with pytest.raises(SourceError, match=r'no column "licens" .keep_columns.licens.; did you mean "licence"') as caught:
        read("url,label,licence\nhttp://x.example/1,a,CC0\n", keep_columns=["licens"], sha256_column="sha")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (["a", "Input.a"], "names a column twice"),
        ({"A": "x", "a": "y"}, "differ in case alone"),
        (["a.b"], "cannot hold"),
        (["a\x1b"], "cannot hold"),
        ({"": "x"}, "is no name"),
        ({"x" * 65: "x"}, "is no name"),
        ("licence", "dict"),
        ([1], "dict"),
    ],
)
def test_names_of_kept_columns(keep, message):
    """A name is a plain word that no reader stumbles over; another one can be given."""
    with pytest.raises(ValidationError, match=message):
        SourceConfig(path="x", keep_columns=keep)
    assert SourceConfig(path="x", keep_columns={"a_b": "a.b"}).keep_columns == {"a_b": "a.b"}


def test_hashes_in_hex_and_base64(read):
    """Both spellings, either case, with or without the algorithm in front; an empty cell expects nothing."""
    cells = [SHA, SHA.upper(), f"sha256:{SHA}", base64.b64encode(bytes.fromhex(SHA)).decode(), ""]
    text = "url,label,sha,md5\n" + "".join(f"http://x.example/{n},a,{cell},\n" for n, cell in enumerate(cells))
    got = read(
        text + f"http://x.example/9,a,{SHA},{base64.b64encode(bytes.fromhex(MD5)).decode()}\n",
        sha256_column="sha",
        md5_column="md5",
    )
    assert [row["expected_hashes"] for row in got.kept] == [[f"sha256:{SHA}"]] * 4 + [None, [f"sha256:{SHA}", f"md5:{MD5}"]]


@pytest.mark.parametrize("cell", ["abc", SHA[:-1], MD5, "z" * 64, "0" * 100_000, "=" * 44])
def test_what_is_no_hash_refuses_the_row(read, cell):
    """The row would otherwise count as checked; its detail says what a hash looks like."""
    got = read(f"url,label,sha\nhttp://x.example/1,a,{cell}\nhttp://x.example/2,b,{SHA}\n", sha256_column="sha")
    assert got.reasons == [(1, "invalid_row")]
    assert "is no sha256, which is 64 hex digits" in got.rejected[0]["detail"]
    assert (got.rejected[0]["url"], got.rejected[0]["raw_label"]) == ("http://x.example/1", "a")


def test_several_pictures_have_no_hash_of_their_own(read):
    """Which of a HIT's pictures a hash belongs to cannot be told."""
    with pytest.raises(SourceError, match="sha256_column cannot be told apart"):
        read("HITId,AssignmentId,Input.image_url1,Input.image_url2,Input.sha,Answer.brand\nH,A,http://x.example/1,http://x.example/2,,a\n",
             sha256_column="Input.sha")  # fmt: skip


def test_sources_agree_on_the_case_of_names():
    """Two sources may keep different columns, but not one name in two spellings."""
    text = {"dataset": {"name": "a", "workspace": "w"}, "labels": {"class_map": "m.toml"}}
    sources = [{"path": "a", "keep_columns": ["licence"]}, {"path": "b", "keep_columns": ["caption", "licence"]}]
    assert Config.model_validate({**text, "sources": sources}).kept_columns == ["licence", "caption"]
    with pytest.raises(ValidationError, match="differ in case alone"):
        Config.model_validate({**text, "sources": [*sources, {"path": "c", "keep_columns": ["Licence"]}]})
