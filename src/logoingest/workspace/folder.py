"""A dataset's folder, local or remote (fsspec): atomic tables and shards, and a manifest of content hashes.

    <workspace>/manifest.json                 what each stage made from what (StageRecord)
    <workspace>/history.jsonl                 what each run came to, a line a run
    <workspace>/takedowns.json                what was taken down and must not come back
    <workspace>/tables/<table>.parquet        one table between stages
    <workspace>/downloads/shard-00012.parquet one fetched shard
    <workspace>/downloads/shard-00012.begun   the rows of one whose fetching was stopped; the next fetch takes them over
    <workspace>/embeddings/<network>/         what a network says of the pictures of each shard
    <workspace>/release/  baseline/  report.html
    <workspace>/baseline.unfinished/          the curves of a training that was broken off; the next one begins anew

A file appears whole or not at all: written under a temporary name, fsynced, renamed (object stores: one put). Equal tables
give equal bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from logoingest.errors import Problem, WorkspaceError
from logoingest.files.parquet import write_parquet
from logoingest.files.whole import sync_path
from logoingest.schemas import DownloadRow
from logoingest.workspace.manifest import FileRecord, Manifest, StageRecord, hash_stream
from logoingest.workspace.pending_file import PendingFile, explain_os_error
from logoingest.workspace.shard_names import BEGUN_PATTERN, SHARD_PATTERN

#: A half-written file that others may write, too, is nobody's after so long.
_SHARED_AFTER_S = 3600.0
#: Who wants to see one row reads as many; of a million rows with groups of 65,536 that took two to four times as long, all of them hardly less.
_TABLE_GROUP_ROWS = 8_192
_FOOTERS = 32


class _Footers:
    """The footers of local files, each read once until another file takes its name: that of a large table takes milliseconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int, int, int], pq.FileMetaData] = OrderedDict()

    def read(self, path: str, file: pa.OSFile) -> pq.FileMetaData:
        """The footer of an opened file."""
        facts = os.fstat(file.fileno())
        key = (path, facts.st_size, facts.st_mtime_ns, facts.st_ino)
        with self._lock:
            found = self._kept.pop(key, None)
        if found is None:
            found = pq.read_metadata(file)
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > _FOOTERS:
                self._kept.popitem(last=False)
        return found


_FOOTERS_READ = _Footers()


