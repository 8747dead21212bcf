"""Zooniverse's classification exports."""

from __future__ import annotations

import pytest

from builders.sources import read_all
from logoingest.errors import SourceError
from logoingest.sources import guess_source

EXPORT = {"path": "zooniverse/classifications.csv", "label_column": "T0"}


def test_classifications(cases):
    """Choices, menus and combined tasks, who said it and when; an expert's answer; two subjects at once and broken cells are refused."""
    got = read_all(cases, EXPORT)
    said = [(row["url"][-6:], row["raw_label"], row["worker_id"], row["source_id"], row["attributes"]) for row in got.kept]
    assert said == [
        ("71.jpg", "Adidas", "anna", "501", None),
        ("71.jpg", "アディダス", "not-logged-in-4e1f", "502", None),
        ("72.jpg", '["Nike", "Puma"]', got.kept[2]["worker_id"], "503", '{"ground_truth": true}'),
        ("73.jpg", "", "anna", "504", None),
        ("74.jpg", "Citroën", "cy", "505", None),
    ]
    assert got.kept[2]["worker_id"].startswith("worker-")
    assert [row["work_time_s"] for row in got.kept] == [12.5, 12.5, 12.5, None, 12.5]
    assert str(got.kept[0]["submitted_at"]) == "2026-03-02 10:00:13+00:00"
    assert [(row["source_row"], row["detail"]) for row in got.rejected] == [
        (6, "the classification is of 2 subjects: what is said of which cannot be told"),
        (7, "annotations is no JSON list"),
    ]


def test_a_task_is_named_by_its_key_or_its_question(cases):
    """Both give the same; another name is told with those that are there."""
    by_question = read_all(cases, {**EXPORT, "label_column": "Which brand is it?"})
    assert by_question.answers == read_all(cases, EXPORT).answers
    with pytest.raises(SourceError, match=r"no task 'T9'.*T0 \(Which brand is it\?\), T1 \(Anything else\?\)"):
        read_all(cases, {**EXPORT, "label_column": "T9"})


def test_the_only_task_that_says_anything_is_the_answer(cases):
    """And the key that holds URLs is the picture, with or without the sign that hides it from volunteers."""
    guess = guess_source(cases / EXPORT["path"])
    assert (guess.format, guess.url_column, guess.label_column) == ("zooniverse", "origin", "T0")
    named = read_all(cases, {**EXPORT, "url_column": "#origin"})
    assert named.answers == read_all(cases, EXPORT).answers


def test_rectangles_keep_their_tools_name_or_its_detail(cases):
    """A point is a rejected row; a picture that nobody drew on is an empty answer."""
    got = read_all(cases, {"path": "zooniverse/drawings.csv"})
    assert [(row["raw_label"], row["bbox"], row["source_id"]) for row in got.kept] == [
        ("Adidas", [10.5, 20.5, 30, 15.25], "601"),
        ("Puma", [60, 20.5, 30, 15.25], "601:2"),
        ("", None, "603"),
    ]
    assert [row["detail"] for row in got.rejected] == [
        "a shape that is no rectangle (details, frame, tool, tool_label, x, y) is not read"
    ]


def test_a_survey_of_two_tasks_is_asked_about(cases):
    """Its choices are the answer once the task is named; a file name takes the prefix."""
    keys = {"path": "zooniverse/survey.csv", "url_prefix": "https://cams.example.org/"}
    with pytest.raises(SourceError, match=r"several tasks.*label_column = … of T0 \(T0\), T1 \(Are there young ones\?\)"):
        read_all(cases, keys)
    assert read_all(cases, {**keys, "label_column": "T0"}).answers == [
        ("https://cams.example.org/cam/0%20a.jpg", "LION"),
        ("https://cams.example.org/cam/1%20a.jpg", "ZEBRA"),
    ]
