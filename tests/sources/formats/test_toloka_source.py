"""Toloka's results and aggregates."""

from __future__ import annotations

import pytest

from builders.sources import read_all
from logoingest.errors import SourceError
from logoingest.sources import guess_source


def test_results(cases):
    """Worker, status, times, a control task's right answer; rows that part assignments are none; what is not accepted is refused."""
    got = read_all(cases, {"path": "toloka/results.tsv"})
    assert [(row["source_row"], row["raw_label"], row["worker_id"], row["status"], row["source_id"]) for row in got.kept] == [
        (1, "Nike", "w1", "approved", "a1-t1"),
        (2, "Puma", "w1", "approved", "a1-t2"),
        (6, '["Nike", "Puma"]', "w4", "submitted", "a4-t3"),
    ]
    assert [(row["work_time_s"], row["attributes"]) for row in got.kept] == [(60, None), (60, '{"gold": "Puma"}'), (10, None)]
    assert str(got.kept[0]["submitted_at"]) == "2019-09-18 11:32:41.513000+00:00"
    assert [(row["source_row"], row["raw_label"], row["reason"], row["detail"]) for row in got.rejected] == [
        (4, "asdf", "assignment_rejected", "typed nonsense"),
        (5, "", "assignment_rejected", "the assignment is skipped"),
    ]


def test_fields_can_be_named_without_their_prefix(cases):
    """url_column and label_column with or without INPUT: and OUTPUT:."""
    for label in ("path", "OUTPUT:path"):
        got = read_all(cases, {"path": "toloka/results.tsv", "url_column": "image", "label_column": label, "json_answers": False})
        assert len(got.kept) + len(got.rejected) == 5
    with pytest.raises(SourceError, match='has no column "OUTPUT:brand"'):
        read_all(cases, {"path": "toloka/results.tsv", "label_column": "brand"})


def test_rectangles_wait_for_their_pictures(cases):
    """They are shares of the picture; another shape is a rejected row."""
    got = read_all(cases, {"path": "toloka/shapes.tsv"})
    assert [(row["raw_label"], row["bbox"], row["attributes"]) for row in got.kept] == [
        ("Nike", None, '{"bbox_shares": [0.1, 0.2, 0.5, 0.25]}'),
        ("Puma", None, '{"bbox_shares": [0.25, 0.25, 0.25, 0.5]}'),
    ]
    assert [row["detail"] for row in got.rejected] == ["a shape of the kind polygon is not read"]


@pytest.mark.parametrize("name", ["results", "shapes", "aggregated"])
def test_results_are_known(cases, name):
    """By the names of their fields."""
    guess = guess_source(cases / f"toloka/{name}.tsv")
    assert (guess.format, guess.delimiter) == ("toloka", "\t")


def test_aggregates_and_what_is_missing(cases, read):
    """The confidence goes along; outputs of which none is plainly the answer, and a pool without results, are told."""
    assert read_all(cases, {"path": "toloka/aggregated.tsv"}).kept[0]["attributes"] == '{"confidence": "97.50%"}'
    with pytest.raises(
        SourceError, match="several outputs and none is plainly the answer; name it: label_column = … of OUTPUT:a, OUTPUT:b"
    ):
        read("INPUT:image\tOUTPUT:a\tOUTPUT:b\nhttp://x.example/1.jpg\tx\ty\n", name="pool.tsv")
    with pytest.raises(SourceError, match="has no OUTPUT field: nobody has answered"):
        read("INPUT:image\tASSIGNMENT:status\nhttp://x.example/1.jpg\tACTIVE\n", name="pool.tsv")
