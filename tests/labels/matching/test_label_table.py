"""The labels stage over tables."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pyarrow as pa
import pytest

from builders.places import ROOT
from logoingest.labels import DECISION_SCHEMA, ClassMap, normalise_annotations, normalise_labels
from logoingest.schemas import AnnotationRow, LabelRow, RejectedRow

SHARED = Path(os.environ.get("LOGOINGEST_SHARED_DATA") or ROOT / "../shared/data")
MAP = """
[[overrides]]
annotation = "a3"
class = "puma"
reason = "seen by eye"
[[overrides]]
annotation = "source-4"
drop = true
[[overrides]]
url = "http://x.test/5.jpg"
worker = "w5"
class = "nike"
[classes.nike]
name = "Nike"
[classes.puma]
name = "Puma"
[classes.old]
name = "Oldbrand"
[output]
drop = ["old"]
"""


def _annotate(*labels):
    return AnnotationRow.table(
        {
            "annotation_id": f"a{number}",
            "url": f"http://x.test/{number}.jpg",
            "raw_label": label,
            "worker_id": f"w{number}",
            "status": "submitted",
            "source_id": f"source-{number}",
            "source_file": "s.csv",
            "source_row": number,
        }
        for number, label in enumerate(labels, 1)
    )


def test_each_distinct_answer_is_one_row():
    """Sorted, counted, in the schema of the table."""
    made = normalise_labels(pa.chunked_array([["nike", "Puma"], ["nike", None]]), ClassMap.from_toml(MAP))
    assert made.schema.equals(LabelRow.arrow_schema())
    assert made.select(["raw_label", "class_id", "decision", "count"]).to_pylist() == [
        {"raw_label": "", "class_id": None, "decision": "ignored", "count": 1},
        {"raw_label": "Puma", "class_id": "puma", "decision": "accepted", "count": 1},
        {"raw_label": "nike", "class_id": "nike", "decision": "accepted", "count": 2},
    ]


def test_every_annotation_gets_a_decision_or_a_reason():
    """Accepted ones stay, others are rejected with their reason; overrides come first."""
    annotations = _annotate("nike", "none", "blah", "nike", "asdf", "puna", "oldbrand", "nike / puma")
    labels, decisions, rejected = normalise_annotations(annotations, ClassMap.from_toml(MAP))
    assert labels.num_rows == 7
    assert decisions.schema.equals(DECISION_SCHEMA)
    assert [(row["decision"], row["class_ids"], row["rule"]) for row in decisions.to_pylist()] == [
        ("accepted", ["nike"], "name"),
        ("ignored", [], "no_label"),
        ("accepted", ["puma"], "override"),
        ("dropped", [], "override"),
        ("accepted", ["nike"], "override"),
        ("review", [], "near"),
        ("dropped", [], "name"),
        ("accepted", ["nike", "puma"], "several"),
    ]
    assert rejected.schema.equals(RejectedRow.arrow_schema())
    assert [(row["annotation_id"], row["reason"]) for row in rejected.to_pylist()] == [
        ("a2", "no_label"),
        ("a4", "label_dropped"),
        ("a6", "label_review"),
        ("a7", "label_dropped"),
    ]
    details = dict(zip(rejected.column("annotation_id").to_pylist(), rejected.column("detail").to_pylist(), strict=True))
    assert details["a6"].startswith("nearest: Puma (75); ")
    assert details["a4"].startswith("override")


def test_an_empty_table_is_no_special_case():
    """No annotations give no labels, decisions or rejections."""
    result = normalise_annotations(AnnotationRow.empty_table(), ClassMap.from_toml(MAP))
    assert [table.num_rows for table in result] == [0, 0, 0]


def test_chunks_don_t_matter():
    """The same rows in several chunks give the same tables."""
    annotations = _annotate("nike", "none", "puna", "nike", "foo", "puma")
    parts = pa.concat_tables([annotations.slice(0, 2), annotations.slice(2, 1), annotations.slice(3)])
    made = ClassMap.from_toml(MAP)
    for one, other in zip(normalise_annotations(annotations, made), normalise_annotations(parts, made), strict=True):
        assert one.equals(other)


@pytest.mark.skipif(not (SHARED / "flickrlogos27").is_dir(), reason="the shared data folder is not there")
def test_the_real_answers_are_sorted_out():
    """Of 6,500 real-looking answers nearly all come out as a class or as no label, and talk never does."""
    with (SHARED / "flickrlogos27" / "mturk_results.csv").open(encoding="utf-8", newline="") as file:
        answers = [row["Answer.brand"] for row in csv.DictReader(file)]
    made = normalise_labels(pa.array(answers), ClassMap.load(ROOT / "label_maps" / "flickrlogos27.toml"))
    rows = {row["raw_label"]: row for row in made.to_pylist()}
    assert sum(row["count"] for row in rows.values()) == len(answers) == 6500
    open_rows = sum(row["count"] for row in rows.values() if row["decision"] in {"review", "unknown"})
    assert open_rows < 350
    assert all(rows[talk]["decision"] in {"review", "unknown"} for talk in ("good", "yes", "logo", "asdf"))
