"""COCO's object detection format."""

from __future__ import annotations

import json

import pytest

from builders.sources import read_all
from logoingest.errors import SourceError
from logoingest.sources import guess_source


def test_annotations_of_a_data_set(cases):
    """Categories, boxes and URLs come together although categories stand last; images without annotations are empty answers."""
    got = read_all(cases, {"path": "coco/instances.json", "url_prefix": "https://x.example/"})
    assert [(row["source_row"], row["url"], row["raw_label"], row["bbox"], row["source_id"]) for row in got.kept] == [
        (1, "http://images.x.example/val2017/000000397133.jpg", "dog", [473.07, 395.93, 38.65, 28.67], "1768"),
        (1, "http://images.x.example/val2017/000000397133.jpg", "bottle", [1, 2, 30, 40], "1769"),
        (2, "https://x.example/crowd%20scene.jpg", "dog", [0, 0, 100, 50], "900100037777"),
        (2, "https://x.example/crowd%20scene.jpg", "bottle", None, "3"),
        (3, "https://x.example/empty.jpg", "", None, None),
    ]
    assert [row["worker_id"] for row in got.kept] == [None, "anna", None, None, None]
    assert [row["alternative_urls"] for row in got.kept[1:3]] == [["http://farm7.x.example/6116_z.jpg"], None]
    assert [row["attributes"] and json.loads(row["attributes"]) for row in got.kept] == [
        None,
        {"occluded": True, "track_id": "7"},
        {"iscrowd": True},
        None,
        None,
    ]
    assert [(row["reason"], row["detail"]) for row in got.rejected] == [
        ("invalid_row", "a box needs an area, not 0 × 10"),
        ("invalid_row", "category 99 is not listed"),
        ("invalid_row", "annotation 7 is about image 1, which is not listed"),
        ("invalid_row", "a caption is no answer"),
        ("invalid_row", "segments of a panoptic annotation are not read"),
        ("invalid_row", "annotation 10 is no object"),
        ("missing_url", "the row names no image URL"),
    ]


def test_the_url_can_be_named(cases):
    """url_column is a key of the images; a wrong one is told with the right ones."""
    got = read_all(cases, {"path": "coco/instances.json", "url_column": "flickr_url"})
    assert got.kept[0]["url"] == "http://farm7.x.example/6116_z.jpg"
    with pytest.raises(SourceError, match=r'has no column "flikr_url" .url_column.; did you mean "flickr_url"'):
        read_all(cases, {"path": "coco/instances.json", "url_column": "flikr_url"})


@pytest.mark.parametrize("indent", [None, 1])
def test_it_is_known_by_its_keys(cases, tmp_path, indent):
    """In one line or many, in whatever order its lists stand."""
    data = json.loads((cases / "coco/instances.json").read_text())
    (tmp_path / "some.json").write_text(json.dumps(dict(sorted(data.items())), indent=indent))
    guess = guess_source(tmp_path / "some.json")
    assert (guess.format, guess.rows) == ("coco", 12)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5}], "is a COCO results file: it names no pictures"),
        ({"images": [{"file_name": "a.jpg"}], "annotations": []}, "lists no COCO images"),
        ({"version": "5.0.1", "flags": {}, "shapes": [{"label": "x"}], "imagePath": "a.jpg"}, "is a labelme file of one picture"),
        ({"version": "2.0", "schema_ref": "https://x.example/s", "item": {"slots": []}, "annotations": []}, "is V7's Darwin JSON"),
        (
            [{"metadata": {"url": "https://x.example/1.jpg"}, "instances": [], "tags": ["a"], "comments": []}],
            "is SuperAnnotate's export",
        ),
        ({"categories": {"label": {}}, "items": [{"id": "a"}]}, "is Datumaro's JSON"),
        ({"answers": [{"answerContent": {"answer": "Nike"}, "workerId": "w1"}]}, "is a worker response of Ground Truth"),
        ([{"externalId": "a", "content": "https://x.example/1.jpg", "jsonMetadata": {}, "labels": []}], "is Kili's raw export"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, content, message):
    """Relatives of the format are refused by name."""
    (tmp_path / "some.json").write_text(json.dumps(content))
    with pytest.raises(SourceError, match=message):
        read_all(tmp_path, {"path": "some.json"})


def test_a_cut_file_is_refused(cases, tmp_path):
    """A download that broke off gives an error, not half a data set."""
    data = (cases / "coco/instances.json").read_bytes()
    for end in range(200, len(data) - 3, 97):
        (tmp_path / "cut.json").write_bytes(data[:end])
        with pytest.raises(SourceError, match="is not valid JSON"):
            read_all(tmp_path, {"path": "cut.json", "format": "coco"})
