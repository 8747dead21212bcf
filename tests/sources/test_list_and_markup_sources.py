from __future__ import annotations

import json
from pathlib import Path

import pytest

from logoingest.errors import SourceError
from logoingest.sources.formats.url_list import divide_line
from sources_reading import read_all

LINES = json.loads((Path(__file__).parents[1] / "data/sources/url_lines.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("line", "url", "label"), LINES)
def test_lines_divide(line, url, label):
    """URL and label of a line are told apart without breaking URLs that hold commas or spaces."""
    assert divide_line(line + "\n") == (url, label)


def test_a_declared_delimiter_divides_at_its_first():
    """A delimiter in the config decides."""
    assert divide_line("http://x.example/5,adidas, too", ",") == ("http://x.example/5", "adidas, too")


def test_url_list(cases):
    """Comments and empty lines are no records; source_row is the line."""
    got = read_all(cases, {"path": "urls.txt"})
    assert [(row["source_row"], row["url"][-5:], row["raw_label"]) for row in got.kept] == [
        (3, "1.jpg", ""),
        (4, "2.jpg", "Adidas Originals"),
        (6, "3.jpg", "nike / puma"),
    ]
    assert got.rejected == []


def test_label_studio(cases):
    """Choices, texts and rectangles of several annotators; cancelled, rejected and unreadable regions are accounted for."""
    got = read_all(cases, {"path": "label_studio.json"})
    assert [(row["source_row"], row["worker_id"], row["raw_label"], row["bbox"], row["status"]) for row in got.kept] == [
        (1, "1", '["Nike", "Puma"]', None, "submitted"),
        (1, "2", "アディダス", None, "submitted"),
        (2, "1", "Adidas", [20, 80, 100, 100], "approved"),
        (2, "1", "Nike", [0, 0, 200, 400], "approved"),
        (2, "2", "", None, "submitted"),
    ]
    assert [(row["source_row"], row["reason"], row["detail"]) for row in got.rejected] == [
        (1, "assignment_rejected", "cancelled by the annotator"),
        (2, "invalid_row", "a brushlabels region is not read"),
        (2, "invalid_row", "a polygonlabels region is not read"),
        (2, "assignment_rejected", "rejected in review"),
        (3, "invalid_row", "nobody has answered this task"),
    ]
    assert [row["source_id"] for row in got.kept] == ["1-11", "1-12", "2-21", "2-21:2", "2-23"]
    assert [row["attributes"] for row in got.kept[:4]] == ['{"ground_truth": true}', None, None, '{"rotation": 15.0}']
    assert got.kept[0]["work_time_s"] == 12.5
    assert "someone@x.example" not in json.dumps(got, default=str)


def test_label_studio_by_control(cases):
    """With a label column only that control's answers count; a wrong name is told with the right ones."""
    got = read_all(cases, {"path": "label_studio.json", "label_column": "brand"})
    assert [row["raw_label"] for row in got.kept if row["raw_label"]] == ['["Nike", "Puma"]', "Nike"]
    with pytest.raises(SourceError, match=r'has no column "brnad" .label_column.; did you mean "brand"'):
        read_all(cases, {"path": "label_studio.json", "label_column": "brnad"})


def test_voc_folder(cases):
    """One annotation per object, with box, flags, and an id of folder, picture and index; broken and dangerous files are refused."""
    got = read_all(cases, {"path": "voc", "url_prefix": "http://x.example/voc/"})
    assert [(row["source_row"], row["url"], row["raw_label"], row["bbox"], row["source_id"]) for row in got.kept] == [
        (3, "http://x.example/9.jpg", "", None, "voc_no logo #1"),
        (4, "http://x.example/voc/kraft/img000011.png", "kraft", [43, 123, 23, 9], "kraft_img000011_0"),
        (4, "http://x.example/voc/kraft/img000011.png", " H&M-teilsichtbar", [1.5, 2, 1.5, 2], "kraft_img000011_1"),
        (4, "http://x.example/voc/kraft/img000011.png", "whole", None, "kraft_img000011_3"),
    ]
    assert json.loads(got.kept[1]["attributes"]) == {"truncated": True, "difficult": False, "pose": "Unspecified"}
    assert got.reasons == [(1, "invalid_row"), (2, "invalid_row"), (4, "invalid_row")]
    assert "document type" in got.rejected[0]["detail"]
    assert "no element" in got.rejected[1]["detail"] or "not valid XML" in got.rejected[1]["detail"]
    assert "needs an area" in got.rejected[2]["detail"]
    assert got.rejected[2]["raw_label"] == "flat"


@pytest.mark.parametrize("path", ["voc/kraft/img000011.xml", "voc/*/*.xml", "voc/**/img*.xml"])
def test_voc_by_file_and_glob(cases, path):
    """A single file and a pattern give the same objects."""
    got = read_all(cases, {"path": path, "format": "voc"})
    assert [row["source_id"] for row in got.kept] == ["kraft_img000011_0", "kraft_img000011_1", "kraft_img000011_3"]


@pytest.mark.parametrize(
    "text",
    [
        "<a>" * 100_000,
        '<?xml version="1.0" encoding="nonsense"?><annotation/>',
        '<!DOCTYPE a [<!ENTITY a "b">]><annotation/>'.encode("utf-16"),
        "\x00",
        '<annotation a="1" a="2"/>',
    ],
    ids=["deep", "unknown encoding", "entities in UTF-16", "binary", "twice the attribute"],
)
def test_hostile_xml_is_a_bad_row(tmp_path, cases, text):
    """No XML file breaks the run while another can be read."""
    (tmp_path / "a.xml").write_bytes(text if isinstance(text, bytes) else text.encode())
    (tmp_path / "b.xml").write_bytes((cases / "voc/empty.xml").read_bytes())
    got = read_all(tmp_path, {"path": ".", "format": "voc"})
    assert (len(got.kept), got.reasons) == (1, [(1, "invalid_row")])
