"""Rows of csv and its kin (RFC 4180), as strangers write them.

A row may end before its header does, as MTurk's do, which name Approve and Reject and leave them out, and spreadsheets' whose last
cells are empty: it counts as long as the columns that are needed are there. A delimiter at a row's end is no cell. A row with more
cells than that is refused: nobody can tell which of them moved. A first row that holds a URL or a picture's file name is no header: the
columns are then called column_1, column_2 and so on.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, dropwhile, islice
from operator import itemgetter
from typing import NamedTuple

from logoingest.sources.cells.columns import IMAGE_ENDING, clean_column_name, has_scheme
from logoingest.sources.files.opening import LineReader, LineTooLongError, SourceFile, open_lines
from logoingest.sources.tables.csv_style import PEEKED_LINES, CsvStyle, guess_style
from logoingest.sources.tables.rows import SAMPLE_ROWS, RowResult, Table

#: Characters of one csv cell, at most.
MAX_CELL_CHARS = 4 << 20
#: Characters that may be read again after broken quotes, over a whole file: bounds the time a hostile file can take.
_MAX_REREAD_CHARS = 256 << 20
#: Rows after the header that may still belong to it: a survey's export has two.
_MAX_HEADER_ROWS = 3
_TEXT_CHARS = 200


class _Opened(NamedTuple):
    """A csv whose header has been read."""

    style: CsvStyle
    header: list[str]
    last_name: str
    """The header's last cell as it stands in the file."""
    records: Iterator[list[str] | str]


def inspect_delimited(file: SourceFile, delimiter: str | None) -> Table:
    """Delimiter, columns and the first 200 rows' values.

    Raises:
        SourceError: it holds no text, its header is broken, or the delimiter is none.
    """
    with open_lines(file) as lines:
        style, header, _, records = _open_csv(file, lines, delimiter)
        first = list(islice(records, SAMPLE_ROWS))
    names = _number_names(header)
    further = _count_header_rows(header, first)
    rows = [row for row in (_fit(record, len(header)) for record in first[further:]) if row]
    sample = {name: [row[index] for row in rows] for index, name in enumerate(names) if name}
    below = _fit(first[0], len(header)) if further else None
    questions = {name: cell for name, cell in zip(names, below or (), strict=False) if name and not cell.startswith("{")}
    return Table("csv", tuple(sample), sample, style.delimiter, further, style.titles, questions=questions)


def iterate_delimited(file: SourceFile, table: Table, names: Sequence[str], needed: Sequence[str]) -> Iterator[RowResult]:
    """Every row's values of the named columns; rows that end before a needed column are broken, others give "" for what is not there.

    Raises:
        SourceError: the file cannot be read to its end.
    """
    with open_lines(file) as lines:
        _, header, last_name, records = _open_csv(file, lines, table.delimiter)
        columns = _number_names(header)
        width = len(header)
        pick = _make_picker([columns.index(name) for name in names])
        least = 1 + max((columns.index(name) for name in needed), default=-1)
        for number, record in enumerate(records, 1):
            if type(record) is list and len(record) == width and record[-1] != last_name and number > table.header_rows:
                yield RowResult(number, pick(record))
            elif isinstance(record, str):
                yield RowResult(number, (), record)
            elif number <= table.header_rows or _clean_names(record) == header:
                yield RowResult(number, (), f"a further row of the header: {_show(record, table)}")
            elif (row := _fit(record, width)) is None or len(record) < least:
                yield RowResult(number, (), f"{_describe_length(record, columns, needed)}: {_show(record, table)}")
            else:
                yield RowResult(number, pick(row))


def _fit(record: list[str] | str, width: int) -> list[str] | None:
    """The record with as many cells as the header; None when it has more, or is none."""
    if isinstance(record, str):
        return None
    if len(record) <= width:
        return record + [""] * (width - len(record))
    return record[:width] if not any(cell.strip() for cell in record[width:]) else None


def _describe_length(record: list[str], columns: Sequence[str], needed: Sequence[str]) -> str:
    counts = f"{len(record)} cell{'s' * (len(record) != 1)} where the header names {len(columns)}"
    if len(record) > len(columns):
        return counts
    missing = [name for name in needed if columns.index(name) >= len(record)]
    return f"{counts}, none for {', '.join(missing)[:_TEXT_CHARS]}"


def _show(record: Sequence[str], table: Table) -> str:
    return (table.delimiter or ",").join(record)[:_TEXT_CHARS]


def _make_picker(indices: list[int]) -> Callable[[list[str]], tuple[str, ...]]:
    if len(indices) == 1:
        return lambda record: (record[indices[0]],)
    return itemgetter(*indices) if indices else lambda _: ()


