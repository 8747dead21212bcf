"""Tables as strangers write them: rows shorter and longer than their header, further header rows, declared delimiters, odd line ends."""

from __future__ import annotations

import json

import pytest

from builders.places import DATA
from builders.sources import read_all
from logoingest.errors import SourceError

FOLDER = DATA / "sources/tables"
OUTCOMES = json.loads((FOLDER / "outcomes.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", OUTCOMES, ids=[case["file"] for case in OUTCOMES])
def test_every_shape_is_read_or_refused_by_row(case):
    """Every row of a file is an answer or is refused with what stands in it."""
    got = read_all(FOLDER, {"path": case["file"]})
    assert len(got.ids) == case["rows"]
    assert [label for _, label in got.answers][: len(case["answers"])] == case["answers"]
    assert got.reasons == [(number, reason) for number, reason, _ in case["refused"]]
    assert all(part in row["detail"] for row, (*_, part) in zip(got.rejected, case["refused"], strict=True))


def test_a_name_of_two_columns_is_asked_for():
    """Which of two columns of one name holds the answers is never guessed; each can be named."""
    with pytest.raises(SourceError, match=r'2 columns named "brand".*label_column = "brand:1" or "brand:2"'):
        read_all(FOLDER, {"path": "dup_header.csv"})
    got = [read_all(FOLDER, {"path": "dup_header.csv", "label_column": f"brand:{number}"}) for number in (1, 2)]
    assert [answers for read in got for _, answers in read.answers] == ["nike", "puma"]


def test_columns_of_one_name_that_are_not_read_harm_nobody(read):
    """Two comment columns are no fault of the answers."""
    assert read("url,label,note,note\nhttp://x.example/1.jpg,a,x,y\n").answers == [("http://x.example/1.jpg", "a")]


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ("http://x.example/1.jpg,a,w", None),
        ("http://x.example/1.jpg,a,w,", None),
        ("http://x.example/1.jpg,a,w,,,, ", None),
        ("http://x.example/1.jpg,a", "2 cells where the header names 4, none for worker: http://x.example/1.jpg,a"),
        ("http://x.example/1.jpg", "1 cell where the header names 4, none for label, worker: http"),
        ("http://x.example/1.jpg,Nike, Inc,w,,x", "6 cells where the header names 4: http://x.example/1.jpg,Nike, Inc,w,,x"),
    ],
)
def test_a_row_counts_as_long_as_what_is_read_is_there(read, row, outcome):
    """Short rows are padded when they end after the columns that are read, else refused; a delimiter at the end is no cell."""
    got = read(f"url,label,worker,comment\n{row}\nhttp://x.example/2.jpg,b,w,fine\n", worker_column="worker")
    assert len(got.kept) == (1 if outcome else 2)
    assert len(got.rejected) == (1 if outcome else 0)
    assert outcome is None or got.rejected[0]["detail"].startswith(outcome)


def test_what_is_not_needed_may_be_missing(read):
    """Further URLs of a picture are read where a row has them."""
    got = read(
        "url,label,mirror\nhttp://x.example/1.jpg,a\nhttp://x.example/2.jpg,b,http://y.example/2\n",
        alternative_url_columns=["mirror"],
    )
    assert [row["alternative_urls"] for row in got.kept] == [None, ["http://y.example/2"]]


def test_a_header_in_the_middle_is_no_answer(read):
    """Files that were joined repeat their header."""
    got = read("url,label\nhttp://x.example/1.jpg,a\nurl,label\nhttp://x.example/2.jpg,label\n")
    assert [label for _, label in got.answers] == ["a", "label"]
    assert [(row["source_row"], row["detail"]) for row in got.rejected] == [(2, "a further row of the header: url,label")]


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        ("Picture,What is it?\nhttp://x.example/1.jpg,a\nhttp://x.example/2.jpg,b\n", [1]),
        ("Picture,What is it?\nLink,Free text\nhttp://x.example/1.jpg,a\nhttp://x.example/2.jpg,b\n", [1, 2]),
        ("pictures/0.jpg,a\nhttp://x.example/1.jpg,a\nhttp://x.example/2.jpg,b\n", []),
        ("http://x.example/1.jpg,a\nhttp://x.example/2.jpg,b\nlost,c\n", []),
    ],
    ids=["one row", "two rows", "a path is no heading", "not at the head"],
)
def test_rows_of_headings(read, rows, refused):
    """Rows at the head that have words where all others have a URL belong to the header."""
    got = read(f"image,answer\n{rows}")
    assert [number for number, _ in got.reasons] == refused


def test_a_table_called_tsv_may_have_commas(read):
    """The content, not the name, says what divides cells."""
    assert read("url,label\nhttp://x.example/1.jpg,a\n", "rows.tsv").answers == [("http://x.example/1.jpg", "a")]
    assert read(
        "url\thttp,label\nhttp://x.example/1.jpg\ta,b\n", "rows.tsv", url_column="url", label_column="http,label"
    ).answers == [("http://x.example/1.jpg", "a,b")]


