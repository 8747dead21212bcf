"""The rows below a header, whoever reads them: which rows are the header, what its columns are called, which cells of a row are wanted.

A row may end before its header does, as MTurk's do, which name Approve and Reject and leave them out, and spreadsheets' whose last
cells are empty: it counts as long as the columns that are needed are there. A delimiter at a row's end is no cell. A row with more
cells than that is refused: nobody can tell which of them moved. A first row that holds a URL or a picture's file name is no header: the
columns are then called column_1, column_2 and so on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from logoingest.sources.cells.columns import IMAGE_ENDING, clean_column_name, has_scheme
from logoingest.sources.tables.rows import SAMPLE_ROWS, RowResult, Table

#: Rows after the header that may still belong to it: a survey's export has two.
_MAX_HEADER_ROWS = 3
_MAX_TITLES = 8
_TEXT_CHARS = 200


class HeadedTable(NamedTuple):
    """A table whose header has been read."""

    layout: str
    header: list[str]
    last_name: str
    """The header's last cell as it stands in the file; empty without a header."""
    records: Iterator[tuple[int, list[str] | str]]
    """The rows after it with their numbers: cells, or why the row is broken."""
    titles: int = 0
    """Lines above the header."""
    delimiter: str | None = None
    sheet: str | None = None
    """Of a workbook, its sheet."""


def inspect_opened(opened: HeadedTable) -> Table:
    """Columns and the first 200 rows' values."""
    header = opened.header
    first = [record for _, record in islice(opened.records, SAMPLE_ROWS)]
    names = _number_names(header)
    further = _count_header_rows(header, first)
    rows = [row for row in (fit_record(record, len(header)) for record in first[further:]) if row]
    sample = {name: [row[index] for row in rows] for index, name in enumerate(names) if name}
    below = fit_record(first[0], len(header)) if further else None
    questions = {name: cell for name, cell in zip(names, below or (), strict=False) if name and not cell.startswith("{")}
    return Table(
        opened.layout, tuple(sample), sample, opened.delimiter, further, opened.titles, questions=questions, sheet=opened.sheet
    )


def iterate_opened(opened: HeadedTable, table: Table, names: Sequence[str], needed: Sequence[str]) -> Iterator[RowResult]:
    """Every row's values of the named columns; rows that end before a needed column are broken, others give "" for what is not there."""
    _, header, last_name, records, *_ = opened
    columns = _number_names(header)
    width = len(header)
    pick = _make_picker([columns.index(name) for name in names])
    least = 1 + max((columns.index(name) for name in needed), default=-1)
    for number, record in islice(records, table.header_rows):
        yield RowResult(number, (), record if isinstance(record, str) else _describe_further(record, table))
    for number, record in records:
        if type(record) is list and len(record) == width and record[-1] != last_name:
            yield RowResult(number, pick(record))
        elif isinstance(record, str):
            yield RowResult(number, (), record)
        elif clean_names(record) == header:
            yield RowResult(number, (), _describe_further(record, table))
        elif (row := fit_record(record, width)) is None or len(record) < least:
            yield RowResult(number, (), f"{_describe_length(record, columns, needed)}: {_show(record, table)}")
        else:
            yield RowResult(number, pick(row))


def fit_record(record: list[str] | str, width: int) -> list[str] | None:
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


def _describe_further(record: Sequence[str], table: Table) -> str:
    return f"a further row of the header: {_show(record, table)}"


def _show(record: Sequence[str], table: Table) -> str:
    return (table.delimiter or ",").join(record)[:_TEXT_CHARS]


def _make_picker(indices: list[int]) -> Callable[[list[str]], tuple[str, ...]]:
    if len(indices) == 1:
        return lambda record: (record[indices[0]],)
    return itemgetter(*indices) if indices else lambda _: ()


def count_titles(rows: Sequence[Sequence[str]], readable: int | None = None) -> int:
    """Rows above the header: with one cell each, or a comment, while below the header stands a URL and above it none.

    Args:
        rows: the first ones.
        readable: how many of them may be above the header.
    """
    for number, row in enumerate(rows[: _MAX_TITLES + 1][:readable]):
        cells = [cell for cell in row if cell.strip()]
        if any(map(has_scheme, cells)):
            return 0
        if len(cells) > 1 and not re.match(r"\ufeff?#\s", cells[0]):
            below = (cell for row in rows[number + 1 :] for cell in row)
            return number if number and any(map(has_scheme, below)) else 0
    return 0


def name_header(row: Sequence[str], below: Sequence[list[str] | str]) -> tuple[list[str], bool]:
    """What a table's columns are called by its first row, and whether that is a row like the others, since it holds a picture.

    Several pictures over rows without any are names: each cell below is what somebody said of one.
    """
    if _find_places(row) and not _names_pictures(row, below):
        return [f"column_{place}" for place in range(1, len(row) + 1)], True
    return clean_names(row), False


def _names_pictures(row: Sequence[str], below: Sequence[list[str] | str]) -> bool:
    places = _find_places(row)
    return (
        len(places) > 1 and bool(below) and not any(_find_places(cells) & places for cells in below if not isinstance(cells, str))
    )


def _find_places(cells: Sequence[str]) -> set[int]:
    """Where pictures stand in a row."""
    return {place for place, cell in enumerate(cells) if has_scheme(cell) or IMAGE_ENDING.search(cell)}


def join_header(header: Sequence[str], first: Sequence[list[str] | str]) -> list[str] | None:
    """A header of two rows as one: a cell that was merged over several columns stands over the first alone (``Answer, , Worker`` over
    ``Species, Sure?, ID``); the row after them has a URL, or the second names pictures. None where the header is its first row.

    Args:
        header: the first row.
        first: the two rows after it.
    """
    if all(name.strip() for name in header):
        return None
    below = fit_record(first[0], len(header)) if len(first) > 1 else None
    if (
        below is None
        or any(cell.lstrip().startswith("{") for cell in below)
        or not all(name.strip() or cell.strip() for name, cell in zip(header, below, strict=True))
        or not (_names_pictures(below, first[1:]) or (any(map(has_scheme, first[1])) and not _find_places(below)))
    ):
        return None
    names, group = [], ""
    for name, cell in zip(header, below, strict=True):
        group = name.strip() or group
        names.append(f"{group} {cell.strip()}".strip() if cell.strip() != group else group)
    return names


def clean_names(header: Sequence[str]) -> list[str]:
    """The names of a header's columns."""
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
    rows = [fit_record(record, len(header)) or [] for record in records]
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
