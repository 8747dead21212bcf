"""Zooniverse's classification export: a CSV with a row a classification, the answers and the subject as JSON in cells.

Format: https://help.zooniverse.org/next-steps/data-exports/ and the column descriptions of https://github.com/zooniverse/Data-digging.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from logoingest.choices import write_choices
from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.schemas import GROUND_TRUTH
from logoingest.sources.cells.answers import Answer, AnswerError, describe_scalar, name_text, parse_json, read_box, read_each
from logoingest.sources.cells.columns import find_missing, guess_roles, list_urls, name_picture, pick_label
from logoingest.sources.cells.times import parse_time
from logoingest.sources.cells.workers import name_worker
from logoingest.sources.files.json_items import read_objects
from logoingest.sources.files.opening import SourceFile
from logoingest.sources.records.carried import carry_cells, list_carried
from logoingest.sources.records.tabulating import Record, make_records, refuse_record
from logoingest.sources.tables.reading import inspect_table, iterate_rows
from logoingest.sources.tables.rows import Table

_ID, _SAID, _SUBJECT = "classification_id", "annotations", "subject_data"
_COLUMNS = (_ID, "user_name", "created_at", "gold_standard", "metadata", _SAID, _SUBJECT)
#: Where an object of an answer names what was chosen: of a survey, of a menu, of a tool that drew.
_NAMES = ("choice", "label", "tool_label", "value")


def is_zooniverse(columns: Sequence[str]) -> bool:
    """Whether a table has the columns of the export."""
    return {_ID, _SAID, _SUBJECT} <= set(columns)


def read_zooniverse(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of an export; ``source_row`` is the number of the row.

    - url: a key of the subject's data (what its manifest said), left out the likeliest; a file name with ``url_prefix`` or ``local_root``.
    - answer: what a task was answered with, named by its key (``T0``) or its question; left out the one that is plainly the label. Several
      choices are one answer, a rectangle is one of its own; another shape is a rejected row. A task without an answer is an empty one.
    - worker: ``user_name``, which of people who had not logged in is a digest. submitted_at, work_time_s: ``created_at``, ``metadata``.
    - source_id: ``classification_id``. attributes: ``ground_truth`` of an expert's classification (``gold_standard``).

    A classification of several subjects at once is refused: what is said of which cannot be told.

    Raises:
        SourceError: a column, key or task is not there, no key holds URLs, or several tasks may be the answer.
    """
    table = inspect_table(file, source.delimiter)
    url, task = choose_zooniverse_columns(file, source, table)
    names = [name for name in _COLUMNS if name in table.columns]
    for number, values, fault in iterate_rows(file, table, names, (_SAID, _SUBJECT)):
        if fault:
            yield refuse_record(number, fault)
            continue
        try:
            yield from _read_classification(number, dict(zip(names, values, strict=True)), url, task, source)
        except AnswerError as error:
            yield refuse_record(number, str(error))


def choose_zooniverse_columns(file: SourceFile, source: SourceConfig, table: Table) -> tuple[str, str]:
    """(Key of the subject's data that holds the image URL, key of the task whose answers count).

    Raises:
        SourceError: see ``read_zooniverse``.
    """
    if problems := find_missing(file.name, {name: name for name in (_ID, _SAID, _SUBJECT)}, table.columns):
        raise SourceError(problems)
    subjects = _read_sound(_read_subjects, table.sample[_SUBJECT])
    said = _read_sound(_list_tasks, table.sample[_SAID])
    keys = tuple(dict.fromkeys(key for subject in subjects for key in subject))
    wanted = {"url_column": source.url_column, **list_carried(source)}
    wanted |= {f"alternative_url_columns[{index}]": name for index, name in enumerate(source.alternative_url_columns)}
    if problems := find_missing(f"{file.name} ({_SUBJECT})", wanted, keys):
        raise SourceError(problems)
    url = source.url_column or guess_roles({key: [subject.get(key) for subject in subjects] for key in keys}).url
    if url is None:
        hint = f"name what says where a picture is: url_column = …, with url_prefix or local_root; subject_data has {', '.join(keys)[:300]}"
        raise file.fault("has no key of subject_data that holds image URLs", hint)
    return url, _choose_task(file, source.label_column, said)


def _read_sound(read: Callable[[Any], Iterable[Mapping[str, Any]]], cells: Iterable[Any]) -> list[Mapping[str, Any]]:
    """What stands in those of the cells that can be read."""
    found: list[Mapping[str, Any]] = []
    for cell in cells:
        with contextlib.suppress(AnswerError):
            found += read(cell)
    return found