# -- the header --------------------------------------------------------------------------------------------------------


def _open_csv(file: SourceFile, lines: LineReader, delimiter: str | None) -> _Opened:
    """Style, header and the records after it."""
    declared = _skip_declaration(file, lines)
    style = guess_style(_peek(file), delimiter or declared, is_tsv=_is_called_tsv(file))
    if len(style.delimiter) != 1 or style.delimiter in '"\r\n':
        raise file.fault(
            f"cannot be read with the delimiter {style.delimiter!r}", 'a delimiter is one character, for example ";" or "\\t"'
        )
    for _ in range(style.titles):
        next(lines)
    reader = _CsvReader(file, lines, style)
    records = iter(reader)
    header = next(records, "")
    if isinstance(header, str):
        raise file.fault("has a broken header", "is the delimiter right? a quote in a cell is written twice")
    if style.names_rows:
        header = ["", *header]
    reader.width = len(header)
    header, records = _join_header(header, records)
    if any(has_scheme(name) or IMAGE_ENDING.search(name) for name in header):
        names = [f"column_{number}" for number in range(1, len(header) + 1)]
        return _Opened(style, names, "", chain([header], records))
    return _Opened(style, _clean_names(header), header[-1], records)


def _join_header(header: list[str], records: Iterator[list[str] | str]) -> tuple[list[str], Iterator[list[str] | str]]:
    """A header of two rows as one, and the records after it: a cell that was merged over several columns stands over the first alone
    (``Answer, , Worker`` over ``Species, Sure?, ID``); the row after them has a URL.
    """
    if all(name.strip() for name in header):
        return header, records
    first = list(islice(records, 2))
    below = _fit(first[0], len(header)) if len(first) > 1 else None
    if (
        below is None
        or any(has_scheme(cell) or IMAGE_ENDING.search(cell) or cell.lstrip().startswith("{") for cell in below)
        or not all(name.strip() or cell.strip() for name, cell in zip(header, below, strict=True))
        or not any(map(has_scheme, first[1]))
    ):
        return header, chain(first, records)
    names, group = [], ""
    for name, cell in zip(header, below, strict=True):
        group = name.strip() or group
        names.append(f"{group} {cell.strip()}".strip())
    return names, chain(first[1:], records)


def _skip_declaration(file: SourceFile, lines: LineReader) -> str | None:
    """The delimiter that the first line with text declares, read over; a line that declares none is given once more."""
    first = ""
    while not first.strip():
        try:
            first = next(lines)
        except StopIteration:
            raise file.fault("holds no text") from None
        except LineTooLongError as error:
            raise file.fault(f"has no header ({error})") from None
    declared = _read_declaration(first)
    if declared is None:
        lines.take_back([first])
    return declared


def _peek(file: SourceFile) -> list[str]:
    """The first lines from the first with text on, without a declaration and without those that are too long."""
    with open_lines(file) as lines:
        found = list(islice(dropwhile(lambda line: not line.strip(), lines.readable()), PEEKED_LINES))
    return found[1:] if found and _read_declaration(found[0]) else found


def _is_called_tsv(file: SourceFile) -> bool:
    return file.path.name.lower().removesuffix(".gz").endswith((".tsv", ".tab"))


def _read_declaration(line: str) -> str | None:
    """The delimiter of ``sep=;``, Excel's own first line; None for any other line."""
    declared = re.fullmatch(r'"?sep=(.)"?[\s,;]*', line.translate({0xFEFF: None}), re.IGNORECASE)
    return declared.group(1) if declared else None


def _clean_names(header: Sequence[str]) -> list[str]:
    return [clean_column_name(name) for name in header]


def _number_names(header: Sequence[str]) -> list[str]:
    """The header with repeated names made different: ``brand:1``, ``brand:2``; columns without a name stay so."""
    counts = Counter(header)
    seen: Counter[str] = Counter()
    names = []
    for name in header:
        seen[name] += 1
        names.append(f"{name}:{seen[name]}" if name and counts[name] > 1 else name)
    return names


def _count_header_rows(header: Sequence[str], records: Sequence[list[str] | str]) -> int:
    """How many of the first rows belong to the header: up to the last one of import ids, as Qualtrics writes them, or else those
    that have words in a column where every other row of the sample has a URL.
    """
    rows = [_fit(record, len(header)) or [] for record in records]
    marked = [number for number, row in enumerate(rows[:_MAX_HEADER_ROWS], 1) if _names_import_ids(row)]
    if marked:
        return marked[-1]
    for count in range(_MAX_HEADER_ROWS, 0, -1):
        after = [row for row in rows[count:] if row]
        columns = [index for index in range(len(header)) if all(has_scheme(row[index]) for row in after)]
        if len(after) > 1 and columns and all(row and _has_words(row, columns) for row in rows[:count]):
            return count
    return 0


