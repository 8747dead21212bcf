from __future__ import annotations

import json

import pytest

from builders.places import DATA
from builders.sources import read_all
from logoingest.errors import SourceError

LISTS = json.loads((DATA / "sources/url_lists.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", LISTS, ids=[case["name"] for case in LISTS])
def test_lists_are_divided_as_a_whole(read, case):
    """Whether there are labels, and what is between, shows in the whole list; a mark inside a query divides nothing."""
    got = read("\n".join(case["lines"]), "urls.txt", format="urls")
    assert [row["url"] for row in got.kept] == case["urls"]
    assert [row["raw_label"] for row in got.kept] == case["labels"]


def test_a_declared_delimiter_divides_queries_too(read):
    """Where the list does not show it, the config decides: in the path if it can, else at the query's last."""
    text = "http://x.example/a?w=1,h=2,nike\nhttp://x.example/5,adidas, too\nhttp://x.example/b\n"
    assert read(text, "urls.txt", delimiter=",").answers == [
        ("http://x.example/a?w=1,h=2", "nike"),
        ("http://x.example/5", "adidas, too"),
        ("http://x.example/b", ""),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("http://x.example/9.jpg?w=1,adidas", "a comma inside the query"),
        ("http://x.example/9.jpg,http://y.example/9.jpg", "names several URLs"),
        ("http://x.example/9.jpg http://y.example/9.jpg", "names several URLs"),
    ],
)
def test_what_cannot_be_divided_is_refused(read, line, why):
    """In a list with labels a mark that may be the URL's or the label's, and a second URL, cost their line."""
    got = read(f"http://x.example/1.jpg,nike\nhttp://x.example/2.jpg,puma\nhttp://x.example/3.jpg,puma\n{line}\n", "urls.txt")
    assert len(got.kept) == 3
    assert got.reasons == [(4, "invalid_row")]
    assert why in got.rejected[0]["detail"]
    assert line in got.rejected[0]["detail"]


@pytest.mark.parametrize("line", ["![logo](http://x.example/1.jpg)", "url=http://x.example/1.jpg"])
def test_lines_that_begin_with_something_else(read, line):
    """What is no list of URLs is not read as a table whose header is the first URL."""
    with pytest.raises(SourceError, match="is no list of URLs: its first line is"):
        read(f"{line}\n{line}\n", "urls.txt")


def test_ten_thousand_urls_stay_as_they_are(read):
    """No URL of a list without labels is changed, whatever stands in its path and query."""
    marks = [",", ";", "|", "&amp;", "&", "=", "%2C", ":", "~", "'"]
    urls = [
        f"http://h{number % 97}.example/{number}{marks[number % 7]}x/{number}.{('jpg', 'png', 'php', 'webp')[number % 4]}"
        f"?a={number}{marks[number % 10]}b{marks[number // 10 % 10]}c=label" if number % 3 else f"http://x.example/{number}.jpg"
        for number in range(10_000)
    ]  # fmt: skip
    assert [row["url"] for row in read("\n".join(urls), "urls.txt").kept] == urls


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
