"""Releases that hold what was taken down: found wherever they lie, and removed whole, since a release is never edited."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from logoingest.release.form.manifest import MANIFEST_NAME
from logoingest.release.keeping.publishing import POINTER_NAME, explain_errors, open_target, read_pointer
from logoingest.release.keeping.versions import VERSIONS_FOLDER, remove_release
from logoingest.workspace import Workspace

#: Of a kind, "picture" or "url", and an image_id or URL: whether it was taken down.
IsTaken = Callable[[str, str], bool]

_PICTURES, _URLS = frozenset({"image_id", "sha256"}), frozenset({"url", "final_url", "urls"})


def withdraw_releases(place: Workspace, is_taken: IsTaken) -> list[str]:
    """Remove every release below ``releases/`` of a place that holds something taken down; the folders that are gone.

    Args:
        place: a workspace, or a place that releases were pushed to.
        is_taken: what was taken down.

    Raises:
        WorkspaceError: one cannot be removed.
    """
    gone = [folder for folder in _list_folders(place) if holds_taken(place, folder, is_taken)]
    for folder in gone:
        remove_release(place, folder)
    return gone


def withdraw_from_target(target: str, is_taken: IsTaken) -> list[str]:
    """The same of a place that releases were pushed to. Where its newest is among them, ``latest.json`` goes first: push again before.

    Raises:
        UsageError: the target cannot be reached or changed.
    """
    place = open_target(target)
    with explain_errors(target):
        pointer = read_pointer(place)
        if pointer is not None and holds_taken(place, pointer.path, is_taken):
            place.remove(POINTER_NAME)
        return withdraw_releases(place, is_taken)


def holds_taken(place: Workspace, folder: str, is_taken: IsTaken) -> bool:
    """Whether one of the Parquet files below a folder names a picture or URL that was taken down; False where nothing is."""
    return any(names_taken(place, str(path), is_taken) for path in place.filesystem.find(place.path(folder)))


def names_taken(place: Workspace, path: str, is_taken: IsTaken) -> bool:
    """Whether a file, by its full path, is Parquet and names a picture or URL that was taken down."""
    return path.endswith(".parquet") and any(is_taken(kind, value) for kind, value in _list_names(place, path))


def _list_folders(place: Workspace) -> list[str]:
    root = place.path(VERSIONS_FOLDER)
    if not place.filesystem.exists(root):
        return []
    place.filesystem.invalidate_cache(root)
    names = sorted(os.path.basename(str(path).rstrip("/")) for path in place.filesystem.ls(root, detail=False))
    return [f"{VERSIONS_FOLDER}/{name}" for name in names if place.exists(f"{VERSIONS_FOLDER}/{name}/{MANIFEST_NAME}")]


def _list_names(place: Workspace, path: str) -> Iterator[tuple[str, str]]:
    with place.filesystem.open(path, "rb") as file:
        parquet = pq.ParquetFile(file)
        names = [name for name in parquet.schema_arrow.names if name in _PICTURES | _URLS]
        for group in range(parquet.num_row_groups if names else 0):
            table = parquet.read_row_group(group, columns=names)
            for name in names:
                kind = "picture" if name in _PICTURES else "url"
                yield from ((kind, value) for value in _flatten(table.column(name)) if value is not None)


def _flatten(column: pa.ChunkedArray) -> list[str | None]:
    is_list = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    values: list[str | None] = (column.combine_chunks().flatten() if is_list else column).to_pylist()
    return values
