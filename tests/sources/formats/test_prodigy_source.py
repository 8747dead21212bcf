"""Prodigy's exports."""

from __future__ import annotations

import json

import pytest

from builders.sources import read_all
from logoingest.errors import SourceError
from logoingest.sources import guess_source

EXPORT = "prodigy/annotations.jsonl"


def test_tasks(cases):
    """Accepted options, labels, typed text and rectangles; what is rejected or ignored is refused, and never becomes a label."""
    got = read_all(cases, {"path": EXPORT})
    assert [(row["url"][-5:], row["raw_label"], row["bbox"], row["source_id"]) for row in got.kept] == [
        ("1.jpg", "adidas", None, "11-logos-anna"),
        ("1.jpg", '["adidas", "nike"]', None, "11-logos-bo"),
        ("2.jpg", "Nike", None, "22-logos-bo"),
        ("5.jpg", "PUMA", None, f"55-{got.kept[3]['worker_id']}"),
        ("6.jpg", "Citroën ", None, "66-logos-cy"),
        ("7.jpg", "", None, "77-logos-cy"),
        ("8.jpg", "ADIDAS", [10.5, 20.5, 30, 15], "88-logos-cy"),
    ]
    assert [(row["source_row"], row["reason"], row["detail"]) for row in got.rejected] == [
        (4, "assignment_rejected", "the annotator left it out"),
        (5, "assignment_rejected", "the annotator rejected it"),
        (9, "invalid_row", "a shape of the kind polygon is not read"),
    ]
    assert got.kept[3]["worker_id"].startswith("worker-")
    assert str(got.kept[0]["submitted_at"]) == "2026-03-02 10:00:01+00:00"
    assert [row["worker_id"] for row in got.kept[:2]] == ["logos-anna", "logos-bo"]


def test_the_export_is_known(cases):
    """As lines and as a list; the verdict is never taken for the answer."""
    guess = guess_source(cases / EXPORT)
    assert (guess.format, guess.url_column, guess.label_column) == ("prodigy", "image", None)
    assert "accept" not in dict(guess.labels)


def test_pictures_by_their_own_bytes_are_told(cases, tmp_path):
    """A task keeps the path beside them, or the message says what to do."""
    tasks = [json.loads(line) | {"image": "data:image/png;base64,iVBORw0KGgo="} for line in (cases / EXPORT).open(encoding="utf-8")]
    (tmp_path / "bytes.jsonl").write_text("".join(json.dumps(task) + "\n" for task in tasks))
    with pytest.raises(SourceError, match="no task that says where its picture is; export with"):
        read_all(tmp_path, {"path": "bytes.jsonl"})
    (tmp_path / "paths.jsonl").write_text("".join(json.dumps(task | {"path": "img/1.jpg"}) + "\n" for task in tasks))
    got = read_all(tmp_path, {"path": "paths.jsonl", "url_prefix": "https://img.example.org/"})
    assert {url for url, _ in got.answers} == {"https://img.example.org/img/1.jpg"}
