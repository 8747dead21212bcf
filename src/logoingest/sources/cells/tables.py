"""Rows of a file that is a table: csv and its kin (RFC 4180), JSON lines, a JSON list of objects, Parquet.

Every reader streams: ``inspect_table`` looks at the columns and the first rows, ``iterate_rows`` gives the wanted columns of every
row, or why the row is broken. A broken row costs that row (of a csv: that line); a file of nothing but broken rows is a SourceError.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from logoingest.sources.cells.answers import AnswerError, parse_json
from logoingest.sources.cells.columns import clean_name
from logoingest.sources.cells.files import LineReader, LineTooLongError, SourceFile, open_lines, read_head
from logoingest.sources.cells.json_items import iterate_items

_SAMPLE_ROWS = 200
_DELIMITERS = ",\t;|"
#: Characters of one csv cell, at most.
MAX_CELL_CHARS = 4 << 20
#: Characters that may be read again after broken quotes, over a whole file: bounds the time a hostile file can take.
_MAX_REREAD_CHARS = 256 << 20


class RowResult(NamedTuple):
    """One row: its number, the wanted values in order, and, when it is broken (then without values), why."""

    number: int
    values: Sequence[Any]
    fault: str = ""


class Table(NamedTuple):
    """What a look at the file told: ``layout`` is csv, jsonl, json or parquet; ``delimiter`` is the csv's."""

    layout: str
    columns: tuple[str, ...]
    sample: Mapping[str, list[Any]]
    delimiter: str | None = None


def inspect_table(file: SourceFile, delimiter: str | None = None) -> Table:
    """Layout, columns and the first 200 rows' values.

    Raises:
        SourceError: it is no table, has no rows, or names a column twice.
    """
    layout = guess_layout(file)
    if layout == "parquet":
        return _inspect_parquet(file)
    if layout == "csv":
        return _inspect_csv(file, delimiter)
    with open_lines(file) as lines:
        records = [record for _, record in islice(_iterate_records(lines, layout), _SAMPLE_ROWS) if isinstance(record, dict)]
    if not records:
        what = "holds no objects" if layout == "json" else "has no line that is a JSON object"
        raise file.fault(what, "a JSON source is a list of objects, or one object per line")
    columns = tuple(dict.fromkeys(key for record in records for key in record))
    return Table(layout, columns, {name: [record.get(name) for record in records] for name in columns})


def guess_layout(file: SourceFile) -> str:
    """csv, jsonl, json or parquet, by content."""
    head = read_head(file)
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


def iterate_rows(file: SourceFile, table: Table, names: Sequence[str]) -> Iterator[RowResult]:
    """Every row's values of the named columns, in file order.

    Rows of csv and Parquet count from 1 without the header and without empty lines; JSON lines are counted by line.

    Raises:
        SourceError: the file cannot be read to its end, has no rows, or none of them can be read.
    """
    rows = 0
    sound = False
    first_fault = ""
    for result in _iterate(file, table, names):
        rows += 1
        if result.fault:
            first_fault = first_fault or result.fault
        else:
            sound = True
        yield result
    if not rows:
        raise file.fault("has a header but no rows" if table.layout == "csv" else "holds no rows")
    if not sound:
        hints = {"csv": "is the delimiter right?", "jsonl": "a JSON source is a list of objects, or one object per line"}
        raise file.fault(f"has no row that can be read (the first: {first_fault})", hints.get(table.layout, ""))


def _iterate(file: SourceFile, table: Table, names: Sequence[str]) -> Iterator[RowResult]:
    if table.layout == "parquet":
        yield from _iterate_parquet(file, names)
        return
    with open_lines(file) as lines:
        if table.layout == "csv":
            yield from _iterate_csv(lines, table, names)
            return
        for number, record in _iterate_records(lines, table.layout):
            if isinstance(record, dict):
                yield RowResult(number, [record.get(name) for name in names])
            else:
                yield RowResult(number, (), record if isinstance(record, str) else "is not a JSON object")


# -- csv ---------------------------------------------------------------------------------------------------------------


