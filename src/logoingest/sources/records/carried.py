"""What of a source's row goes along with its answer: columns that are kept, and what the bytes should be."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.schemas import Reason
from logoingest.sources.cells.answers import AnswerError, describe_scalar
from logoingest.sources.cells.times import parse_seconds
from logoingest.sources.files.opening import SourceFile
from logoingest.sources.records.tabulating import Record

_HASH_DIGITS = {"sha256": 64, "md5": 32}
_MAX_HASH_CHARS = 200


def list_carried(source: SourceConfig) -> dict[str, str]:
    """Config key → name of every column whose cells go along with an answer."""
    keys = {f"{what}_column": getattr(source, f"{what}_column") for what in (*_HASH_DIGITS, "certainty")}
    kept = {f"keep_columns.{name}": column for name, column in source.keep_columns.items()}
    return {key: column for key, column in (keys | kept).items() if column is not None}


def refuse_carried(file: SourceFile, source: SourceConfig) -> None:
    """For formats without columns.

    Raises:
        SourceError: the source names a column to go along.
    """
    if carried := list_carried(source):
        keys = ", ".join(dict.fromkeys(key.partition(".")[0] for key in carried))
        raise SourceError(file.fault(f"is {source.format}, which has no columns for {keys}", "leave that key out").problems)


def carry_cells(record: Record, row: Mapping[str, Any], source: SourceConfig) -> Record:
    """The record with what goes along of its row (column → cell); refused where a hash cannot be read, or where it was a guess."""
    if record.reason is None and (said := _read_guess(row, source)):
        record = record._replace(reason=Reason.UNSURE, detail=f"says {said} in {source.certainty_column}")
    told = {name: text for name, column in source.keep_columns.items() if (text := _write_cell(row.get(column))).strip()}
    carried = json.dumps(told, ensure_ascii=False, sort_keys=True) if told else None
    try:
        hashes = [found for algorithm in _HASH_DIGITS if (found := _read_expected(algorithm, row, source)) is not None]
    except AnswerError as error:
        record = record._replace(carried=carried)
        return record if record.reason else record._replace(reason=Reason.INVALID_ROW, detail=str(error))
    return record._replace(carried=carried, expected_hashes=hashes or None)


def _read_guess(row: Mapping[str, Any], source: SourceConfig) -> str:
    """What the row says of how sure the answer is, where that makes it a guess; else empty."""
    text = _write_cell(row.get(source.certainty_column)).strip() if source.certainty_column is not None else ""
    number = parse_seconds(text.rstrip("% ").replace(",", "."))
    is_low = source.unsure_below is not None and number is not None and number < source.unsure_below
    return text if is_low or text.casefold() in {unsure.strip().casefold() for unsure in source.unsure} else ""


def _write_cell(value: Any) -> str:
    """A cell as text that any table can hold; lists and objects as JSON, bytes that are no text in hex."""
    try:
        text = describe_scalar(value)
    except AnswerError:
        text = value.hex() if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _read_expected(algorithm: str, row: Mapping[str, Any], source: SourceConfig) -> str | None:
    column = getattr(source, f"{algorithm}_column")
    cell = describe_scalar(row.get(column)).strip() if column is not None else ""
    if not cell:
        return None
    text = cell.lower().removeprefix(f"{algorithm}:")
    digits = _HASH_DIGITS[algorithm]
    if re.fullmatch(rf"[0-9a-f]{{{digits}}}", text):
        return f"{algorithm}:{text}"
    decoded = _decode_base64(cell)
    if len(decoded) != digits // 2:
        shown = cell if len(cell) <= _MAX_HASH_CHARS else f"{cell[:_MAX_HASH_CHARS]}…"
        raise AnswerError(f"{column}: {shown!r} is no {algorithm}, which is {digits} hex digits, or base64 of {digits // 2} bytes")
    return f"{algorithm}:{decoded.hex()}"


def _decode_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if len(text) <= _MAX_HASH_CHARS else b""
    except (binascii.Error, ValueError):
        return b""
