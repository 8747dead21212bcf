"""Prodigy's export (``prodigy db-out``): a JSON object a line, a task and what one annotator made of it.

Format: https://prodi.gy/docs/api-interfaces (choice, classification, image_manual, text_input) and …/api-loaders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from logoingest.choices import write_choices
from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.schemas import Reason
from logoingest.sources.cells.answers import Answer, AnswerError, describe_scalar, name_text, read_box, read_each
from logoingest.sources.cells.columns import find_missing, list_urls, name_picture, score_url
from logoingest.sources.cells.times import parse_seconds
from logoingest.sources.cells.workers import name_worker
from logoingest.sources.files.json_items import read_objects
from logoingest.sources.files.opening import SourceFile
from logoingest.sources.records.carried import carry_cells, list_carried
from logoingest.sources.records.tabulating import Record, make_records, refuse_record
from logoingest.sources.tables.reading import inspect_table, iterate_rows
from logoingest.sources.tables.rows import Table

_HASHES = frozenset({"_input_hash", "_task_hash"})
_VERDICTS = {"accept": None, "reject": "the annotator rejected it", "ignore": "the annotator left it out"}
#: Where a task may say where its picture is; the first that holds more than the picture's own bytes.
_PICTURES = ("image", "url", "path")
#: The end of the year 9999, in seconds since 1970.
_LATEST = 253_402_300_800.0
#: What a person typed in a task without choices.
_TYPED = "user_input"


def is_prodigy(members: Mapping[str, Any]) -> bool:
    """Whether the first line's object is an annotated task."""
    return members.keys() >= _HASHES and str(members.get("answer")) in _VERDICTS


def read_prodigy(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of an export; ``source_row`` is the line.

    - url: ``image``, ``url`` or ``path``, the first that is no picture's own bytes; another key by ``url_column``.
    - answer: the accepted ``options`` (their text where they are numbered), each rectangle of ``spans`` with its label, what was typed
      (``user_input``), else ``label``; another key by ``label_column``. An accepted task without any of them is an empty answer.
    - status: a task that was rejected or ignored is refused (``assignment_rejected``): that it is not so is no label.
    - worker: ``_annotator_id``, else ``_session_id``. submitted_at: ``_timestamp``. source_id: ``_task_hash`` and the worker.

    Raises:
        SourceError: a key is not there, or no task says where its picture is.
    """
    table = inspect_table(file)
    url = choose_picture_key(file, source, table)
    names = table.columns
    for number, values, fault in iterate_rows(file, table, names, ()):
        if fault:
            yield refuse_record(number, fault)
            continue
        task = dict(zip(names, values, strict=True))
        try:
            yield from (carry_cells(record, task, source) for record in _read_task(number, task, url, source))
        except AnswerError as error:
            yield refuse_record(number, str(error))


def choose_picture_key(file: SourceFile, source: SourceConfig, table: Table) -> str:
    """The key of a task that says where its picture is.

    Raises:
        SourceError: see ``read_prodigy``.
    """
    wanted = {"url_column": source.url_column, "label_column": source.label_column, **list_carried(source)}
    wanted |= {f"alternative_url_columns[{index}]": name for index, name in enumerate(source.alternative_url_columns)}
    if problems := find_missing(file.name, wanted, table.columns):
        raise SourceError(problems)
    usual = [name for name in _PICTURES if name in table.columns and not _holds_bytes(table.sample[name])]
    found = source.url_column or next((name for name in usual if score_url(name, table.sample[name]) > 0), None)
    if found is None:
        hint = "export with the loader's paths or URLs (remove base64), or name a key that holds them: url_column = …"
        raise file.fault("has no task that says where its picture is", hint)
    return found


def _holds_bytes(values: Sequence[Any]) -> bool:
    return any(isinstance(value, str) and value.startswith("data:") for value in values)


def _read_task(number: int, task: Mapping[str, Any], url: str, source: SourceConfig) -> Iterator[Record]:
    verdict = describe_scalar(task.get("answer"))
    why = _VERDICTS.get(verdict, f"the answer {verdict[:40]!r} is not known")
    seconds = parse_seconds(task.get("_timestamp"))
    worker = name_worker(name_text(task.get("_annotator_id")) or name_text(task.get("_session_id")))
    whole = Record(
        number,
        name_picture(describe_scalar(task.get(url)), source),
        worker_id=worker,
        status="rejected" if why else "submitted",
        submitted_at=datetime.fromtimestamp(seconds, UTC) if seconds and seconds < _LATEST else None,
        alternative_urls=list_urls([task.get(name) for name in source.alternative_url_columns]),
        reason=Reason.ASSIGNMENT_REJECTED if why else None,
        detail=why,
    )
    answers, faults = _read_answers(task, source.label_column)
    if not answers and not faults:
        answers = [Answer("")]
    parts = (name_text(task.get("_task_hash")), worker)  # the hash is the same for all annotators
    yield from make_records(whole, answers, "-".join(part for part in parts if part) or None, faults)


def _read_answers(task: Mapping[str, Any], key: str | None) -> tuple[list[Answer], list[str]]:
    if key is not None:
        value = task.get(key)
        named = [describe_scalar(item) for item in (value if isinstance(value, list) else [value])]
        return [Answer(write_choices(named))], []
    drawn, faults = read_each(read_objects(task.get("spans")), _read_span)
    if drawn or faults:
        return drawn, faults
    chosen = task.get("accept")
    if isinstance(chosen, list) and isinstance(task.get("options"), list):
        texts = {str(option.get("id")): _name_option(option) for option in read_objects(task["options"])}
        return [Answer(write_choices(texts.get(str(item), str(item)) for item in chosen))], []
    text = describe_scalar(task.get(_TYPED)) or describe_scalar(task.get("label"))
    return [Answer(text)] if text else [], []


def _name_option(option: Mapping[str, Any]) -> str:
    """Its id, which people choose as they like; its text where it is but a number."""
    identifier = str(option.get("id"))
    text = option.get("text")
    return text if identifier.lstrip("-").isdecimal() and isinstance(text, str) and text else identifier


def _read_span(span: Mapping[str, Any]) -> Answer:
    if span.get("type", "rect") != "rect" or not {"x", "y", "width", "height"} <= span.keys():
        raise AnswerError(f"a shape of the kind {str(span.get('type'))[:40]} is not read")
    return Answer(describe_scalar(span.get("label")), read_box({key: span[key] for key in ("x", "y", "width", "height")}))
