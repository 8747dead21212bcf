"""Where each picture is and what it is settled as, by its id and by its URLs: small arrays, made anew when a table changes.

Of a million pictures it takes about 0.1 GB, mapped from files; everything else of a picture is read from its row group when it is asked for.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.web.indexes.stored import make_index
from logoingest.workspace import Workspace

IMAGE_ID = re.compile(r"[0-9a-f]{64}")

Numbers: TypeAlias = npt.NDArray[np.integer[Any]]
Stamp: TypeAlias = "tuple[tuple[object, ...] | None, ...]"

_TABLES = ("images", "samples", "splits")
NONE = -1
"""In place of a number, where there is none."""
_ID_BYTES = 32
_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True)
class PictureIndex:
    """The pictures of ``images`` in its order, each by its number."""

    ids: npt.NDArray[np.bytes_]
    """32 bytes each: what the ids' hex digits say."""
    order: Numbers
    """Numbers sorted by id."""
    shards: Sequence[str]
    shard: Numbers
    shard_row: Numbers
    classes: Sequence[str]
    class_of: Numbers
    """Places in ``classes``; -1 where nothing is settled."""
    splits: Sequence[str]
    split_of: Numbers
    confidence: npt.NDArray[np.float32]
    """NaN where nothing is settled."""
    sample_row: Numbers
    """Row in ``samples``; -1 where there is none."""
    split_row: Numbers
    """Row in ``splits``; -1 where there is none."""
    urls: pa.Array
    """All URLs of all pictures."""
    url_order: Numbers
    url_picture: Numbers
    """Picture of each of ``urls``."""

    def __len__(self) -> int:
        return len(self.ids)

    def find(self, image_id: str) -> int | None:
        """The number of a picture; None where there is none, or the id is none."""
        if not IMAGE_ID.fullmatch(image_id) or not len(self.ids):
            return None
        wanted = np.array(bytes.fromhex(image_id), self.ids.dtype)
        place = int(np.searchsorted(self.ids, wanted, sorter=self.order))
        found = int(self.order[place]) if place < len(self.ids) else NONE
        return found if found != NONE and self.ids[found] == wanted else None

    def place(self, number: int) -> int:
        """Where a picture stands among all, sorted by id."""
        return int(np.searchsorted(self.ids, self.ids[number], sorter=self.order))

    def find_url(self, url: str) -> int | None:
        """The number of the picture that came from a URL; None where none did."""
        low, high = 0, len(self.url_order)
        while low < high:
            middle = (low + high) // 2
            if self.urls[int(self.url_order[middle])].as_py() < url:
                low = middle + 1
            else:
                high = middle
        if low == len(self.url_order):
            return None
        place = int(self.url_order[low])
        return int(self.url_picture[place]) if self.urls[place].as_py() == url else None

    def list_shown(self, urls: Iterable[str], most: int) -> list[str]:
        """The first pictures that came from URLs, each once."""
        shown: dict[str, None] = {}
        for url in urls:
            number = self.find_url(url)
            if number is not None:
                shown[self.name(number)] = None
            if len(shown) == most:
                break
        return list(shown)

    def list_urls_in(self, split: str) -> pa.Array:
        """The URLs of the pictures of a split (``NOTHING``: of none)."""
        is_in = self.split_of[self.url_picture] == find_code(self.splits, split)
        return self.urls.take(pa.array(np.flatnonzero(is_in)))

    def name(self, number: int) -> str:
        """The id of a picture."""
        return bytes(self.ids[number]).ljust(_ID_BYTES, b"\0").hex()  # numpy leaves out the zeros in the end

    def find_class(self, number: int) -> str | None:
        """What a picture is settled as."""
        code = int(self.class_of[number])
        return None if code == NONE else self.classes[code]

    def find_split(self, number: int) -> str | None:
        """The split a picture is in."""
        code = int(self.split_of[number])
        return None if code == NONE else self.splits[code]


NOTHING = "-"
"""In place of a class or a split: pictures that have none."""


def find_code(values: Sequence[str], wanted: str) -> int:
    """The place of a value; -1 for ``NOTHING``, -2 for one that is not there."""
    return NONE if wanted == NOTHING else values.index(wanted) if wanted in values else -2


