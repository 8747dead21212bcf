"""Objects within JSON rows, cells in which several people answer, and lists within a JSON object."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.sources import read_all
from logoingest.sources import guess_source
from logoingest.sources.tables.nested import pick_value, spread_columns

NAMES = st.sampled_from(["a", "b", "a.b", "url"])
ROWS = st.lists(st.recursive(st.dictionaries(NAMES, st.none() | st.text(max_size=3)), lambda inner: st.dictionaries(NAMES, inner)))


def test_records_of_several_people(cases):
    """Each answer has its own worker; what was discarded is refused, a record that nobody answered is an empty answer."""
    guess = guess_source(cases / "tabular/argilla.json")
    assert (guess.url_column, guess.label_column, guess.worker_column) == ("fields.image", "responses.label", None)
    got = read_all(cases, {"path": "tabular/argilla.json", "id_column": "id"})
    assert [(row["url"][-5:], row["raw_label"], row["source_id"]) for row in got.kept] == [
        ("1.jpg", "Adidas", "r1"),
        ("1.jpg", "アディダス", "r1:2"),
        ("2.jpg", '["Nike", "Puma"]', "r2"),
        ("3.jpg", "", "r3"),
    ]
    assert [row["worker_id"] for row in got.kept][::2] == ["u1", "u1"]
    assert got.kept[1]["worker_id"].startswith("worker-")
    assert [(row["source_row"], row["reason"], row["detail"]) for row in got.rejected] == [
        (2, "assignment_rejected", "the answer is discarded")
    ]


def test_opinions_stand_in_a_cell_of_a_csv_as_well(tmp_path):
    """A JSON list with who and what; told not to read JSON, the text is the answer."""
    cell = json.dumps([{"annotator": "a", "label": "Nike"}, {"annotator": "b", "label": "Puma"}]).replace('"', '""')
    (tmp_path / "votes.csv").write_text(f'image_url,answers\nhttps://x.example/1.jpg,"{cell}"\n')
    got = read_all(tmp_path, {"path": "votes.csv"})
    assert [(row["worker_id"], row["raw_label"]) for row in got.kept] == [("a", "Nike"), ("b", "Puma")]
    assert len(read_all(tmp_path, {"path": "votes.csv", "json_answers": False}).kept) == 1


def test_the_list_within_a_services_answer_is_the_table(cases, tmp_path):
    """On one line or several; a line of JSON lines that holds a list and a URL stays a row."""
    whole = json.loads((cases / "tabular/service_answer.json").read_text())
    (tmp_path / "line.json").write_text(json.dumps(whole))
    expected = [("https://img.example.org/1.jpg", "adidas"), ("https://img.example.org/2.jpg", "nike")]
    assert read_all(cases, {"path": "tabular/service_answer.json"}).answers == expected
    assert read_all(tmp_path, {"path": "line.json"}).answers == expected
    (tmp_path / "one.jsonl").write_text('{"image": "https://x.example/1.jpg", "labels": [{"label": "Nike"}]}\n')
    assert read_all(tmp_path, {"path": "one.jsonl"}).answers == [("https://x.example/1.jpg", "Nike")]


ROW = {"url": "https://x.example/1.jpg", "user": "u1", "label": "Nike"}
OTHER = {"url": "https://x.example/2.jpg", "user": "u2", "label": "Puma"}


@pytest.mark.parametrize(
    "whole",
    [
        {"0": ROW, "1": OTHER},
        {"answers": {"-N1": ROW, "-N2": OTHER}, "version": 3},
        {"features": [{"name": "url"}, {"name": "user"}], "rows": [{"row": ROW}, {"row": OTHER}]},
        [{"_index": "a", "_source": ROW}, {"_index": "a", "_source": OTHER}],
        [{**row, "user": {"$oid": row["user"]}, "__v": {"$numberInt": "0"}} for row in (ROW, OTHER)],
    ],
    ids=["pandas by index", "firebase", "datasets' rows", "elasticsearch", "mongodb"],
)
def test_rows_of_databases_are_read_as_they_are_exported(tmp_path, whole):
    """Objects by their ids, a list beside another, a row within a row, and values that say their type."""
    (tmp_path / "rows.json").write_text(json.dumps(whole, indent=1))
    guess = guess_source(tmp_path / "rows.json")
    keys = {"url_column": guess.url_column, "label_column": guess.label_column, "worker_column": guess.worker_column}
    got = read_all(tmp_path, {"path": "rows.json", **keys})
    assert [(row["url"], row["worker_id"], row["raw_label"]) for row in got.kept] == [tuple(ROW.values()), tuple(OTHER.values())]


def test_an_object_that_is_an_answer_stays_one_cell():
    """Ticked options and labelled boxes are read as they are."""
    assert spread_columns([{"answer": {"nike": True, "puma": False}}, {"answer": {"label": "nike"}}]) == ("answer",)
    assert spread_columns([{"meta": {"source": "web"}}]) == ("meta", "meta.source")


@examples(60)
@given(ROWS)
def test_every_column_leads_to_what_stands_there(rows):
    """Of plain rows the columns are their keys; each value that a row holds at its top is found under its name, nothing else is."""
    rows = [row for row in rows if isinstance(row, dict)]
    columns = spread_columns(rows)
    assert len(set(columns)) == len(columns)
    assert {key for row in rows for key in row} <= set(columns)
    assert all(pick_value(row, key) == value for row in rows for key, value in row.items())
    assert all(any(pick_value(row, name) is not None or name in row for row in rows) or "." in name for name in columns)
