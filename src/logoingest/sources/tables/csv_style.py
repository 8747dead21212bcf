"""How a csv is written, told by its first lines: what divides cells, which quotes, titles above the header, row names before the rows."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Any, NamedTuple

from logoingest.sources.cells.columns import has_scheme
from logoingest.sources.tables.headers import count_titles

#: Lines that are looked at.
PEEKED_LINES = 50
_DELIMITERS = ",\t;|\x01\x1f^~"


class CsvStyle(NamedTuple):
    """How a csv is written."""

    delimiter: str
    quote: str = '"'
    blank_after: bool = False
    """Whether a blank follows every delimiter and is no part of the cell."""
    titles: int = 0
    """Lines above the header: a title, comments."""
    names_rows: bool = False
    """Whether every row begins with a number that the header does not name, as R writes them."""

    @property
    def options(self) -> dict[str, Any]:
        """The same for the csv module."""
        return {"delimiter": self.delimiter, "quotechar": self.quote, "skipinitialspace": self.blank_after}


def guess_style(lines: Sequence[str], delimiter: str | None = None, *, is_tsv: bool = False) -> CsvStyle:
    """The style of a file that begins with these lines.

    Args:
        lines: the first lines, ends kept.
        delimiter: what divides cells, when it is known.
        is_tsv: whether the file is called a table of tabs: it is one if it can be.
    """
    delimiter = delimiter or _guess_delimiter(lines, is_tsv=is_tsv)
    if len(delimiter) != 1:
        return CsvStyle(delimiter)
    titles = _count_titles(lines, delimiter)
    rest = lines[titles:]
    header = _split(rest[0], CsvStyle(delimiter)) if rest else []
    bare = [cell.strip() for cell in header]
    style = CsvStyle(
        delimiter,
        quote="'" if len(bare) > 1 and all(len(cell) > 1 and cell[0] == cell[-1] == "'" for cell in bare) else '"',
        blank_after=len(header) > 1 and all(cell[:1] == " " for cell in header[1:]),
        titles=titles,
    )
    rows = [_split(line, style) for line in rest[1:] if line.strip()]
    return style._replace(names_rows=_name_rows(rows, len(_split(rest[0], style)) if rest else 0))


def _guess_delimiter(lines: Sequence[str], *, is_tsv: bool) -> str:
    """The character that cuts most of the first records into as many cells as the header names, or fewer; then into most."""
    ratings = {character: _rate_delimiter(lines, character) for character in _DELIMITERS}
    if is_tsv and (ratings["\t"][1] or not any(width for _, width in ratings.values())):
        return "\t"
    best = max(ratings, key=lambda character: ratings[character])
    return best if ratings[best][1] or not _is_divided_by_blanks(lines) else " "


def _is_divided_by_blanks(lines: Sequence[str]) -> bool:
    """Whether blanks divide every line into as many cells, one of them a URL, as R and gnuplot write tables."""
    records = [_split(line, CsvStyle(" ", blank_after=True)) for line in lines if line.strip()]
    if len(records) < 2 or len(records[0]) < 2:
        return False
    widths = {len(record) for record in records}
    rows = records[1:]
    return (len(widths) == 1 or {len(record) for record in rows} == {len(records[0]) + 1}) and all(
        any(map(has_scheme, row)) for row in rows
    )


def _rate_delimiter(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    records = []
    try:
        for record in csv.reader(lines[_count_titles(lines, delimiter) :], delimiter=delimiter):
            records += [record] if record else []
    except csv.Error:
        pass
    if not records or len(records[0]) < 2:
        return 0.0, 0
    width = len(records[0])
    return sum(len(record) > 1 and not any(cell.strip() for cell in record[width:]) for record in records) / len(records), width


def _count_titles(lines: Sequence[str], delimiter: str) -> int:
    """Lines above the header; none is looked for beyond a cell of several lines."""
    readable = next((number for number, line in enumerate(lines) if line.count('"') % 2), None)
    return count_titles([_split(line, CsvStyle(delimiter)) for line in lines], readable)


def _name_rows(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the rows have one cell more than the header, the first of them counting the rows."""
    if not rows or any(len(row) != width + 1 for row in rows):  # a line that cannot be cut has no cell at all
        return False
    numbers = [row[0] for row in rows]
    return any(numbers == [str(number) for number in range(start, start + len(rows))] for start in (0, 1))


def _split(line: str, style: CsvStyle) -> list[str]:
    try:
        return next(csv.reader([line], **style.options), [])
    except csv.Error:
        return []
