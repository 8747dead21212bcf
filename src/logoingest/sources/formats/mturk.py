"""Amazon Mechanical Turk's batch results: one row is one assignment, of one picture or several.

Format: the 27 fixed columns of the requester site's export, ``Input.*``, ``Answer.*``, Approve, Reject; the header
names the last two, rows end before them until somebody has filled them in. Answers stand in columns
(``Answer.brand``, ``Answer.brand2``, ``Answer.brand.<option>``) or as JSON in ``Answer.taskAnswers`` (Crowd HTML Elements).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.schemas import Reason
from logoingest.sources.cells.answers import (
    Answer,
    AnswerError,
    describe_scalar,
    is_plain,
    join_boxes,
    name_text,
    read_answers,
    read_task_answers,
)
from logoingest.sources.cells.columns import complete_url, find_missing, list_urls
from logoingest.sources.cells.times import parse_seconds, parse_time
from logoingest.sources.files.opening import SourceFile
from logoingest.sources.formats.tables.mturk_layout import TASK_COLUMN, Layout, plan_layout
from logoingest.sources.records.carried import carry_cells, list_carried
from logoingest.sources.records.tabulating import Record, make_records, number_id, refuse_record
from logoingest.sources.tables.reading import inspect_table, iterate_rows

WORKER_COLUMN = "WorkerId"
ID_COLUMN = "AssignmentId"
_STATUS_COLUMN = "AssignmentStatus"
_FACTS = (_STATUS_COLUMN, "SubmitTime", "WorkTimeInSeconds", "RequesterFeedback", "Reject")
_STATUSES = frozenset({"submitted", "approved", "rejected"})


def is_mturk(columns: Sequence[str]) -> bool:
    """Whether a table has the columns of a batch's results."""
    return {"HITId", ID_COLUMN} <= set(columns) and any(name.startswith("Input.") for name in columns)


def read_mturk(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of a batch results file.

    An assignment of several pictures, or an answer of several boxes, gives an annotation each; tags and ticked options are one answer
    together. The first keeps the AssignmentId as ``source_id``, the n-th gets ``:n`` after it. A picture place that a HIT leaves
    empty, question and answer, is no annotation. Assignments that are rejected (or marked so in the Reject column, not yet uploaded) come out refused.

    Raises:
        SourceError: a column is not there, the pictures and answers do not pair, or the file cannot be read.
    """
    table = inspect_table(file, source.delimiter)
    source = _name_defaults(source, table.columns)
    wanted = {key: getattr(source, key) for key in ("worker_column", "id_column", "bbox_column")}
    wanted |= {f"alternative_url_columns[{index}]": name for index, name in enumerate(source.alternative_url_columns)}
    carried = list_carried(source)
    problems = find_missing(file.name, wanted | carried, table.columns)
    if problems:
        raise SourceError(problems)
    layout = plan_layout(file, source, table)
    facts = [name for name in (*wanted.values(), *carried.values(), *_FACTS, TASK_COLUMN) if name in table.columns]
    names = tuple(dict.fromkeys([*layout.columns, *facts]))
    needed = [*layout.columns, *(name for name in wanted.values() if name is not None)]
    for number, values, fault in iterate_rows(file, table, names, needed):
        if fault:
            yield refuse_record(number, fault)
            continue
        row = dict(zip(names, values, strict=True))
        try:
            records = _read_assignment(number, row, layout, source)
            yield from (carry_cells(record, row, source) for record in records) if carried else records
        except AnswerError as error:  # an id that is no plain value: only Parquet can hold one
            yield refuse_record(number, str(error))


def _name_defaults(source: SourceConfig, columns: Sequence[str]) -> SourceConfig:
    worker = source.worker_column or (WORKER_COLUMN if WORKER_COLUMN in columns else None)
    identifier = source.id_column or (ID_COLUMN if ID_COLUMN in columns else None)
    return source.model_copy(update={"worker_column": worker, "id_column": identifier})


def _read_assignment(number: int, row: Mapping[str, Any], layout: Layout, source: SourceConfig) -> Sequence[Record]:
    status = _read_status(row)
    rejected = status == "rejected"
    identifier = name_text(row.get(source.id_column or ""))
    url = row.get(layout.slots[0].url)
    whole = Record(
        number,
        complete_url(url, source.url_prefix) if isinstance(url, str) else url,
        row.get(layout.plain_label) if layout.plain_label else "",
        name_text(row.get(source.worker_column or "")),
        status,
        parse_seconds(row.get("WorkTimeInSeconds")),
        parse_time(row.get("SubmitTime")),
        alternative_urls=list_urls([row.get(name) for name in source.alternative_url_columns]),
        source_id=identifier,
        reason=Reason.ASSIGNMENT_REJECTED if rejected else None,
        detail=(row.get("RequesterFeedback") or row.get("Reject") or None) if rejected else None,
    )
    if is_plain(whole.raw_label) and layout.plain_label and source.bbox_column is None:
        return (whole,)
    whole = whole._replace(raw_label="")
    try:
        tasks = read_task_answers(row.get(TASK_COLUMN)) if layout.needs_tasks else {}
    except AnswerError as error:
        return (_refuse(whole, f"{TASK_COLUMN}: {error}"),)
    records = list(_read_slots(whole, row, tasks, layout, source)) or [whole]
    return [record._replace(source_id=number_id(identifier, index)) for index, record in enumerate(records, 1)]


def _read_slots(
    whole: Record, row: Mapping[str, Any], tasks: Mapping[str, Any], layout: Layout, source: SourceConfig
) -> Iterator[Record]:
    for slot in layout.slots:
        record = whole._replace(url=row.get(slot.url))
        try:
            url = describe_scalar(record.url)
            record = record._replace(url=complete_url(url, source.url_prefix))
            answers = [
                answer for field in slot.fields for answer in read_answers(field.read(row, tasks), read_json=source.json_answers)
            ]
            if source.bbox_column is not None:
                answers = join_boxes(answers or [Answer("")], row.get(source.bbox_column))
        except AnswerError as error:
            yield _refuse(record, str(error))
            continue
        said = [answer for answer in answers if answer.label or answer.bbox] or [Answer("")]
        if url.strip() or said != [Answer("")]:
            yield from make_records(record, said, None)


def _refuse(record: Record, why: str) -> Record:
    return record if record.reason else record._replace(reason=Reason.INVALID_ROW, detail=why)


def _read_status(row: Mapping[str, Any]) -> str:
    """The requester's verdict; Approve and Reject hold the one that is still to be uploaded."""
    status = str(row.get(_STATUS_COLUMN) or "").strip().lower()
    if status not in _STATUSES:
        status = "submitted"
    return "rejected" if status == "submitted" and str(row.get("Reject") or "").strip() else status
