from __future__ import annotations

import json

import pytest

from builders.places import DATA
from logoingest.sources.cells.answers import Answer, AnswerError, join_boxes, parse_json, read_answers, read_box, read_task_answers

CASES = json.loads((DATA / "sources/answers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["cell"])[:40])
def test_cell_says(case):
    """Every kind of answer cell gives its labels and boxes."""
    answers = read_answers(case["cell"])
    assert [answer.label for answer in answers] == case["labels"]
    assert [answer.bbox for answer in answers] == case.get("boxes", [None] * len(answers))


@pytest.mark.parametrize("text", ['["a","b"]', "{}", "[]", '{"a": true}'])
def test_json_is_text_on_request(text):
    """With json_answers off a cell is the answer as it stands."""
    assert read_answers(text, read_json=False) == [Answer(text)]


@pytest.mark.parametrize("value", [{"some": "thing"}, [["a"]], {"width": "1", "height": "2"}, {"label": {"x": "y"}}])
def test_unknown_objects_are_refused(value):
    """A real JSON object of no known kind is no answer."""
    with pytest.raises(AnswerError):
        read_answers(value)


def test_json_bombs_are_caught():
    """Nesting beyond the interpreter's depth is a bad value, not a crash; long numbers stay text."""
    with pytest.raises(AnswerError, match="deep"):
        parse_json("[" * 100_000)
    assert read_answers("[" * 100_000) == [Answer("[" * 100_000)]
    assert parse_json("[" + "9" * 100_000 + "]") == ["9" * 100_000]


@pytest.mark.parametrize(
    "value", ["1, 2, 3, 4", "[1,2,3,4]", "1 2 3 4", "(1; 2; 3; 4)", [1, 2, 3, 4], {"left": 1, "top": "2", "width": 3, "height": 4}]
)
def test_boxes_are_read(value):
    """A box may be written in several ways."""
    assert read_box(value) == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1,2,3",
        [1, 2, 0, 4],
        [1, 2, 3, -4],
        ["a", 1, 2, 3],
        [1, 2, "nan", 4],
        [1, 2, "1e999", 4],
        [True, 1, 2, 3],
        5,
        {"width": 1, "height": 2},
    ],
)
def test_bad_boxes_are_refused(value):
    """A box without four finite numbers and an area is none."""
    with pytest.raises(AnswerError):
        read_box(value)


def test_labels_and_boxes_pair():
    """One label goes to every box, several pair in order, boxes with labels speak for themselves, other numbers are refused."""
    boxes = "[[1,2,3,4],[5,6,7,8]]"
    assert [answer.label for answer in join_boxes([Answer("a")], boxes)] == ["a", "a"]
    assert [answer.label for answer in join_boxes([Answer("a"), Answer("b")], boxes)] == ["a", "b"]
    assert join_boxes([Answer("a"), Answer("b")], "1,2,3,4") == [Answer('["a", "b"]', [1, 2, 3, 4])]
    assert join_boxes([Answer("a")], '[{"left":1,"top":2,"width":3,"height":4,"label":"z"}]')[0].label == "z"
    assert join_boxes([Answer("a")], "") == join_boxes([Answer("a")], "[]") == join_boxes([Answer("a")], None) == [Answer("a")]
    with pytest.raises(AnswerError, match="3 labels for 2 boxes"):
        join_boxes([Answer("a")] * 3, boxes)


def test_task_answers_are_merged():
    """The list's objects are one form; a second encoding is undone; nothing is nothing."""
    assert read_task_answers('[{"a": "1"}, {"b": 2}]') == {"a": "1", "b": "2"}
    assert read_task_answers(json.dumps('[{"a": "1"}]')) == {"a": "1"}
    assert read_task_answers("") == read_task_answers(None) == {}
    with pytest.raises(AnswerError):
        read_task_answers("[1]")
