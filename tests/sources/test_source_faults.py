from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from builders.sources import read_all
from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.sources import read_annotations

GOOD = "url,label\nhttp://x.example/1.jpg,a\n"


@pytest.mark.parametrize(
    ("content", "keys", "message"),
    [
        (b"", {}, "is empty"),
        (b"\xef\xbb\xbf\n \n", {"format": "tabular"}, "holds no text"),
        (b"url,label\n", {}, "has a header but no rows"),
        (b"url,label\n\n\n", {}, "has a header but no rows"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", {}, "is a PNG picture"),
        (b"PK\x03\x04rest", {"format": "mturk"}, "is a damaged zip archive or Excel workbook; download it again"),
        (b"url,label\n\x00\x01\x02", {}, "is a binary file (a NUL byte at offset 10)"),
        (GOOD.encode("utf-16"), {}, 'is UTF-16 text; declare it: encoding = "utf-16"'),
        (
            GOOD.encode() + b"http://x.example/2.jpg,Citro\xebn\n",
            {},
            'is not utf-8: byte 0xeb at offset 63 (line 3); declare the encoding, for example encoding = "cp1252"',
        ),
        ((GOOD + "x" * 3_000_000 + ",\n").encode() + b"\xff", {}, "at offset 3000037 (line 4)"),
        (GOOD.encode(), {"encoding": "utf-9"}, "there is no text encoding 'utf-9'"),
        (GOOD.encode(), {"encoding": "zip"}, "there is no text encoding 'zip'"),
        (
            GOOD.encode(),
            {"label_column": "lable"},
            'has no column "lable" (label_column); did you mean "label"? its columns are url, label',
        ),
        (GOOD.encode(), {"url_column": "URL"}, 'did you mean "url"?'),
        (
            b"url,label,label\nhttp://x.example/1.jpg,a,b\n",
            {},
            'has 2 columns named "label", any of which may be meant (label_column); say which: label_column = "label:1" or "label:2"',
        ),
        (
            b"url,label,label\nhttp://x.example/1.jpg,a,b\n",
            {"label_column": "label"},
            "names 2 columns so: say which, label:1 or label:2",
        ),
        (b"name,label\nx,a\n", {}, "has no column that holds image URLs; name it: url_column"),
        (GOOD.encode(), {"delimiter": ",,"}, "delimiter ',,'"),
        (b"url,label\nhttp://x.example/1.jpg\n", {"url_column": "url"}, "has no row that can be read"),
        (b'{"url": \n"http://x.example/1.jpg"}', {"url_column": "url"}, "has no line that is a JSON object; a JSON source"),
        (b"[]", {}, "holds no objects"),
        (b'[{"url": "http://x.example/1.jpg"}, {"url": "http://x', {}, "is not valid JSON"),
        (b'[{"url": "http://x.example/1.jpg"}', {}, "the file ends inside the list (line 1); was the file cut short?"),
        (b'[{"url": "http://x.example/1.jpg"} {"url": 1}]', {}, "'{' where a comma or ] is needed"),
        (b"[" * 100_000, {}, "is nested too deeply"),
        (b'[{"a": 1}]', {"format": "label_studio"}, "is no Label Studio export: no task has data"),
        (b"# nothing\n\n", {"format": "urls"}, "lists no URLs"),
        (gzip.compress(GOOD.encode() * 1000)[:-30], {}, "is a damaged gzip file"),
        (b"PAR1" + b"x" * 100, {}, "is no sound Parquet file"),
        (b"<annotation>", {"format": "voc"}, "has no Pascal VOC file that can be read"),
        (b"HITId,AssignmentId,Input.image_url\nH,A,http://x.example/1\n", {}, "has no answers"),
        (GOOD.encode(), {"format": "mturk"}, "has no Input column that holds image URLs"),
    ],
)
def test_file_faults(tmp_path, content, keys, message):
    """What is wrong with a whole file is told with what to do about it."""
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_all(tmp_path, {"path": "rows.csv", **keys})
    assert message in str(caught.value)
    assert str(caught.value).startswith("rows.csv: ")
    assert str(tmp_path) not in str(caught.value)


def test_faults_of_all_sources_come_together(tmp_path):
    """Missing files, folders and wrong columns are told at once, each with its file."""
    (tmp_path / "results.csv").write_text(GOOD)
    (tmp_path / "folder").mkdir()
    paths = [
        {"path": "result.csv"},
        {"path": "folder", "format": "tabular"},
        {"path": "results.csv", "label_column": "a", "worker_column": "b"},
    ]
    with pytest.raises(SourceError) as caught:
        read_annotations([SourceConfig.model_validate(path) for path in paths], tmp_path)
    assert [(problem.where, problem.what) for problem in caught.value.problems] == [
        ("result.csv", "there is no such file"),
        ("folder", "is a folder"),
        ("results.csv", 'has no column "a" (label_column)'),
        ("results.csv", 'has no column "b" (worker_column)'),
    ]
    assert 'did you mean "results.csv"?' in str(caught.value)


@pytest.mark.parametrize("path", ["none.xml", "empty/", "empty/*.xml", "\x00"])
def test_nothing_there(tmp_path, path):
    """A path that leads nowhere is told, whatever it looks like."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"no such file|holds no XML files|cannot be read"):
        read_all(tmp_path, {"path": path})


def test_tables_hold_no_path_of_this_machine(tmp_path):
    """A source given by an absolute path is called by its name in the tables, and by its whole path in messages."""
    (tmp_path / "rows.csv").write_text(GOOD)
    assert {row["source_file"] for row in read_all(Path(), {"path": str(tmp_path / "rows.csv")}).kept} == {"rows.csv"}
    with pytest.raises(SourceError, match=str(tmp_path)):
        read_all(Path(), {"path": str(tmp_path / "other.csv")})


def test_a_device_is_no_source():
    """Only regular files are read: a device would never end."""
    with pytest.raises(SourceError, match="is no regular file"):
        read_all(Path("/"), {"path": "dev/zero", "format": "tabular"})


@pytest.mark.parametrize(
    ("head", "piece", "tail", "outcome"),
    [
        ("url,label\nhttp://x.example/1.jpg,a\n", "b", "", "ok"),
        ("", "a", "", "has no line that can be read"),
        ('{"url": "http://x.example/1.jpg"}\n{"url": "', "b", '"}', "ok"),
        ('[{"url": "', "b", '"}]', "an item of more than"),
        ("[", " ", '{"url": "http://x.example/1.jpg"}]', "ok"),
    ],
    ids=["csv line", "csv header", "json line", "json item", "json spaces"],
)
def test_endless_content_is_bounded(tmp_path, head, piece, tail, outcome):
    """A line, item or cell of 40 MB costs a row or the file, in bounded memory and time."""
    with gzip.open(tmp_path / "rows.csv", "wt", compresslevel=1) as file:
        file.write(head)
        for _ in range(40):
            file.write(piece * ((1 << 20) // len(piece)))
        file.write(tail)
    if outcome == "ok":
        assert len(read_all(tmp_path, {"path": "rows.csv"}).kept) == 1
        return
    with pytest.raises(SourceError, match=outcome):
        read_all(tmp_path, {"path": "rows.csv"})


def test_many_open_quotes_end(tmp_path, monkeypatch):
    """Rereading after broken quotes is bounded over the whole file."""
    monkeypatch.setattr("logoingest.sources.tables.delimited._MAX_REREAD_CHARS", 1 << 20)
    (tmp_path / "rows.csv").write_text(GOOD + 'http://x.example/2.jpg,"a" b\nhttp://x.example/3.jpg,"open\n' + "c,d\n" * 600_000)
    with pytest.raises(SourceError, match="too many broken quotes"):
        read_all(tmp_path, {"path": "rows.csv"})


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["mimetype", "content.xml"], "is an OpenDocument file; save the sheet as .xlsx or CSV"),
        (["Index/Document.iwa"], "is a Numbers document; export the table as Excel or CSV"),
        (["annotations.xml", "images/a.jpg"], "is a zip archive ('annotations.xml', 'images/a.jpg'); unpack it and name the file"),
        (["x"], "is a zip archive ('x')"),
    ],
)
def test_a_zip_is_named_by_what_it_holds(tmp_path, names, message):
    """Office files and packed exports are zips: each is told what to export or unpack."""
    with zipfile.ZipFile(tmp_path / "rows.csv", "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    with pytest.raises(SourceError) as caught:
        read_all(tmp_path, {"path": "rows.csv"})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text", ["<!doctype html><p>", "  <HTML>\n", "<!-- x -->\n<html>", "\ufeff<!DOCTYPE html>", "<head><title>"]
)
@pytest.mark.parametrize("kind", [None, "tabular", "urls", "mturk", "label_studio"])
def test_a_web_page_is_named(tmp_path, text, kind):
    """A sign-in page that was saved as the list is told as what it is."""
    (tmp_path / "rows.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match="is a web page"):
        read_all(tmp_path, {"path": "rows.csv", "format": kind})


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"{\\rtf1\\ansi", "is an RTF document; save the table as CSV"),
        (b"ARROW1\0\0", "is an Arrow .Feather. file; write it as Parquet"),
        (b"\x89HDF\r\n", "is an HDF5 file"),
        (b"\x93NUMPY\x01", "is a NumPy array"),
        (b"Obj\x01", "is an Avro file"),
        (b"\x80\x04\x95\x01", "is a Python pickle, which is never opened"),
        (b"SQLite format 3\0", "is an SQLite database; export its table as CSV"),
        (b"%PDF-1.7", "is a PDF"),
    ],
)
def test_other_files_are_named(tmp_path, head, message):
    """What people keep tables in is told by its first bytes, with what to do instead."""
    (tmp_path / "rows.csv").write_bytes(head + b"x" * 50)
    with pytest.raises(SourceError, match=message):
        read_all(tmp_path, {"path": "rows.csv"})
