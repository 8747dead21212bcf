"""VGG Image Annotator: projects, annotations, CSV."""

from __future__ import annotations

import json

import pytest

from builders.sources import read_all
from logoingest.errors import SourceError
from logoingest.sources import guess_source


def test_a_project(cases):
    """Rectangles with their answer; URLs from the name or a file attribute; pictures without regions; other shapes are refused."""
    got = read_all(cases, {"path": "via/project.json", "url_prefix": "https://x.example/"})
    assert [(row["source_row"], row["url"], row["raw_label"], row["bbox"]) for row in got.kept] == [
        (1, "http://www.x.example/swan.jpg", "Nike", [299, 237, 126, 56]),
        (1, "http://www.x.example/swan.jpg", "Puma", [1, 2, 30, 40]),
        (2, "https://x.example/direct.jpg", "", None),
        (3, "https://x.example/dir/plain%20one.png", "", [0, 0, 9, 9]),
    ]
    assert json.loads(got.kept[0]["attributes"]) == {"quality": {"frontal": True, "good": True}}
    assert [(row["source_row"], row["raw_label"], row["detail"]) for row in got.rejected] == [
        (1, "Puma", "a region of the kind polygon is not read"),
        (1, "flat", "a box needs an area, not -3 × 40"),
        (4, None, "'broken' is no picture: it has no filename"),
    ]


def test_annotations_of_version_1(cases):
    """Regions under numbers, pictures under names."""
    got = read_all(cases, {"path": "via/annotations_v1.json"})
    assert [(row["raw_label"], row["bbox"]) for row in got.kept] == [("Nike", [10, 20, 30, 40]), ("", None)]
    assert got.reasons == [(1, "invalid_row")]


def test_the_csv(cases):
    """A row a region; ticked options are one answer; a header behind #; a picture's own attribute where there are no regions."""
    got = read_all(cases, {"path": "via/regions.csv"})
    assert [(row["url"], row["raw_label"], row["bbox"]) for row in got.kept] == [
        ("test.jpg", '["nike", "puma"]', [50, 50, 100, 100]),
        ("https://x.example/lake.jpg", "", None),
    ]
    assert [row["detail"] for row in got.rejected] == ["a region of the kind ellipse is not read"]
    plain = read_all(cases, {"path": "via/pictures_only.csv"})
    assert plain.answers == [("http://x.example/1.jpg", "Nike"), ("http://x.example/2.jpg", '["Nike", "Puma"]')]


@pytest.mark.parametrize("name", ["project.json", "annotations_v1.json", "regions.csv", "pictures_only.csv"])
def test_it_is_known(cases, name):
    """By what stands in it."""
    assert guess_source(cases / "via" / name).format == "via"


def test_the_attribute_is_asked_for_where_several_may_be_meant(tmp_path):
    """Two attributes that say nothing by their names; a wrong name; a VIA 3 project; nothing."""
    region = {
        "shape_attributes": {"name": "rect", "x": 0, "y": 0, "width": 5, "height": 5},
        "region_attributes": {"a": "1", "b": "2"},
    }
    picture = {"filename": "http://x.example/1.jpg", "size": 1, "regions": [region], "file_attributes": {}}
    (tmp_path / "some.json").write_text(json.dumps({"_via_settings": {}, "_via_img_metadata": {"x": picture}}))
    with pytest.raises(SourceError, match="several attributes and none is plainly the label; label_column = … of a, b"):
        read_all(tmp_path, {"path": "some.json"})
    assert read_all(tmp_path, {"path": "some.json", "label_column": "b"}).answers == [("http://x.example/1.jpg", "2")]
    with pytest.raises(SourceError, match='has no column "c"'):
        read_all(tmp_path, {"path": "some.json", "label_column": "c"})
    (tmp_path / "some.json").write_text(
        json.dumps({"project": {"pid": "x"}, "config": {"a": 1}, "file": {"1": 1}, "view": {"1": 1}})
    )
    with pytest.raises(SourceError, match="is a VIA 3 project; export it as VIA 2 JSON"):
        read_all(tmp_path, {"path": "some.json"})
    (tmp_path / "some.json").write_text(json.dumps({"_via_settings": {}, "_via_img_metadata": {}}))
    with pytest.raises(SourceError, match="holds no VIA pictures"):
        read_all(tmp_path, {"path": "some.json", "format": "via"})


def test_two_annotators_projects_are_two_votes(cases, tmp_path):
    """VIA names nobody and numbers nothing: what differs between two people's files is no repetition."""
    first = (cases / "via/annotations_v1.json").read_text()
    (tmp_path / "a.json").write_text(first)
    (tmp_path / "b.json").write_text(first.replace('"x":10', '"x":12'))
    got = read_all(tmp_path, {"path": "a.json"}, {"path": "b.json"})
    assert [row["bbox"] for row in got.kept if row["bbox"]] == [[10, 20, 30, 40], [12, 20, 30, 40]]
