"""Label Studio's exports beyond the plain case: JSON-MIN, the documentation's own example, what is skipped and what is no answer."""

from __future__ import annotations

import json

import pytest

from builders.sources import read_all
from logoingest.errors import SourceError


def rectangle(**further):
    """A result as the export documents it: percents of the picture."""
    value = {"x": 10, "y": 20, "width": 50, "height": 25, "rotation": 0, "rectanglelabels": ["Nike"]}
    return {"id": "r", "from_name": "tag", "to_name": "img", "type": "rectanglelabels", "value": value, **further}


def brush(label):
    return {"id": f"b{label}", "from_name": "mask", "type": "brushlabels", "value": {"format": "rle", "brushlabels": [label]}}


def choice(label, **further):
    return {"id": "c", "from_name": "brand", "type": "choices", "value": {"choices": [label]}, **further}


@pytest.fixture
def read_tasks(tmp_path):
    """Writes an export of tasks, each a list of annotations, and reads it."""

    def read(*tasks, **further):
        export = [
            {"id": number, "data": {"image": f"http://x.example/{number}.jpg"}, "annotations": annotations, **further}
            for number, annotations in enumerate(tasks, 1)
        ]
        (tmp_path / "export.json").write_text(json.dumps(export), encoding="utf-8")
        return read_all(tmp_path, {"path": "export.json"})

    return read


def test_a_rectangle_without_the_pictures_size_keeps_its_label(read_tasks):
    """The documentation's own example has no original_width: the answer counts, the box waits in shares for its picture."""
    got = read_tasks([{"id": 1, "completed_by": 10, "result": [rectangle()]}])
    assert [(row["raw_label"], row["bbox"]) for row in got.kept] == [("Nike", None)]
    assert json.loads(got.kept[0]["attributes"]) == {"bbox_shares": [0.1, 0.2, 0.5, 0.25]}
    sized = read_tasks([{"id": 1, "completed_by": 10, "result": [rectangle(original_width=200, original_height=400)]}])
    assert [(row["bbox"], row["attributes"]) for row in sized.kept] == [([20, 80, 100, 100], None)]


def test_brushes_are_left_out_and_counted(read_tasks):
    """Each brush stroke is a rejected row that says so; the choice of the same annotation still counts."""
    got = read_tasks([{"id": 1, "completed_by": 1, "result": [brush("Nike"), choice("Puma"), brush("Audi")]}])
    assert [row["raw_label"] for row in got.kept] == ["Puma"]
    assert [row["detail"] for row in got.rejected] == ["a brushlabels region is not read"] * 2


def test_skipped_tasks_and_cancelled_annotations_are_rejected(read_tasks):
    """A skip is an annotation that was cancelled, with or without results; other people's answers to the task stay."""
    skipped = {"id": 1, "completed_by": 1, "was_cancelled": True, "result": []}
    half_done = {"id": 2, "completed_by": 2, "was_cancelled": True, "result": [choice("Puma")]}
    got = read_tasks([skipped, half_done, {"id": 3, "completed_by": 3, "was_cancelled": False, "result": [choice("Nike")]}])
    assert [(row["raw_label"], row["worker_id"]) for row in got.kept] == [("Nike", "3")]
    assert [row["reason"] for row in got.rejected] == ["assignment_rejected"] * 2


def test_predictions_and_drafts_are_no_answers(read_tasks):
    """A model's proposals and unsubmitted drafts say nothing about what people answered."""
    got = read_tasks(
        [{"id": 1, "completed_by": 1, "result": [choice("Nike")]}],
        predictions=[{"model_version": "m", "result": [choice("Puma")]}],
        drafts=[{"result": [choice("Audi")]}],
    )
    assert [row["raw_label"] for row in got.kept] == ["Nike"]
    assert got.rejected == []


def test_several_annotators_are_told_apart(read_tasks):
    """One annotation a person, each with the person's id and its own time."""
    got = read_tasks(
        [{"id": n, "completed_by": {"id": n, "email": "a@b.example"}, "lead_time": n, "result": [choice("Nike")]} for n in (7, 8)]
    )
    assert [(row["worker_id"], row["work_time_s"]) for row in got.kept] == [("7", 7.0), ("8", 8.0)]


def test_json_min_is_read_as_a_table(tmp_path):
    """One row an annotation; choices, several choices and rectangles, with the annotator as worker."""
    common = {"annotator": 4, "lead_time": 3.2, "created_at": "2024-01-01T00:00:00.000000Z"}
    box = {**rectangle()["value"], "original_width": 200, "original_height": 400}
    rows = [
        {"image": "http://x.example/1.jpg", "id": 1, "brand": "Nike", "annotation_id": 5, **common},
        {"image": "http://x.example/2.jpg", "id": 2, "brand": {"choices": ["Nike", "Puma"]}, "annotation_id": 6, **common},
        {"image": "http://x.example/3.jpg", "id": 3, "brand": [box], "annotation_id": 7, **common},
    ]
    (tmp_path / "min.json").write_text(json.dumps(rows), encoding="utf-8")
    got = read_all(tmp_path, {"path": "min.json", "worker_column": "annotator", "id_column": "annotation_id"})
    assert [(row["raw_label"], row["worker_id"], row["source_id"], row["bbox"]) for row in got.kept] == [
        ("Nike", "4", "5", None),
        ('["Nike", "Puma"]', "4", "6", None),
        ("Nike", "4", "7", [20, 80, 100, 100]),
    ]
    with pytest.raises(SourceError, match='worker_column = "annotator"'):
        read_all(tmp_path, {"path": "min.json", "format": "label_studio"})
