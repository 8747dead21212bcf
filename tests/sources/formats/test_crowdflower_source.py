"""CrowdFlower's, Figure Eight's, Appen's reports."""

from __future__ import annotations

import pytest

from builders.sources import read_all
from logoingest.errors import SourceError
from logoingest.sources import guess_source


def test_the_full_report(cases):
    """A row a judgment: worker, times (month first), a test question's right answer; tainted judgments are refused."""
    got = read_all(cases, {"path": "crowdflower/full.csv"})
    assert [(row["url"], row["raw_label"], row["worker_id"], row["work_time_s"], row["source_id"]) for row in got.kept] == [
        ("http://x.example/1.jpg", "Nike", "31", 11, "1001"),
        ("http://x.example/2.jpg", "Puma", "31", 240, "1003"),
        ("http://x.example/3.jpg", '["Nike", "Puma"]', "31", 360, "1004"),
    ]
    assert [str(row["submitted_at"]) for row in got.kept[:2]] == ["2015-02-18 02:31:11+00:00", "2015-02-25 05:24:00+00:00"]
    assert [row["attributes"] for row in got.kept] == [None, '{"gold": "Puma"}', None]
    assert [(row["raw_label"], row["reason"], row["detail"]) for row in got.rejected] == [
        ("asdf", "assignment_rejected", "tainted: the contributor failed the test questions"),
        ("", "missing_url", "the row names no image URL"),
    ]


def test_another_question_can_be_named(cases):
    """label_column chooses; its own gold goes along."""
    got = read_all(cases, {"path": "crowdflower/full.csv", "label_column": "sharp"})
    assert [(row["raw_label"], row["attributes"]) for row in got.kept] == [("yes", None), ("yes", '{"gold": "yes"}'), ("yes", None)]


def test_the_aggregated_report(cases):
    """A row a unit: nobody is named, the confidence goes along, canceled units are refused."""
    got = read_all(cases, {"path": "crowdflower/aggregated.csv"})
    assert [(row["raw_label"], row["worker_id"], row["source_id"], row["attributes"]) for row in got.kept] == [
        ("Nike", None, "720001", '{"confidence": "0.6667", "judgments": "3"}'),
        ("Puma", None, "720002", '{"confidence": "1.0", "gold": "Puma", "judgments": "12"}'),
    ]
    assert [(row["source_row"], row["reason"], row["detail"]) for row in got.rejected] == [
        (3, "assignment_rejected", "the unit is canceled")
    ]


def test_boxes_of_the_image_tool(cases):
    """Class and coordinates; a dot is a rejected row beside the box."""
    got = read_all(cases, {"path": "crowdflower/boxes.csv"})
    assert [(row["raw_label"], row["bbox"]) for row in got.kept] == [("Nike", [10, 20, 30, 40])]
    assert [row["detail"] for row in got.rejected] == ["a shape of the kind dot is not read"]


@pytest.mark.parametrize("name", ["full", "aggregated", "boxes"])
def test_reports_are_known(cases, name):
    """By the platform's own columns."""
    assert guess_source(cases / f"crowdflower/{name}.csv").format == "crowdflower"


def test_not_trusted_and_what_is_missing(read):
    """A judgment that is not trusted is refused; a wrong column, no URLs and several answers are told."""
    rows = "_unit_id,_worker_id,_trusted,a,b,image_url\n1,w,false,x,y,http://x.example/1.jpg\n2,w,true,x,y,http://x.example/2.jpg\n"
    got = read(rows, label_column="a")
    assert (got.answers, got.reasons) == ([("http://x.example/2.jpg", "x")], [(1, "assignment_rejected")])
    with pytest.raises(SourceError, match="several answers and none is plainly the label; name it: label_column = … of a, b"):
        read(rows)
    with pytest.raises(SourceError, match='has no column "brand"'):
        read(rows, label_column="brand")
    with pytest.raises(SourceError, match="has no column that holds image URLs"):
        read("_unit_id,_worker_id,brand\n1,w,x\n")


def test_columns_go_along(read):
    """keep_columns works as with any table."""
    text = "_unit_id,_worker_id,brand,licence,image_url\n1,w,x,CC0,http://x.example/1.jpg\n"
    assert read(text, label_column="brand", keep_columns=["licence"]).kept[0]["carried"] == '{"licence": "CC0"}'
