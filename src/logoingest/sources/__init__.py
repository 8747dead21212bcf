"""Source files → the ``annotations`` table.

    files/     open safely, decode, bounded lines, JSON items, XML     tables/    rows of csv and its kin, JSON, Parquet
    cells/     what a cell says; which column is which                 records/   records -> tables, ids, repeats, kept and rejected
    formats/   a reader each, a generator of records                   readers    which format has which reader
    detect     what a file is and what reading it so gives             gathering  one source of many files

Every record of a source ends up in kept or rejected, once for each of its answers.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from logoingest.config import SourceConfig
from logoingest.errors import Problem, SourceError
from logoingest.files.local import LocalRoot, name_root
from logoingest.schemas import StageResult
from logoingest.sources.dated_files import DatedSource, date_rows, list_sources
from logoingest.sources.detect import SourceGuess, guess_source
from logoingest.sources.files.opening import SourceFile
from logoingest.sources.gathering import guess_sources
from logoingest.sources.readers import read_chunks
from logoingest.sources.recognition import guess_format
from logoingest.sources.records.division import divide_records
from logoingest.sources.records.tabulating import Chunk
from logoingest.sources.refusals import Refusals, summarise_refusals

__all__ = ["Refusals", "SourceGuess", "guess_source", "guess_sources", "read_annotations", "summarise_refusals"]


def read_annotations(sources: Sequence[SourceConfig], base_dir: Path) -> StageResult:
    """Read every source.

    Rows keep the order of the sources and, within one, of the file. ``annotation_id`` is derived from the row's content alone (URL,
    answer, worker, status, times, box, attributes, source id, and why it was refused), so it depends neither on the order of rows
    nor on the file they stand in; rows that are equal in all of it are numbered, and those that repeat a submission are rejected. An id is unique over kept and rejected.

    Args:
        sources: the config's sources.
        base_dir: the folder their paths are relative to.

    Returns:
        kept (``AnnotationRow``) and rejected (``RejectedRow``, stage annotations: invalid_row, missing_url, assignment_rejected, repeated_row).

    Raises:
        SourceError: a source is missing, empty, binary, in another encoding or lacks a column; the faults of all sources at once.
    """
    chunks: deque[Chunk] = deque()
    problems: list[Problem] = []
    has_roots = any(source.local_root is not None for source in sources)
    for number, (source, day) in enumerate(_expand_all(sources, base_dir, problems)):
        file = SourceFile(base_dir / Path(source.path).expanduser(), source.path, source.encoding, source.sheet)
        try:
            root = _find_root(source, base_dir)
            settled = source if source.format else source.model_copy(update={"format": guess_format(file)})
            read = read_chunks(file, settled, root, elsewhere=has_roots)
            chunks.extend(chunk._replace(table=date_rows(chunk.table, day), source=number) for chunk in read)
        except SourceError as error:
            problems.extend(error.problems)
    if problems:
        raise SourceError(problems)
    return divide_records(chunks)


def _expand_all(sources: Sequence[SourceConfig], base_dir: Path, problems: list[Problem]) -> list[DatedSource]:
    found: list[DatedSource] = []
    for source in sources:
        try:
            found += list_sources(source, base_dir)
        except SourceError as error:
            problems.extend(error.problems)
    return found


def _find_root(source: SourceConfig, base_dir: Path) -> LocalRoot | None:
    if source.local_root is None:
        return None
    root = name_root(source.local_root, base_dir)
    if not os.path.isdir(root.folder):
        raise SourceError(
            Problem(source.path, f"local_root: there is no folder {source.local_root!r}", "it is relative to the config")
        )
    return root
