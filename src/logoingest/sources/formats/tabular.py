"""Any table with a column of image URLs: one row is one record, its answer cell one answer or several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.sources.cells.answers import AnswerError, describe_scalar, is_plain, join_boxes, name_text, read_answers
from logoingest.sources.cells.carried import carry_cells, list_carried
from logoingest.sources.cells.columns import complete_url, describe_columns, find_missing, find_namesakes, guess_roles, list_urls
from logoingest.sources.cells.files import SourceFile
from logoingest.sources.cells.records import Record, make_records, refuse_record
from logoingest.sources.cells.rows import Table
from logoingest.sources.cells.tables import inspect_table, iterate_rows


def read_tabular(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of a csv, tsv, JSON lines, JSON list or Parquet file.

    URL and label columns are guessed when the config leaves them out; a table without any label column gives empty labels. A
    list of tags is one answer, of several boxes each is one: the n-th gets ``:n`` after the source's id.

    Raises:
        SourceError: a column is not there, no column holds URLs, or the file cannot be read.
    """
    table = inspect_table(file, source.delimiter)
    source = settle_columns(file, source, table)
    fixed = [source.url_column, source.label_column, source.worker_column, source.id_column, source.bbox_column]
    needed = [name for name in fixed if name is not None]
    carried = list(dict.fromkeys(list_carried(source).values()))
    names = [*needed, *source.alternative_url_columns, *carried]
    places = [names.index(name) if name is not None else None for name in fixed]
    further = range(len(needed), len(needed) + len(source.alternative_url_columns))
    for number, values, fault in iterate_rows(file, table, names, needed):
        if fault:
            yield refuse_record(number, fault)
            continue
        cells = [None if place is None else values[place] for place in places]
        try:
            records = _read_row(number, cells, [values[place] for place in further], source)
        except AnswerError as error:
            url, label = (cell if isinstance(cell, str) else None for cell in cells[:2])
            yield refuse_record(number, str(error))._replace(url=url, raw_label=label)
            continue
        row = dict(zip(carried, values[further.stop :], strict=True))
        yield from (carry_cells(record, row, source) for record in records) if row else records


def _read_row(number: int, cells: Sequence[Any], alternatives: Sequence[Any], source: SourceConfig) -> Sequence[Record]:
    url, label, worker, identifier, box = cells
    url = complete_url(describe_scalar(url), source.url_prefix)
    worker, identifier = name_text(worker), name_text(identifier)
    further = list_urls(alternatives) if alternatives else None
    if not box and is_plain(label):
        return (Record(number, url, label, worker, source_id=identifier, alternative_urls=further),)
    answers = join_boxes(read_answers(label, read_json=source.json_answers), box)
    return list(make_records(Record(number, url, worker_id=worker, alternative_urls=further), answers, identifier))


def settle_columns(file: SourceFile, source: SourceConfig, table: Table) -> SourceConfig:
    """The source with its columns found: named ones checked, the URL and label columns guessed when not named.

    Raises:
        SourceError: a named column is not there (all of them at once), no column holds URLs, or a guess fits columns of one name.
    """
    wanted = {key: getattr(source, key) for key in ("url_column", "label_column", "worker_column", "bbox_column", "id_column")}
    wanted |= {f"alternative_url_columns[{index}]": name for index, name in enumerate(source.alternative_url_columns)}
    wanted |= list_carried(source)
    problems = find_missing(file.name, wanted, table.columns)
    if problems:
        raise SourceError(problems)
    taken = {name for name in wanted.values() if name is not None}
    roles = guess_roles({name: values for name, values in table.sample.items() if name not in taken})
    url = source.url_column or roles.url
    if url is None:
        hint = f"name it: url_column = …; {describe_columns('', table.columns)}"
        raise file.fault("has no column that holds image URLs", hint)
    guessed = {"url_column": None if source.url_column else url, "label_column": None if source.label_column else roles.label}
    problems = find_namesakes(file.name, guessed, table.columns)
    if problems:
        raise SourceError(problems)
    return source.model_copy(update={"url_column": url, "label_column": source.label_column or roles.label})
