"""What one answer cell says: text, a list of tags, ticked options, a classifier's result, labelled boxes.

A text that is no JSON list or object is the answer, untouched. Numbers in JSON stay as they were written.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from logoingest.boxes import find_box_fault
from logoingest.choices import write_choices
from logoingest.schemas import RESERVED_ATTRIBUTES, SHARES
from logoingest.sources.files.json_items import read_objects

_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
_CORNER_KEYS = (("left", "top"), ("x", "y"))
_BOX_KEYS = frozenset({"left", "top", "x", "y", "width", "height", "label", "labels", "original_width", "original_height"})
_RESULT_KEYS = ("labels", "label", "boundingBoxes", "choices", "rectanglelabels", "text")


class Answer(NamedTuple):
    """One thing an answer cell says; ``bbox`` is [x, y, width, height] in pixels."""

    label: str
    bbox: list[float] | None = None
    attributes: Mapping[str, Any] | None = None


class AnswerError(ValueError):
    """A cell that cannot be read; the message says why and goes into the rejected row."""


def parse_json(text: str) -> Any:
    """The value of a JSON text; numbers come as the text they were written in.

    Raises:
        AnswerError: it is no JSON, or nested deeper than the interpreter can follow.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise AnswerError("JSON nested too deeply") from None
    except ValueError as error:
        raise AnswerError(f"not valid JSON: {error}") from None


def read_task_answers(cell: Any) -> dict[str, Any]:
    """The fields of MTurk's ``Answer.taskAnswers``: a JSON list of objects, sometimes encoded twice; nothing when it is empty.

    Raises:
        AnswerError: it is something else.
    """
    value = cell
    for _ in range(2):
        if isinstance(value, str):
            value = parse_json(value) if value.strip() else []
    objects = value if isinstance(value, list) else [value or {}]
    if not all(isinstance(item, dict) for item in objects):
        raise AnswerError("is no list of objects")
    return {key: answer for item in objects for key, answer in item.items()}


def read_answers(value: Any, *, read_json: bool = True) -> list[Answer]:
    """Everything an answer cell says, at least one answer; an empty one when nothing was said.

    Several values of one submission become one answer in ``join_choices``.

    Understood: text; a list of answers (one answer each); ``{"option": true, …}`` (the ticked ones); ``{"label": …}`` and
    ``{"labels": […]}`` (crowd-classifier); boxes as ``{left, top, width, height, label}``, in pixels, or ``{x, y, width, height,
    original_width, original_height, rectanglelabels}``, in percent; ``{"boundingBoxes": […]}``. A text is looked into only when
    ``read_json`` and it is a JSON list or object of these kinds; else it is the answer as it stands.

    Raises:
        AnswerError: a JSON object that is none of these.
    """
    if value is None:
        return [Answer("")]
    if not isinstance(value, str):
        return _read_value(value)
    if read_json and value.lstrip()[:1] in {"[", "{"}:
        try:
            return _read_value(parse_json(value))
        except AnswerError:
            pass  # an answer may look like JSON and be text
    return [Answer(value)]


