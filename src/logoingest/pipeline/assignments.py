"""Which picture was ever released in which split, so that it keeps it: ``tables/assignments.parquet``, or the releases themselves.

The table is written after a release is published and names it. Where the table is lost, or names another release (its run was
killed between the two), the releases that were kept are read: their manifests say which files hold which split.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from logoingest.errors import Problem, WorkspaceError
from logoingest.release.form.manifest import DATA_FOLDER, MANIFEST_NAME, ReleaseManifest
from logoingest.release.keeping.versions import RELEASE_FOLDER, locate_versions
from logoingest.workspace import FileRecord, Workspace

ASSIGNMENTS = "assignments"
#: ``since``: the first version of the release that has the picture there; null in tables of earlier logoingests.
_SCHEMA = pa.schema([("image_id", pa.string()), ("split", pa.string()), ("since", pa.int32())])
#: Schema metadata: the fingerprint of the release that was published last.
_NEWEST = b"release"


def read_assignments(workspace: Workspace) -> pa.Table:
    """image_id, split and since of every picture that was ever released, by image_id.

    Raises:
        WorkspaceError: the table, or a release that must be read in its place, is damaged.
    """
    there = workspace.has_table(ASSIGNMENTS)
    table = _complete(workspace.read_table(ASSIGNMENTS)) if there else _SCHEMA.empty_table()
    manifest = _read_manifest(workspace, RELEASE_FOLDER)
    if there and (manifest is None or (table.schema.metadata or {}).get(_NEWEST) == manifest.fingerprint.encode()):
        return table
    for folder, version in _list_releases(workspace, newest_only=there):
        table = add_assignments(table, _read_release(workspace, folder, version))
    return table


def add_assignments(earlier: pa.Table, later: pa.Table) -> pa.Table:
    """Both, by image_id; where both have a picture in the same split it stays as it was, else the later counts."""
    at = pc.index_in(later.column("image_id"), value_set=earlier.column("image_id").combine_chunks())
    same = pc.fill_null(pc.equal(earlier.column("split").take(at), later.column("split")), fill_value=False)
    new = later.filter(pc.invert(same))
    gone = pc.is_in(earlier.column("image_id"), value_set=new.column("image_id").combine_chunks())
    joined = pa.concat_tables([earlier.filter(pc.invert(gone)).replace_schema_metadata(None), new.replace_schema_metadata(None)])
    return joined.sort_by("image_id")


def write_assignments(workspace: Workspace, earlier: pa.Table, splits: pa.Table, version: int, fingerprint: str) -> FileRecord:
    """Write ``earlier`` and what was just released (``SplitRow``) as the release of that number and fingerprint."""
    since = pa.array([version] * splits.num_rows, pa.int32())
    released = splits.select(["image_id", "split"]).append_column("since", since).cast(_SCHEMA)
    table = add_assignments(earlier, released).combine_chunks()
    return workspace.write_table(ASSIGNMENTS, table.replace_schema_metadata({_NEWEST: fingerprint.encode()}))


def _complete(table: pa.Table) -> pa.Table:
    if "since" not in table.column_names:
        table = table.append_column("since", pa.nulls(table.num_rows, pa.int32()))
    table = table.select(_SCHEMA.names)
    return table.cast(_SCHEMA.with_metadata(table.schema.metadata))  # earlier logoingests wrote columns that are never null


def _list_releases(workspace: Workspace, newest_only: bool) -> Iterator[tuple[str, int | None]]:
    """(folder, version) of the releases that are there, the newest last."""
    versions = [(entry.folder, entry.version) for entry in locate_versions(workspace) if entry.folder is not None]
    if versions and versions[-1][0] == RELEASE_FOLDER:
        yield from versions[-1 if newest_only else 0 :]
        return
    if not newest_only:
        yield from versions
    if workspace.exists(f"{RELEASE_FOLDER}/{MANIFEST_NAME}"):  # of a logoingest that kept no list
        yield RELEASE_FOLDER, versions[-1][1] + 1 if versions else 1


def _read_manifest(workspace: Workspace, folder: str) -> ReleaseManifest | None:
    """None where there is no release, or none that says what it is."""
    if not workspace.exists(f"{folder}/{MANIFEST_NAME}"):
        return None
    try:
        return ReleaseManifest.model_validate_json(workspace.read_bytes(f"{folder}/{MANIFEST_NAME}"))
    except ValidationError:
        return None


def _read_release(workspace: Workspace, folder: str, version: int | None) -> pa.Table:
    manifest = _read_manifest(workspace, folder)
    tables = [_SCHEMA.empty_table()]
    for name in () if manifest is None else sorted(manifest.files):
        folder_name, _, file_name = name.partition("/")
        if folder_name == DATA_FOLDER:
            ids = _read_ids(workspace, f"{folder}/{name}")
            split = file_name.partition("-")[0]
            columns = [ids, pa.array([split] * len(ids), pa.string()), pa.array([version] * len(ids), pa.int32())]
            tables.append(pa.Table.from_arrays(columns, schema=_SCHEMA))
    return pa.concat_tables(tables)


def _read_ids(workspace: Workspace, name: str) -> pa.ChunkedArray:
    path = workspace.path(name)
    try:
        with workspace.filesystem.open(path, "rb") as file:
            return pq.ParquetFile(file).read(columns=["image_id"]).column("image_id").cast(pa.string())
    except (OSError, KeyError, pa.ArrowException) as error:
        hint = "bring it back, or start anew with splits.keep_previous = false: without it nobody knows what was released where"
        raise WorkspaceError(Problem(path, f"cannot be read ({error})", hint)) from error
