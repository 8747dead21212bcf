"""A shard's file, written as its rows come: in the order of the URLs, with few bodies in memory and none after a crash.

Rows finish in any order. Those whose forerunners are all there go to the Parquet file, a row group at a time; the others wait.
What waits is moved to a file beside it when the process holds more than its ``ByteBudget``. Only a complete shard takes its name;
of one that is stopped the rows that came can be kept under another (``name_begun``), for a later writer to take over.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from logoingest.fetch.shards.kept_rows import KeptRows
from logoingest.files.parquet import PLAIN_OPTIONS
from logoingest.schemas import DownloadRow, Outcome
from logoingest.workspace import FileRecord, PendingFile, Workspace, name_begun

#: A row group ends at whichever comes first.
MAX_GROUP_ROWS = 100
MAX_GROUP_BYTES = 2_000_000
#: With less on the disk no more rows are taken: those that are there, in memory too, must still be written.
MIN_FREE_BYTES = 40_000_000
#: The disk is looked at when so much has come since the last look.
LOOK_BYTES = 1_000_000
#: What a row takes up beside its body, about: a list of tiny pictures is held back by rows, not by bodies.
ROW_BYTES = 4_000


class ByteBudget:
    """Bytes of rows that the writers of one process hold; above ``limit`` they move what waits to disk."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self.on_room: Callable[[], None] = lambda: None
        """Called from a writer's thread when the budget is no longer full."""
        self._lock = threading.Lock()

    @property
    def is_over(self) -> bool:
        """More is held than should be."""
        return self.held > self.limit

    @property
    def is_full(self) -> bool:
        """Even the disk does not keep up: nothing new should be started."""
        return self.held > 2 * self.limit

    def add(self, count: int) -> None:
        """Take note of bytes that are held now (or, negative, no longer)."""
        with self._lock:
            was_full = self.is_full
            self.held += count
        if was_full and not self.is_full:
            self.on_room()


class WrittenShard(NamedTuple):
    """What a finished shard's file holds."""

    record: FileRecord
    ok: int
    failed: int
    byte_count: int
    reasons: dict[str, int]


class _Spooled(NamedTuple):
    """Where a row lies in the file beside the shard."""

    offset: int
    length: int


#: The key that a row has, and no other, while it lies there.
_SPOOLED = "spooled"


