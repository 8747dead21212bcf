"""Toloka's results: a TSV with a row a task of an assignment, or an aggregated one with a row a task.

Format: https://toloka.ai/docs/guide/result-of-eval/ (fields INPUT, OUTPUT, GOLDEN, HINT, ASSIGNMENT, ACCEPT) and …/result-aggregation/
(CONFIDENCE). Statuses: https://toloka.ai/docs/api/api-reference/ (Assignment).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.schemas import GOLD, Reason
from logoingest.sources.cells.answers import (
    Answer,
    AnswerError,
    describe_scalar,
    name_text,
    read_answers,
    read_drawn,
    read_number,
)
from logoingest.sources.cells.boxes import place_shares
from logoingest.sources.cells.columns import (
    complete_url,
    describe_columns,
    find_missing,
    guess_roles,
    list_urls,
    pick_label,
)
from logoingest.sources.cells.others import choose_said, settle_other
from logoingest.sources.cells.times import parse_time
from logoingest.sources.cells.workers import name_worker
from logoingest.sources.files.json_items import read_objects
from logoingest.sources.files.opening import SourceFile
from logoingest.sources.records.carried import carry_cells, list_carried
from logoingest.sources.records.tabulating import Record, make_records, refuse_record
from logoingest.sources.tables.reading import inspect_table, iterate_rows
from logoingest.sources.tables.rows import Table

_INPUT, _OUTPUT, _GOLDEN, _CONFIDENCE = "INPUT:", "OUTPUT:", "GOLDEN:", "CONFIDENCE:"
_WORKER, _STATUS, _ASSIGNMENT, _TASK = (f"ASSIGNMENT:{name}" for name in ("worker_id", "status", "assignment_id", "task_id"))
_STARTED, _SUBMITTED = "ASSIGNMENT:started", "ASSIGNMENT:submitted"
_VERDICT, _COMMENT = "ACCEPT:verdict", "ACCEPT:comment"
_FACTS = (_WORKER, _STATUS, _ASSIGNMENT, _TASK, _STARTED, _SUBMITTED, _VERDICT, _COMMENT)
_STATUSES = {"APPROVED": "approved", "ACCEPTED": "approved", "SUBMITTED": "submitted"}
_REFUSED = frozenset({"REJECTED", "SKIPPED", "EXPIRED", "ACTIVE"})
#: The output field of Toloka's own templates.
_USUAL_OUTPUT = "OUTPUT:result"


def is_toloka(columns: Sequence[str]) -> bool:
    """Whether a table has the columns of results."""
    return any(name.startswith(_INPUT) for name in columns) and any(name.startswith((_OUTPUT, "ASSIGNMENT:")) for name in columns)


def read_toloka(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of results; rows that hold nothing (they part assignments) are none.

    - url: an INPUT field, left out the likeliest. answer: an OUTPUT field, left out ``result`` or the likeliest. Names may lack the prefix.
    - boxes: rectangles of the image annotation fields, which are shares of the picture; other shapes are rejected rows.
    - worker, status, times: of the assignment, whose tasks share them; what is rejected, skipped, expired or unfinished is refused
      (``assignment_rejected``), as is a verdict of - in ACCEPT.
    - source_id: the assignment's and the task's id. attributes: ``gold`` (GOLDEN of the answer's field), confidence of an aggregate.

    Raises:
        SourceError: a column is not there, none holds URLs, or several outputs may be the answer.
    """
    table = inspect_table(file, source.delimiter)
    url, label = choose_toloka_columns(file, source, table)
    source = settle_other(source, label, table.columns)
    field = label.removeprefix(_OUTPUT)
    beside = [name for name in (f"{_GOLDEN}{field}", f"{_CONFIDENCE}{field}", *_FACTS) if name in table.columns]
    names = list(
        dict.fromkeys(
            [
                url,
                label,
                *([source.other_column] if source.other_column else []),
                *beside,
                *source.alternative_url_columns,
                *list_carried(source).values(),
            ]
        )
    )
    for number, values, fault in iterate_rows(file, table, names, (url,)):
        row = dict(zip(names, values, strict=True)) if not fault else {}
        if fault:
            yield refuse_record(number, fault)
        elif any(value not in (None, "") for value in values):
            try:
                yield from _read_task(number, row, url, label, source)
            except AnswerError as error:
                yield refuse_record(number, str(error))._replace(url=row[url] if isinstance(row[url], str) else None)


