"""A row model: columns that carry their Arrow type and one line of meaning, and the tables that can be made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, get_args

import pyarrow as pa
from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True, slots=True)
class Column:
    """A column's Arrow type and its meaning in one line; rides in ``Annotated`` beside the Python type."""

    type: pa.DataType
    doc: str


class Row(BaseModel):
    """A row of one of the tables."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True)

    @classmethod
    @cache
    def arrow_schema(cls) -> pa.Schema:
        """The table's Arrow schema: a field a column, nullable where the row model allows None, the doc as metadata."""
        fields = []
        for name, info in cls.model_fields.items():
            column = next(extra for extra in info.metadata if isinstance(extra, Column))
            nullable = type(None) in get_args(info.annotation)
            fields.append(pa.field(name, column.type, nullable=nullable, metadata={"doc": column.doc}))
        return pa.schema(fields)

    @classmethod
    def empty_table(cls) -> pa.Table:
        """A table of this kind with no rows."""
        return cls.arrow_schema().empty_table()

    @classmethod
    def table(cls, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
        """A table of this kind from plain mappings; a missing nullable column becomes null.

        Raises:
            pyarrow.ArrowInvalid, pyarrow.ArrowTypeError: a value does not fit its column.
        """
        return pa.Table.from_pylist(list(rows), schema=cls.arrow_schema())

    @classmethod
    def complete(cls, table: pa.Table, columns: Iterable[str] | None = None) -> pa.Table:
        """A table that an earlier version wrote, with the nullable columns it lacks (of ``columns``, all if left out) as nulls."""
        schema, wanted = cls.arrow_schema(), None if columns is None else set(columns)
        missing = [name for name in schema.names if name not in table.column_names and (wanted is None or name in wanted)]
        if not any(schema.field(name).nullable for name in missing):
            return table
        for name in missing:
            if schema.field(name).nullable:
                table = table.append_column(schema.field(name), pa.nulls(len(table), schema.field(name).type))
        return table.select([name for name in schema.names if name in table.column_names])


class StageResult(NamedTuple):
    """What a stage made of its input: the rows it kept and the source rows it turned away (``RejectedRow``)."""

    kept: pa.Table
    rejected: pa.Table
