"""Batch decisions: a file of answers in, a file with a decision beside each out; the pipeline's own function decides.

A CSV is opened in spreadsheets, which run a cell that begins like a formula. Such a cell gets an apostrophe in front
(``escaping.guard_cell``); ``unguard_cell`` takes it off again, so nothing is lost (OWASP, CSV injection). Parquet needs none.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from logoingest.errors import Problem, UsageError
from logoingest.files.parquet import write_parquet
from logoingest.files.whole import replace_file
from logoingest.labels.matching.label_table import normalise_labels
from logoingest.strangers.escaping import guard_cell, unguard_cell

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap

BATCH_SCHEMA = pa.schema(
    [
        pa.field("raw_label", pa.string(), nullable=False),
        pa.field("class_id", pa.string()),
        pa.field("decision", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("matched_alias", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("runner_up", pa.string()),
        pa.field("margin", pa.float64()),
        pa.field("attributes", pa.string()),
    ]
)
"""The columns of ``LabelRow``, but that ``class_id`` holds all classes of an answer that names several, joined by `` | ``."""

CLASS_SEPARATOR = " | "
"""Between the classes, and the matched spellings, of an answer that names several (rule ``several``)."""

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, eq=False)
class LabelBatch:
    """Answers and what a class map makes of them."""

    labels: pa.Table
    """``BATCH_SCHEMA``, a row per distinct answer, sorted by raw_label."""
    rows: NDArray[np.int64]
    """For each answer, in order, its row in ``labels``."""

    def table(self) -> pa.Table:
        """``BATCH_SCHEMA``, a row per answer, in order."""
        return self.labels.take(pa.array(self.rows))

    def count_decisions(self) -> dict[str, int]:
        """Decision → how many answers, the most frequent first."""
        names = self.labels.column("decision").to_pylist()
        counts = np.bincount(self.rows, minlength=len(names)).tolist()
        totals: dict[str, int] = {}
        for name, count in zip(names, counts, strict=True):
            totals[name] = totals.get(name, 0) + count
        return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))


def decide_batch(raw_labels: Iterable[str], class_map: ClassMap) -> LabelBatch:
    """Decide every answer: each distinct one once, joined back. Memory: the distinct answers, and 8 bytes an answer."""
    codes: dict[str, int] = {}
    found = np.fromiter((codes.setdefault(text, len(codes)) for text in map(_make_storable, raw_labels)), np.int64)
    labels = normalise_labels(pa.array(list(codes), pa.string()), class_map)
    places = np.empty(len(codes), np.int64)
    for place, text in enumerate(labels.column("raw_label").to_pylist()):
        places[codes[text]] = place
    class_ids = [CLASS_SEPARATOR.join(several) or None for several in labels.column("class_ids").to_pylist()]
    columns = [pa.array(class_ids, pa.string()) if name == "class_id" else labels.column(name) for name in BATCH_SCHEMA.names]
    return LabelBatch(pa.Table.from_arrays(columns, schema=BATCH_SCHEMA), places[found])


def check_target(path: Path) -> None:
    """See that a batch can be written there.

    Raises:
        UsageError: the suffix is none of .csv, .tsv, .parquet, or there is no such folder.
    """
    if path.suffix.lower() not in {*_DELIMITERS, ".parquet"}:
        raise UsageError(
            Problem(str(path), "the suffix says no format", "end it in .csv, .tsv or .parquet, or write - for CSV on stdout")
        )
    if path.is_dir():
        raise UsageError(Problem(str(path), "is a folder", "name a file"))
    if not path.parent.is_dir():
        raise UsageError(Problem(str(path), f"there is no folder {path.parent}", "make it first"))


def write_batch(batch: LabelBatch, path: Path) -> None:
    """Write a batch as CSV, TSV or Parquet by the path's suffix; the file appears whole or not at all.

    Raises:
        UsageError: the suffix says no format, or the file cannot be written.
    """
    check_target(path)
    try:
        with replace_file(path) as temporary:
            if path.suffix.lower() == ".parquet":
                write_parquet(batch.table(), temporary)
            else:
                with temporary.open("w", encoding="utf-8", newline="") as stream:
                    write_csv(batch, stream, _DELIMITERS[path.suffix.lower()])
    except OSError as error:
        raise UsageError(Problem(str(path), f"cannot be written ({error.strerror or error})")) from None


def write_csv(batch: LabelBatch, stream: IO[str], delimiter: str = ",") -> None:
    """Write a batch as CSV (RFC 4180, header first, guarded cells); null is an empty cell."""
    distinct = [_render_row(row, delimiter) for row in zip(*(column.to_pylist() for column in batch.labels.columns), strict=True)]
    stream.write(_render_row(BATCH_SCHEMA.names, delimiter))
    for start in range(0, len(batch.rows), _ROWS_AT_ONCE):
        stream.writelines(distinct[row] for row in batch.rows[start : start + _ROWS_AT_ONCE].tolist())


def read_batch(stream: IO[str], delimiter: str = ",") -> Iterator[dict[str, str | None]]:
    """The rows of a CSV that ``write_csv`` wrote, with the guards off; an empty cell is null (but an empty raw_label)."""
    for row in csv.DictReader(stream, delimiter=delimiter):
        yield {name: unguard_cell(cell) if cell or name == "raw_label" else None for name, cell in row.items()}


def _render_row(values: Sequence[Any], delimiter: str) -> str:
    line = io.StringIO()
    writer = csv.writer(line, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(["" if value is None else guard_cell(value) if isinstance(value, str) else value for value in values])
    return line.getvalue()


def _make_storable(text: str) -> str:
    """Text that UTF-8 can hold: a lone surrogate, as broken JSON has it, becomes U+FFFD."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
