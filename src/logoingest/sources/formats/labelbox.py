"""Labelbox's export: a JSON object a line, each a data row with what was answered about it in its projects.

Format: https://docs.labelbox.com/reference/export-image-annotations and …/export-glossary (exports v2 and the streamed ones after it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from logoingest.choices import write_choices
from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.schemas import GROUND_TRUTH, Reason
from logoingest.sources.cells.answers import Answer, AnswerError, read_box, rename_reserved
from logoingest.sources.cells.columns import complete_url, find_missing, has_scheme
from logoingest.sources.cells.times import parse_seconds, parse_time
from logoingest.sources.cells.workers import name_worker
from logoingest.sources.files.json_items import read_objects
from logoingest.sources.files.opening import SourceFile
from logoingest.sources.records.tabulating import Record, make_records, refuse_record
from logoingest.sources.tables.reading import inspect_table, iterate_rows

_BOX = "ImageBoundingBox"
_QUESTIONS = ("radio_answer", "checklist_answers", "text_answer")
#: What a project's workflow says of a data row's labels.
_STATUSES = {"DONE": "approved", "REWORK": "rejected", "IN_REWORK": "rejected"}


class _Said(NamedTuple):
    """The answers of one label, and why what else stands in it is not read."""

    answers: list[Answer]
    faults: list[str]


def is_labelbox(members: Mapping[str, Any]) -> bool:
    """Whether the first line's object is a data row of an export."""
    return isinstance(members.get("data_row"), dict) and isinstance(members.get("projects"), dict)


