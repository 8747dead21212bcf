"""How tables are written as Parquet: equal tables give equal bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

#: For row groups of a few pictures each, as shards have: a dictionary and a compressor for each of fifty columns of seventeen rows cost
#: more than half of the writing and save nothing beside the bodies (2,056 bytes a row then, 2,128 as they are); nobody asks for the
#: least and the greatest value of each.
PLAIN_OPTIONS: Mapping[str, Any] = MappingProxyType({"compression": "none", "use_dictionary": False, "write_statistics": False})


def write_parquet(table: pa.Table, path: Path, row_group_rows: int = 65_536) -> None:
    """Write a table so that equal tables give equal bytes; binary columns uncompressed, the rest zstd."""
    pq.write_table(table, path, row_group_size=row_group_rows, **choose_parquet_options(table.schema))


def choose_parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """How a table of this schema is written: binary columns as they are (pictures don't shrink), the rest as zstd dictionaries."""
    binary = {field.name for field in schema if pa.types.is_large_binary(field.type) or pa.types.is_binary(field.type)}
    leaves = _leaf_names(schema)
    return {
        "compression": {name: "none" if name.split(".")[0] in binary else "zstd" for name in leaves},
        "use_dictionary": [name for name in leaves if name.split(".")[0] not in binary],
    }


def _leaf_names(schema: pa.Schema) -> list[str]:
    names: list[str] = []

    def visit(prefix: str, kind: pa.DataType) -> None:
        if pa.types.is_struct(kind):
            for field in kind:
                visit(f"{prefix}.{field.name}", field.type)
        elif pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) or pa.types.is_large_list(kind):
            visit(f"{prefix}.list.element", kind.value_type)
        else:
            names.append(prefix)

    for field in schema:
        visit(field.name, field.type)
    return names
