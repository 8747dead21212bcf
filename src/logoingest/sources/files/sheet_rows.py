"""The rows of a workbook's sheet, one at a time: cells as texts, where their links lead, merged cells filled downwards."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from logoingest.sources.files.markup import MAX_ELEMENT_CHARS, MarkupError, feed_handlers
from logoingest.sources.files.number_formats import GENERAL, NumberFormat, write_number
from logoingest.sources.files.workbooks import Sheet, Workbook, trim_text, unescape_text

_MAX_COLUMNS = 16_384
_PLACE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})")
_LINK_FORMULA = re.compile(r'\b(?:HYPERLINK|IMAGE)\(\s*"{1,2}(https?://[^"]+)"', re.IGNORECASE)
#: What tells that a sheet holds links or merged cells: then it is read once more before its rows are.
_BEYOND_CELLS = re.compile(rb"hyperlink\s|mergeCell\s|HYPERLINK\(|IMAGE\(")


class WorkbookRow(NamedTuple):
    """One row: its number as a person sees it, its cells up to the last filled one, and where links of them lead (place → URL)."""

    number: int
    cells: list[str]
    links: Mapping[int, str]
    has_unsolved: bool
    """Whether a formula has no result: nobody ever calculated it."""

    def read(self, place: int) -> str:
        """The cell at a place."""
        return self.cells[place].strip() if place < len(self.cells) else ""


class _Beyond(NamedTuple):
    """What stands beside the cells, by row: links (place → URL) and merged cells that reach downwards (place → last row)."""

    links: Mapping[int, dict[int, str]]
    merged: Mapping[int, dict[int, int]]


def iterate_sheet(book: Workbook, sheet: Sheet) -> Iterator[WorkbookRow]:
    """The rows that hold anything.

    Raises:
        MarkupError: the sheet is broken, or names cells that no sheet has.
    """
    beyond = _read_beyond(book, sheet)
    reader = _RowReader(book, beyond.links)
    held: dict[int, tuple[int, str]] = {}
    with book.open_sheet(sheet) as stream:
        for fault in feed_handlers(stream, reader):
            while reader.rows:
                row = reader.rows.popleft()
                if beyond.merged:
                    _fill_merged(row, beyond.merged.get(row.number, {}), held)
                yield row
            if fault:
                raise fault
            if reader.ended:
                return


def _fill_merged(row: WorkbookRow, merged: Mapping[int, int], held: dict[int, tuple[int, str]]) -> None:
    """Write what a merged cell says into the rows it reaches."""
    cells = row.cells
    for place, (last, text) in list(held.items()):
        if row.number > last:
            del held[place]
        elif place >= len(cells):
            cells.extend([""] * (place - len(cells)) + [text])
        else:
            cells[place] = cells[place] or text
    held |= {place: (last, cells[place]) for place, last in merged.items() if place < len(cells) and cells[place]}


class _Reader:
    """Where a parser stands in a sheet: row and column of the cell."""

    def __init__(self) -> None:
        self.row = 0
        self.place = -1
        self.pieces: list[str] | None = None
        """The text that is being collected; None where none is wanted."""
        self.size = 0

    def go_to_row(self, attributes: Mapping[str, str]) -> None:
        number = attributes.get("r", "")
        self.row = int(number) if number.isdecimal() and len(number) < 9 else self.row + 1
        self.place = -1
        self.size = 0

    def go_to_cell(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get("r")
        self.place = _find_place(name.rstrip("0123456789")) if name else self.place + 1
        if not 0 <= self.place < _MAX_COLUMNS:
            raise MarkupError("names a cell that no sheet has")

    def data(self, text: str) -> None:
        if self.pieces is not None:
            self.pieces.append(text)
            self.size += len(text)
            if self.size > MAX_ELEMENT_CHARS:
                raise MarkupError(f"has a row larger than {MAX_ELEMENT_CHARS >> 20} MiB")

    def take(self) -> str:
        text = "".join(self.pieces or ())
        self.pieces = None
        return text


class _RowReader(_Reader):
    """The cells of the rows."""

    def __init__(self, book: Workbook, links: Mapping[int, dict[int, str]]) -> None:
        super().__init__()
        self.rows: deque[WorkbookRow] = deque()
        self.ended = False
        self._book = book
        self._links = links
        self._cells: list[str] = []
        self._kind = self._value = self._formula = ""
        self._attributes: Mapping[str, str] = {}
        self._format: NumberFormat = GENERAL
        self._has_formula = self._has_unsolved = self._is_aside = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "c":
            self.go_to_cell(attributes)
            self._kind, self._value, self._has_formula = attributes.get("t", "n"), "", False
            self._format = self._book.find_format(attributes.get("s"))
        elif name in {"v", "t"}:
            self.pieces = None if self._is_aside else []
            self._attributes = attributes
        elif name == "row":
            self.go_to_row(attributes)
            self._cells, self._has_unsolved = [], False
        elif name == "f":
            self._has_formula, self.pieces = True, []
        elif name == "rPh":
            self._is_aside = True

    def end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name == "c":
            self._keep(self._write_cell())
        elif name in {"v", "t"} and self.pieces is not None:
            text = self.take()
            if name == "t":
                self._value += trim_text(text, self._attributes)
            elif self._kind != "inlineStr":
                self._value = text
        elif name == "row" and self._cells:
            self.rows.append(WorkbookRow(self.row, self._cells, self._links.get(self.row, {}), self._has_unsolved))
        elif name == "f":
            self._formula = self.take()
        elif name == "rPh":
            self._is_aside = False
        elif name == "sheetData":
            self.ended = True

    def _write_cell(self) -> str:
        value, kind = self._value, self._kind
        if not value:
            self._has_unsolved |= self._has_formula and kind != "str" and self.place not in self._links.get(self.row, ())
            return ""
        if kind == "n":
            if self._format is GENERAL and value.isdecimal() and len(value) < 16:
                return value
            return write_number(value.strip(), self._format, since_1904=self._book.since_1904)
        if kind == "s":
            return self._find_string(value.strip())
        if kind == "b":
            return "TRUE" if value.strip() in {"1", "true"} else "FALSE"
        if kind == "e":  # "=nike" that somebody typed is a formula that names nothing
            return f"={self._formula}" if value == "#NAME?" and self._has_formula else ""
        return value if kind == "d" else unescape_text(value)

    def _find_string(self, number: str) -> str:
        if not number.isdecimal() or int(number) >= len(self._book.strings):
            raise MarkupError(f"names a text that it does not hold (row {self.row:,})")
        return self._book.strings[int(number)]

    def _keep(self, text: str) -> None:
        cells = self._cells
        if text and self.place >= len(cells):
            cells.extend([""] * (self.place - len(cells)) + [text])
        elif text:
            cells[self.place] = text


class _BeyondReader(_Reader):
    """Links and merged cells, and links that formulas hold."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        super().__init__()
        self.links: dict[int, dict[int, str]] = defaultdict(dict)
        self.merged: dict[int, dict[int, int]] = defaultdict(dict)
        self._targets = targets

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "c":
            self.go_to_cell(attributes)
        elif name == "f":
            self.pieces = []
        elif name == "row":
            self.go_to_row(attributes)
        elif name == "hyperlink" and (cell := _PLACE.match(attributes.get("ref", ""))):
            target = next((self._targets.get(value, "") for key, value in attributes.items() if key.endswith(":id")), "")
            if target.lower().startswith(("http://", "https://")):
                self.links[int(cell[2])][_find_place(cell[1])] = target
        elif name == "mergeCell":
            first, last = (_PLACE.fullmatch(part) for part in f"{attributes.get('ref', '')}:".split(":")[:2])
            if first and last and int(last[2]) > int(first[2]):
                self.merged[int(first[2])][_find_place(first[1])] = int(last[2])

    def end(self, tag: str) -> None:
        if self.pieces is not None and tag.rpartition(":")[2] == "f" and (found := _LINK_FORMULA.search(self.take())):
            self.links[self.row][self.place] = found[1]


def _read_beyond(book: Workbook, sheet: Sheet) -> _Beyond:
    """What stands beside the cells; it follows them in the file, so that a sheet that has any is read twice."""
    with book.open_sheet(sheet) as stream:
        before = b""
        while piece := stream.read(1 << 20):
            if _BEYOND_CELLS.search(before + piece):
                break
            before = piece[-16:]
        else:
            return _Beyond({}, {})
    reader = _BeyondReader(book.read_targets(sheet))
    with book.open_sheet(sheet) as stream:
        for fault in feed_handlers(stream, reader):
            if fault:
                raise fault
    return _Beyond(reader.links, reader.merged)


@lru_cache(maxsize=_MAX_COLUMNS)
def _find_place(letters: str) -> int:
    """The place of a column from 0: A is 0, XFD the last."""
    number = 0
    for letter in letters.upper()[:4]:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1
