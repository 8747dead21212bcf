"""Which sheet of a workbook is the table, and its rows below their header.

Columns whose cells link to the web, under another text than the URL, have one more beside them: ``photo link``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import NamedTuple

from logoingest.errors import suggest_name
from logoingest.sources.cells.columns import IMAGE_ENDING, has_scheme
from logoingest.sources.files.opening import SourceFile
from logoingest.sources.files.sheet_rows import WorkbookRow, iterate_sheet
from logoingest.sources.files.workbooks import Sheet, Workbook, open_workbook
from logoingest.sources.tables.headers import HeadedTable, count_titles, join_header, name_header
from logoingest.sources.tables.rows import SAMPLE_ROWS


@contextmanager
def open_sheet(file: SourceFile) -> Iterator[HeadedTable]:
    """The table of a workbook: its named sheet, else the only one that holds pictures.

    Rows are numbered as a person sees them; cells without a column's name above them are not read.

    Raises:
        SourceError: there is no such sheet, none holds anything, several hold pictures, or the workbook cannot be read.
    """
    with open_workbook(file) as book:
        sheet = _find_sheet(file, book)
        rows = (row for row in iterate_sheet(book, sheet) if any(cell.strip() for cell in row.cells))
        first = list(islice(rows, SAMPLE_ROWS))
        if not first:
            raise file.fault(f'holds nothing in its sheet "{sheet.name}"')
        if len(first) > 1 and all(row.has_unsolved for row in first[1:]):
            raise file.fault("holds formulas that nobody ever calculated", "open it in Excel or LibreOffice, and save it")
        yield _open_rows(sheet, first, rows)


def list_picture_sheets(file: SourceFile) -> list[str]:
    """The names of the sheets that hold pictures in their first rows, those that are hidden last."""
    with open_workbook(file) as book:
        found = [sheet for sheet in book.sheets if _holds_pictures(book, sheet)]
    return [sheet.name for sheet in sorted(found, key=lambda sheet: sheet.is_hidden)]


def _find_sheet(file: SourceFile, book: Workbook) -> Sheet:
    names = [sheet.name for sheet in book.sheets]
    listed = ", ".join(f'"{name}"' for name in names[:20])
    if file.sheet is not None:
        if file.sheet not in names:
            raise file.fault(f'has no sheet "{file.sheet}"', f"{suggest_name(file.sheet, names)} its sheets are {listed}".strip())
        return book.sheets[names.index(file.sheet)]
    seen = [sheet for sheet in book.sheets if not sheet.is_hidden] or list(book.sheets)
    if not seen:
        raise file.fault("has no sheet with cells")
    if len(seen) == 1:
        return seen[0]
    found = [sheet for sheet in seen if _holds_pictures(book, sheet)]
    if len(found) > 1:
        shown = " or ".join(f'sheet = "{sheet.name}"' for sheet in found[:10])
        raise file.fault(f"has {len(found)} sheets with pictures", f"say which, or name a source for each: {shown}")
    return found[0] if found else seen[0]


def _holds_pictures(book: Workbook, sheet: Sheet) -> bool:
    rows = islice(iterate_sheet(book, sheet), SAMPLE_ROWS)
    return any(row.links or any(has_scheme(cell) or IMAGE_ENDING.search(cell) for cell in row.cells) for row in rows)


def _open_rows(sheet: Sheet, first: list[WorkbookRow], rows: Iterator[WorkbookRow]) -> HeadedTable:
    titles = count_titles([row.cells for row in first])
    head, *below = first[titles:]
    width = _find_width(head, below)
    linked = _Linked(width, _find_linked(below, width))
    header = linked.widen(head.cells, [f"{head.read(place)} link" for place in linked.places])
    records = [(row.number, linked.read(row)) for row in below]
    joined = join_header(header, [cells for _, cells in records[:2]])
    names, is_row = name_header(joined or header, [cells for _, cells in records[joined is not None :][:2]])
    later = ((row.number, linked.read(row)) for row in rows)
    rest = chain([(head.number, linked.read(head))] if is_row else [], records[joined is not None :], later)
    return HeadedTable("workbook", names, "" if is_row else (joined or header)[-1], rest, titles, sheet=sheet.name)


def _find_width(head: WorkbookRow, below: Sequence[WorkbookRow]) -> int:
    """How many columns the table has: as many as its header names, in its second row as well; or, where the first row is none, its rows fill."""
    cells = [row.cells for row in below]
    if name_header(head.cells, cells[:2])[1]:
        return max(map(len, (head.cells, *cells)))
    merged = [*head.cells, *[""] * max(len(row) - len(head.cells) for row in (cells or [[]])[:1])]
    return len(merged) if join_header(merged, cells[:2]) else len(head.cells)


def _find_linked(rows: Sequence[WorkbookRow], width: int) -> list[int]:
    """The columns whose cells link to the web under another text than the URL."""
    found = {place for row in rows for place in row.links if place < width and not has_scheme(row.read(place) or "http://")}
    return sorted(found)


class _Linked(NamedTuple):
    """The shape of every row: so many cells, and then where the cells of some columns link to."""

    width: int
    places: Sequence[int]

    def widen(self, cells: Sequence[str], further: Sequence[str]) -> list[str]:
        return [*cells[: self.width], *[""] * (self.width - len(cells)), *further]

    def read(self, row: WorkbookRow) -> list[str]:
        """The row's cells; one that shows nothing and links to the web says where."""
        cells = self.widen(row.cells, [row.links.get(place, "") for place in self.places])
        for place, url in row.links.items():
            if place < self.width and not cells[place]:
                cells[place] = url
        return cells
