"""Rows of a file that is a table: csv and its kin, an Excel workbook, JSON lines, a JSON list of objects, Parquet.

Every reader streams: ``inspect_table`` looks at the columns and the first rows, ``iterate_rows`` gives the wanted columns of every
row, or why the row is broken. A broken row costs that row (of a csv: that line); a file of nothing but broken rows is a SourceError.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from logoingest.errors import SourceError, quote_first_line
from logoingest.sources.cells.answers import AnswerError, parse_json
from logoingest.sources.cells.columns import has_scheme
from logoingest.sources.files.json_items import iterate_items, iterate_members
from logoingest.sources.files.opening import LineReader, LineTooLongError, SourceFile, is_workbook, open_lines, read_head
from logoingest.sources.tables.delimited import open_delimited
from logoingest.sources.tables.headers import HeadedTable, inspect_opened, iterate_opened
from logoingest.sources.tables.nested import pick_value, spread_columns
from logoingest.sources.tables.rows import SAMPLE_ROWS, RowResult, Table
from logoingest.sources.tables.sheets import open_sheet

#: Layouts whose rows stand below a header.
_BELOW_HEADERS = frozenset({"csv", "workbook"})

_EVERY = "\0"
"""Instead of a member's name: every member is a row."""


def inspect_table(file: SourceFile, delimiter: str | None = None) -> Table:
    """Layout, columns and the first 200 rows' values.

    Raises:
        SourceError: it is no table, has no rows, or is a Parquet file that names a column twice.
    """
    layout = guess_layout(file)
    if layout == "parquet":
        return _inspect_parquet(file)
    if layout in _BELOW_HEADERS:
        with _open_below(file, layout, delimiter) as opened:
            return inspect_opened(opened)
    member = _find_member(file) if layout == "jsonl" else ""
    with open_lines(file) as lines:
        some = islice(_iterate_records(lines, layout, member), SAMPLE_ROWS)
        records = [record for _, record in some if isinstance(record, dict)]
    if not records:
        what = "holds no objects" if layout == "json" else "has no line that is a JSON object"
        hint = (
            "a JSON source is a list of objects, or one object per line; pandas writes one by to_json(orient='records', lines=True)"
        )
        raise file.fault(what, hint)
    columns = spread_columns(records)
    return Table(layout, columns, {name: [pick_value(record, name) for record in records] for name in columns}, member=member)


def _find_member(file: SourceFile) -> str:
    """Where the rows are within the one JSON object that a file is: the only list of objects, as in a service's answer, else the only
    member of objects with URLs by their ids, as in a database's export, or ``_EVERY`` member; empty where it is something else.
    """
    with open_lines(file) as lines:
        try:
            first = parse_json(next((line for line in lines if line.strip()), ""))
            if any(line.strip() for line in lines) or any(isinstance(value, str) and has_scheme(value) for value in first.values()):
                return ""
        except (AnswerError, LineTooLongError):
            pass  # an object of several lines, or a very long one
    try:
        with open_lines(file) as lines:
            members = list(islice(iterate_members(lines), SAMPLE_ROWS))
    except SourceError:
        return ""
    listed = dict.fromkeys(name for name, inner, value in members if inner is None and isinstance(value, dict))
    if len(listed) == 1:
        return next(iter(listed))
    telling = dict.fromkeys(name for name, _, value in members if isinstance(value, dict) and _tells_picture(value))
    if len(telling) == 1:
        return next(iter(telling))
    pictured = {name for name, inner, value in members if inner is not None and _tells_picture(value)}
    is_each = len(pictured) > 1 and len(pictured) >= len({name for name, *_ in members}) - 1  # the last one may be cut short
    return _EVERY if is_each else ""


def _tells_picture(value: Any, depth: int = 2) -> bool:
    if isinstance(value, dict) and depth:
        return any(_tells_picture(item, depth - 1) for item in value.values())
    return isinstance(value, str) and has_scheme(value)


def _open_below(file: SourceFile, layout: str, delimiter: str | None) -> AbstractContextManager[HeadedTable]:
    return open_sheet(file) if layout == "workbook" else open_delimited(file, delimiter)


