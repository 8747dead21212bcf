"""Any table with a column of image URLs: one row is one record, its answer cell one answer or several.

Also known, by the names of columns and by what stands in them: boxes in four columns (TensorFlow, Roboflow, Open Images), a column an
annotator, a column an option, what MTurk's API answers (its XML in a cell), Label Studio's CSV and JSON-MIN, crowd-kit's task, worker, label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from logoingest.config import SourceConfig
from logoingest.errors import Problem, SourceError
from logoingest.schemas import Reason
from logoingest.sources.cells.answers import Answer, AnswerError, describe_scalar, is_plain, join_boxes, name_text, read_answers
from logoingest.sources.cells.columns import (
    Roles,
    Sample,
    complete_url,
    describe_columns,
    find_missing,
    find_namesakes,
    guess_roles,
    index_names,
    list_urls,
    pick_label,
)
from logoingest.sources.cells.others import choose_said, find_other
from logoingest.sources.cells.workers import ID_COLUMNS, WORKER_COLUMNS, name_worker
from logoingest.sources.files.opening import SourceFile
from logoingest.sources.formats.tables.annotators import find_annotators
from logoingest.sources.formats.tables.box_columns import BoxColumns, find_box_columns, read_box_columns
from logoingest.sources.formats.tables.facts import Facts, find_facts, read_facts
from logoingest.sources.formats.tables.grid import check_pictures, find_pictures, name_pictures
from logoingest.sources.formats.tables.options import find_options, name_options, read_options
from logoingest.sources.formats.tables.people import Opinion, hold_opinions, read_opinions
from logoingest.sources.formats.tables.question_form import holds_question_forms, read_question_form
from logoingest.sources.records.carried import carry_cells, list_carried
from logoingest.sources.records.tabulating import Record, make_records, number_id, refuse_record, write_attributes
from logoingest.sources.tables.reading import inspect_table, iterate_rows
from logoingest.sources.tables.rows import Table

#: Keys of the config that name one column each.
_NAMED = (
    "url_column",
    "label_column",
    "other_column",
    "worker_column",
    "bbox_column",
    "id_column",
    "status_column",
    "time_column",
    "work_time_column",
)


class _Plan(NamedTuple):
    """Where everything stands: the settled config, and what the table holds beyond plain columns."""

    source: SourceConfig
    question: str
    """The question whose answer counts where the label column holds MTurk's XML; else empty."""
    boxes: BoxColumns | None
    facts: Facts
    options: Mapping[str, str]
    """Column → option that is ticked in it."""
    has_opinions: bool
    """Whether a cell of the label column holds what several people said."""
    pictures: Mapping[str, str]
    """Column → picture that its cells are about."""

    @property
    def is_simple(self) -> bool:
        """Whether a row is a URL, an answer and who gave it, as nearly always."""
        source = self.source
        several = source.annotator_columns or source.other_column or self.options or self.has_opinions or self.pictures
        return not (self.question or self.boxes or self.facts.columns or several)

    def list_columns(self) -> list[str]:
        """Every column that is read, once each."""
        source = self.source
        named = [
            source.url_column,
            source.label_column,
            source.worker_column,
            source.id_column,
            source.bbox_column,
            source.other_column,
        ]
        boxes = self.boxes.columns if self.boxes else []
        carried = list_carried(source).values()
        found = [
            *named,
            *source.annotator_columns,
            *self.options,
            *self.pictures,
            *source.alternative_url_columns,
            *boxes,
            *self.facts.columns,
            *carried,
        ]
        return list(dict.fromkeys(name for name in found if name is not None))


