"""Rows of ``downloads`` that are there and are taken over: of a shard that is fetched anew in part, of one that was begun."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from logoingest.errors import Problem, WorkspaceError
from logoingest.schemas import DownloadRow
from logoingest.workspace import Workspace


class KeptRows:
    """The rows of a present file that a new one takes over; what a file of an earlier version has no column for is null."""

    def __init__(
        self, workspace: Workspace, shard: str, only: Collection[str] = frozenset(), among: Collection[str] | None = None
    ) -> None:
        """All rows of ``downloads/<shard>`` but those of ``only``; with ``among``, none but those.

        Raises:
            WorkspaceError: the file is missing, damaged, or of another version.
        """
        self._path = workspace.path(f"downloads/{shard}")
        rows = workspace.read_shard(shard, ["url", "outcome", "reason", "byte_count"]).to_pylist()
        self._file = pq.ParquetFile(workspace.filesystem.open(self._path, "rb"))
        schema, names = DownloadRow.arrow_schema(), set(self._file.schema_arrow.names)
        if names - set(schema.names) or any(field.name not in names and not field.nullable for field in schema):
            raise WorkspaceError(
                Problem(self._path, "was written by another version of logoingest", "remove it and run fetch again")
            )
        self._places = {row["url"]: place for place, row in enumerate(rows) if among is None or row["url"] in among}
        facts = [rows[place] for place in self._places.values()]
        self._others = {
            row["url"]: (row["byte_count"] or 0, row["reason"] or row["outcome"]) for row in facts if row["url"] in only
        }
        kept = [row for row in facts if row["url"] not in only]
        self.sizes: dict[str, int] = {row["url"]: row["byte_count"] or 0 for row in kept}
        """URL → bytes of its body."""
        self.counts: Counter[str] = Counter(row["reason"] or row["outcome"] for row in kept)
        """Rows by reason, ``ok`` among them."""
        self._starts = [0]
        for group in range(self._file.num_row_groups):
            self._starts.append(self._starts[-1] + self._file.metadata.row_group(group).num_rows)

    def keep(self, url: str) -> tuple[int, str]:
        """Take over one of ``only`` after all; the bytes of its body, and its reason (``ok`` if it has none)."""
        size, kind = self._others.pop(url)
        self.sizes[url] = size
        self.counts[kind] += 1
        return size, kind

    def read(self, urls: Sequence[str]) -> pa.Table:
        """The rows (``DownloadRow``) of some of the URLs, in the file's order; only the row groups that hold them are read."""
        schema = DownloadRow.arrow_schema()
        wanted = sorted(self._places[url] for url in urls)
        tables = [DownloadRow.empty_table()]
        for group, (start, end) in enumerate(zip(self._starts, self._starts[1:], strict=False)):
            rows = [place - start for place in wanted if start <= place < end]
            if rows:
                table = self._read_group(group)
                tables.append(table.select(schema.names).cast(schema).take(pa.array(rows, pa.int64())))
        return pa.concat_tables(tables)

    def _read_group(self, group: int) -> pa.Table:
        try:
            return DownloadRow.complete(self._file.read_row_group(group))
        except (OSError, pa.ArrowException) as error:
            raise WorkspaceError(Problem(self._path, f"is damaged ({error})", "remove it and run fetch again")) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close(force=True)