@pytest.mark.parametrize(
    ("text", "keys", "answers"),
    [
        ("http://x.example/1.jpg,nike,w1\nhttp://x.example/2.jpg,puma,w2\nhttp://x.example/3.jpg,puma,w1\n", {"label_column": "column_2"}, ["nike", "puma", "puma"]),
        ("nike,http://x.example/1.jpg\npuma,http://x.example/2.jpg\n", {}, ["nike", "puma"]),
        ("1\thttp://x.example/1.jpg\tnike\n2\thttp://x.example/2.jpg\tpuma\n", {"label_column": "column_3"}, ["nike", "puma"]),
        ("a.example/1.jpg\na.example/2.jpg\n", {}, ["", ""]),
        ("img/1.jpg,nike\nimg/2.jpg,puma\n", {}, ["nike", "puma"]),
    ],
    ids=["URL first", "label first", "number first", "no scheme", "file names"],
)  # fmt: skip
def test_tables_without_a_header(read, text, keys, answers):
    """A first row that holds a URL is a row: no picture is lost to a header that is none."""
    assert [label for _, label in read(text, "rows.txt", **keys).answers] == answers


@pytest.mark.parametrize(
    ("delimiter", "cells", "labels"),
    [
        (",", [r'"Nike \"swoosh\" logo"', "puma"], ['Nike "swoosh" logo', "puma"]),
        (",", [r'"\""', r'"5\" disk"', r'"C:\dir"'], ['"', '5" disk', r"C:\dir"]),
        (",", ['"open', "b", 'c"'], ["b", 'c"']),
        (",", ['"two\nlines, here"', "b"], ["two\nlines, here", "b"]),
        ("\t", ['"open', "b", 'c"'], ['"open', "b", 'c"']),
        ("\t", ['"two\nlines"', 'a "b" c', '"d" e'], ["two\nlines", 'a "b" c', '"d" e']),
        (";", ['"nike, inc"', "'puma'"], ["nike, inc", "'puma'"]),
    ],
    ids=[
        "backslashes",
        "backslashes at the end",
        "an open quote",
        "two lines",
        "tabs, an open quote",
        "tabs, quotes",
        "semicolons",
    ],
)
def test_quotes(read, delimiter, cells, labels):
    """Quotes that RFC 4180 does not know are read where the row's width proves how; an open quote never swallows the rows after it."""
    rows = [f"http://x.example/{number}.jpg{delimiter}{cell}\n" for number, cell in enumerate(cells)]
    got = read(f"url{delimiter}label\n{''.join(rows)}", "rows.txt")
    assert [label for _, label in got.answers] == labels
    assert len(got.ids) == len(cells)


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("Export of campaign 7\nimage_url,label", "{url},{label}"),
        ("Export of campaign 7,\n\nimage_url,label", "{url},{label}"),
        ("# exported by hand, 2024\n# twice\nimage_url;label", "{url};{label}"),
        ('"image_url","label"', '"{number}","{url}","{label}"'),
        (",image_url,label", "{number},{url},{label}"),
        ("image_url, label", '{url}, "{label}"'),
        ("'image_url','label'", "'{url}','{label}'"),
        ("image_url\x01label", "{url}\x01{label}"),
        ("image_url^label", "{url}^{label}"),
        ('"sep=|"\r\nimage_url|label', "{url}|{label}"),
        ("image_url label", "{url} {label}"),
        ('"image_url" "label"', '"{number}" "{url}" "{label}"'),
        ("| image_url | label |", "| {url} | {label} |"),
        ("image_url,label,,,", "{url},{label},,,"),
    ],
    ids=[
        "a title", "a title and a blank line", "comments", "row names", "an index", "blanks after commas", "single quotes",
        "control A", "carets", "a quoted declaration", "blanks", "R's blanks and row names", "a printed table", "empty columns",
    ],
)  # fmt: skip
def test_styles_of_tables(read, head, row):
    """How a table is written is told by its first lines; its cells are the same."""
    labels = ["nike", "Citroën", "puma"] if "'" in head or " l" in head else ["nike", "Citroën", "Ben & Jerry's"]
    rows = [row.format(url=f"http://x.example/{n}.jpg", label=label, number=n) for n, label in enumerate(labels, 1)]
    got = read("\n".join([head, *rows]) + "\n", "rows.txt")
    assert [(url, label.strip()) for url, label in got.answers] == [
        (f"http://x.example/{number}.jpg", label) for number, label in enumerate(labels, 1)
    ]
    assert got.rejected == []


@pytest.mark.parametrize("text", ["url\nhttp://x.example/a,b.jpg\nhttp://x.example/c.jpg\n", "label\nNike, Inc\nPuma, SE\n"])
def test_a_table_of_one_column_has_no_title(read, text):
    """A lonely name above cells that hold commas is the header."""
    with pytest.raises(SourceError, match=r"its columns are (url|label)$"):
        read(text, "rows.csv", format="tabular", label_column="none")
