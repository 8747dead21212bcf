from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builders.sources import read_all

ROWS = 'image_url,label,worker\nhttp://x.example/1.jpg,adidas,w1\n" http://x.example/2.jpg ","  Ben & Jerry\'s, ""Inc""\n",\n'


def test_csv_is_read(read):
    """Quotes, commas and line ends in cells survive; the URL loses outer white space, the label nothing; an empty worker is null."""
    got = read(ROWS, worker_column="worker")
    assert got.answers == [("http://x.example/1.jpg", "adidas"), ("http://x.example/2.jpg", '  Ben & Jerry\'s, "Inc"\n')]
    assert [row["worker_id"] for row in got.kept] == ["w1", None]
    assert [row["source_row"] for row in got.kept] == [1, 2]
    assert {row["source_file"] for row in got.kept} == {"rows.csv"}
    assert {row["status"] for row in got.kept} == {"submitted"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_guessed(read, delimiter):
    """Comma, semicolon, tab and bar are told apart by content."""
    got = read(f"url{delimiter}brand\r\nhttp://x.example/1.jpg{delimiter}H&M\r\n")
    assert got.answers == [("http://x.example/1.jpg", "H&M")]


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (ROWS.encode("utf-8-sig"), {}),
        (ROWS.replace("\n", "\r\n").encode(), {}),
        (ROWS.replace("label", "\u200blabel\ufeff ").encode(), {"label_column": "label"}),
        (b"sep=,\r\n" + ROWS.encode(), {}),
        (b"\n\n" + ROWS.encode() + b"\n\n", {}),
        (ROWS.encode("utf-16"), {"encoding": "utf-16"}),
        (ROWS.replace("adidas", "Citroën").encode("cp1252"), {"encoding": "cp1252"}),
        (ROWS.replace("adidas", "アディダス").encode("shift_jis"), {"encoding": "shift_jis"}),
        (gzip.compress(ROWS.encode()), {}),
    ],
    ids=["bom", "crlf", "hidden characters in names", "sep line", "empty lines", "utf-16", "cp1252", "shift_jis", "gzip"],
)
def test_csv_in_many_coats(read, data, keys):
    """Encodings, marks, line ends and compression change nothing in what is read."""
    got = read(data, **keys)
    assert [url for url, _ in got.answers] == ["http://x.example/1.jpg", "http://x.example/2.jpg"]
    assert got.kept[0]["raw_label"] in {"adidas", "Citroën", "アディダス"}


def test_missing_looking_answers_stay_text(read):
    """None, NA, null and nan are answers."""
    words = ["None", "NA", "null", "nan", "NaN", "", "-", "0", "1e5", "007", "true"]
    got = read("url,label\n" + "".join(f"http://x.example/{word}.jpg,{word}\n" for word in words))
    assert [label for _, label in got.answers] == words


def test_bad_rows_are_rejected_by_number(read):
    """Ragged rows, rows without URL and unreadable boxes are refused one by one, with the reason."""
    got = read(
        "url,label,box\nhttp://x.example/1.jpg,a,\nhttp://x.example/2.jpg\n,lost,\nhttp://x.example/4.jpg,b,1 2\nhttp://x.example/5.jpg,c,1 2 3 4\n",
        bbox_column="box",
    )
    assert [row["source_row"] for row in got.kept] == [1, 5]
    assert got.kept[1]["bbox"] == [1, 2, 3, 4]
    assert got.reasons == [(2, "invalid_row"), (3, "missing_url"), (4, "invalid_row")]
    assert got.rejected[0]["detail"] == "1 cell where the header names 3, none for label, box: http://x.example/2.jpg"
    assert got.rejected[1]["raw_label"] == "lost"
    assert got.rejected[2]["url"] == "http://x.example/4.jpg"
    assert "four numbers" in got.rejected[2]["detail"]


def test_broken_quotes_cost_one_line(read):
    """A quote that is never closed takes its own line with it, not the rest of the file."""
    rows = "".join(f"http://x.example/{number}.jpg,fine\n" for number in range(50))
    got = read(f'url,label\nhttp://x.example/a.jpg,"5 inch" nail\n{rows}http://x.example/b.jpg,"open\n{rows}')
    assert len(got.kept) == 100
    assert got.reasons == [(1, "invalid_row"), (52, "invalid_row")]
    assert "quotes" in got.rejected[1]["detail"]


