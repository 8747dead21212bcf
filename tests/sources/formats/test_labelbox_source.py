"""Labelbox's export: classifications, boxes, reviews, people."""

from __future__ import annotations

import json

import pytest

from builders.sources import read_all
from logoingest.errors import SourceError
from logoingest.sources import guess_source

KOBE = "https://storage.x.example/kobe.jpeg"


def test_labels_of_several_people(cases):
    """One answer a label for its questions, one a box; status, times, seconds; a benchmark is known as one."""
    got = read_all(cases, {"path": "labelbox/export.ndjson"})
    assert [(row["url"], row["raw_label"], row["bbox"], row["source_id"], row["attributes"]) for row in got.kept] == [
        (KOBE, '["street", "night", "two bars"]', None, "clur5", None),
        (KOBE, "logo", [1690, 977, 225, 330], "clur5:2", '{"brand": "Nike", "colour": "red"}'),
        (KOBE, "", None, "clur6", None),
        (KOBE, "street", None, "clur7", '{"ground_truth": true}'),
    ]
    assert [(row["status"], row["work_time_s"], row["submitted_at"].hour) for row in got.kept] == [
        ("approved", 31, 16),
        ("approved", 31, 16),
        ("approved", 5, 17),
        ("approved", None, 18),
    ]
    workers = [row["worker_id"] for row in got.kept]
    assert workers[0] == workers[1] and len(set(workers)) == 3
    assert "@" not in json.dumps([got.kept, got.rejected], default=str)


def test_what_is_not_an_answer_is_refused(cases):
    """Masks, rework, skips and unlabelled rows are rejected rows that say so."""
    got = read_all(cases, {"path": "labelbox/export.ndjson", "url_prefix": "https://x.example/"})
    assert [(row["source_row"], row["url"], row["reason"], row["detail"]) for row in got.rejected] == [
        (1, KOBE, "invalid_row", "an object of the kind ImageSegmentationMask is not read"),
        (2, "https://storage.x.example/rework.jpeg", "assignment_rejected", "sent back for rework"),
        (3, "https://storage.x.example/skipped.jpeg", "assignment_rejected", "skipped by the labeller"),
        (4, "https://x.example/uploaded", "invalid_row", "nobody has labelled this data row"),
        (5, None, "invalid_row", "is no data row"),
    ]


def test_a_question_can_be_the_answer(cases):
    """label_column names a question, within a box too; a wrong one is told with the right ones."""
    got = read_all(cases, {"path": "labelbox/export.ndjson", "label_column": "brand"})
    assert [(row["raw_label"], row["bbox"]) for row in got.kept if row["raw_label"]] == [("Nike", [1690, 977, 225, 330])]
    with pytest.raises(SourceError, match=r'has no column "brnad" .label_column.; did you mean "brand".*scene'):
        read_all(cases, {"path": "labelbox/export.ndjson", "label_column": "brnad"})


def test_exports_are_known(cases, tmp_path):
    """As lines or as a list; the old format is refused by name."""
    assert guess_source(cases / "labelbox/export.ndjson").format == "labelbox"
    lines = (cases / "labelbox/export.ndjson").read_text().splitlines()
    (tmp_path / "list.json").write_text(json.dumps([json.loads(line) for line in lines]))
    assert guess_source(tmp_path / "list.json").rows == guess_source(cases / "labelbox/export.ndjson").rows
    (tmp_path / "old.json").write_text(
        json.dumps([{"ID": "c", "DataRow ID": "d", "Labeled Data": "https://x.example/1.jpg", "Label": {}}])
    )
    with pytest.raises(SourceError, match="is Labelbox's old export; export anew"):
        read_all(tmp_path, {"path": "old.json"})
