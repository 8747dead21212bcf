"""CVAT for images 1.1, and XML that is none of ours."""

from __future__ import annotations

import gzip
import json

import pytest

from builders.sources import read_all
from logoingest.errors import SourceError
from logoingest.sources import guess_source


def test_boxes_and_tags(cases):
    """Labels, boxes, what is known of them, the assignee; other shapes, broken boxes and tracks are rejected rows that say so."""
    got = read_all(cases, {"path": "cvat/task.xml", "url_prefix": "https://x.example/"})
    assert [(row["source_row"], row["url"], row["raw_label"], row["bbox"], row["source_id"]) for row in got.kept] == [
        (1, "https://x.example/a%20b/one.jpg", "logo", [10.5, 20, 100, 50.25], "4-0-0"),
        (1, "https://x.example/a%20b/one.jpg", "logo", [0, 0, 40, 30], "4-0-1"),
        (2, "https://x.example/two.jpg", "car", None, "4-1-0"),
        (3, "https://x.example/three.jpg", "", None, "4-2"),
    ]
    assert {row["worker_id"] for row in got.kept} == {"anna"}
    assert json.loads(got.kept[0]["attributes"]) == {"brand": "Nike", "partly": "true", "occluded": True, "rotation": 15.0}
    assert json.loads(got.kept[1]["attributes"])["source"] == "auto"
    assert [(row["source_row"], row["raw_label"], row["detail"]) for row in got.rejected] == [
        (1, "logo", "a shape of the kind polygon is not read"),
        (4, "logo", "box 0: a box needs an area, not 0 × 50"),
        (4, "logo", "box 1: a box needs xmin, ymin, xmax and ymax"),
        (1, "car", 'a track of a video is not read; export the task as "CVAT for images 1.1", which splits tracks into pictures'),
    ]


def test_an_attribute_can_be_the_answer(cases):
    """label_column names an attribute; a wrong name is told with the right ones."""
    got = read_all(cases, {"path": "cvat/task.xml", "label_column": "brand"})
    assert [row["raw_label"] for row in got.kept if row["bbox"]] == ["Nike", "アディダス"]
    with pytest.raises(SourceError, match=r'has no column "brnad" .label_column.; did you mean "brand"'):
        read_all(cases, {"path": "cvat/task.xml", "label_column": "brnad"})


def test_an_export_without_meta_and_gzipped(cases, tmp_path):
    """The smallest file is known by its root, as is a compressed one."""
    path = tmp_path / "images.xml.gz"
    path.write_bytes(gzip.compress((cases / "cvat/images.xml").read_bytes()))
    for found in (cases / "cvat/images.xml", path):
        guess = guess_source(found)
        assert (guess.format, guess.labels, guess.rows) == ("cvat", (("bus", 1), ("car", 1)), 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cvat/video.xml", "is CVAT's export of a video: it holds tracks, no pictures; export the task as"),
        ("xml/notvoc.xml", r"is a web page \(HTML\)"),
        ("<COLLADA><image/></COLLADA>", "is XML of another kind: it begins with <COLLADA>; Pascal VOC begins with <annotation>"),
        (
            '<!DOCTYPE html><html lang="en"><body>sign in',
            r"is a web page \(HTML\), often a sign-in or error page; download the file",
        ),
        ("<annotations><image id='0' name='a.jpg'>", r"is not valid XML: no element found.*cut short"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotations/>', "has a document type declaration"),
        ("<annotations><version>1.1</version></annotations>", "holds no pictures"),
        ("<annotations>" + "<image>" * 100, "is nested too deeply"),
    ],
    ids=["video", "page as XML", "another root", "page", "cut", "entities", "nothing", "deep"],
)
def test_other_xml_is_named(cases, tmp_path, text, message):
    """Nothing is made up for XML that holds no pictures: it is named, with what to do."""
    path = cases / text if text.endswith(".xml") else tmp_path / "some.xml"
    if not text.endswith(".xml"):
        path.write_text(text)
    with pytest.raises(SourceError, match=message):
        read_all(path.parent, {"path": path.name})


def test_a_folder_names_its_strange_file(cases, tmp_path):
    """Among Pascal VOC files one of another root is a rejected row with its name; alone, it refuses the folder."""
    (tmp_path / "strange.xml").write_bytes((cases / "xml/notvoc.xml").read_bytes())
    with pytest.raises(SourceError, match=r"no Pascal VOC file that can be read .the first: strange.xml: begins with <html>"):
        read_all(tmp_path, {"path": "."})
    (tmp_path / "b.xml").write_bytes((cases / "voc/empty.xml").read_bytes())
    (tmp_path / "c.xml").write_bytes((cases / "cvat/images.xml").read_bytes())
    got = read_all(tmp_path, {"path": "."})
    assert len(got.kept) == 1
    assert [row["detail"] for row in got.rejected] == [
        "c.xml: begins with <annotations>, not with Pascal VOC's <annotation> (CVAT's: name that file itself as a source)",
        "strange.xml: begins with <html>, not with Pascal VOC's <annotation> (another kind of XML)",
    ]


def test_a_jobs_export(tmp_path):
    """A job names its assignee without more, and numbers its answers."""
    meta = "<meta><job><id>9</id><assignee>ben</assignee></job></meta>"
    picture = (
        '<image id="3" name="x.jpg" subset="Train" task_id="4" width="10" height="10"><tag label="a" source="manual"/></image>'
    )
    (tmp_path / "job.xml").write_text(f"<annotations><version>1.1</version>{meta}{picture}</annotations>")
    got = read_all(tmp_path, {"path": "job.xml"})
    assert [(row["worker_id"], row["source_id"], row["raw_label"]) for row in got.kept] == [("ben", "9-3-0", "a")]


def test_an_attribute_that_tells_what_one_label_does_not_is_named(tmp_path):
    """A task with the one label "object" and its name as an attribute: the guess says which column to ask for."""
    tag = (
        '<image id="{0}" name="https://x.example/{0}.jpg"><tag label="object"><attribute name="what">{1}</attribute></tag></image>'
    )
    images = "".join(tag.format(at, name) for at, name in enumerate(("nike", "puma")))
    (tmp_path / "a.xml").write_text(f"<annotations><version>1.1</version>{images}</annotations>")
    assert any("attribute what says 2 different things" in note for note in guess_source(tmp_path / "a.xml").notes)
    assert not any("attribute" in note for note in guess_source(tmp_path / "a.xml", {"label_column": "what"}).notes)