def read_tabular(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of a csv, tsv, JSON lines, JSON list or Parquet file.

    What the config does not name is guessed: URL, answer, the four columns of a box, a column an annotator, status, time, seconds of
    work. A table without any label column gives empty labels. A list of tags is one answer, of several boxes each is one: the n-th gets
    ``:n`` after the source's id. Of a column an annotator each filled cell is an answer and the column's name the worker; a row without
    any is an empty answer. Of a column a picture each filled cell is an answer about it. An answer that is MTurk's XML is read question by question: ``label_column = "Answer.<question>"``.

    Raises:
        SourceError: a column is not there, no column holds URLs, or the file cannot be read.
    """
    table = inspect_table(file, source.delimiter)
    plan = _plan(file, source, table)
    names = plan.list_columns()
    settled = plan.source
    named = (settled.url_column, settled.label_column, settled.worker_column, settled.id_column, settled.bbox_column)
    needed = [name for name in named if name is not None]
    places = [names.index(name) if name is not None else None for name in named]
    simple = plan.is_simple and not settled.alternative_url_columns
    carries = bool(list_carried(settled))
    for number, values, fault in iterate_rows(file, table, names, needed):
        if fault:
            yield refuse_record(number, fault)
            continue
        cells = [None if place is None else values[place] for place in places]
        try:
            if simple and not carries and not cells[4] and is_plain(cells[1]):
                yield _make_plain(number, cells, settled)
                continue
            row = dict(zip(names, values, strict=True))
            records = list(_read_row(number, row, plan))
        except AnswerError as error:
            url, label = (cell if isinstance(cell, str) else None for cell in cells[:2])
            yield refuse_record(number, str(error))._replace(url=url, raw_label=label)
            continue
        yield from (carry_cells(record, row, settled) for record in records) if carries else records


def _make_plain(number: int, cells: Sequence[Any], source: SourceConfig) -> Record:
    url, label, worker, identifier, _ = cells
    url = complete_url(describe_scalar(url), source.url_prefix)
    return Record(number, url, label, name_worker(name_text(worker)), source_id=name_text(identifier))


def _read_row(number: int, row: Mapping[str, Any], plan: _Plan) -> Iterator[Record]:
    source = plan.source
    url = complete_url(describe_scalar(row.get(source.url_column or "")), source.url_prefix)
    alternatives = list_urls([row[name] for name in source.alternative_url_columns])
    whole = Record(number, url, worker_id=name_worker(name_text(row.get(source.worker_column or ""))))
    whole = whole._replace(alternative_urls=alternatives)
    whole = read_facts(whole, plan.facts, row)
    identifier = name_text(row.get(source.id_column or ""))
    if plan.pictures:
        yield from _read_pictures(whole, row, identifier, plan)
        return
    if source.annotator_columns:
        yield from _read_annotators(whole, row, identifier, source)
        return
    if plan.has_opinions and (opinions := read_opinions(row.get(source.label_column or ""))):
        yield from _read_opinions(whole, opinions, identifier)
        return
    said = read_options(row, plan.options) if plan.options else choose_said(row, source.label_column, source.other_column)
    answers = _read_answers(said, plan)
    if plan.boxes is None:
        yield from make_records(whole, join_boxes(answers, row.get(source.bbox_column or "")), identifier)
        return
    box, attributes = read_box_columns(plan.boxes, row)
    joined = next(make_records(whole, answers, identifier))
    yield joined._replace(bbox=box, attributes=write_attributes(attributes) or joined.attributes)


def _read_answers(cell: Any, plan: _Plan) -> list[Answer]:
    if plan.question:
        return read_answers(read_question_form(cell).get(plan.question), read_json=plan.source.json_answers)
    return read_answers(cell, read_json=plan.source.json_answers)


def _read_annotators(whole: Record, row: Mapping[str, Any], identifier: str | None, source: SourceConfig) -> Iterator[Record]:
    said = [(name, row[name]) for name in source.annotator_columns if row[name] is not None and str(row[name]).strip()]
    for index, (name, cell) in enumerate(said, 1):
        answers = read_answers(cell, read_json=source.json_answers)
        yield from make_records(whole._replace(worker_id=name), answers, number_id(identifier, index))
    if not said:
        yield whole._replace(source_id=identifier)


def _read_pictures(whole: Record, row: Mapping[str, Any], identifier: str | None, plan: _Plan) -> Iterator[Record]:
    """What a person said of every picture; who answered is known by the row's id where nothing else names him."""
    prefix = plan.source.url_prefix
    said = [(url, row[name]) for name, url in plan.pictures.items() if row[name] is not None and str(row[name]).strip()]
    for index, (url, cell) in enumerate(said, 1):
        one = whole._replace(url=complete_url(url, prefix), worker_id=whole.worker_id or name_worker(identifier))
        yield from make_records(one, _read_answers(cell, plan), number_id(identifier, index))
    if not said:
        yield refuse_record(whole.source_row, "says nothing of any picture")


def _read_opinions(whole: Record, opinions: Sequence[Opinion], identifier: str | None) -> Iterator[Record]:
    for index, opinion in enumerate(opinions, 1):
        one = whole._replace(worker_id=opinion.worker)
        if opinion.refusal and one.reason is None:
            one = one._replace(status="rejected", reason=Reason.ASSIGNMENT_REJECTED, detail=opinion.refusal)
        yield from make_records(one, opinion.answers, number_id(identifier, index))


# -- which columns -----------------------------------------------------------------------------------------------------


def settle_columns(file: SourceFile, source: SourceConfig, table: Table) -> SourceConfig:
    """The source with its columns found: named ones checked, those of the URL, the answer, the boxes and annotators guessed.

    Raises:
        SourceError: a named column is not there (all of them at once), no column holds URLs, or a guess fits columns of one name.
    """
    plan = _plan(file, source, table)
    question = f"{plan.source.label_column}.{plan.question}" if plan.question else plan.source.label_column
    return plan.source.model_copy(update={"label_column": question})


def _plan(file: SourceFile, source: SourceConfig, table: Table) -> _Plan:
    label, question = _divide_label(source.label_column, table)
    source = source.model_copy(update={"label_column": label, **_find_persons(source, table)})
    wanted = {key: getattr(source, key) for key in _NAMED}
    for key in ("alternative_url_columns", "annotator_columns", "option_columns", "picture_columns"):
        wanted |= {f"{key}[{index}]": name for index, name in enumerate(getattr(source, key))}
    wanted |= list_carried(source)
    if problems := find_missing(file.name, wanted, table.columns):
        raise SourceError(problems)
    pictures = name_pictures(table, source.picture_columns)
    if not pictures and source.url_column is None and label is None:
        pictures = find_pictures(table)
    check_pictures(file, pictures)
    boxes = None if pictures else find_box_columns(file, source, table.sample)
    taken = {name for name in wanted.values() if name is not None} | set(boxes.columns if boxes else pictures)
    free = {name: values for name, values in table.sample.items() if name not in taken}
    annotators = source.annotator_columns or (find_annotators(free) if label is None and boxes is None and not pictures else ())
    roles = guess_table_roles(table, {name: values for name, values in free.items() if name not in annotators})
    options = source.option_columns or (() if label or annotators or pictures else _find_options(free, roles))
    url = None if pictures else source.url_column or roles.url or _find_ids(file, source, table)
    guessed = {
        "url_column": None if source.url_column else url,
        "label_column": None if label or annotators or options or pictures else roles.label,
    }
    if problems := find_namesakes(file.name, guessed, table.columns):
        raise SourceError(problems)
    label = None if annotators or options or pictures else label or roles.label
    settled = {"url_column": url, "label_column": label, "annotator_columns": annotators, "option_columns": options}
    settled["other_column"] = source.other_column or (_find_other(table, label, free) if label else None)
    settled |= {"bbox_columns": boxes.names if boxes else (), "picture_columns": tuple(pictures)}
    source = source.model_copy(update=settled)
    question = question or _choose_question(file, label, table)
    has_opinions = bool(label) and source.json_answers and hold_opinions(table.sample[str(label)])
    return _Plan(source, question, boxes, find_facts(table.sample, source), name_options(options), has_opinions, pictures)


def guess_table_roles(table: Table, free: Sample) -> Roles:
    """The likeliest of these columns for each role; a survey's question tells what its column is."""
    titles = table.entitle(free)
    return Roles(*(name and titles[name] for name in guess_roles({title: free[name] for title, name in titles.items()})))


def _find_other(table: Table, label: str, free: Sample) -> str | None:
    titles = table.entitle({label, *free})
    own = next(title for title, name in titles.items() if name == label)
    found = find_other(own, (title for title, name in titles.items() if name in free))
    return found and titles[found]


def _find_options(free: Sample, roles: Roles) -> tuple[str, ...]:
    """The columns of options that are ticked, where the likeliest answer is none or one of them."""
    options = find_options({name: values for name, values in free.items() if name not in (roles.url, roles.worker, roles.id)})
    return options if roles.label is None or roles.label in options else ()


def _find_persons(source: SourceConfig, table: Table) -> dict[str, str | None]:
    """The columns of worker and id: those the config names, else those of the platforms' own names."""
    names = index_names(table.columns)
    return {
        key: getattr(source, key) or next((names[name] for name in usual if name in names), None)
        for key, usual in (("worker_column", WORKER_COLUMNS), ("id_column", ID_COLUMNS))
    }


def _find_ids(file: SourceFile, source: SourceConfig, table: Table) -> str:
    """The column of the pictures' ids or names where none holds URLs: of use only with a prefix.

    Raises:
        SourceError: there is none, or no prefix.
    """
    names = index_names(table.columns)
    found = next((names[name] for name in ("imageid", "task", "image", "picture", "photo", "itemid") if name in names), None)
    if found is None:
        raise file.fault("has no column that holds image URLs", f"name it: url_column = …; {describe_columns('', table.columns)}")
    if not source.url_prefix:
        hint = 'say where the pictures lie, with {} for the id: url_prefix = "https://…/{}.jpg"'
        raise file.fault(f'has no column that holds image URLs; its column "{found}" seems to hold ids', hint)
    return found


def _divide_label(label: str | None, table: Table) -> tuple[str | None, str]:
    """Column and question: ``Answer.brand`` is the question brand of a column Answer that holds MTurk's XML."""
    if label is not None and label not in table.columns:
        for name in table.columns:
            if label.startswith(f"{name}.") and holds_question_forms(table.sample[name]):
                return name, label[len(name) + 1 :]
    return label, ""


def _choose_question(file: SourceFile, label: str | None, table: Table) -> str:
    """The question that is the answer where the label column holds MTurk's XML; else empty."""
    if label is None or not holds_question_forms(table.sample[label]):
        return ""
    found: dict[str, list[Any]] = {}
    for cell in table.sample[label]:
        try:
            answers = read_question_form(cell)
        except AnswerError:
            continue  # its row says why
        for question, said in answers.items():
            found.setdefault(question, []).append(said)
    if (picked := pick_label(found)) is None:
        listed = " or ".join(f'"{label}.{question}"' for question in list(found)[:10])
        hint = f"name one: label_column = {listed}"
        raise SourceError(Problem(file.name, "has several answers in its XML and none is plainly the label", hint))
    return picked
