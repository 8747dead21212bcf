"""What the download shards say, all of them as one table."""

from __future__ import annotations

import pyarrow as pa

from logoingest.schemas import DownloadRow
from logoingest.workspace import Workspace


def read_downloads(workspace: Workspace) -> pa.Table:
    """All shards' rows without the image bytes, with the columns shard and shard_row."""
    columns = [name for name in DownloadRow.arrow_schema().names if name != "bytes"]
    tables = []
    for name in workspace.shard_names():
        table = workspace.read_shard(name, columns)
        table = table.append_column("shard", pa.array([name] * table.num_rows, pa.string()))
        tables.append(table.append_column("shard_row", pa.array(range(table.num_rows), pa.int32())))
    if tables:
        return pa.concat_tables(tables)
    schema = DownloadRow.arrow_schema()
    schema = schema.remove(schema.get_field_index("bytes"))
    return schema.append(pa.field("shard", pa.string())).append(pa.field("shard_row", pa.int32())).empty_table()
