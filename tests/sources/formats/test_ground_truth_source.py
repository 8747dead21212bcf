"""SageMaker Ground Truth's manifests: classes, several labels, boxes; who answered; what failed."""

from __future__ import annotations

import json

import pytest

from builders.sources import read_all
from logoingest.errors import SourceError
from logoingest.sources import guess_source


def test_classes_are_named_by_their_metadata(cases):
    """The number is not the answer: class-name is. The time is that of the answer; nobody is named as the worker."""
    got = read_all(cases, {"path": "ground_truth/classes.manifest"})
    assert [row["raw_label"] for row in got.kept] == ["Cardinal"] * 3
    first = got.kept[0]
    assert first["url"].endswith("/unlabeled/images/Cardinal_0029_17297.jpg")
    assert (first["worker_id"], str(first["submitted_at"])) == (None, "2022-09-22 11:08:38.688269+00:00")
    assert first["source_id"].startswith("labeling-job/bird-image-classification-1634678978/s3://")


def test_boxes_are_named_by_the_class_map(cases):
    """A box an annotation, in pixels, with its confidence."""
    got = read_all(cases, {"path": "ground_truth/boxes.manifest"})
    assert [(row["source_row"], row["raw_label"], row["bbox"], row["attributes"]) for row in got.kept] == [
        (1, "BCBS", [330, 689, 97, 50], '{"confidence": "0.09"}'),
        (1, "BCBS", [555, 206, 67, 38], '{"confidence": "0.09"}'),
        (2, "BCBS", [94, 115, 111, 57], '{"confidence": "0.09"}'),
    ]


def test_every_line_is_accounted_for(cases):
    """Several labels are one answer; a model's answers are the worker "model"; what failed, was not asked or is broken says so."""
    got = read_all(cases, {"path": "ground_truth/odd.manifest"})
    assert [(row["source_row"], row["raw_label"], row["worker_id"], row["bbox"]) for row in got.kept] == [
        (1, '["nike", "puma", "adidas"]', None, None),
        (2, "", None, None),
        (3, "nike", "model", None),
        (4, "", None, None),
        (8, "nike", None, [3, 1, 7, 5]),
        (12, "puma", None, None),
    ]
    assert [choice["confidence"] for choice in json.loads(got.kept[0]["attributes"])["choices"]] == ["0.95", "0.77", "0.2"]
    assert [(row["source_row"], row["reason"], row["detail"][:60]) for row in got.rejected] == [
        (5, "invalid_row", "the job failed: ClientError: the image could not be read"),
        (6, "invalid_row", "nobody has answered: there are no metadata"),
        (7, "invalid_row", "class 3 is not in the class-map"),
        (8, "invalid_row", "a box needs an area, not 0 × 5"),
        (8, "invalid_row", "class 9 is not in the class-map"),
        (9, "invalid_row", "a label of the type groundtruth/polygons is not read"),
        (10, "missing_url", "the row names no image URL"),
        (11, "invalid_row", "not valid JSON: Expecting value: line 1 column 1 (char 0): n"),
    ]


@pytest.mark.parametrize("name", ["classes", "boxes", "odd"])
def test_manifests_are_known(cases, name):
    """By their lines, whatever the label is called."""
    assert guess_source(cases / f"ground_truth/{name}.manifest").format == "ground_truth"


@pytest.mark.parametrize(
    ("line", "keys", "message"),
    [
        ({"source-ref": "s3://b/a.jpg"}, {}, "has no label with metadata; an input manifest lists what is to be asked"),
        (
            {"source-ref": "s3://b/a.jpg", "a": 1, "a-metadata": {"class-name": "x"}, "b": 1, "b-metadata": {"class-name": "y"}},
            {},
            "has the labels of several jobs; name one: label_column = … of a, b",
        ),
        (
            {"source-ref": "s3://b/a.jpg", "brand": 1, "brand-metadata": {"class-name": "x"}},
            {"label_column": "brnad"},
            'has no column "brnad" (label_column); did you mean "brand"',
        ),
    ],
)
def test_what_cannot_be_told_is_asked_for(tmp_path, line, keys, message):
    """An input manifest and several jobs' labels are no guess."""
    (tmp_path / "some.manifest").write_text(json.dumps(line))
    with pytest.raises(SourceError) as caught:
        read_all(tmp_path, {"path": "some.manifest", **keys})
    assert message in str(caught.value)
    if "label_column" not in keys and "b" in line:
        assert read_all(tmp_path, {"path": "some.manifest", "label_column": "b"}).answers == [("s3://b/a.jpg", "y")]