def read_labelbox(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of an export; ``source_row`` is the line.

    - url: ``row_data``; an ``external_id`` or ``global_key`` with ``url_prefix`` where that is no URL.
    - answer: of every label the radio, checklist and text answers (one answer, which may name several things), and each bounding box
      with the name of its feature. ``label_column`` names a question: only its answers count, within boxes too.
    - status: approved where the workflow is done; what was sent back for rework or skipped is refused (``assignment_rejected``).
    - worker: a pseudonym of who made the label, as exports name people by their mail address. submitted_at, work_time_s: of the label.
    - source_id: the label's id. attributes: questions answered within a box, and ``ground_truth`` where it is a benchmark.

    Masks, polygons, points and lines are rejected rows, as is a data row that nobody has labelled. Predictions are not read.

    Raises:
        SourceError: it is no export, or no label in the first 200 lines answers ``label_column``.
    """
    table = inspect_table(file)
    if problems := find_missing(file.name, {"data_row": "data_row", "projects": "projects"}, table.columns):
        raise SourceError(problems)
    asked = list(dict.fromkeys(name for projects in table.sample["projects"] for name in _list_questions(projects)))
    if asked and (problems := find_missing(file.name, {"label_column": source.label_column}, asked)):
        raise SourceError(problems)
    for number, values, fault in iterate_rows(file, table, ("data_row", "projects"), ()):
        row, projects = values or (None, None)
        if fault or not isinstance(row, dict):
            yield refuse_record(number, fault or "is no data row")
        else:
            yield from _read_data_row(Record(number, _find_url(row, source)), projects, source.label_column)


def _find_url(row: Mapping[str, Any], source: SourceConfig) -> str | None:
    texts = [text for key in ("row_data", "external_id", "global_key") if isinstance(text := row.get(key), str) and text.strip()]
    absolute = next((text for text in texts if has_scheme(text)), None)
    return absolute or (complete_url(texts[0], source.url_prefix) if texts else None)


def _read_data_row(whole: Record, projects: Any, question: str | None) -> Iterator[Record]:
    found = [project for project in projects.values() if isinstance(project, dict)] if isinstance(projects, dict) else []
    labels = [(project, label) for project in found for label in read_objects(project.get("labels"))]
    if not labels:
        yield whole._replace(reason=Reason.INVALID_ROW, detail="nobody has labelled this data row")
    benchmarks = {_read_part(label, "performance_details").get("benchmark_reference_label") for _, label in labels}
    for project, label in labels:
        yield from _read_label(_describe_label(whole, project, label), label, question, label.get("id") in benchmarks)


def _read_part(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = value.get(key)
    return part if isinstance(part, dict) else {}


def _describe_label(whole: Record, project: Mapping[str, Any], label: Mapping[str, Any]) -> Record:
    details, performance = _read_part(label, "label_details"), _read_part(label, "performance_details")
    skipped = performance.get("skipped") is True
    state = str(_read_part(project, "project_details").get("workflow_status")).upper()
    status = "rejected" if skipped else _STATUSES.get(state, "submitted")
    refused = status == "rejected"
    return whole._replace(
        worker_id=name_worker(details.get("created_by")),
        status=status,
        work_time_s=parse_seconds(performance.get("seconds_to_create")) or None,
        submitted_at=parse_time(details.get("created_at")),
        source_id=label.get("id") if isinstance(label.get("id"), str) else None,
        reason=Reason.ASSIGNMENT_REJECTED if refused else None,
        detail=("skipped by the labeller" if skipped else "sent back for rework") if refused else None,
    )


def _read_label(whole: Record, label: Mapping[str, Any], question: str | None, is_benchmark: bool) -> Iterator[Record]:
    said = _read_annotations(_read_part(label, "annotations"), question)
    extra = {GROUND_TRUTH: True} if is_benchmark else {}
    answers = [answer._replace(attributes={**(answer.attributes or {}), **extra} or None) for answer in said.answers]
    if not answers and not said.faults:
        answers = [Answer("", None, extra or None)]
    yield from make_records(whole, answers, whole.source_id, said.faults)


def _read_annotations(annotations: Mapping[str, Any], question: str | None) -> _Said:
    answers: list[Answer] = []
    faults: list[str] = []
    for asked, given in _iterate_answers(annotations.get("classifications")):
        if question is None or asked == question:
            answers.append(Answer(given))
    for item in read_objects(annotations.get("objects")):
        try:
            answers += _read_object(item, question)
        except AnswerError as error:
            faults.append(str(error))
    return _Said(answers, faults)


def _read_object(item: Mapping[str, Any], question: str | None) -> list[Answer]:
    kind = str(item.get("annotation_kind") or (_BOX if "bounding_box" in item else "object of another kind"))
    if kind != _BOX:
        raise AnswerError(f"an object of the kind {kind[:40]} is not read")
    inner = list(_iterate_answers(item.get("classifications")))
    further: dict[str, list[str]] = {}
    for asked, given in inner:
        further.setdefault(asked, []).append(given)
    named = [str(item.get("name") or item.get("value") or "")] if question is None else further.pop(question, None)
    if named is None:
        return []
    attributes = rename_reserved({asked: write_choices(given) for asked, given in further.items()})
    return [Answer(write_choices(named), read_box(_read_part(item, "bounding_box")), attributes or None)]


def _iterate_answers(classifications: Any) -> Iterator[tuple[str, str]]:
    """(question, answer) of every classification, those nested in an answer after it; bounded by the depth JSON may have."""
    waiting = list(reversed(read_objects(classifications)))
    while waiting:
        item = waiting.pop()
        asked = str(item.get("name") or item.get("value") or "")
        for answer in _list_given(item):
            given = answer.get("name", answer.get("content", answer.get("value")))
            if isinstance(given, str):
                yield asked, given
            waiting += reversed(read_objects(answer.get("classifications")))


def _list_given(item: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [
        answer for key in _QUESTIONS for answer in read_objects(item[key] if isinstance(item.get(key), list) else [item.get(key)])
    ]


def _list_questions(projects: Any) -> Iterator[str]:
    for project in projects.values() if isinstance(projects, dict) else ():
        for label in read_objects(project.get("labels") if isinstance(project, dict) else None):
            annotations = _read_part(label, "annotations")
            yield from (asked for asked, _ in _iterate_answers(annotations.get("classifications")))
            for item in read_objects(annotations.get("objects")):
                yield from (asked for asked, _ in _iterate_answers(item.get("classifications")))