def guess_layout(file: SourceFile) -> str:
    """csv, workbook, jsonl, json or parquet, by content.

    Raises:
        SourceError: it is binary, or names a sheet and is no workbook.
    """
    head = read_head(file)
    if is_workbook(file, head):
        return "workbook"
    if file.sheet is not None:
        raise file.fault("is no Excel workbook, so it has no sheets", "leave out sheet")
    if head.startswith(b"PAR1"):
        return "parquet"
    with open_lines(file) as lines:
        piece = " "
        while piece and not piece.strip():
            piece = lines.read_piece(1 << 16)
    first = piece.lstrip()[:1]
    if first == "[":
        return "json"
    return "jsonl" if first == "{" else "csv"


def iterate_rows(file: SourceFile, table: Table, names: Sequence[str], needed: Sequence[str] | None = None) -> Iterator[RowResult]:
    """Every row's values of the named columns, in file order.

    A csv's row that ends before one of the needed columns (all the named ones, unless said) is broken; what else it lacks is "".
    Rows of csv and Parquet count from 1 without the header and without empty lines; JSON lines are counted by line, a workbook's rows as
    a person sees them.

    Raises:
        SourceError: the file cannot be read to its end, has no rows, or none of them can be read.
    """
    rows = 0
    sound = False
    first_fault = ""
    for result in _iterate(file, table, names, names if needed is None else needed):
        rows += 1
        if result.fault:
            first_fault = first_fault or result.fault
        else:
            sound = True
        yield result
    if not rows:
        raise file.fault("has a header but no rows" if table.layout in _BELOW_HEADERS else "holds no rows")
    if not sound:
        hints = {"csv": "is the delimiter right?", "jsonl": "a JSON source is a list of objects, or one object per line"}
        raise file.fault(f"has no row that can be read (the first: {first_fault})", hints.get(table.layout, ""))


def _iterate(file: SourceFile, table: Table, names: Sequence[str], needed: Sequence[str]) -> Iterator[RowResult]:
    if table.layout == "parquet":
        yield from _iterate_parquet(file, names)
        return
    if table.layout in _BELOW_HEADERS:
        with _open_below(file, table.layout, table.delimiter) as opened:
            yield from iterate_opened(opened, table, names, needed)
        return
    with open_lines(file) as lines:
        for number, record in _iterate_records(lines, table.layout, table.member):
            if isinstance(record, dict):
                yield RowResult(number, [pick_value(record, name) for name in names])
            else:
                yield RowResult(number, (), record if isinstance(record, str) else "is not a JSON object")


# -- JSON --------------------------------------------------------------------------------------------------------------


def _iterate_records(lines: LineReader, layout: str, member: str) -> Iterator[tuple[int, Any]]:
    """Yields (number, object or, when it is broken, why)."""
    if member:
        opened = () if member == _EVERY else {member}
        yield from enumerate((item for name, _, item in iterate_members(lines, opened) if member in (name, _EVERY)), 1)
        return
    if layout == "json":
        yield from enumerate(iterate_items(lines), 1)
        return
    while True:
        try:
            line = next(lines)
        except StopIteration:
            return
        except LineTooLongError as error:
            yield lines.number, str(error)
            continue
        if line.strip():
            yield lines.number, _parse_line(line)


def _parse_line(line: str) -> Any:
    try:
        record = parse_json(line)
    except AnswerError as error:
        return f"{error}: {line.strip()[:200]}"
    return record if isinstance(record, dict) else f"is not a JSON object: {line.strip()[:200]}"


# -- Parquet -----------------------------------------------------------------------------------------------------------


def _inspect_parquet(file: SourceFile) -> Table:
    try:
        with pq.ParquetFile(file.path) as parquet:
            columns = parquet.schema_arrow.names
            twice = sorted({name for name in columns if columns.count(name) > 1})
            if twice:
                raise file.fault(f"has more than one column {', '.join(map(repr, twice))}", "rename one of them")
            first = next(parquet.iter_batches(batch_size=SAMPLE_ROWS), None)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(file, error) from None
    if first is None:
        raise file.fault("holds no rows")
    return Table("parquet", tuple(columns), {name: first.column(name).to_pylist() for name in columns})


def _iterate_parquet(file: SourceFile, names: Sequence[str]) -> Iterator[RowResult]:
    number = 0
    try:
        with pq.ParquetFile(file.path) as parquet:
            for batch in parquet.iter_batches(batch_size=16_384, columns=list(names)):
                values = [batch.column(name).to_pylist() for name in names]
                for row in zip(*values, strict=True):
                    number += 1
                    yield RowResult(number, row)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(file, error) from None


def _damaged(file: SourceFile, error: Exception) -> Exception:
    return file.fault(f"is no sound Parquet file ({quote_first_line(error)})", "write it again")
