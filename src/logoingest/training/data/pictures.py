"""A release's Parquet as pictures: which rows there are, their bytes by row group, and how bytes become a small square.

Everything is read from the release alone. No torch here: decoding runs in threads, where Pillow lets go of the interpreter.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from logoingest.errors import GateError, Problem, WorkspaceError
from logoingest.pictures.loading import load_picture

#: What a baseline reads: it learns from train, stops early by validation, scores on test. Other splits are never opened.
SPLITS = ("train", "validation", "test")
#: A label of this value says: several classes in one picture.
SEVERAL = -1
#: Row groups whose bytes are kept at once: what a shuffle window spans.
OPEN_GROUPS = 8

Pixels = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """The single-class pictures of one split, in file order; all arrays are as long as there are pictures."""

    name: str
    files: tuple[Path, ...]
    file: Rows
    group: Rows
    """Row group inside the file."""
    offset: Rows
    """Row inside the row group."""
    label: Rows
    image_id: Sequence[str]
    group_id: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def unit(self) -> Rows:
        """A number per row group, over all files, rising in file order: rows that are read together share it."""
        pairs = np.stack([self.file, self.group], axis=1)
        return np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


@dataclass(frozen=True)
class Release:
    """The classes and splits of a release."""

    class_names: tuple[str, ...]
    splits: dict[str, Split]
    unread: tuple[str, ...] = ()
    """Further splits of the release, which are not opened."""


def read_release(folder: Path) -> Release:
    """Read labels and ids of train, validation and test; pictures of several classes are left out.

    Raises:
        WorkspaceError: there is no release in the folder, or a file cannot be read.
        GateError: the release contradicts itself (class names, labels out of range).
    """
    data = folder / "data"
    files = {name: tuple(sorted(data.glob(f"{name}-*.parquet"))) for name in SPLITS}
    if not files["train"]:
        raise WorkspaceError(Problem(str(data), "holds no train-*.parquet", "run the release stage first"))
    names = {path: _read_class_names(path) for paths in files.values() for path in paths}
    class_names = names[files["train"][0]]
    for path, other in names.items():
        if other != class_names:
            raise GateError(Problem(str(path), "has other class names than the rest of the release", "run verify"))
    unread = {path.name.partition("-")[0] for path in data.glob("*-*.parquet")} - set(SPLITS)
    splits = {name: _read_split(name, paths, len(class_names)) for name, paths in files.items()}
    return Release(class_names, splits, tuple(sorted(unread)))


def _read_class_names(path: Path) -> tuple[str, ...]:
    try:
        metadata = pq.read_schema(path).metadata or {}
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return tuple(str(name) for name in features["label"]["names"])
    except (OSError, pa.ArrowException) as error:
        raise WorkspaceError(Problem(str(path), f"cannot be read ({error})", "run the release stage again")) from error
    except (KeyError, TypeError, ValueError):
        raise GateError(Problem(str(path), "names no classes in its metadata", "is this a release? run verify")) from None


def _read_split(name: str, files: tuple[Path, ...], class_count: int) -> Split:
    tables, places = [], []
    for number, path in enumerate(files):
        try:
            parquet = pq.ParquetFile(path)
            known = parquet.schema_arrow.names
            columns = [column for column in ("label", "image_id", "group_id") if column in known]
            tables.append(parquet.read(columns=columns))
            sizes = [parquet.metadata.row_group(group).num_rows for group in range(parquet.metadata.num_row_groups)]
        except (OSError, pa.ArrowException) as error:
            raise WorkspaceError(Problem(str(path), f"cannot be read ({error})", "run the release stage again")) from error
        places += [(number, group, offset) for group, size in enumerate(sizes) for offset in range(size)]
    count = len(places)
    label = _join(tables, "label", np.full(count, SEVERAL)).astype(np.int64)
    wrong = label[(label < SEVERAL) | (label >= class_count)]
    if len(wrong):
        raise GateError(Problem(name, f"label {wrong[0]} of {class_count} classes", "the release was edited by hand: run verify"))
    kept = np.flatnonzero(label >= 0)
    place = np.array(places, dtype=np.int64).reshape(-1, 3)[kept]
    image_id = _join(tables, "image_id", np.array([f"{name}/{row}" for row in range(count)], dtype=object))
    group_id = _join(tables, "group_id", np.full(count, None, dtype=object))
    return Split(
        name, files, place[:, 0], place[:, 1], place[:, 2], label[kept], image_id[kept].tolist(), group_id[kept].tolist()
    )  # fmt: skip


def _join(tables: Sequence[pa.Table], column: str, otherwise: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if not tables or any(column not in table.column_names for table in tables):
        return otherwise
    return np.concatenate([table.column(column).to_numpy() for table in tables])


class ByteReader:
    """Bytes of single pictures of a split; the row groups used last stay open, so neighbours cost no second read."""

    def __init__(self, split: Split, open_groups: int = OPEN_GROUPS + 1) -> None:
        self._split = split
        self._open_groups = open_groups
        self._groups: OrderedDict[tuple[int, int], pa.Array] = OrderedDict()

    def read(self, row: int) -> bytes:
        """The encoded picture of one row.

        Raises:
            GateError: the row carries no bytes.
        """
        split = self._split
        column = self._read_group(int(split.file[row]), int(split.group[row]))
        data = column[int(split.offset[row])].as_py()
        if not data:
            raise GateError(Problem(f"{split.name}: picture {split.image_id[row]}", "carries no bytes", "run verify"))
        return bytes(data)

    def _read_group(self, file: int, group: int) -> pa.Array:
        key = (file, group)
        if key in self._groups:
            self._groups.move_to_end(key)
            return self._groups[key]
        path = self._split.files[file]
        try:
            table = pq.ParquetFile(path).read_row_group(group, columns=["image"])
        except (OSError, pa.ArrowException) as error:
            raise WorkspaceError(Problem(str(path), f"cannot be read ({error})", "run the release stage again")) from error
        self._groups[key] = table.column("image").combine_chunks().field("bytes")
        while len(self._groups) > self._open_groups:
            self._groups.popitem(last=False)
        return self._groups[key]


def iterate_decoded(split: Split, rows: Iterable[int], side: int, workers: int, ahead: int = 64) -> Iterator[Pixels]:
    """Decode rows in the order given, at most ``ahead`` before their turn; the number of threads changes nothing but the time.

    Yields:
        uint8, (side, side, 3).

    Raises:
        GateError: a picture cannot be decoded.
    """
    reader = ByteReader(split)
    if workers == 0:
        yield from (decode_row(split, int(row), reader.read(int(row)), side) for row in rows)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        waiting: list[Future[Pixels]] = []
        try:
            for row in rows:
                waiting.append(pool.submit(decode_row, split, int(row), reader.read(int(row)), side))
                if len(waiting) > ahead:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()


def decode_row(split: Split, row: int, data: bytes, side: int) -> Pixels:
    """Decode one row's bytes to a square; errors name the picture."""
    try:
        return decode_square(data, side)
    except ValueError as error:
        where = f"{split.name}: picture {split.image_id[row]}"
        raise GateError(Problem(where, f"cannot be decoded ({error})", "run verify")) from error


def decode_square(data: bytes, side: int) -> Pixels:
    """Encoded picture → uint8 (side, side, 3); JPEGs are decoded at the smallest scale that is not below ``side``.

    Raises:
        ValueError: it is no whole picture.
    """
    return squash_picture(load_picture(data, side), side)


def squash_picture(rgb: Image.Image, side: int) -> Pixels:
    """Squeezed to a square: logos sit anywhere, so nothing is cut away.

    Returns:
        uint8, (side, side, 3).
    """
    return np.array(rgb.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0), dtype=np.uint8)
