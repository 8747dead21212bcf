"""Where each picture is and what it is settled as, by its id and by its URLs: small arrays, made anew when a table changes.

Of a million pictures it takes about 0.2 GB and two seconds; everything else of a picture is read from its row group when it is asked for.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import LogoingestError
from logoingest.workspace import Workspace

IMAGE_ID = re.compile(r"[0-9a-f]{64}")

Numbers: TypeAlias = "npt.NDArray[np.integer[Any]]"
Stamp: TypeAlias = "tuple[tuple[object, ...] | None, ...]"

_TABLES = ("images", "samples", "splits")
_NONE = -1


@dataclass(frozen=True)
class PictureIndex:
    """The pictures of ``images`` in its order, each by its number."""

    ids: npt.NDArray[np.bytes_]
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
        place = int(np.searchsorted(self.ids, image_id.encode(), sorter=self.order))
        found = int(self.order[place]) if place < len(self.ids) else _NONE
        return found if found != _NONE and self.ids[found] == image_id.encode() else None

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
        return bytes(self.ids[number]).decode("ascii")

    def find_class(self, number: int) -> str | None:
        """What a picture is settled as."""
        code = int(self.class_of[number])
        return None if code == _NONE else self.classes[code]

    def find_split(self, number: int) -> str | None:
        """The split a picture is in."""
        code = int(self.split_of[number])
        return None if code == _NONE else self.splits[code]


NOTHING = "-"
"""In place of a class or a split: pictures that have none."""


def find_code(values: Sequence[str], wanted: str) -> int:
    """The place of a value; -1 for ``NOTHING``, -2 for one that is not there."""
    return _NONE if wanted == NOTHING else values.index(wanted) if wanted in values else -2


class IndexedPictures:
    """The index of a workspace, as its tables are now."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._lock = workspace, threading.Lock()
        self._stamp: Stamp | None = None
        self._index: PictureIndex | None = None

    def start(self) -> None:
        """Make the index in the background; where that cannot be, whoever asks for it is told."""
        threading.Thread(target=self._prepare, name="index", daemon=True).start()

    def _prepare(self) -> None:
        with contextlib.suppress(LogoingestError):
            self.read()

    def read(self) -> PictureIndex:
        """The index; made anew where a table changed."""
        with self._lock:
            stamp = stamp_tables(self._workspace, _TABLES)
            if self._index is None or stamp != self._stamp:
                self._index, self._stamp = _make_index(self._workspace), stamp
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


def _make_index(workspace: Workspace) -> PictureIndex:
    images = _read(workspace, "images", ["image_id", "shard", "shard_row", "urls"])
    ids = _take_ids(images)
    order = np.argsort(ids, kind="stable").astype(np.int32)
    shard = _encode(images.column("shard"))
    urls = pc.list_flatten(images.column("urls")).combine_chunks()
    samples = _read(workspace, "samples", ["image_id", "class_id", "confidence"])
    splits = _read(workspace, "splits", ["image_id", "split"])
    settled, placed = _encode(samples.column("class_id")), _encode(splits.column("split"))
    confidence = np.full(len(ids), np.nan, np.float32)
    places = _locate(ids, order, _take_ids(samples))
    confidence[places] = samples.column("confidence").to_numpy()
    return PictureIndex(
        ids,
        order,
        shard[1],
        shard[0],
        images.column("shard_row").to_numpy().astype(np.int32),
        settled[1],
        _spread(len(ids), places, settled[0]),
        placed[1],
        _spread(len(ids), _locate(ids, order, _take_ids(splits)), placed[0]),
        confidence,
        _spread(len(ids), places, np.arange(samples.num_rows, dtype=np.int32)),
        urls,
        pc.sort_indices(urls).to_numpy().astype(np.int32),
        pc.list_parent_indices(images.column("urls")).combine_chunks().to_numpy().astype(np.int32),
    )


def _read(workspace: Workspace, name: str, columns: Sequence[str]) -> pa.Table:
    if workspace.has_table(name):
        return workspace.read_table(name, columns)
    kinds = {"shard_row": pa.int32(), "urls": pa.list_(pa.string()), "confidence": pa.float64()}
    return pa.schema([(column, kinds.get(column, pa.string())) for column in columns]).empty_table()


def _take_ids(table: pa.Table) -> npt.NDArray[np.bytes_]:
    return np.array(table.column("image_id").to_numpy(), dtype="S64")


def _encode(column: pa.ChunkedArray) -> tuple[Numbers, Sequence[str]]:
    """Places in the distinct values, -1 for null; and those."""
    coded = column.combine_chunks().dictionary_encode()
    return pc.fill_null(coded.indices, _NONE).to_numpy(zero_copy_only=False).astype(np.int32), coded.dictionary.to_pylist()


def _locate(ids: npt.NDArray[np.bytes_], order: Numbers, wanted: npt.NDArray[np.bytes_]) -> Numbers:
    """The numbers of pictures by their ids, all of which are there."""
    return order[np.searchsorted(ids, wanted, sorter=order)] if len(wanted) else np.empty(0, np.int32)


def _spread(size: int, places: Numbers, codes: Numbers) -> Numbers:
    spread = np.full(size, _NONE, np.int32)
    spread[places] = codes
    return spread
