"""MTurk's own XML of an answer, as its API gives it and as people write it into a table's cell.

Format: https://docs.aws.amazon.com/AWSMechTurk/latest/AWSMturkAPI/ApiReference_QuestionFormAnswersDataStructureArticle.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logoingest.sources.cells.answers import AnswerError, read_task_answers
from logoingest.sources.files.markup import MarkupError, parse_tree, read_text

_ROOT = "QuestionFormAnswers"
_ANSWERS = frozenset({"FreeText", "SelectionIdentifier", "OtherSelectionText", "UploadedFileKey"})
#: The question under which Crowd HTML Elements answer all of theirs, as JSON.
_CROWD_FORM = "taskAnswers"


def is_question_form(value: Any) -> bool:
    """Whether a cell looks like such an answer."""
    return isinstance(value, str) and value.lstrip()[:1] == "<" and f"<{_ROOT}" in value[:1000]


def holds_question_forms(values: Sequence[Any]) -> bool:
    """Whether all filled cells of a column look like such answers."""
    filled = [value for value in values if value not in (None, "")]
    return bool(filled) and all(map(is_question_form, filled))


def read_question_form(cell: Any) -> Mapping[str, Any]:
    """The answer of every question, by its identifier: a text, or a list of the options that were ticked.

    Raises:
        AnswerError: it is no such XML.
    """
    try:
        root = parse_tree(cell) if isinstance(cell, str) else None
    except MarkupError as error:
        raise AnswerError(f"the answer's XML {error}") from None
    if root is None or root.tag != _ROOT:
        raise AnswerError(f"the answer is no {_ROOT}")
    found: dict[str, Any] = {}
    for answer in root.iterfind("Answer"):
        said = [item.text or "" for item in answer if item.tag in _ANSWERS]
        question = read_text(answer, "QuestionIdentifier")
        if question == _CROWD_FORM and said:
            found |= read_task_answers(said[0])
        else:
            found[question] = said[0] if len(said) == 1 else said
    return found
