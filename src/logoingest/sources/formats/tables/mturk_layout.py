"""Where a batch file's pictures and answers stand, and which answer belongs to which picture."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from logoingest.config import SourceConfig
from logoingest.errors import SourceError
from logoingest.sources.cells.answers import AnswerError, read_task_answers
from logoingest.sources.cells.columns import Sample, describe_columns, is_beside_label, score_label, score_url
from logoingest.sources.files.opening import SourceFile
from logoingest.sources.formats.tables.options import cut_tick, find_options
from logoingest.sources.tables.rows import Table

TASK_COLUMN = "Answer.taskAnswers"
_ALL_ANSWERS = "Answer"
_NUMBERED = re.compile(r"(?P<base>.*?[^\d_-])[_-]?(?P<number>\d+)$")
_RESULT_COLUMNS = ("label", "labels", "boundingBoxes", "annotatedResult.boundingBoxes")


@dataclass(frozen=True, slots=True)
class LayoutField:
    """Where one answer stands: in a column, in a column per option, or under a key of the task answers."""

    columns: tuple[str, ...]
    options: tuple[str, ...] = ()
    task_key: str = ""

    def read(self, row: Mapping[str, Any], tasks: Mapping[str, Any]) -> Any:
        """The answer as the file has it."""
        if self.task_key:
            return tasks.get(self.task_key)
        if self.options:
            ticked = (str(row[column]).strip().lower() == "true" for column in self.columns)
            return dict(zip(self.options, ticked, strict=True))
        return row[self.columns[0]]


@dataclass(frozen=True, slots=True)
class Slot:
    """One picture of a HIT: its column and the answers about it."""

    url: str
    fields: tuple[LayoutField, ...]


@dataclass(frozen=True)
class Layout:
    """The pictures of a HIT, in order."""

    slots: tuple[Slot, ...]
    url_base: str
    label_base: str

    @cached_property
    def columns(self) -> list[str]:
        """Every column that is read."""
        return [name for slot in self.slots for name in (slot.url, *(column for field in slot.fields for column in field.columns))]

    @cached_property
    def plain_label(self) -> str:
        """The answer's column when a row is one picture and one answer in one column, as nearly always; else empty."""
        fields = self.slots[0].fields
        plain = len(self.slots) == len(fields) == 1 and not fields[0].task_key and not fields[0].options
        return fields[0].columns[0] if plain else ""

    @cached_property
    def needs_tasks(self) -> bool:
        """Whether any answer stands in the task answers."""
        return any(field.task_key for slot in self.slots for field in slot.fields)


def plan_layout(file: SourceFile, source: SourceConfig, table: Table) -> Layout:
    """Find the picture columns and the answer fields, and pair them by number.

    One picture takes every answer. Several pictures take the answer of their number; where the numbers differ but not the counts,
    in order; a single unnumbered answer counts for all of them; a picture without an answer field gets an empty answer.

    Raises:
        SourceError: a column is not there, cannot be told, or answers have no picture.
    """
    url_base = _find_url_base(file, source.url_column, table)
    images = _number_columns(table.columns, url_base)
    if not images:
        raise file.fault(f'has no column "{url_base}" (url_column)', describe_columns(url_base, table.columns))
    label_base, fields = _find_fields(file, source.label_column, table)
    for key in ("alternative_url_columns", "sha256_column", "md5_column"):
        if len(images) > 1 and getattr(source, key):
            raise file.fault(f"has several pictures a row, so {key} cannot be told apart", "leave that key out")
    return Layout(_pair(file, images, fields), url_base, label_base)


def _pair(file: SourceFile, images: Mapping[int, str], fields: Mapping[int, LayoutField]) -> tuple[Slot, ...]:
    ordered = tuple(fields[number] for number in sorted(fields))
    if len(images) == 1:
        return (Slot(next(iter(images.values())), ordered),)
    numbers = sorted(images)
    if fields.keys() <= images.keys() and fields.keys() != {0}:
        return tuple(Slot(images[number], (fields[number],) if number in fields else ()) for number in numbers)
    if len(fields) == len(images):
        return tuple(Slot(images[number], (field,)) for number, field in zip(numbers, ordered, strict=True))
    if len(fields) == 1:
        return tuple(Slot(images[number], ordered) for number in numbers)
    what = f"has {len(images)} pictures a row and {len(fields)} answers that do not pair by number"
    raise file.fault(what, "set url_column and label_column to one family of numbered columns each")


# -- pictures ----------------------------------------------------------------------------------------------------------


def _find_url_base(file: SourceFile, wanted: str | None, table: Table) -> str:
    if wanted is not None:
        return wanted if wanted in table.columns or _number_columns(table.columns, wanted) else _prefix(wanted, "Input.")
    families = _join_families(table.sample, _cut_number)
    scores = {base: score_url(base, values) for base, values in families.items() if base.startswith("Input.")}
    best = max(scores.values(), default=0.0)
    if best <= 0:
        inputs = [name for name in table.columns if name.startswith("Input.")]
        raise file.fault("has no Input column that holds image URLs", f"name it: url_column = …; {describe_columns('', inputs)}")
    return next(base for base, score in scores.items() if score == best)