def _has_words(row: Sequence[str], columns: Sequence[int]) -> bool:
    """Whether each of these cells holds something that no URL, path or file name is."""
    cells = [row[index].strip() for index in columns]
    return all(cell and "/" not in cell and not IMAGE_ENDING.search(cell) for cell in cells)


def _names_import_ids(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell.strip()]
    return bool(filled) and all(cell.lstrip().startswith('{"ImportId"') for cell in filled)


# -- the records -------------------------------------------------------------------------------------------------------


class _CsvReader:
    """Records of a csv; after broken quotes reading goes on at the line after the one on which the record began.

    What breaks under the quoting of RFC 4180 is read in another way where that gives a row of the header's width: with quotes escaped
    by backslashes, or, in a table of tabs, whose format knows no quotes (IANA text/tab-separated-values), literally.
    """

    def __init__(self, file: SourceFile, lines: LineReader, style: CsvStyle) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_CHARS))  # the process's own: raised, never lowered
        self.width = 0
        """Columns of the header, once it is read."""
        self._file = file
        self._lines = lines
        self._style = style
        self._pending: list[str] = []
        self._reread = 0

    def __iter__(self) -> Iterator[list[str] | str]:
        """Yields a record's cells, or why it is broken."""
        reader = self._start()
        while True:
            self._pending.clear()
            try:
                record = next(reader)
                if len(self._pending) > 1 and self._swallows_rows(record):
                    raise csv.Error("a quote that is never closed")
            except StopIteration:
                return
            except LineTooLongError as error:
                reader = self._start()
                yield str(error)
            except csv.Error as error:
                rescued = self._read_otherwise()
                self._go_back(rescued.lines if rescued else 1)
                reader = self._start()
                text = self._pending[0][:_TEXT_CHARS] if self._pending else ""
                yield rescued.record if rescued else f"broken quotes or an endless cell ({error}): {text}"
            else:
                if record:
                    yield record

    def _start(self) -> Iterator[list[str]]:
        return csv.reader(self._feed(), strict=True, **self._style.options)

    def _feed(self) -> Iterator[str]:
        for line in self._lines:
            self._pending.append(line)
            yield line

    def _go_back(self, lines: int) -> None:
        again = self._pending[lines:]
        self._reread += sum(map(len, again))
        if self._reread > _MAX_REREAD_CHARS:
            raise self._file.fault(
                "has too many broken quotes to be read", "is the delimiter right? a quote in a cell is written twice"
            )
        self._lines.take_back(again)

    def _swallows_rows(self, record: list[str]) -> bool:
        """Whether a cell of several lines holds whole rows: as many cells as the header, and a URL where the record has its own."""
        places = [index for index, cell in enumerate(record) if has_scheme(cell)]
        for line in self._pending[1:] if places and self.width > 1 else ():
            cells = line.split(self._style.delimiter)
            if len(cells) == self.width and all(index < self.width and has_scheme(cells[index].strip('"')) for index in places):
                return True
        return False

    def _read_otherwise(self) -> _Rescued | None:
        first = self._pending[0] if self._pending and self.width else ""
        if '\\"' in first:
            lines = _Counted(self._pending)
            try:
                record = next(csv.reader(lines, strict=True, escapechar="\\", **self._style.options))
            except (csv.Error, StopIteration):
                record = []
            if len(record) > 1 and len(record) == self.width:
                return _Rescued(record, lines.taken)
        if self._style.delimiter == "\t":
            record = [_unquote(cell) for cell in first.rstrip("\r\n").split("\t")]
            if len(record) > 1 and _fit(record, self.width) is not None:
                return _Rescued(record, 1)
        return None


class _Rescued(NamedTuple):
    """A record that was read in another way than the file's others, and how many lines it takes."""

    record: list[str]
    lines: int


class _Counted:
    """An iterator that knows how many items it gave."""

    def __init__(self, items: Sequence[str]) -> None:
        self.taken = 0
        self._items = items

    def __iter__(self) -> _Counted:
        return self

    def __next__(self) -> str:
        if self.taken == len(self._items):
            raise StopIteration
        self.taken += 1
        return self._items[self.taken - 1]


def _unquote(cell: str) -> str:
    """A cell without the quotes around it, where it has no others."""
    return cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in cell[1:-1] else cell
