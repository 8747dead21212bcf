"""Rows of csv and its kin (RFC 4180), as strangers write them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, dropwhile, islice
from typing import NamedTuple

from logoingest.sources.cells.columns import has_scheme
from logoingest.sources.files.opening import LineReader, LineTooLongError, SourceFile, open_lines
from logoingest.sources.tables.csv_style import PEEKED_LINES, CsvStyle, guess_style
from logoingest.sources.tables.headers import HeadedTable, fit_record, join_header, name_header

#: Characters of one csv cell, at most.
MAX_CELL_CHARS = 4 << 20
#: Characters that may be read again after broken quotes, over a whole file: bounds the time a hostile file can take.
_MAX_REREAD_CHARS = 256 << 20
_TEXT_CHARS = 200


@contextmanager
def open_delimited(file: SourceFile, delimiter: str | None) -> Iterator[HeadedTable]:
    """Delimiter, header and the records after it.

    Raises:
        SourceError: it holds no text, its header is broken, the delimiter is none, or it cannot be read to its end.
    """
    with open_lines(file) as lines:
        yield _open_csv(file, lines, delimiter)


def _open_csv(file: SourceFile, lines: LineReader, delimiter: str | None) -> HeadedTable:
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
    first = list(islice(records, 2))
    joined = join_header(header, first)
    names, is_row = name_header(joined or header, first[joined is not None :])
    rest = chain([header] if is_row else [], first[joined is not None :], records)
    return HeadedTable("csv", names, "" if is_row else (joined or header)[-1], enumerate(rest, 1), style.titles, style.delimiter)


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
            if len(record) > 1 and fit_record(record, self.width) is not None:
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
