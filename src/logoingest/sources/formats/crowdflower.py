"""CrowdFlower's reports, later Figure Eight's, now Appen's: the full report (a row a judgment) and the aggregated one (a row a unit).

Format: https://success.appen.com/hc/en-us/articles/202703075 ("Guide to: Reports Page"). The platform's own columns begin with ``_``; a
test question's right answer stands in ``<question>_gold``, an aggregate's certainty in ``<question>:confidence``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from logoingest.choices import write_choices
from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.schemas import GOLD, Reason
from logoingest.sources.cells.answers import (
    Answer,
    AnswerError,
    describe_scalar,
    name_text,
    read_answers,
    read_box,
    read_drawn,
)
from logoingest.sources.cells.columns import (
    Sample,
    complete_url,
    describe_columns,
    find_missing,
    guess_roles,
    list_urls,
    pick_label,
)
from logoingest.sources.cells.others import choose_said, settle_other
from logoingest.sources.cells.times import parse_american_time
from logoingest.sources.cells.workers import name_worker
from logoingest.sources.files.opening import SourceFile
from logoingest.sources.records.carried import carry_cells, list_carried
from logoingest.sources.records.tabulating import Record, make_records, refuse_record
from logoingest.sources.tables.reading import inspect_table, iterate_rows
from logoingest.sources.tables.rows import Table

_UNIT = "_unit_id"
_KNOWN = ("_worker_id", "_golden", "_trusted_judgments")
_FACTS = (
    _UNIT, "_id", "_worker_id", "_created_at", "_started_at", "_last_judgment_at", "_tainted", "_trusted", "_unit_state",
    "_trusted_judgments",
)  # fmt: skip


def is_crowdflower(columns: Sequence[str]) -> bool:
    """Whether a table has the columns of a report."""
    return _UNIT in columns and any(name in columns for name in _KNOWN)


def read_crowdflower(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of a full or an aggregated report.

    - url, answer: columns of the data; left out, the likeliest: an answer has ``_gold`` or ``:confidence`` beside it. Ticked boxes stand a
      line each and are one answer; boxes are read from the tool's JSON (class and coordinates).
    - worker, id: ``_worker_id``, ``_id``; of an aggregate nobody, ``_unit_id``. Times: ``_created_at``, month first and UTC, and since
      ``_started_at``.
    - A judgment that is tainted or not trusted is refused (``assignment_rejected``), as is a canceled unit.
    - attributes: ``gold`` (the right answer of a test question, where there is one), confidence and judgments of an aggregate.

    Raises:
        SourceError: a column is not there, none holds URLs, or several answers may be the label.
    """
    table = inspect_table(file, source.delimiter)
    url, label = choose_crowdflower_columns(file, source, table)
    source = settle_other(source, label, table.columns)
    beside = [name for name in (f"{label}_gold", f"{label}:confidence") if name in table.columns]
    facts = [name for name in _FACTS if name in table.columns]
    further = (*source.alternative_url_columns, *list_carried(source).values())
    names = list(dict.fromkeys([url, label, *([source.other_column] if source.other_column else []), *beside, *facts, *further]))
    for number, values, fault in iterate_rows(file, table, names, (url, label)):
        if fault:
            yield refuse_record(number, fault)
            continue
        row = dict(zip(names, values, strict=True))
        try:
            yield from _read_judgment(number, row, url, label, source)
        except AnswerError as error:
            yield refuse_record(number, str(error))._replace(url=row[url] if isinstance(row[url], str) else None)