class Workspace:
    """A workspace by its URL or folder; makes nothing until something is written."""

    def __init__(self, url: str | os.PathLike[str]) -> None:
        self.url = os.fspath(url).rstrip("/")
        self.is_local = "://" not in self.url or self.url.startswith("file://")
        self.filesystem, self.root = fsspec.core.url_to_fs(self.url, skip_instance_cache=True)
        self.guard: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
        """Entered around each change of what is there. Whoever writes under a lease has one that raises once it is lost."""

    def __repr__(self) -> str:
        return f"Workspace({self.url!r})"

    def path(self, name: str) -> str:
        """The full path of a file of this workspace."""
        return f"{self.root}/{name}"

    def local_path(self, name: str) -> Path:
        """The same as a Path.

        Raises:
            WorkspaceError: the workspace is not on a local disk.
        """
        if not self.is_local:
            raise WorkspaceError(f"{self.url}: not a local folder", "copy the workspace to a local disk for this step")
        return Path(self.path(name))

    # -- plain files ---------------------------------------------------------------------------------------------------

    def exists(self, name: str) -> bool:
        """Whether the file or folder is there."""
        return bool(self.filesystem.exists(self.path(name)))

    def size(self, name: str) -> int | None:
        """The file's length in bytes, None when it is not there."""
        try:
            return int(self.filesystem.size(self.path(name)))
        except FileNotFoundError:
            return None

    def measure_parts(self) -> dict[str, int]:
        """The bytes of each file and folder at its top, by name; empty where nothing is there yet."""
        if not self.filesystem.exists(self.root):
            return {}
        self.filesystem.invalidate_cache()
        names = sorted(os.path.basename(str(path).rstrip("/")) for path in self.filesystem.ls(self.root, detail=False))
        return {name: int(self.filesystem.du(self.path(name))) for name in names}

    def read_bytes(self, name: str) -> bytes:
        """The file's content.

        Raises:
            WorkspaceError: it is not there or cannot be read.
        """
        try:
            return bytes(self.filesystem.cat_file(self.path(name)))
        except OSError as error:
            raise WorkspaceError(Problem(self.path(name), f"cannot be read ({error})")) from error

    def hash_file(self, name: str) -> FileRecord:
        """sha256 and length of a file as it lies in the workspace.

        Raises:
            WorkspaceError: it is not there or cannot be read.
        """
        try:
            with self.filesystem.open(self.path(name), "rb") as file:
                return hash_stream(file)
        except OSError as error:
            raise WorkspaceError(Problem(self.path(name), f"cannot be read ({error})")) from error

    def write_bytes(self, name: str, data: bytes) -> FileRecord:
        """Write a small file atomically."""
        return self._write(name, lambda temporary: temporary.write_bytes(data))

    def remove(self, name: str) -> None:
        """Remove a file or folder; nothing happens when it is not there."""
        with self.guard(), contextlib.suppress(FileNotFoundError), explain_os_error(self.path(name)):
            self.filesystem.rm(self.path(name), recursive=True)

    def remove_leftovers(self) -> None:
        """Remove what a killed process left half written; only who holds the lease may.

        ``fingerprints`` is written without the lease, too (verify): there only what nobody has touched for an hour goes.
        """
        if not self.is_local:
            return
        folders = (self.root, self.path("tables"), self.path("downloads"), *Path(self.path("embeddings")).glob("*"))
        left = [leftover for folder in folders for leftover in Path(folder).glob(".*.tmp")]
        long_ago = time.time() - _SHARED_AFTER_S
        shared = Path(self.path("fingerprints")).glob(".*.tmp")
        with contextlib.suppress(FileNotFoundError):  # its writer was quicker
            left += [leftover for leftover in shared if leftover.stat().st_mtime < long_ago]
        for leftover in left:
            leftover.unlink(missing_ok=True)

    def start_file(self, name: str) -> PendingFile:
        """A file to fill under a temporary name; it is there, whole, once it is published.

        Raises:
            WorkspaceError: the folder cannot be written.
        """
        return PendingFile(self, name)

    def _write(self, name: str, write: Callable[[Path], Any]) -> FileRecord:
        """``write`` fills a temporary file; then it takes its name in one step."""
        file = self.start_file(name)
        try:
            with file.explain_errors():
                write(file.path)
            return file.publish()
        finally:
            file.discard()

    # -- tables --------------------------------------------------------------------------------------------------------

    def write_table(self, name: str, table: pa.Table) -> FileRecord:
        """Write ``tables/<name>.parquet`` atomically; equal tables give equal bytes."""
        return self.write_parquet(f"tables/{name}.parquet", table)

    def write_parquet(self, name: str, table: pa.Table) -> FileRecord:
        """The same under any name."""
        return self._write(name, lambda temporary: write_parquet(table, temporary, row_group_rows=_TABLE_GROUP_ROWS))

    def read_table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read ``tables/<name>.parquet``.

        Raises:
            WorkspaceError: it is not there, or damaged.
        """
        return self.read_parquet(f"tables/{name}.parquet", columns)

    def has_table(self, name: str) -> bool:
        """Whether ``tables/<name>.parquet`` is there."""
        return self.exists(f"tables/{name}.parquet")

    def write_shard(self, name: str, table: pa.Table) -> FileRecord:
        """Write ``downloads/<name>`` atomically; image bytes are left uncompressed, since compression buys nothing."""
        return self._write(f"downloads/{name}", lambda temporary: write_parquet(table, temporary, row_group_rows=100))

    def read_shard(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read ``downloads/<name>``; see ``read_table``. What a shard of an earlier version has no column for is null."""
        return DownloadRow.complete(self.read_parquet(f"downloads/{name}", columns), columns)

    def read_shard_bytes(self, name: str, rows: Sequence[int]) -> list[bytes | None]:
        """The image bytes of some rows of a shard; only the row groups that hold them are read."""
        found: dict[int, bytes | None] = {}
        with self.open_parquet(f"downloads/{name}") as parquet:
            start = 0
            for group in range(parquet.num_row_groups):
                end = start + parquet.metadata.row_group(group).num_rows
                wanted = {row for row in rows if start <= row < end}
                if wanted:
                    column = parquet.read_row_group(group, columns=["bytes"]).column("bytes")
                    found |= {row: column[row - start].as_py() for row in wanted}
                start = end
        return [found.get(row) for row in rows]

    def count_shard_rows(self, name: str) -> int | None:
        """Rows by the shard's footer; None when the file is missing or damaged."""
        try:
            with self.filesystem.open(self.path(f"downloads/{name}"), "rb") as file:
                return int(pq.ParquetFile(file).metadata.num_rows)
        except (OSError, pa.ArrowException):
            return None

    def shard_names(self) -> list[str]:
        """The shards that are there, in order."""
        return sorted(name for name in self._list_downloads() if SHARD_PATTERN.match(name))

    def begun_shards(self) -> list[str]:
        """The shards of which there are rows, kept when their fetching was stopped (``name_begun``), in order."""
        return sorted(f"{match[1]}.parquet" for name in self._list_downloads() if (match := BEGUN_PATTERN.match(name)))

    def _list_downloads(self) -> list[str]:
        folder = self.path("downloads")
        if not self.filesystem.exists(folder):
            return []
        self.filesystem.invalidate_cache(folder)
        return [os.path.basename(str(path)) for path in self.filesystem.ls(folder, detail=False)]

    def read_parquet(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read a Parquet file by its full name; see ``read_table``."""
        with self.open_parquet(name) as parquet:
            return parquet.read(columns=None if columns is None else list(columns))

    @contextlib.contextmanager
    def open_parquet(self, name: str) -> Iterator[pq.ParquetFile]:
        """A Parquet file to be read in part; a local one without Python between Arrow and the disk.

        Raises:
            WorkspaceError: as ``read_table``; also where it turns out to be damaged while it is read.
        """
        path = self.path(name)
        try:
            with pa.OSFile(path) if self.is_local else self.filesystem.open(path, "rb") as file:
                # What lies on a disk need not be read ahead, which takes memory and time.
                yield pq.ParquetFile(
                    file, metadata=_FOOTERS_READ.read(path, file) if self.is_local else None, pre_buffer=not self.is_local
                )
        except FileNotFoundError:
            raise WorkspaceError(Problem(path, "is not there", "run the stage that makes it")) from None
        except (OSError, pa.ArrowException) as error:
            raise WorkspaceError(Problem(path, f"is damaged ({error})", "remove it and run again")) from error

    # -- folders -------------------------------------------------------------------------------------------------------

    def replace_folder(self, name: str, source: Path) -> None:
        """Put the files of a local folder in place of ``<workspace>/<name>``; the local folder is used up.

        Locally one rename takes the old folder away and one puts the new one there; remotely ``manifest.json`` goes last, so a
        reader that waits for it never sees half a folder.
        """
        target = self.path(name)
        with explain_os_error(target):
            if self.is_local:
                Path(target).parent.mkdir(parents=True, exist_ok=True)
                for file in source.rglob("*"):
                    sync_path(file)
                old = Path(f"{target}.old")
                with self.guard():
                    shutil.rmtree(old, ignore_errors=True)
                    if os.path.exists(target):
                        os.replace(target, old)
                    os.replace(source, target)
                sync_path(Path(target).parent)
                shutil.rmtree(old, ignore_errors=True)
                return
            files = sorted((file for file in source.rglob("*") if file.is_file()), key=lambda f: f.name == "manifest.json")
            self.remove(name)
            for file in files:
                with self.guard():
                    self.filesystem.put_file(str(file), f"{target}/{file.relative_to(source).as_posix()}")
            shutil.rmtree(source)

    @contextlib.contextmanager
    def local_copy(self, name: str) -> Iterator[Path]:
        """The folder as a local path: itself when the workspace is local, else a copy that is removed afterwards.

        Raises:
            WorkspaceError: it is not there.
        """
        if not self.exists(name):
            raise WorkspaceError(Problem(self.path(name), "is not there", "run the stage that makes it"))
        if self.is_local:
            yield Path(self.path(name))
            return
        with tempfile.TemporaryDirectory(prefix="logoingest-") as folder:
            self.filesystem.get(self.path(name) + "/", folder + "/", recursive=True)
            yield Path(folder)

    @contextlib.contextmanager
    def staging_folder(self, name: str) -> Iterator[Path]:
        """A local folder to fill before ``replace_folder``: beside its target when that is local; removed afterwards."""
        with explain_os_error(self.path(name)):
            parent = Path(self.path(name)).parent if self.is_local else None
            if parent is not None:
                parent.mkdir(parents=True, exist_ok=True)
                for leftover in parent.glob(f".{os.path.basename(name)}.*.staging"):
                    shutil.rmtree(leftover, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=f".{os.path.basename(name)}.", suffix=".staging", dir=parent))
            folder.chmod(0o755)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def unfinished_folder(self, name: str) -> Iterator[Path]:
        """As ``staging_folder``, but work that is broken off stays to be looked at, as ``<name>.unfinished``, until it is begun anew.

        Of a workspace that is not local nothing stays.
        """
        if not self.is_local:
            with self.staging_folder(name) as folder:
                yield folder
            return
        folder = Path(self.path(f"{name}.unfinished"))
        with explain_os_error(str(folder)):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            yield folder
            shutil.rmtree(folder, ignore_errors=True)

    # -- manifest ------------------------------------------------------------------------------------------------------

    def read_manifest(self) -> Manifest:
        """The manifest; an empty one when there is none or it cannot be understood (everything is then stale)."""
        try:
            return Manifest.model_validate_json(self.filesystem.cat_file(self.path("manifest.json")))
        except (OSError, ValidationError):
            return Manifest()

    def record_stage(self, stage: str, record: StageRecord | None) -> None:
        """Add or replace a stage's record; None drops it, so that the stage runs again."""
        stages = {name: kept for name, kept in self.read_manifest().stages.items() if name != stage}
        if record is not None:
            stages[stage] = record
        text = json.dumps(Manifest(stages=stages).model_dump(), indent=1)
        self.write_bytes("manifest.json", text.encode())

    def is_intact(self, record: StageRecord) -> bool:
        """Whether every output of the record is there with its recorded length (contents are checked by ``verify``)."""
        return all(self.size(name) == output.size for name, output in record.outputs.items())
