"""What is said about a box goes with it: from the source, from the label's endings, through overrides and merging."""

from __future__ import annotations

import json

from logoingest.config import SamplesConfig
from logoingest.labels import ClassMap, normalise_annotations
from logoingest.samples import settle_samples
from logoingest.samples.boxes import DrawnBox, join_attributes, merge_boxes
from logoingest.schemas import AnnotationRow, ImageRow

MAP = ClassMap.from_toml(
    """
affixes = [{ suffix = "-part", attributes = { truncated = true } }]
[classes.nike]
[classes.puma]
[[overrides]]
reason = "seen by eye"
annotations = ["box_1"]
class = "puma"
"""
)
BOX = (0.0, 0.0, 10.0, 10.0)


def _annotate(**columns):
    number = columns.pop("number")
    return {
        "annotation_id": f"{number:032x}", "url": "http://x.test/a.jpg", "status": "submitted", "source_id": f"box_{number}",
        "source_file": "s", "source_row": number, "bbox": [20.0 * number, 0, 10, 10], **columns,
    }  # fmt: skip


def _settle(*rows):
    annotations = AnnotationRow.table(rows)
    image = {
        "image_id": "i", "group_id": "i", "width": 199, "height": 199, "format": "JPEG", "mode": "RGB", "frames": 1, "orientation": 1,
        "byte_count": 1, "pixel_hash": "p", "hash": b"", "flags": [], "urls": ["http://x.test/a.jpg"], "shard": "s", "shard_row": 0,
    }  # fmt: skip
    decisions = normalise_annotations(annotations, MAP).decisions
    return settle_samples(annotations, decisions, ImageRow.table([image]), SamplesConfig()).samples.to_pylist()[0]["boxes"]


def test_label_and_source_speak_together():
    """The label's ending and the source's flags are one object, and truncated is a column of its own."""
    boxes = _settle(
        _annotate(number=2, raw_label="nike-part", attributes='{"pose": "Left", "truncated": false}'),
        _annotate(number=3, raw_label="nike", attributes='{"truncated": true}'),
        _annotate(number=4, raw_label="nike", attributes='{"truncated": false}'),
        _annotate(number=5, raw_label="nike"),
    )
    assert [box["truncated"] for box in boxes] == [True, True, False, None]
    assert json.loads(boxes[0]["attributes"]) == {"pose": "Left", "truncated": True}
    assert boxes[3]["attributes"] is None


def test_an_override_changes_the_class_and_not_what_is_seen():
    """A corrected box is still partly visible."""
    boxes = _settle(_annotate(number=1, raw_label="nike-part"))
    assert [(box["class_id"], box["truncated"]) for box in boxes] == [("puma", True)]


def test_most_people_decide_and_a_tie_says_yes():
    """Of what is said about one thing each key is settled by itself."""
    said = ['{"pose": "Left", "truncated": false}', '{"truncated": true}', '{"pose": "Left", "truncated": true}', "{}"]
    one = merge_boxes(DrawnBox("nike", BOX, person, text) for person, text in enumerate(said))
    assert [(box["truncated"], json.loads(str(box["attributes"]))) for box in one] == [(True, {"pose": "Left", "truncated": True})]
    tie = merge_boxes(DrawnBox("nike", BOX, person, text) for person, text in enumerate(said[:2]))
    assert tie[0]["truncated"] is True


def test_the_order_of_boxes_does_not_matter():
    """Nor does an exact repeat make a second thing, whatever is said about it."""
    boxes = [DrawnBox("nike", BOX, 1, '{"a": 1}'), DrawnBox("nike", BOX, 1, '{"a": 2}'), DrawnBox("puma", BOX, 1)]
    assert merge_boxes(boxes) == merge_boxes(boxes[::-1])
    assert len(merge_boxes(boxes)) == 2


def test_odd_attributes_are_no_flag():
    """Only true and false are; what is no object says nothing."""
    assert merge_boxes([DrawnBox("nike", BOX, 1, '{"truncated": "yes"}')])[0]["truncated"] is None
    assert join_attributes("[1, 2]", '{"b": 1}') == '{"b": 1}'