def test_json_lines(read):
    """Numbers keep their text, null is no answer, lists are several answers, broken lines are refused by line number."""
    lines = [
        '{"url": "http://x.example/1.jpg", "label": 1.50}',
        "",
        '{"url": "http://x.example/2.jpg", "label": null, "extra": 1}',
        '{"url": "http://x.example/3.jpg", "label": ["a", "b"]}',
        '{"url": "http://x.example/4.jpg", "label": ',
        '["no object"]',
        '{"url": {"a": 1}, "label": "x"}',
        '{"url": "http://x.example/8.jpg", "label": "\\ud800"}',
        '{"label": "no url"}',
        '{"url": "http://x.example/10.jpg", "label": true}',
        '{"url": "http://x.example/11.jpg", "label": "[]"}' + " " * 10,
        '{"url": "http://x.example/12.jpg", "label": ' + "[" * 5000,
    ]
    got = read("\n".join(lines), "rows.jsonl", id_column="extra")
    assert got.answers == [
        ("http://x.example/1.jpg", "1.50"),
        ("http://x.example/2.jpg", ""),
        ("http://x.example/3.jpg", '["a", "b"]'),
        ("http://x.example/10.jpg", "true"),
        ("http://x.example/11.jpg", ""),
    ]
    assert [row["source_id"] for row in got.kept] == [None, "1", None, None, None]
    assert got.reasons == [
        (5, "invalid_row"),
        (6, "invalid_row"),
        (7, "invalid_row"),
        (8, "invalid_row"),
        (9, "missing_url"),
        (12, "invalid_row"),
    ]
    assert got.rejected[3]["raw_label"] == "?"


def test_json_list(read):
    """A JSON list is read item by item, pretty-printed or not; several tags are one answer."""
    items = [
        {"image": f"http://x.example/{number}.jpg", "tags": ["a", "b"] if number == 2 else "c", "id": number}
        for number in range(5000)
    ]
    for indent in (None, 2):
        got = read(json.dumps(items, indent=indent), "rows.json", id_column="id")
        assert [row["source_id"] for row in got.kept] == [str(number) for number in range(5000)]
        assert [row["raw_label"] for row in got.kept[1:4]] == ["c", '["a", "b"]', "c"]


def test_parquet(tmp_path):
    """Parquet columns of numbers, dictionaries, lists and boxes are read like the others."""
    table = pa.table(
        {
            "url": ["http://x.example/1.jpg", None, "http://x.example/3.jpg"],
            "brand": pa.array([["a", "b"], ["c"], []], pa.list_(pa.string())),
            "worker": pa.array([7, 8, None], pa.int64()),
            "box": pa.array([[1, 2, 3, 4], None, None], pa.list_(pa.float64())),
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    got = read_all(tmp_path, {"path": "rows.parquet", "worker_column": "worker", "bbox_column": "box"})
    assert got.answers == [("http://x.example/1.jpg", '["a", "b"]'), ("http://x.example/3.jpg", "")]
    assert [row["bbox"] for row in got.kept] == [[1, 2, 3, 4], None]
    assert [row["worker_id"] for row in got.kept] == ["7", None]
    assert got.reasons == [(2, "missing_url")]


def test_alternative_urls_and_prefix(read):
    """Further URL columns are gathered; a name without a scheme gets the prefix."""
    text = "file,mirror,archive,label\na b.jpg,http://y.example/a,,x\nhttp://z.example/b.jpg,,,y\n"
    got = read(text, url_column="file", url_prefix="http://x.example/", alternative_url_columns=["mirror", "archive"])
    assert [row["url"] for row in got.kept] == ["http://x.example/a b.jpg", "http://z.example/b.jpg"]
    assert [row["alternative_urls"] for row in got.kept] == [["http://y.example/a"], None]


def test_a_table_of_urls_alone(read):
    """Without a label column every label is empty."""
    assert read("url\nhttp://x.example/1.jpg\n", format="tabular").answers == [("http://x.example/1.jpg", "")]


def test_long_cells_and_lines_are_bounded(read):
    """A label of a megabyte is an answer; a line beyond the bound is one refused row and reading goes on."""
    rows = ["http://x.example/1.jpg," + "a" * 1_000_000, "http://x.example/2.jpg," + "b" * (9 << 20), "http://x.example/3.jpg,c"]
    got = read("url,label\n" + "\n".join(rows) + "\n")
    assert [(row["source_row"], len(row["raw_label"])) for row in got.kept] == [(1, 1_000_000), (3, 1)]
    assert got.reasons == [(2, "invalid_row")]
