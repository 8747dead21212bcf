"""From what the readers found to tables: validation by the row model, digests of the contents.

A reader yields ``Record``s; here they become Arrow tables a chunk at a time, so that memory holds the tables and little else.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from types import GenericAlias
from typing import Any, NamedTuple, cast

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from logoingest.schemas import AnnotationRow, Reason
from logoingest.sources.cells.answers import Answer, join_choices
from logoingest.strangers.userinfo import drop_userinfo, has_userinfo
from logoingest.wording import cut_text

logger = logging.getLogger("logoingest")

_CHUNK_ROWS = 16_384
_DETAIL_CHARS = 300
#: Bytes of a digest, and of the id that is made of it.
ID_BYTES = 16


class Record(NamedTuple):
    """One answer of a source record, as read: values are checked later, ``reason`` is set when it is refused already."""

    source_row: int
    url: Any
    raw_label: Any = ""
    worker_id: Any = None
    status: str = "submitted"
    work_time_s: float | None = None
    submitted_at: datetime | None = None
    bbox: list[float] | None = None
    attributes: str | None = None
    alternative_urls: list[str] | None = None
    source_id: Any = None
    carried: str | None = None
    expected_hashes: list[str] | None = None
    reason: Reason | None = None
    detail: str | None = None


_VALUE_COLUMNS = Record._fields[1:-2]
#: The row model's own types, a column at a time: one rule for every row, and fast.
_ADAPTERS: Mapping[str, TypeAdapter[Any]] = {
    name: TypeAdapter(cast("Any", GenericAlias(list, AnnotationRow.model_fields[name].annotation))) for name in _VALUE_COLUMNS
}
_CHUNK_SCHEMA = pa.schema(
    [
        *(AnnotationRow.arrow_schema().field(name).with_nullable(True) for name in (*_VALUE_COLUMNS, "source_file", "source_row")),
        pa.field("reason", pa.string()),
        pa.field("detail", pa.string()),
    ]
)


class Chunk(NamedTuple):
    """Some records as a table (``AnnotationRow`` without its id, reason, detail) and the digests of their contents, 16 bytes each."""

    table: pa.Table
    digests: bytes
    source: int = 0
    """Number of the source they are from."""


def refuse_record(source_row: int, why: str) -> Record:
    """A record that cannot be read."""
    return Record(source_row, None, None, reason=Reason.INVALID_ROW, detail=why)


def tabulate_records(source_file: str, records: Iterable[Record]) -> Iterator[Chunk]:
    """Check the records by the row model and turn them into tables; refused ones carry reason and detail.

    A row without a URL is ``missing_url``; one whose values do not fit the row model is ``invalid_row``. A detail is one line,
    shortened, and names neither file nor row, so that ids that are derived from it depend on neither. User names and passwords in
    URLs are dropped with a warning: tables are handed on.
    """
    remaining = iter(records)
    told = 0
    while given := list(islice(remaining, _CHUNK_ROWS)):
        chunk = [_drop_credentials(record) for record in given]
        told += sum(before is not after for before, after in zip(given, chunk, strict=True))
        columns = _check_columns(chunk)
        rows = len(chunk)
        columns["source_file"] = [source_file] * rows
        arrays = [pa.array(columns[field.name], field.type) for field in _CHUNK_SCHEMA]
        yield Chunk(pa.Table.from_arrays(arrays, schema=_CHUNK_SCHEMA), _digest_rows(columns, rows))
    if told:
        logger.warning(
            "%s: %d rows name a user or password in a URL, which no table keeps: give them by fetch.credentials", source_file, told
        )


def _check_columns(chunk: list[Record]) -> dict[str, list[Any]]:
    checked = [_refuse_missing(record) for record in chunk]
    while True:
        columns = {name: list(values) for name, values in zip(Record._fields, zip(*checked, strict=True), strict=True)}
        faults = _find_faults(columns)
        if not faults:
            break
        for index, why in faults.items():
            checked[index] = _refuse_invalid(checked[index], why)
    columns["reason"] = [None if reason is None else reason.value for reason in columns["reason"]]
    return columns


def _drop_credentials(record: Record) -> Record:
    """The record itself, unless a URL of it holds a user name or password."""
    urls = [record.url, *(record.alternative_urls or ())]
    if not any(type(url) is str and has_userinfo(url) for url in urls):
        return record
    url = drop_userinfo(record.url) if type(record.url) is str else record.url
    alternatives = record.alternative_urls and [drop_userinfo(other) for other in record.alternative_urls]
    return record._replace(url=url, alternative_urls=alternatives)


def _refuse_missing(record: Record) -> Record:
    url = record.url
    if isinstance(url, str):
        stripped = url.strip()
        if stripped:
            return record if stripped == url and record.reason is None else _clean(record._replace(url=stripped))
    elif url is not None:
        return record  # not a text: the row model will say so
    record = record._replace(url=None)
    return _clean(record if record.reason else record._replace(reason=Reason.MISSING_URL, detail="the row names no image URL"))


def _clean(record: Record) -> Record:
    """Refused rows are written as they came, but for what no table can hold."""
    if record.reason is None:
        return record
    detail = None if record.detail is None else shorten_detail(record.detail)
    return record._replace(raw_label=_keep_text(record.raw_label), detail=detail)


def _find_faults(columns: dict[str, list[Any]]) -> dict[int, str]:
    """Which rows do not fit the row model, and why; columns that fit are replaced by their validated values."""
    faults: dict[int, str] = {}
    refused = columns["reason"]
    for name, adapter in _ADAPTERS.items():
        values = columns[name]
        if name in {"url", "raw_label"} and any(refused):
            values = ["" if value is None and refused[index] else value for index, value in enumerate(values)]
        try:
            validated = adapter.validate_python(values)
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_context=False):
                faults.setdefault(int(fault["loc"][0]), f"{name}: {fault['msg']}")
            continue
        if values is columns[name]:
            columns[name] = validated
        faults |= {index: f"{name}: holds half a surrogate pair" for index in _find_surrogates(values) if index not in faults}
    return faults


def _find_surrogates(values: list[Any]) -> list[int]:
    """Texts that no encoding can write (JSON can name half a pair); the row model lets them through."""
    texts = ["".join(value) if type(value) is list and value and type(value[0]) is str else value for value in values]
    try:
        "".join([text for text in texts if type(text) is str]).encode()
    except UnicodeEncodeError:
        return [index for index, text in enumerate(texts) if type(text) is str and _SURROGATE.search(text)]
    return []


_SURROGATE = re.compile("[\ud800-\udfff]")


def _refuse_invalid(record: Record, why: str) -> Record:
    """The record with only those values that any table can hold."""
    kept = Record(record.source_row, _keep_text(record.url), _keep_text(record.raw_label), status=record.status)
    return kept._replace(reason=Reason.INVALID_ROW, detail=shorten_detail(why))


def _keep_text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else repr(value)[:_DETAIL_CHARS]
    return text.encode("utf-8", "replace").decode("utf-8")


def shorten_detail(text: str) -> str:
    """One line of at most 300 characters that any table can hold."""
    line = " ".join(text[: 4 * _DETAIL_CHARS].split()).encode("utf-8", "replace").decode("utf-8")
    return cut_text(line, _DETAIL_CHARS)


def _digest_rows(columns: dict[str, list[Any]], rows: int) -> bytes:
    """sha256 of every row's content, cut to 16 bytes, one after the other; neither file nor row number enters."""
    texts = [[None] * rows if all(value is None for value in columns[name]) else _write_column(columns[name]) for name in _CONTENT]
    sha256 = hashlib.sha256
    return b"".join([sha256(_write_content(content)).digest()[:ID_BYTES] for content in zip(*texts, strict=True)])