class _CsvReader:
    """Records of a csv; after broken quotes reading goes on at the line after the one on which the record began."""

    def __init__(self, file: SourceFile, lines: LineReader, delimiter: str) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_CHARS))  # the process's own: raised, never lowered
        self._file = file
        self._lines = lines
        self._delimiter = delimiter
        self._pending: list[str] = []
        self._reread = 0

    def __iter__(self) -> Iterator[list[str] | str]:
        """Yields a record's cells, or why it is broken."""
        reader = self._start()
        while True:
            self._pending.clear()
            try:
                record = next(reader)
            except StopIteration:
                return
            except LineTooLongError as error:
                reader = self._start()
                yield str(error)
            except csv.Error as error:
                self._go_back()
                reader = self._start()
                yield f"broken quotes or an endless cell ({error}): {self._pending[0][:200] if self._pending else ''}"
            else:
                if record:
                    yield record

    def _start(self) -> Iterator[list[str]]:
        return csv.reader(self._feed(), delimiter=self._delimiter, strict=True)

    def _feed(self) -> Iterator[str]:
        for line in self._lines:
            self._pending.append(line)
            yield line

    def _go_back(self) -> None:
        again = self._pending[1:]
        self._reread += sum(map(len, again))
        if self._reread > _MAX_REREAD_CHARS:
            raise self._file.fault(
                "has too many broken quotes to be read", "is the delimiter right? a quote in a cell is written twice"
            )
        self._lines.take_back(again)


def _open_csv(file: SourceFile, lines: LineReader, delimiter: str | None) -> tuple[str, list[str], Iterator[list[str] | str]]:
    """Delimiter, header and the records after it."""
    first = ""
    while not first.strip():
        try:
            first = next(lines)
        except StopIteration:
            raise file.fault("holds no text") from None
        except LineTooLongError as error:
            raise file.fault(f"has no header ({error})") from None
    declared = re.fullmatch(r"sep=(.)\s*", first)  # Excel's own way to say it
    if declared is None:
        lines.take_back([first])
    delimiter = delimiter or (declared.group(1) if declared else _guess_delimiter(file))
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise file.fault(
            f"cannot be read with the delimiter {delimiter!r}", 'a delimiter is one character, for example ";" or "\\t"'
        )
    records = iter(_CsvReader(file, lines, delimiter))
    header = next(records, "")
    if isinstance(header, str):
        raise file.fault("has a broken header", "is the delimiter right? a quote in a cell is written twice")
    return delimiter, [clean_name(name) for name in header], records


def _guess_delimiter(file: SourceFile) -> str:
    """The character that cuts the first records into most columns, equally many in each."""
    if file.path.name.lower().removesuffix(".gz").endswith((".tsv", ".tab")):
        return "\t"
    with open_lines(file) as lines:
        text = list(islice(lines.readable(), 50))
    return max(_DELIMITERS, key=lambda character: _rate_delimiter(text, character))


def _rate_delimiter(lines: list[str], delimiter: str) -> tuple[float, int]:
    records = []
    try:
        for record in csv.reader(lines, delimiter=delimiter):
            records += [record] if record else []
    except csv.Error:
        pass
    if not records or len(records[0]) < 2:
        return 0.0, 0
    width = len(records[0])
    return sum(len(record) == width for record in records) / len(records), width


def _inspect_csv(file: SourceFile, delimiter: str | None) -> Table:
    with open_lines(file) as lines:
        delimiter, header, records = _open_csv(file, lines, delimiter)
        named = [name for name in header if name]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise file.fault(f"has more than one column {', '.join(map(repr, twice))}", "rename one of them")
        rows = [record for record in islice(records, _SAMPLE_ROWS) if len(record) == len(header) and not isinstance(record, str)]
    sample = {name: [row[index] for row in rows] for index, name in enumerate(header) if name}
    return Table("csv", tuple(named), sample, delimiter)


def _iterate_csv(lines: LineReader, table: Table, names: Sequence[str]) -> Iterator[RowResult]:
    _, header, records = _open_csv(lines.file, lines, table.delimiter)
    width = len(header)
    pick = _make_picker([header.index(name) for name in names])
    for number, record in enumerate(records, 1):
        if isinstance(record, str):
            yield RowResult(number, (), record)
        elif len(record) == width:
            yield RowResult(number, pick(record))
        else:
            text = (table.delimiter or ",").join(record)
            yield RowResult(number, (), f"{len(record)} cells where the header names {width}: {text[:200]}")


def _make_picker(indices: list[int]) -> Any:
    if len(indices) == 1:
        return lambda record: (record[indices[0]],)
    return itemgetter(*indices) if indices else lambda _: ()


# -- JSON --------------------------------------------------------------------------------------------------------------


def _iterate_records(lines: LineReader, layout: str) -> Iterator[tuple[int, Any]]:
    """Yields (number, object or, when it is broken, why)."""
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
            first = next(parquet.iter_batches(batch_size=_SAMPLE_ROWS), None)
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
    return file.fault(f"is no sound Parquet file ({str(error).splitlines()[0][:200]})", "write it again")
