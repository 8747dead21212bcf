"""What the readers of tables give: a look at the whole (columns, first rows), and one row after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

#: Rows that are looked at before the whole is read.
SAMPLE_ROWS = 200


class RowResult(NamedTuple):
    """One row: its number, the wanted values in order, and, when it is broken (then without values), why."""

    number: int
    values: Sequence[Any]
    fault: str = ""


class Table(NamedTuple):
    """What a look at the file told: ``layout`` is csv, workbook, jsonl, json or parquet; ``delimiter`` is the csv's,
    ``sheet`` the workbook's.

    A name that a csv's header gives to several columns is numbered: ``brand:1``, ``brand:2``. ``header_rows`` counts the csv's rows
    after the header that belong to it (a survey's question texts), ``titles`` the lines above it.
    ``member`` names the list of a JSON object that the rows are. ``questions`` is what the first of the ``header_rows`` says of each column.
    """

    layout: str
    columns: tuple[str, ...]
    sample: Mapping[str, list[Any]]
    delimiter: str | None = None
    header_rows: int = 0
    titles: int = 0
    member: str = ""
    questions: Mapping[str, str] = {}
    sheet: str | None = None

    def entitle(self, names: Iterable[str]) -> dict[str, str]:
        """Name with its question → name: what a column is guessed by."""
        return {f"{name} {self.questions[name]}" if self.questions.get(name) else name: name for name in names}