def choose_toloka_columns(file: SourceFile, source: SourceConfig, table: Table) -> tuple[str, str]:
    """URL and answer fields of results: those the config names, else the likeliest.

    Raises:
        SourceError: a column is not there, none holds URLs, or several may be the answer.
    """
    url, label = _add_prefix(source.url_column, _INPUT, table), _add_prefix(source.label_column, _OUTPUT, table)
    wanted: dict[str, str | None] = {"url_column": url, "label_column": label, "other_column": source.other_column}
    wanted |= list_carried(source)
    wanted |= {f"alternative_url_columns[{index}]": name for index, name in enumerate(source.alternative_url_columns)}
    if problems := find_missing(file.name, wanted, table.columns):
        raise SourceError(problems)
    url = url or guess_roles({name: values for name, values in table.sample.items() if name.startswith(_INPUT)}).url
    if url is None:
        raise file.fault(
            "has no INPUT field that holds image URLs", f"name it: url_column = …; {describe_columns('', table.columns)}"
        )
    outputs = {name: values for name, values in table.sample.items() if name.startswith(_OUTPUT)}
    spoken = {name: values for name, values in outputs.items() if any(value not in (None, "") for value in values)} or outputs
    label = label or (_USUAL_OUTPUT if _USUAL_OUTPUT in spoken else pick_label(spoken))
    if label is None:
        what = "has several outputs and none is plainly the answer" if outputs else "has no OUTPUT field: nobody has answered"
        raise file.fault(
            what, f"name it: label_column = … of {', '.join(outputs)[:300]}" if outputs else "download the pool's results"
        )
    return url, label


def _add_prefix(name: str | None, prefix: str, table: Table) -> str | None:
    return name if name is None or name in table.columns else f"{prefix}{name}"


def _read_task(number: int, row: Mapping[str, Any], url: str, label: str, source: SourceConfig) -> Iterator[Record]:
    status, why = _read_status(row)
    sent, began = parse_time(row.get(_SUBMITTED)), parse_time(row.get(_STARTED))
    whole = Record(
        number,
        complete_url(describe_scalar(row[url]), source.url_prefix),
        worker_id=name_worker(name_text(row.get(_WORKER))),
        status=status,
        work_time_s=(sent - began).total_seconds() if sent and began and began <= sent else None,
        submitted_at=sent,
        alternative_urls=list_urls([row[name] for name in source.alternative_url_columns]),
        reason=Reason.ASSIGNMENT_REJECTED if why else None,
        detail=why,
    )
    field = label.removeprefix(_OUTPUT)
    told: dict[str, Any] = {GOLD: row.get(f"{_GOLDEN}{field}"), "confidence": row.get(f"{_CONFIDENCE}{field}")}
    extra = {key: text for key, value in told.items() if (text := describe_scalar(value).strip())}
    said, faults = _read_answers(choose_said(row, label, source.other_column))
    answers = [answer._replace(attributes={**(answer.attributes or {}), **extra} or None) for answer in said]
    parts = [part for name in (_ASSIGNMENT, _TASK) if (part := name_text(row.get(name)))]
    yield from (carry_cells(record, row, source) for record in make_records(whole, answers, "-".join(parts) or None, faults))


def _read_status(row: Mapping[str, Any]) -> tuple[str, str | None]:
    """The status, and why the answer does not count when it does not."""
    state = describe_scalar(row.get(_STATUS)).strip().upper()
    comment = describe_scalar(row.get(_COMMENT)).strip()
    if describe_scalar(row.get(_VERDICT)).strip() == "-":
        return "rejected", comment or "rejected in review"
    if state in _REFUSED:
        return "rejected", (comment if state == "REJECTED" else "") or f"the assignment is {state.lower()}"
    return _STATUSES.get(state, "submitted"), None


def _read_answers(cell: Any) -> tuple[list[Answer], list[str]]:
    """What a cell says, and why shapes in it are not read."""
    text = describe_scalar(cell)
    return read_drawn(text, lambda item: "shape" in item or "data" in item, _read_shape) or (read_answers(text), [])


def _read_shape(item: Mapping[str, Any]) -> Answer:
    """A shape of field.image-annotation, or of the older templates, whose rectangle has two points."""
    kind = str(item.get("shape", item.get("type")))
    if kind != "rectangle":
        raise AnswerError(f"a shape of the kind {kind[:40]} is not read")
    box, attributes = place_shares(_read_sides(item), None)
    return Answer(describe_scalar(item.get("label", item.get("annotation"))), box, attributes)


def _read_sides(item: Mapping[str, Any]) -> list[float]:
    if "shape" in item:
        return [read_number(item.get(key)) for key in ("left", "top", "width", "height")]
    data = item.get("data")
    points = read_objects([data.get(key) for key in ("p1", "p2")] if isinstance(data, dict) else [])
    if len(points) != 2:
        raise AnswerError("a rectangle has the points p1 and p2")
    (x0, y0), (x1, y1) = ((read_number(point.get("x")), read_number(point.get("y"))) for point in points)
    return [min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0)]
