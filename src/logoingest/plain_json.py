"""Typed answers as plain JSON values: what ``--json`` prints and what a table of figures elsewhere shows is made here, and nowhere else.

A NamedTuple or dataclass becomes an object with its fields by name, a table a list of its rows, an enum its value, a path or a time
its text. ``Annotated`` says where a field differs: ``JsonName`` gives it another name, ``ABSENT`` leaves it out where it is None,
``HIDDEN`` always, ``Rows`` tells whose rows a table holds; a property is shown where ``shown_as`` says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Annotated, Any, Final, NamedTuple, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class JsonName(NamedTuple):
    """The name of a field where it is no Python name."""

    name: str


class Rows(NamedTuple):
    """Of which row model a table's rows are."""

    model: type
    are_whole: bool = True
    """Every row has every column; otherwise what is null is left out, and columns may be."""


class _Mark(Enum):
    ABSENT = "absent"
    HIDDEN = "hidden"


#: A field that is left out where it is None.
ABSENT: Final = _Mark.ABSENT
#: A field that JSON does not show.
HIDDEN: Final = _Mark.HIDDEN


_Getter = TypeVar("_Getter", bound=Callable[[Any], object])
_SHOWN_AS = "json_name"


def shown_as(name: str) -> Callable[[_Getter], _Getter]:
    """Show a property in JSON under this name, after the fields; stands below ``@property``."""

    def mark(getter: _Getter) -> _Getter:
        setattr(getter, _SHOWN_AS, name)
        return getter

    return mark


class Field(NamedTuple):
    """A field of an answer's type."""

    attribute: str
    name: str
    """In JSON."""
    type: Any
    marks: tuple[object, ...]

    @property
    def may_be_absent(self) -> bool:
        return ABSENT in self.marks

    @property
    def rows(self) -> Rows | None:
        return next((mark for mark in self.marks if isinstance(mark, Rows)), None)


def is_answer_type(kind: Any) -> bool:
    """Whether a type becomes an object with its fields: a NamedTuple, a dataclass or a row model."""
    return isinstance(kind, type) and any(hasattr(kind, mark) for mark in ("_fields", "__dataclass_fields__", "model_fields"))


@cache
def list_fields(kind: type) -> tuple[Field, ...]:
    """The fields of an answer's type, in order, and the properties that are shown."""
    names = (
        [field.name for field in dataclasses.fields(kind)]
        if dataclasses.is_dataclass(kind)
        else list(getattr(kind, "_fields", getattr(kind, "model_fields", ())))
    )
    hints = get_type_hints(kind, include_extras=True)
    fields = (_read_field(name, hints[name]) for name in names)
    return (*(field for field in fields if HIDDEN not in field.marks), *_list_properties(kind))


def _list_properties(kind: type) -> Iterator[Field]:
    for attribute, member in vars(kind).items():
        getter = member.fget if isinstance(member, property) else None
        if getter is not None and hasattr(getter, _SHOWN_AS):
            yield Field(attribute, getattr(getter, _SHOWN_AS), get_type_hints(getter)["return"], ())


def _read_field(attribute: str, hint: Any) -> Field:
    kind, marks = (get_args(hint)[0], get_args(hint)[1:]) if get_origin(hint) is Annotated else (hint, ())
    name = next((mark.name for mark in marks if isinstance(mark, JsonName)), attribute)
    return Field(attribute, name, kind, tuple(marks))


def to_json(value: object) -> Json:
    """An answer as values that ``json.dumps`` takes."""
    if isinstance(value, Enum):
        return to_json(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if is_answer_type(type(value)):
        return _join_fields(value)
    if isinstance(value, Mapping):
        return {str(to_json(key)): to_json(inner) for key, inner in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [to_json(inner) for inner in value]
    return str(value)


def _join_fields(answer: object) -> dict[str, Json]:
    joined: dict[str, Json] = {}
    kind: Any = type(answer)
    for field in list_fields(kind):
        value = getattr(answer, field.attribute)
        if value is None and field.may_be_absent:
            continue
        joined[field.name] = to_json(value) if field.rows is None else _list_rows(value, field.rows)
    return joined


def _list_rows(table: Any, rows: Rows) -> list[Json]:
    listed = [to_json(row) for row in table.to_pylist()]
    return listed if rows.are_whole else [_drop_nulls(row) for row in listed]


def _drop_nulls(row: Json) -> Json:
    return {name: value for name, value in row.items() if value is not None} if isinstance(row, dict) else row