class ShardWriter:
    """Writes ``downloads/<shard>``. ``put`` is called on one thread; files are touched only by ``executor``, one thread as well."""

    def __init__(
        self,
        workspace: Workspace,
        shard: str,
        urls: Sequence[str],
        *,
        executor: Executor,
        budget: ByteBudget,
        kept: KeptRows | None = None,
        min_free_bytes: int = 0,
    ) -> None:
        """Start a shard of these distinct URLs; the rows that ``kept`` has need not be put.

        Raises:
            WorkspaceError: the folder cannot be written.
        """
        self._urls = urls
        self._executor = executor
        self._budget = budget
        self._kept = kept
        self._min_free_bytes = min_free_bytes
        self.workspace = workspace
        self._shard = shard
        self.url_count = len(urls)
        self._wanted = [place for place, url in enumerate(urls) if kept is None or url not in kept.sizes]
        self._waiting: dict[int, dict[str, Any]] = {}
        self._sizes: dict[int, int] = {}
        """Bytes of the bodies of the rows that wait."""
        self._changes: dict[int, Mapping[str, Any]] = {}
        self._group: dict[int, dict[str, Any] | None] = {}
        self._group_bytes = 0
        self._next = 0
        self._put = 0
        self._work: list[Future[None]] = []
        self._counts: Counter[str] = Counter() if kept is None else kept.counts.copy()
        self._byte_count = 0 if kept is None else sum(kept.sizes.values())
        self._file: PendingFile = workspace.start_file(f"downloads/{shard}")
        self._writer: pq.ParquetWriter | None = None
        self._spool: IO[bytes] | None = None
        self._spooled = 0
        self._unlooked = LOOK_BYTES
        """Bytes that came since the disk was last found to have room."""
        self._is_spooling = False
        self._has_failed = False

    @property
    def wanted(self) -> list[str]:
        """The URLs whose rows are to be put, in order; ``put`` counts along them."""
        return [self._urls[place] for place in self._wanted]

    def put(self, index: int, row: dict[str, Any]) -> None:
        """Take the row of ``wanted[index]``; the dictionary is used up.

        Raises:
            WorkspaceError: what was put earlier could not be written.
            OutOfSpaceError: the disk is nearly full; the row is taken all the same.
        """
        self._check_work()
        self._put += 1
        size = len(row.get("bytes") or b"")
        weight = _weigh(row)
        self._budget.add(weight)
        self._unlooked += weight
        self._byte_count += size
        self._counts[str(row.get("reason") or row["outcome"])] += 1
        self._sizes[self._wanted[index]] = row.get("byte_count") or 0
        self._waiting[self._wanted[index]] = row
        self._advance()
        if self._unlooked >= LOOK_BYTES:
            self._file.require_room(max(MIN_FREE_BYTES, self._min_free_bytes))
            self._unlooked = 0
        if self._budget.is_over and not self._is_spooling:
            self._is_spooling = True
            self._submit(self._spool_waiting)

    def change(self, index: int, changes: Mapping[str, Any]) -> None:
        """In place of a new row for ``wanted[index]``: keep the one that is there, bytes and all, but for these columns.

        Raises:
            WorkspaceError: what was put earlier could not be written.
        """
        assert self._kept is not None
        self._check_work()
        self._put += 1
        place = self._wanted[index]
        self._changes[place] = changes
        size, kind = self._kept.keep(self._urls[place])
        self._byte_count += size
        self._counts[kind] += 1
        self._advance()

    def finish(self) -> Future[WrittenShard]:
        """Write what is left and give the file its name, once every row was put.

        Raises (in the future):
            WorkspaceError: the shard could not be written; nothing has changed then.
        """
        self._advance()
        self._flush()
        return self._executor.submit(self._finish)

    @property
    def is_sound(self) -> bool:
        """Whether all could be written so far, so that ``break_off`` has something to keep."""
        return not self._has_failed

    def break_off(self) -> Future[int]:
        """Keep the rows that came, and those taken over, of a shard that does not come to its end; how many of them were put.

        Raises (in the future):
            WorkspaceError: they could not be written; what was there before is there still.
        """
        put = self._put
        if put:
            for place in range(self._next, len(self._urls)):
                self._gather(place)
            self._flush()
        return self._executor.submit(self._break_off, put)

    def give_up_rest(self) -> int:
        """For a shard that is there already: leave the rows as they are that were wanted and did not come; how many came."""
        came = self._put
        for index, place in enumerate(self._wanted):
            if place >= self._next and place not in self._waiting and place not in self._changes:
                self.change(index, {})
        return came

    def discard(self) -> Future[None]:
        """Leave the shard as it was."""
        return self._executor.submit(self._discard)

    # -- in the order of the URLs --------------------------------------------------------------------------------------

    def _advance(self) -> None:
        while self._next < len(self._urls) and self._gather(self._next):
            self._next += 1

    def _gather(self, place: int) -> bool:
        """Put a row into the group that is written next; False when it has not come."""
        url = self._urls[place]
        if self._kept is not None and url in self._kept.sizes:
            self._group[place] = None
            self._group_bytes += self._kept.sizes[url]
        elif (row := self._waiting.pop(place, None)) is not None:
            self._group[place] = row
            self._group_bytes += self._sizes.pop(place)
        else:
            return False
        if len(self._group) >= MAX_GROUP_ROWS or self._group_bytes >= MAX_GROUP_BYTES:
            self._flush()
        return True

    def _flush(self) -> None:
        if self._group:
            group, self._group, self._group_bytes = self._group, {}, 0
            self._submit(lambda: self._write_group(group))

    def _submit(self, task: Callable[[], None]) -> None:
        def work() -> None:
            try:
                task()
            except BaseException:
                self._has_failed = True
                self._release()  # else a full budget could keep whoever is to hear of this from ever asking again
                raise

        self._work.append(self._executor.submit(work))

    def _check_work(self) -> None:
        while self._work and self._work[0].done():
            self._work.pop(0).result()

    # -- on the executor -----------------------------------------------------------------------------------------------

    def _write_group(self, group: Mapping[int, dict[str, Any] | None]) -> None:
        rows = [row for row in group.values() if row is not None]
        held = _count_held(rows)
        try:
            with self._file.explain_errors():
                for row in rows:
                    self._bring_back(row)
                table = DownloadRow.table(rows)
                if len(rows) < len(group):
                    table = self._merge_kept(group, table)
                for row in rows:
                    row.clear()
                self._open_writer().write_table(table, row_group_size=len(group))
        finally:
            self._budget.add(-held)

    def _open_writer(self) -> pq.ParquetWriter:
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file.path, DownloadRow.arrow_schema(), **PLAIN_OPTIONS)
        return self._writer

    def _merge_kept(self, group: Mapping[int, dict[str, Any] | None], fetched: pa.Table) -> pa.Table:
        assert self._kept is not None
        kept = self._kept.read([self._urls[place] for place, row in group.items() if row is None])
        table = pa.concat_tables([kept, fetched])
        places = {url: place for place, url in enumerate(table.column("url").to_pylist())}
        merged = table.take(pa.array([places[self._urls[place]] for place in group], pa.int64()))
        return _change_rows(merged, [self._changes.pop(place, {}) for place in group])

    def _spool_waiting(self) -> None:
        """Move the rows that cannot be written yet to the file beside the shard.

        Whole rows: thousands that stay among all that comes and goes would leave the heap full of holes.
        """
        self._is_spooling = False  # first: a row that comes while this works is not among those below
        with self._file.explain_errors():
            if self._spool is None:
                self._spool = tempfile.TemporaryFile(dir=self._file.path.parent)  # noqa: SIM115  no name: nothing is left behind
            for row in [*self._waiting.values(), *self._group.values()]:
                if row is not None and _SPOOLED not in row:
                    data = pickle.dumps(row, pickle.HIGHEST_PROTOCOL)
                    write_whole(self._spool.fileno(), data, self._spooled)
                    weight = _weigh(row)
                    row.clear()
                    row[_SPOOLED] = _Spooled(self._spooled, len(data))
                    self._spooled += len(data)
                    self._budget.add(-weight)

    def _bring_back(self, row: dict[str, Any]) -> None:
        """Read a spooled row."""
        place: _Spooled | None = row.pop(_SPOOLED, None)
        if place is not None:
            assert self._spool is not None
            data = os.pread(self._spool.fileno(), place.length, place.offset)
            row.update(pickle.loads(data))  # noqa: S301  our own rows, from a file without a name

    def _finish(self) -> WrittenShard:
        try:
            self._close_writer()
            assert self._next == len(self._urls), "every row must be put before the shard is finished"
            record = self._file.publish()
        finally:
            self._discard()
        ok = self._counts[Outcome.OK]
        reasons = {name: count for name, count in sorted(self._counts.items()) if name != Outcome.OK}
        return WrittenShard(record, ok, sum(reasons.values()), self._byte_count, reasons)

    def _close_writer(self) -> None:
        for work in self._work:
            work.result()
        with self._file.explain_errors():
            self._open_writer().close()

    def _break_off(self, put: int) -> int:
        try:
            if put:
                self._close_writer()
                self._file.put_in_place(self.workspace.path(f"downloads/{name_begun(self._shard)}"))
        finally:
            self._discard()
        return put

    def _discard(self) -> None:
        if self._writer is not None and self._writer.is_open:
            with contextlib.suppress(OSError, pa.ArrowException):  # the disk may be full: the file goes anyway
                self._writer.close()
        if self._spool is not None:
            self._spool.close()
        self._file.discard()
        self._release()

    def _release(self) -> None:
        """Let go of the rows that are not written."""
        waiting, self._waiting = self._waiting, {}
        group, self._group = self._group, {}
        self._budget.add(-_count_held([*waiting.values(), *(row for row in group.values() if row is not None)]))


def _change_rows(table: pa.Table, changes: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The table with other values in some columns of some rows; ``changes`` has an entry a row."""
    for name in sorted({name for entry in changes for name in entry}):
        column = table.column(name).to_pylist()
        values = [entry.get(name, value) for entry, value in zip(changes, column, strict=True)]
        place, field = table.schema.get_field_index(name), table.schema.field(name)
        table = table.set_column(place, field, pa.array(values, field.type))
    return table


def write_whole(handle: int, data: bytes, offset: int) -> None:
    """Write all of ``data``: on a disk that is nearly full, ``pwrite`` writes a part of it and calls that a success.

    Raises:
        OSError: the rest does not fit.
    """
    left = memoryview(data)
    while left:
        written = os.pwrite(handle, left, offset)
        left, offset = left[written:], offset + written


def _count_held(rows: Iterable[Mapping[str, Any]]) -> int:
    return sum(_weigh(row) for row in rows if _SPOOLED not in row)


def _weigh(row: Mapping[str, Any]) -> int:
    return ROW_BYTES + len(row.get("bytes") or b"")