def _choose_task(file: SourceFile, wanted: str | None, said: Sequence[Mapping[str, Any]]) -> str:
    questions = {str(item["task"]): str(item.get("task_label") or item["task"]) for item in said}
    if wanted is not None and wanted in questions:
        return wanted
    named = [task for task, question in questions.items() if question == wanted]
    if len(named) == 1:
        return named[0]
    listed = ", ".join(f"{task} ({question})" for task, question in questions.items())[:300] or "none"
    if wanted is not None:
        raise file.fault(f"has no task {wanted!r} (label_column), or several of this name", f"its tasks are {listed}")
    samples: dict[str, list[Any]] = {}
    for item in said:
        samples.setdefault(f"{item['task']} {questions[str(item['task'])]}", []).append(item.get("value"))
    found = pick_label({name: values for name, values in samples.items() if any(map(_says_something, values))} or samples)
    if found is None:
        what = "has several tasks and none is plainly the answer" if samples else "holds no answers to any task"
        raise file.fault(what, f"name it: label_column = … of {listed}" if samples else "")
    return found.partition(" ")[0]


def _says_something(value: Any) -> bool:
    return value not in (None, "", [], {})


def _read_subjects(cell: Any) -> list[Mapping[str, Any]]:
    """What the manifest said of each subject; a key that is hidden from volunteers begins with a sign, and stands here without it as well.

    Raises:
        AnswerError: it is no JSON object of subjects.
    """
    found = parse_json(describe_scalar(cell))
    if not isinstance(found, dict) or not all(isinstance(subject, dict) for subject in found.values()):
        raise AnswerError("subject_data is no JSON object of subjects")
    return [{**{key.lstrip("#!/ "): value for key, value in subject.items()}, **subject} for subject in found.values()]


def _list_tasks(cell: Any) -> list[Mapping[str, Any]]:
    """The answered tasks, those within a combined one as well.

    Raises:
        AnswerError: the cell is no JSON list.
    """
    said = parse_json(describe_scalar(cell) or "[]")
    if not isinstance(said, list):
        raise AnswerError("annotations is no JSON list")
    found: list[Mapping[str, Any]] = []
    for item in read_objects(said):
        found += [part for part in read_objects(item.get("value")) if "task" in part] or [item]
    return [item for item in found if "task" in item]


def _read_classification(number: int, row: Mapping[str, Any], url: str, task: str, source: SourceConfig) -> Iterator[Record]:
    subjects = _read_subjects(row[_SUBJECT])
    if len(subjects) != 1:
        raise AnswerError(f"the classification is of {len(subjects)} subjects: what is said of which cannot be told")
    subject = subjects[0]
    began, ended = _read_times(row.get("metadata"))
    whole = Record(
        number,
        name_picture(describe_scalar(subject.get(url)), source),
        worker_id=name_worker(name_text(row.get("user_name"))),
        work_time_s=(ended - began).total_seconds() if began and ended and began <= ended else None,
        submitted_at=parse_time(row.get("created_at")),
        alternative_urls=list_urls([subject.get(name) for name in source.alternative_url_columns]),
    )
    gold = {GROUND_TRUTH: True} if describe_scalar(row.get("gold_standard")).strip().lower() == "true" else {}
    loose: list[Answer] = []
    faults: list[str] = []
    for item in _list_tasks(row[_SAID]):
        if str(item["task"]) == task:
            said, why = _read_value(item.get("value"))
            loose, faults = [*loose, *said], [*faults, *why]
    answers = [answer._replace(attributes={**(answer.attributes or {}), **gold} or None) for answer in loose]
    if not answers and not faults:
        answers = [Answer("", None, gold or None)]
    records = make_records(whole, answers, name_text(row.get(_ID)), faults)
    yield from (carry_cells(record, subject, source) for record in records)


def _read_times(cell: Any) -> list[Any]:
    found = _read_sound(lambda text: read_objects([parse_json(describe_scalar(text))]), [cell])
    return [parse_time(found[0].get(key)) if found else None for key in ("started_at", "finished_at")]


def _read_value(value: Any) -> tuple[list[Answer], list[str]]:
    """What a task was answered with, and why shapes in it are not read."""
    items = value if isinstance(value, list) else [value]
    drawn = [item for item in read_objects(items) if "tool" in item or "toolIndex" in item]
    answers, faults = read_each(drawn, _read_shape)
    plain = [_name_choice(item) for item in items if item not in drawn]
    chosen = [text for text in plain if text]
    return ([Answer(write_choices(chosen))] if chosen else []) + answers, faults


def _name_choice(item: Any) -> str:
    if isinstance(item, dict):
        item = next((item[key] for key in _NAMES if isinstance(item.get(key), str)), None)
    return describe_scalar(item).strip()


def _read_shape(item: Mapping[str, Any]) -> Answer:
    if not {"x", "y", "width", "height"} <= item.keys():
        raise AnswerError(f"a shape that is no rectangle ({', '.join(sorted(item))[:60]}) is not read")
    details = [_name_choice(part) for part in read_objects(item.get("details"))]
    label = write_choices(details) or describe_scalar(item.get("tool_label"))
    return Answer(label, read_box({key: item[key] for key in ("x", "y", "width", "height")}))
