"""All shards' rows as one table."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from logoingest.schemas import DownloadRow
from logoingest.workspace import Workspace
from logoingest.workspace.downloads import read_download, read_downloads


def _row(url: str) -> dict[str, object]:
    return {"url": url, "outcome": "failed", "reason": "dns", "attempts": 1, "bytes": None}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    workspace.write_shard("shard-00000.parquet", DownloadRow.table([_row("https://a.test/1"), _row("https://a.test/2")]))
    workspace.write_shard("shard-00001.parquet", DownloadRow.table([_row("https://a.test/3")]))
    return workspace


def test_each_row_says_where_its_bytes_lie(workspace: Workspace) -> None:
    """Shard and row, in the order of the shards; the bytes stay where they are."""
    table = read_downloads(workspace)
    places = list(zip(*(table.column(name).to_pylist() for name in ("url", "shard", "shard_row")), strict=True))
    assert places == [
        ("https://a.test/1", "shard-00000.parquet", 0),
        ("https://a.test/2", "shard-00000.parquet", 1),
        ("https://a.test/3", "shard-00001.parquet", 0),
    ]
    assert "bytes" not in table.column_names


@pytest.mark.parametrize("columns", [None, ("reason", "url")])
def test_no_shards_give_the_same_columns_as_some(workspace: Workspace, tmp_path: Path, columns: tuple[str, ...] | None) -> None:
    """An empty table has every column, of the same types."""
    empty = read_downloads(Workspace(tmp_path / "empty"), columns)
    assert empty.num_rows == 0
    assert empty.schema.equals(read_downloads(workspace, columns).schema)


def test_what_an_earlier_version_did_not_write_is_null(workspace: Workspace) -> None:
    """A shard without a column of today is read beside others that have it."""
    old = DownloadRow.table([_row("https://a.test/4")]).drop_columns(["checked_at"])
    workspace.write_shard("shard-00002.parquet", old)
    table = read_downloads(workspace, ["url", "checked_at"])
    assert table.column("checked_at").null_count == 4
    assert table.schema.field("checked_at").type == pa.timestamp("us", tz="UTC")


def test_one_row_is_read_alone(workspace: Workspace) -> None:
    """As it stands among all of them; one that is not there is none."""
    whole = read_downloads(workspace)
    assert read_download(workspace, "shard-00000.parquet", 1).equals(whole.slice(1, 1))
    assert read_download(workspace, "shard-00000.parquet", 2).num_rows == 0
    assert read_download(workspace, "shard-00000.parquet", 2).schema.equals(whole.schema)
