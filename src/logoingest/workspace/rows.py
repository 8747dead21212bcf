"""Rows of a table by what a column holds, row group by row group: a large table is never held whole to read a few of its rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from logoingest.workspace.folder import Workspace

_ROWS_AT_ONCE = 8_192


def pick_rows(
    workspace: Workspace, table: str, column: str, values: Collection[object], columns: Sequence[str] | None = None
) -> pa.Table:
    """The rows of ``tables/<table>.parquet`` whose ``column`` holds one of some values, in the table's order.

    Raises:
        WorkspaceError: it is not there, or damaged.
    """
    with workspace.open_parquet(f"tables/{table}.parquet") as parquet:
        return _read(parquet, _find(parquet, column, values), columns)


def count_rows(workspace: Workspace, table: str) -> int:
    """How many rows a table has, by its footer.

    Raises:
        WorkspaceError: as ``pick_rows``.
    """
    with workspace.open_parquet(f"tables/{table}.parquet") as parquet:
        return int(parquet.metadata.num_rows)


def find_rows(workspace: Workspace, table: str, column: str, values: Collection[object]) -> list[int]:
    """The numbers of those rows, ascending. Row groups whose statistics leave no room for a value are not read.

    Raises:
        WorkspaceError: as ``pick_rows``.
    """
    with workspace.open_parquet(f"tables/{table}.parquet") as parquet:
        return _find(parquet, column, values)


def read_rows(workspace: Workspace, table: str, numbers: Sequence[int], columns: Sequence[str] | None = None) -> pa.Table:
    """Rows of a table by their numbers, ascending; only the row groups that hold them are read, and rows that are not there left out.

    Raises:
        WorkspaceError: as ``pick_rows``.
    """
    return read_file_rows(workspace, f"tables/{table}.parquet", numbers, columns)


def read_file_rows(workspace: Workspace, name: str, numbers: Sequence[int], columns: Sequence[str] | None = None) -> pa.Table:
    """The same of any Parquet file of a workspace; columns that it does not have are left out.

    Raises:
        WorkspaceError: as ``pick_rows``.
    """
    with workspace.open_parquet(name) as parquet:
        there = parquet.schema_arrow.names
        return _read(parquet, numbers, columns and [column for column in columns if column in there])


def _find(parquet: pq.ParquetFile, column: str, values: Collection[object]) -> list[int]:
    found: list[int] = []
    if not values:
        return found
    import pyarrow.compute as pc  # fetch processes do without

    wanted = pa.array(sorted(set(values)), parquet.schema_arrow.field(column).type)  # type: ignore[type-var]
    leaf = next(number for number in range(len(parquet.schema)) if parquet.schema.column(number).path == column)
    for group, start in _list_groups(parquet):
        if _may_hold(parquet.metadata.row_group(group).column(leaf).statistics, wanted):
            mask = pc.is_in(parquet.read_row_group(group, columns=[column]).column(0), value_set=wanted)
            found += [start + number for number in pc.indices_nonzero(mask).to_pylist()]
    return found


def _read(parquet: pq.ParquetFile, numbers: Sequence[int], columns: Sequence[str] | None) -> pa.Table:
    whole = parquet.schema_arrow
    names, wanted = list(columns or whole.names), np.asarray(numbers, np.int64)
    schema = pa.schema([whole.field(name) for name in names], whole.metadata)
    parts: list[pa.RecordBatch] = []
    for group, start in _list_groups(parquet):
        low, high = np.searchsorted(wanted, (start, start + parquet.metadata.row_group(group).num_rows))
        if low < high:
            parts += _take(parquet, group, wanted[low:high] - start, names)
    return pa.Table.from_batches([part.select(names) for part in parts]).cast(schema) if parts else schema.empty_table()


def _take(parquet: pq.ParquetFile, group: int, wanted: np.ndarray, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Rows of a row group, which is read as far as the last of them."""
    start = 0
    for batch in parquet.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=list(names)):
        low, high = np.searchsorted(wanted, (start, start + batch.num_rows))
        if low < high:
            yield batch.take(pa.array(wanted[low:high] - start))
        start += batch.num_rows
        if start > wanted[-1]:
            return


def _list_groups(parquet: pq.ParquetFile) -> Iterator[tuple[int, int]]:
    """(Row group, number of its first row)."""
    start = 0
    for group in range(parquet.num_row_groups):
        yield group, start
        start += parquet.metadata.row_group(group).num_rows


def _may_hold(facts: pq.Statistics | None, wanted: pa.Array) -> bool:
    """Whether the statistics of a row group's column leave room for a value."""
    if facts is None or not facts.has_min_max:
        return True
    return any(facts.min <= value <= facts.max for value in wanted.to_pylist())
