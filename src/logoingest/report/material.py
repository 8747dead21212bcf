"""The workspace's tables, read once for all pages; and the few look-ups that most pages need.

Everything here is columns: with 100,000 pictures and more, only what is shown becomes Python objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.config import Config
from logoingest.schemas import SampleRow
from logoingest.workspace import Workspace
from logoingest.workspace.downloads import read_downloads

_DOWNLOAD_COLUMNS = (
    "url", "outcome", "reason", "detail", "image_reason", "image_detail", "byte_count", "sha256", "width", "height", "frames",
    "damaged", "brightness", "contrast", "sharpness", "entropy", "border_share", "saturation", "fallback", "refreshed",
)  # fmt: skip
_IMAGE_COLUMNS = ("image_id", "group_id", "width", "height", "pixel_hash", "flags", "urls")


class Material(NamedTuple):
    """What the pages are made of."""

    workspace: Workspace
    config: Config
    rejected: pa.Table
    """``RejectedRow``: one row a source row."""
    annotations: int
    """Source rows, the unreadable ones included."""
    downloads: pa.Table
    """Of the URLs that the sources list today: ``DownloadRow`` without hashes and bytes, with shard (string) and shard_row (int32)."""
    images: pa.Table
    samples: pa.Table
    splits: pa.Table


def read_material(workspace: Workspace, config: Config, rejected: pa.Table) -> Material:
    """Read the tables that every report needs.

    Raises:
        WorkspaceError: a table is missing or damaged.
    """
    read = workspace.read_table
    total = sum(read(name, ["annotation_id"]).num_rows for name in ("annotations", "annotations_rejected"))
    samples = [name for name in SampleRow.arrow_schema().names if name not in {"boxes", "annotation_ids"}]
    downloads, listed = read_downloads(workspace, _DOWNLOAD_COLUMNS), pc.unique(read("annotations", ["url"]).column("url"))
    downloads = downloads.filter(pc.is_in(downloads.column("url"), value_set=listed)).combine_chunks()
    return Material(
        workspace, config, rejected, total, downloads, read("images", _IMAGE_COLUMNS), read("samples", samples),
        read("splits"),
    )  # fmt: skip


def read_optional(workspace: Workspace, name: str) -> pa.Table | None:
    """A table that not every workspace has; None where it is missing."""
    return workspace.read_table(name) if workspace.has_table(name) else None


def index_rows(table: pa.Table, ids: Iterable[str], key: str = "image_id") -> dict[str, dict[str, Any]]:
    """The rows of some keys: key → row; keys that the table lacks are left out, of several rows the last counts."""
    return {row[key]: row for row in filter_rows(table, key, ids).to_pylist()}


def filter_rows(table: pa.Table, key: str, values: Iterable[Any]) -> pa.Table:
    """The rows whose ``key`` is one of ``values``."""
    column = table.column(key)
    return table.filter(pc.is_in(column, value_set=pa.array(sorted(set(values)), column.type)))


def rank_values(column: pa.ChunkedArray | pa.Array) -> list[tuple[Any, int]]:
    """(value, how often), the most frequent first, equal ones in order of value; nulls are not counted."""
    found = [(entry["values"], entry["counts"]) for entry in pc.value_counts(pc.drop_null(column)).to_pylist()]
    return sorted(found, key=lambda entry: (-entry[1], entry[0]))


def flatten_classes(table: pa.Table, *columns: str) -> pa.Table:
    """One row a picture and class: ``class_id`` and the columns named, repeated; ``class_ids`` may not be null."""
    table = table.combine_chunks()
    lists = table.column("class_ids").combine_chunks()
    lists = lists if isinstance(lists, pa.Array) else pa.concat_arrays(lists.chunks)
    parents = pc.list_parent_indices(lists)
    return pa.table({"class_id": pc.list_flatten(lists), **{name: table.column(name).take(parents) for name in columns}})


def find_places(downloads: pa.Table, image_ids: Iterable[str]) -> Mapping[str, tuple[str, int]]:
    """image_id → (shard, row) of its bytes, the first such place."""
    found = filter_rows(downloads.select(["sha256", "shard", "shard_row"]), "sha256", image_ids)
    places: dict[str, tuple[str, int]] = {}
    for row in found.sort_by([("shard", "ascending"), ("shard_row", "ascending")]).to_pylist():
        places.setdefault(row["sha256"], (row["shard"], row["shard_row"]))
    return places


def to_numpy(column: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.float64]:
    """Numbers or booleans as float64, null as NaN."""
    values: npt.NDArray[np.float64] = column.cast(pa.float64()).to_numpy()
    return values