def _number_columns(columns: Sequence[str], base: str) -> dict[int, str]:
    """The columns of a family by number; 0 for the one without, 1 when others start at 2."""
    if base in columns and _NUMBERED.fullmatch(base):
        return {0: base}
    found = {}
    for column in columns:
        match = re.fullmatch(rf"{re.escape(base)}(?:[_-]?(\d{{1,6}}))?", column)
        if match:
            found[int(match.group(1) or 0)] = column
    return _start_at_one(found)


def _start_at_one(family: dict[int, Any]) -> dict[int, Any]:
    if 0 in family and 2 in family and 1 not in family:
        return {number or 1: member for number, member in family.items()}
    return family


# -- answers -----------------------------------------------------------------------------------------------------------


def _find_fields(file: SourceFile, wanted: str | None, table: Table) -> tuple[str, dict[int, LayoutField]]:
    columns = table.columns
    keys = _list_task_keys(table)
    if wanted is not None:
        for base in dict.fromkeys([wanted, _prefix(wanted, "Answer.")]):
            fields = _number_fields(columns, base) or _number_keys(keys, base.removeprefix("Answer."))
            if fields:
                return base, fields
        hint = describe_columns(
            wanted, [name for name in columns if name.startswith("Answer.")] + [f"Answer.{key}" for key in keys]
        )
        raise SourceError(file.fault(f'has no column or task answer "{wanted}" (label_column)', hint).problems)
    families = _join_families({name: table.sample[name] for name in columns if name.startswith("Answer.")}, _cut_answer)
    families.pop(TASK_COLUMN, None)
    spoken = {base: values for base, values in families.items() if any(map(says_something, values))}
    families = spoken or ({} if keys else families)  # nobody answered anything: the columns still say where answers belong
    base = _choose_label(file, families or {_cut_number(f"Answer.{key}"): values for key, values in keys.items()}, columns)
    return base, _number_fields(columns, base) or _number_keys(keys, base.removeprefix("Answer."))


def _choose_label(file: SourceFile, families: Sample, columns: Sequence[str]) -> str:
    if len(families) == 1:
        return next(iter(families))
    families = {base: values for base, values in families.items() if not is_beside_label(base)} or families
    if len(families) == 1:
        return next(iter(families))
    scores = {base: score_label(base.removeprefix("Answer."), values) for base, values in families.items()}
    best = max(scores.values(), default=0.0)
    winners = [base for base, score in scores.items() if score == best]
    if not families:
        answers = [name for name in columns if name.startswith("Answer.")]
        raise file.fault("has no answers", f"its answer columns are {', '.join(answers)}" if answers else "is it a results file?")
    ticked = find_options(families)
    if len(winners) != 1 and ticked and not any(scores[base] for base in families.keys() - set(ticked)):
        return _ALL_ANSWERS
    if len(winners) != 1:
        hint = f"name it: label_column = … of {', '.join(families)}"
        raise file.fault("has several answers and none is plainly the label", hint)
    return winners[0]


def _number_fields(columns: Sequence[str], base: str) -> dict[int, LayoutField]:
    """The answer columns of a family by number: plain, a classifier's label, or a column per option."""
    if base == TASK_COLUMN:
        return {}
    plain = _number_columns(columns, base)
    if plain:
        return {number: LayoutField((column,)) for number, column in plain.items()}
    options: dict[int, list[tuple[str, str]]] = {}
    for column in columns:
        match = re.fullmatch(rf"{re.escape(base)}(?:[_-]?(\d{{1,6}}))?\.(.+)", column, re.DOTALL)
        if match:
            options.setdefault(int(match.group(1) or 0), []).append((match.group(2), column))
    return _start_at_one({number: _join_options(found) for number, found in options.items()})


def _join_options(found: list[tuple[str, str]]) -> LayoutField:
    result = next((column for option, column in found if option in _RESULT_COLUMNS), None)
    if result is not None:
        return LayoutField((result,))
    return LayoutField(tuple(column for _, column in found), tuple(cut_tick(option) for option, _ in found))


def _number_keys(keys: Mapping[str, Sequence[Any]], base: str) -> dict[int, LayoutField]:
    family = _number_columns(list(keys), base)
    return {number: LayoutField((TASK_COLUMN,), task_key=key) for number, key in family.items()}


def _list_task_keys(table: Table) -> dict[str, list[Any]]:
    """The keys of the first rows' task answers, with their values."""
    found: dict[str, list[Any]] = {}
    for cell in table.sample.get(TASK_COLUMN, []):
        with suppress(AnswerError):
            for key, value in read_task_answers(cell).items():
                found.setdefault(key, []).append(value)
    return found


# -- names -------------------------------------------------------------------------------------------------------------


def _prefix(name: str, prefix: str) -> str:
    return name if name.startswith(prefix) else prefix + name


def _cut_number(name: str) -> str:
    match = _NUMBERED.fullmatch(name)
    return match.group("base") if match else name


def _cut_answer(name: str) -> str:
    """``Answer.brand_2.adidas`` → ``Answer.brand``."""
    return _cut_number(".".join(name.split(".")[:2]))


def _join_families(sample: Sample, cut: Any) -> dict[str, list[Any]]:
    families: dict[str, list[Any]] = {}
    for name, values in sample.items():
        families.setdefault(cut(name), []).extend(values)
    return families


def says_something(value: Any) -> bool:
    """Whether an answer cell holds more than an empty list or object."""
    return str(value).strip() not in {"", "{}", "[]"}
