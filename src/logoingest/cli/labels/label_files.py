"""Answers from a file people name on the command line: any table, one of its columns, or stdin."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from logoingest.errors import Problem, SourceError
from logoingest.sources.cells.answers import AnswerError, describe_scalar
from logoingest.sources.cells.columns import describe_columns, find_missing, find_namesakes, guess_label
from logoingest.sources.files.opening import SourceFile, check_file
from logoingest.sources.tables.reading import inspect_table, iterate_rows
from logoingest.sources.tables.rows import Table

_USUAL_COLUMNS = ("raw", "raw_label", "label")


@dataclass(slots=True)
class LabelColumn:
    """One column of a file, read row by row."""

    file: SourceFile
    table: Table
    name: str
    faults: list[str] = field(default_factory=list)
    """Rows that could not be read (``row 7: 3 cells where …``); filled while reading."""

    def __iter__(self) -> Iterator[str]:
        """Every row's answer, in order; a row that cannot be read is an empty answer and told in ``faults``."""
        for number, values, fault in iterate_rows(self.file, self.table, [self.name]):
            if fault:
                self.faults.append(f"row {number}: {fault}")
            yield "" if fault else _read_cell(values[0])


@contextmanager
def open_labels(path: str, column: str | None, encoding: str) -> Iterator[LabelColumn]:
    """The answers of a CSV, TSV, Excel, JSON lines, JSON or Parquet file; ``-`` is stdin.

    Args:
        path: the file.
        column: its name; when None: raw, raw_label, label, or the one that looks like answers.
        encoding: of a text file.

    Raises:
        SourceError: the file cannot be read, or has no such column.
    """
    with _spool_stdin(path) as (place, name):
        file = SourceFile(place, name, encoding)
        check_file(file)
        table = inspect_table(file)
        yield LabelColumn(file, table, _choose_column(file, table, column))


@contextmanager
def _spool_stdin(path: str) -> Iterator[tuple[Path, str]]:
    """A real file: the formats look at it more than once."""
    if path != "-":
        yield Path(path), path
        return
    with tempfile.NamedTemporaryFile(prefix="logoingest-", suffix=".labels") as spool:
        shutil.copyfileobj(sys.stdin.buffer, spool)
        spool.flush()
        yield Path(spool.name), "stdin"


def _choose_column(file: SourceFile, table: Table, wanted: str | None) -> str:
    if wanted is not None:
        if problems := find_missing(file.name, {"--column": wanted}, table.columns):
            raise SourceError(problems)
        return wanted
    usual = [name for name in _USUAL_COLUMNS if name in table.columns]
    found = usual[0] if usual else guess_label(table.sample)
    if found is None:
        raise SourceError(
            Problem(file.name, "no column looks like answers", f"name it with --column; {describe_columns('raw', table.columns)}")
        )
    if problems := find_namesakes(file.name, {"--column": found}, table.columns):
        raise SourceError(problems)
    return found


def _read_cell(value: Any) -> str:
    try:
        return describe_scalar(value)
    except AnswerError:
        return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, Mapping | list | tuple) else str(value)