#: What ids are derived from: the answer, not what goes along with it.
_CONTENT = (*(name for name in _VALUE_COLUMNS if name not in {"carried", "expected_hashes"}), "reason", "detail")


def _write_column(values: list[Any]) -> list[str | None]:
    return [value if value is None or type(value) is str else _write_value(value) for value in values]


def _write_value(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, separators=(",", ":"))


def _write_content(content: Sequence[str | None]) -> bytes:
    """A row's content as bytes, different for different contents: separators, or JSON where a value holds a separator."""
    text = "\x1f".join(["\x1e" if value is None else value for value in content])
    if text.count("\x1f") != len(content) - 1 or text.count("\x1e") != content.count(None):
        text = json.dumps(content)  # holds no separator, so it equals no text of the other form
    return text.encode()


def make_records(whole: Record, answers: Sequence[Answer], identifier: str | None, faults: Sequence[str] = ()) -> Iterator[Record]:
    """The records of one submission: one for all it says without a box, one a box (``join_choices``), one refused for each fault.

    The first keeps the source's id, the n-th gets ``:n`` after it.
    """
    joined = join_choices(answers)
    for index, answer in enumerate(joined, 1):
        yield whole._replace(
            raw_label=answer.label,
            bbox=answer.bbox,
            attributes=write_attributes(answer.attributes),
            source_id=number_id(identifier, index),
        )
    for index, fault in enumerate(faults, len(joined) + 1):
        refused = whole if whole.reason else whole._replace(reason=Reason.INVALID_ROW, detail=fault)
        yield refused._replace(source_id=number_id(identifier, index))


def join_records(records: Sequence[Record]) -> Record:
    """What one submission says without a box, read piece by piece, as the one answer it is; under the first piece's id."""
    answers = [Answer(record.raw_label, None, json.loads(record.attributes or "null")) for record in records]
    (answer,) = join_choices(answers)
    return records[0]._replace(raw_label=answer.label, attributes=write_attributes(answer.attributes))


def number_id(identifier: str | None, index: int) -> str | None:
    """The source's id of its index-th answer (from 1)."""
    return identifier if identifier is None or index == 1 else f"{identifier}:{index}"


def write_attributes(attributes: Mapping[str, Any] | None) -> str | None:
    """Attributes as a JSON object with sorted keys; null when there are none."""
    return json.dumps(attributes, ensure_ascii=False, sort_keys=True) if attributes else None