def choose_crowdflower_columns(file: SourceFile, source: SourceConfig, table: Table) -> tuple[str, str]:
    """URL and answer columns of a report: those the config names, else the likeliest.

    Raises:
        SourceError: a column is not there, none holds URLs, or several may be the answer.
    """
    wanted = {key: getattr(source, key) for key in ("url_column", "label_column", "other_column")} | list_carried(source)
    wanted |= {f"alternative_url_columns[{index}]": name for index, name in enumerate(source.alternative_url_columns)}
    if problems := find_missing(file.name, wanted, table.columns):
        raise SourceError(problems)
    data = {
        name: values
        for name, values in table.sample.items()
        if not name.startswith("_") and not name.endswith(("_gold", "_gold_reason", ":confidence"))
    }
    url = source.url_column or guess_roles(data).url
    if url is None:
        raise file.fault("has no column that holds image URLs", f"name it: url_column = …; {describe_columns('', table.columns)}")
    answers = _list_answers({name: values for name, values in data.items() if name != url}, table.columns)
    label = source.label_column or pick_label(answers)
    if label is None:
        hint = f"name it: label_column = … of {', '.join(answers)[:300]}"
        raise file.fault("has several answers and none is plainly the label", hint)
    return url, label


def _list_answers(data: Sample, columns: Sequence[str]) -> Sample:
    """The columns that hold answers: those with something beside them that only answers have; else any of the data."""
    for ending in (":confidence", "_gold"):
        if found := {name: values for name, values in data.items() if f"{name}{ending}" in columns}:
            return found
    return data


def _read_judgment(number: int, row: Mapping[str, Any], url: str, label: str, source: SourceConfig) -> Iterator[Record]:
    sent = parse_american_time(row.get("_created_at") or row.get("_last_judgment_at"))
    began = parse_american_time(row.get("_started_at"))
    refusal = _find_refusal(row)
    whole = Record(
        number,
        complete_url(describe_scalar(row[url]), source.url_prefix),
        worker_id=name_worker(name_text(row.get("_worker_id"))),
        status="rejected" if refusal else "submitted",
        work_time_s=(sent - began).total_seconds() if sent and began and began <= sent else None,
        submitted_at=sent,
        alternative_urls=list_urls([row[name] for name in source.alternative_url_columns]),
        reason=Reason.ASSIGNMENT_REJECTED if refusal else None,
        detail=refusal,
    )
    extra = _describe(row, label)
    said, faults = _read_answers(choose_said(row, label, source.other_column))
    answers = [answer._replace(attributes={**(answer.attributes or {}), **extra} or None) for answer in said]
    identifier = name_text(row.get("_id")) or name_text(row.get(_UNIT))
    yield from (carry_cells(record, row, source) for record in make_records(whole, answers, identifier, faults))


def _find_refusal(row: Mapping[str, Any]) -> str | None:
    if _is(row, "_tainted", "true"):
        return "tainted: the contributor failed the test questions"
    if _is(row, "_trusted", "false"):
        return "not trusted: the contributor failed the test questions"
    return "the unit is canceled" if _is(row, "_unit_state", "canceled") or _is(row, "_unit_state", "cancelled") else None


def _is(row: Mapping[str, Any], name: str, text: str) -> bool:
    return describe_scalar(row.get(name)).strip().lower() == text


def _describe(row: Mapping[str, Any], label: str) -> Mapping[str, Any]:
    """What is told beside an answer; of a test question that takes several answers none is the right one."""
    told: dict[str, Any] = {}
    right = describe_scalar(row.get(f"{label}_gold")).split("\n")
    if len(right) == 1 and right[0].strip():
        told[GOLD] = right[0].strip()
    for key, name in (("confidence", f"{label}:confidence"), ("judgments", "_trusted_judgments")):
        if text := describe_scalar(row.get(name)).strip():
            told[key] = text
    return told


def _read_answers(cell: Any) -> tuple[list[Answer], list[str]]:
    """What a cell says, and why shapes in it are not read."""
    text = describe_scalar(cell)
    if text.lstrip()[:1] == "[":
        return read_drawn(text, lambda item: isinstance(item.get("coordinates"), dict), _read_box) or (read_answers(text), [])
    return [Answer(write_choices(text.splitlines()) if "\n" in text.strip() else text)], []


def _read_box(item: Mapping[str, Any]) -> Answer:
    if item.get("type", "box") != "box":
        raise AnswerError(f"a shape of the kind {str(item['type'])[:40]} is not read")
    place = item["coordinates"]
    return Answer(describe_scalar(item.get("class")), read_box([place.get(key) for key in ("x", "y", "w", "h")]))
