"""A cell in which several people answer: a list of objects, each with who it is and what he said, as Argilla's records have.

Format: https://docs.argilla.io/latest/how_to_guides/import_export/ (``responses.<question>`` of ``to_json``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from logoingest.sources.cells.answers import Answer, AnswerError, describe_scalar, parse_json, read_answers
from logoingest.sources.cells.columns import index_names
from logoingest.sources.cells.workers import WORKER_COLUMNS, name_worker

_PEOPLE = (
    *WORKER_COLUMNS,
    "userid",
    "user",
    "username",
    "completedby",
    "raterid",
    "rater",
    "labelerid",
    "labeler",
    "participantid",
)
_VALUES = ("value", "answer", "label", "labels", "choice", "choices", "response", "result", "text")
#: What is no answer: not sent yet, thrown away or refused.
_NO_ANSWERS = frozenset({"discarded", "draft", "pending", "rejected", "skipped", "cancelled"})


class Opinion(NamedTuple):
    """What one of several people said in a cell."""

    worker: str | None
    answers: list[Answer]
    refusal: str | None
    """Why it does not count; None when it does."""


def hold_opinions(values: Sequence[Any]) -> bool:
    """Whether the filled cells of a column all are such lists."""
    filled = [value for value in values if value not in (None, "", [], "[]")]
    return bool(filled) and all(_list_opinions(value) for value in filled)


def read_opinions(cell: Any) -> list[Opinion] | None:
    """What people said in a cell, in order; None when it is no such list.

    Raises:
        AnswerError: what one of them said is no answer.
    """
    found = _list_opinions(cell)
    return None if found is None else [_read_opinion(item) for item in found]


def _list_opinions(cell: Any) -> list[Mapping[str, Any]] | None:
    """The objects of a list that name who and what, all of them; None of anything else."""
    if isinstance(cell, str) and cell.lstrip()[:1] == "[":
        try:
            cell = parse_json(cell)
        except AnswerError:
            return None
    if not isinstance(cell, list) or not cell:
        return None
    sound = all(isinstance(item, dict) and _find(item, _PEOPLE) and (_find(item, _VALUES) or "width" in item) for item in cell)
    return cell if sound else None


def _find(item: Mapping[str, Any], names: Sequence[str]) -> str | None:
    by_name = index_names(item)
    return next((by_name[name] for name in names if name in by_name), None)


def _read_opinion(item: Mapping[str, Any]) -> Opinion:
    worker, value = item[_find(item, _PEOPLE) or ""], _find(item, _VALUES)
    answers = read_answers(item if "width" in item else item[value or ""])
    status = describe_scalar(item.get("status")).strip().lower() if not isinstance(item.get("status"), dict | list) else ""
    return Opinion(
        name_worker(describe_scalar(worker)) if not isinstance(worker, dict | list) else None,
        answers,
        f"the answer is {status}" if status in _NO_ANSWERS else None,
    )