def _read_value(value: Any) -> list[Answer]:
    if isinstance(value, Mapping):
        return _read_object(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [answer for item in value for answer in _read_item(item)] or [Answer("")]
    return [Answer(describe_scalar(value))]


def _read_item(value: Any) -> list[Answer]:
    if isinstance(value, list):
        raise AnswerError("a list of lists is no answer")
    return _read_value(value)


def _read_object(value: Mapping[str, Any]) -> list[Answer]:
    if "width" in value and "height" in value:
        return _read_box_object(value)
    for key in _RESULT_KEYS:
        if key in value:
            return _read_value(value[key])
    if all(isinstance(ticked, bool) for ticked in value.values()):
        return [Answer(option) for option, ticked in value.items() if ticked] or [Answer("")]
    raise AnswerError(f"an object with the keys {', '.join(sorted(value))[:100]} is no answer")


def _read_box_object(value: Mapping[str, Any]) -> list[Answer]:
    bbox = read_box(value)
    named = next((value[key] for key in ("label", "labels", "rectanglelabels") if key in value), None)
    label = write_choices(answer.label for answer in _read_value(named)) if named is not None else ""
    further = {
        key: value[key] for key in sorted(value.keys() - _BOX_KEYS) if key != "rectanglelabels" and value[key] not in ("0", "")
    }
    return [Answer(label, bbox, rename_reserved(further) or None)]


def describe_scalar(value: Any) -> str:
    """A plain value as text: null is empty, booleans in lower case, numbers as Python writes them.

    Raises:
        AnswerError: a list or an object.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise AnswerError("bytes that are not UTF-8") from None
    if isinstance(value, Mapping | list | tuple):
        raise AnswerError("a list or an object where plain text is needed")
    return str(value)


def read_box(value: Any) -> list[float]:
    """A box as [x, y, width, height] in pixels from ``[x, y, w, h]``, ``"x, y, w, h"``, or an object of one of the kinds above.

    Raises:
        AnswerError: it is no sound box (``logoingest.boxes``).
    """
    if isinstance(value, Mapping):
        numbers = _read_box_numbers(value)
    elif isinstance(value, str):
        numbers = [part for part in re.split(r"[\s,;]+", value.strip().strip("[]()").strip()) if part]
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        numbers = list(value)
    else:
        numbers = [value]
    box = [read_number(number) for number in numbers]
    fault = find_box_fault(box)
    if fault is not None:
        raise AnswerError(f"a box {fault}")
    return box


def _read_box_numbers(value: Mapping[str, Any]) -> list[Any]:
    corner = next((keys for keys in _CORNER_KEYS if keys[0] in value and keys[1] in value), None)
    if corner is None or "width" not in value or "height" not in value:
        raise AnswerError("a box needs left, top, width and height")
    numbers = [value[key] for key in (*corner, "width", "height")]
    if "original_width" not in value and "original_height" not in value:
        return numbers
    sides = [read_number(value.get(f"original_{side}")) / 100 for side in ("width", "height")]
    return [read_number(number) * sides[index % 2] for index, number in enumerate(numbers)]


def read_number(value: Any) -> float:
    """A number of a box.

    Raises:
        AnswerError: it is none.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise AnswerError(f"a box has numbers, not {str(value)[:40]!r}") from None


def rename_reserved(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """A stranger's attributes; names by which later stages read something are given ``source_`` in front."""
    return {f"source_{name}" if name in RESERVED_ATTRIBUTES else name: value for name, value in attributes.items()}


def read_each(items: Iterable[Any], read: Callable[[Any], Answer]) -> tuple[list[Answer], list[str]]:
    """The answers of several drawn things, and why the others cannot be read."""
    answers, faults = [], []
    for item in items:
        try:
            answers.append(read(item))
        except AnswerError as error:
            faults.append(str(error))
    return answers, faults


def read_drawn(
    text: str, is_drawn: Callable[[Mapping[str, Any]], bool], read: Callable[[Any], Answer]
) -> tuple[list[Answer], list[str]] | None:
    """The answers of a cell that is a JSON list of drawn things alone, and why some cannot be read; None when it is something else."""
    if text.lstrip()[:1] != "[":
        return None
    try:
        drawn = read_objects(parse_json(text))
    except AnswerError:
        return None
    return read_each(drawn, read) if drawn and all(map(is_drawn, drawn)) else None


def join_boxes(labels: Sequence[Answer], cell: Any) -> list[Answer]:
    """The answers of a record whose boxes stand in a column of their own: one label goes to every box, several pair in order.

    A single box takes all labels.

    Raises:
        AnswerError: the box cell cannot be read, or there are several labels and another number of boxes.
    """
    boxes = _read_box_cell(cell)
    if not boxes:
        return list(labels)
    if any(box.label for box in boxes):
        return boxes
    if len(labels) == 1:
        return [box._replace(label=labels[0].label) for box in boxes]
    if len(boxes) == 1:
        return [boxes[0]._replace(label=write_choices(label.label for label in labels))]
    if len(labels) != len(boxes):
        raise AnswerError(f"{len(labels)} labels for {len(boxes)} boxes")
    return [box._replace(label=label.label) for box, label in zip(boxes, labels, strict=True)]


def join_choices(answers: Iterable[Answer]) -> list[Answer]:
    """What one submission says, with everything that stands in no box as one answer: it names several things at once.

    Each box keeps an answer of its own, be it in shares of its picture. Attributes that differ are kept, value by value, under
    ``choices``.
    """
    given = list(answers)
    loose = [answer for answer in given if not _is_drawn(answer)]
    said = [answer for answer in loose if answer.label.strip()]
    if len(loose) < 2:
        return given
    first = next(place for place, answer in enumerate(given) if not _is_drawn(answer))
    joined = Answer(write_choices(answer.label for answer in said), None, _join_attributes(said or loose))
    return [*given[:first], joined, *(answer for answer in given[first:] if _is_drawn(answer))]


def _is_drawn(answer: Answer) -> bool:
    return answer.bbox is not None or (answer.attributes is not None and SHARES in answer.attributes)


def _join_attributes(answers: Sequence[Answer]) -> Mapping[str, Any] | None:
    first = answers[0].attributes
    if all(answer.attributes == first for answer in answers):
        return first
    return {"choices": [{"label": answer.label, **(answer.attributes or {})} for answer in answers]}


def _read_box_cell(cell: Any) -> list[Answer]:
    value = cell
    if isinstance(value, str):
        if not value.strip():
            return []
        if value.lstrip()[:1] in {"[", "{"}:
            value = parse_json(value)
    if value is None or value == []:
        return []
    if isinstance(value, list) and isinstance(value[0], Mapping | list):
        return [answer for item in value for answer in _read_box_item(item)]
    return _read_box_item(value)


def _read_box_item(value: Any) -> list[Answer]:
    if isinstance(value, Mapping) and "boundingBoxes" in value:
        return _read_box_cell(value["boundingBoxes"])
    if isinstance(value, Mapping):
        return _read_box_object(value)
    return [Answer("", read_box(value))]


def is_plain(label: Any) -> bool:
    """Whether an answer cell is plain text at first sight, as nearly all are: one answer, nothing to look into."""
    return type(label) is str and label.lstrip()[:1] not in {"[", "{"}


def name_text(value: Any) -> str | None:
    """An id cell as text; empty is null.

    Raises:
        AnswerError: a list or an object.
    """
    if type(value) is str:
        return value or None
    return describe_scalar(value) or None