class IndexedPictures:
    """The index of a workspace, as its tables are now."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._lock = workspace, threading.Lock()
        self._stamp: Stamp | None = None
        self._index: PictureIndex | None = None

    def read(self) -> PictureIndex:
        """The index; made anew where a table changed."""
        with self._lock:
            stamp = stamp_tables(self._workspace, _TABLES)
            if self._index is None or stamp != self._stamp:
                self._index, self._stamp = make_index(PictureIndex, index_pictures, self._workspace, "images"), stamp
            return self._index


def stamp_tables(workspace: Workspace, names: Sequence[str]) -> Stamp:
    """What changes when one of the tables does."""
    return tuple(_stamp_file(workspace, f"tables/{name}.parquet") for name in names)


def _stamp_file(workspace: Workspace, name: str) -> tuple[object, ...] | None:
    try:
        facts = workspace.filesystem.info(workspace.path(name))
    except FileNotFoundError:
        return None
    return tuple(facts.get(key) for key in ("size", "mtime", "ino", "ETag", "LastModified"))


def index_pictures(workspace: Workspace) -> PictureIndex:
    """The index of a workspace's pictures, made column by column, so that little else is held meanwhile."""
    ids = _read_ids(workspace, "images")
    order = np.argsort(ids, kind="stable").astype(np.int32)
    shard, shards = _encode(_read(workspace, "images", "shard"))
    shard_row = _read(workspace, "images", "shard_row").to_numpy().astype(np.int32)
    urls, url_picture = read_picture_urls(workspace)
    places = _locate(ids, order, _read_ids(workspace, "samples"))
    class_of, classes = _encode(_read(workspace, "samples", "class_id"))
    confidence = np.full(len(ids), np.nan, np.float32)
    confidence[places] = _read(workspace, "samples", "confidence").to_numpy()
    split_of, splits = _encode(_read(workspace, "splits", "split"))
    placed = _locate(ids, order, _read_ids(workspace, "splits"))
    return PictureIndex(
        ids,
        order,
        shards,
        shard,
        shard_row,
        classes,
        _spread(len(ids), places, class_of),
        splits,
        _spread(len(ids), placed, split_of),
        confidence,
        _spread(len(ids), places, np.arange(len(places), dtype=np.int32)),
        _spread(len(ids), placed, np.arange(len(placed), dtype=np.int32)),
        urls,
        pc.sort_indices(urls).to_numpy().astype(np.int32),
        url_picture,
    )


def read_picture_urls(workspace: Workspace) -> tuple[pa.Array, Numbers]:
    """All URLs of all pictures, and the picture's number of each."""
    listed = _read(workspace, "images", "urls")
    return pc.list_flatten(listed).combine_chunks(), pc.list_parent_indices(listed).to_numpy().astype(np.int32)


def read_figures(workspace: Workspace, index: PictureIndex, name: str, column: str) -> npt.NDArray[np.float32]:
    """A column of figures of a table by the pictures' numbers; NaN where it says nothing of one."""
    figures = np.full(len(index), np.nan, np.float32)
    if len(index) and workspace.has_table(name):
        ids = _read_ids(workspace, name)
        places = np.minimum(np.searchsorted(index.ids, ids, sorter=index.order), len(index) - 1)
        numbers = index.order[places]
        known = index.ids[numbers] == ids
        figures[numbers[known]] = _read(workspace, name, column).to_numpy()[known]
    return figures


def _read(workspace: Workspace, name: str, column: str) -> pa.ChunkedArray:
    if workspace.has_table(name):
        return workspace.read_table(name, [column]).column(0)
    kinds = {"shard_row": pa.int32(), "urls": pa.list_(pa.string()), "confidence": pa.float64()}
    return pa.chunked_array([], kinds.get(column, pa.string()))


def _read_ids(workspace: Workspace, name: str) -> npt.NDArray[np.bytes_]:
    """The image_ids of a table as bytes, some at once: as objects of Python they would take a multiple."""
    column = _read(workspace, name, "image_id")
    ids = np.empty(len(column), f"S{_ID_BYTES}")
    for start in range(0, len(column), _ROWS_AT_ONCE):
        some = column.slice(start, _ROWS_AT_ONCE).to_pylist()
        ids[start : start + len(some)] = [bytes.fromhex(image_id) for image_id in some]
    return ids


def encode_column(column: pa.ChunkedArray) -> tuple[Numbers, pa.Array]:
    """Places in the distinct values, -1 for null; and those."""
    coded = column.combine_chunks().dictionary_encode()
    codes = pc.fill_null(coded.indices, NONE).to_numpy(zero_copy_only=False)
    return codes.astype(np.promote_types(np.int8, np.min_scalar_type(-len(coded.dictionary) - 1))), coded.dictionary


def _encode(column: pa.ChunkedArray) -> tuple[Numbers, Sequence[str]]:
    codes, values = encode_column(column)
    return codes, values.to_pylist()


def _locate(ids: npt.NDArray[np.bytes_], order: Numbers, wanted: npt.NDArray[np.bytes_]) -> Numbers:
    """The numbers of pictures by their ids, all of which are there."""
    return order[np.searchsorted(ids, wanted, sorter=order)] if len(wanted) else np.empty(0, np.int32)


def _spread(size: int, places: Numbers, codes: Numbers) -> Numbers:
    spread = np.full(size, NONE, codes.dtype)
    spread[places] = codes
    return spread
