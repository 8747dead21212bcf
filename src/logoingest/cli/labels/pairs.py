"""Rows of a table (csv, tsv, JSON lines, a JSON list, Parquet) as pairs of a spelling and its class."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from logoingest.errors import SourceError
from logoingest.labels.growing.pack_entries import Pair
from logoingest.sources.cells.columns import find_missing
from logoingest.sources.files.opening import SourceFile, check_file
from logoingest.sources.tables.reading import inspect_table, iterate_rows


class PairTable(NamedTuple):
    """The pairs of a file."""

    pairs: list[Pair]
    rows: int
    bad: int
    """Rows without a spelling or a class, and broken ones."""
    first_fault: str


def read_pairs(
    path: Path, raw: str | None = None, canonical: str | None = None, lang: str | None = None, wikidata: str | None = None
) -> PairTable:
    """The pairs of a table. Columns: raw, canonical; lang and wikidata where they are there, or under the names given.

    Raises:
        SourceError: the file cannot be read, is no table, or lacks a column.
    """
    file = SourceFile(path, str(path))
    check_file(file)
    table = inspect_table(file)
    wanted = {"--raw": raw or "raw", "--canonical": canonical or "canonical", "--lang": lang, "--wikidata": wikidata}
    problems = find_missing(file.name, wanted, table.columns)
    if problems:
        raise SourceError(problems)
    optional = [
        name or (default if default in table.columns else None) for name, default in ((lang, "lang"), (wikidata, "wikidata"))
    ]
    names = [raw or "raw", canonical or "canonical", *(name for name in optional if name is not None)]
    places = [0, 1, *(None if name is None else names.index(name) for name in optional)]
    pairs: list[Pair] = []
    rows = bad = 0
    first_fault = ""
    for number, values, fault in iterate_rows(file, table, names, names[:2]):
        rows += 1
        cells = ["" if place is None or fault or values[place] is None else str(values[place]) for place in places]
        if cells[0].strip() and cells[1].strip():
            pairs.append(Pair(*cells))
        else:
            bad += 1
            first_fault = first_fault or f"row {number}: {fault or 'no spelling or no class'}"
    return PairTable(pairs, rows, bad, first_fault)
