"""What the fetch brought, as one table: all shards' rows without the bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow as pa

from logoingest.schemas import DownloadRow
from logoingest.workspace.folder import Workspace
from logoingest.workspace.rows import read_file_rows

#: Where a row's bytes lie: the shard's file name, and the row in it.
PLACE = (pa.field("shard", pa.string()), pa.field("shard_row", pa.int32()))


def read_downloads(workspace: Workspace, columns: Collection[str] | None = None, shards: Collection[str] | None = None) -> pa.Table:
    """The rows of all shards in the order of these, ``DownloadRow`` without ``bytes``, with the columns shard and shard_row.

    Args:
        workspace: where they lie; columns that an earlier version did not write are null.
        columns: read these alone, in the order of ``DownloadRow``; all when left out.
        shards: read these alone, as far as they are there; all when left out.

    Raises:
        WorkspaceError: a shard is damaged.
    """
    schema = DownloadRow.arrow_schema()
    names = [name for name in schema.names if name != "bytes" and (columns is None or name in columns)]
    tables = [_read_shard(workspace, shard, names) for shard in workspace.shard_names() if shards is None or shard in shards]
    if tables:
        return pa.concat_tables(tables, promote_options="permissive")
    return pa.schema([*(schema.field(name) for name in names), *PLACE], schema.metadata).empty_table()


def read_download(workspace: Workspace, shard: str, row: int) -> pa.Table:
    """One row of ``read_downloads``; none where the shard has no such row.

    Raises:
        WorkspaceError: the shard is not there, or damaged.
    """
    names = [name for name in DownloadRow.arrow_schema().names if name != "bytes"]
    return _place_rows(read_file_rows(workspace, f"downloads/{shard}", [row], names), names, shard, row)


def iterate_column(workspace: Workspace, name: str) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """(Shard, one column of ``DownloadRow`` in it), shard after shard: for what is too much to be held.

    Raises:
        WorkspaceError: a shard is damaged.
    """
    for shard in workspace.shard_names():
        yield shard, workspace.read_shard(shard, [name]).column(name)


def _read_shard(workspace: Workspace, shard: str, names: list[str]) -> pa.Table:
    return _place_rows(workspace.read_shard(shard, names), names, shard, 0)


def _place_rows(table: pa.Table, names: list[str], shard: str, first: int) -> pa.Table:
    table = DownloadRow.complete(table, names).select(names)
    table = table.append_column(PLACE[0], pa.repeat(shard, table.num_rows))
    return table.append_column(PLACE[1], pa.array(range(first, first + table.num_rows), pa.int32()))
