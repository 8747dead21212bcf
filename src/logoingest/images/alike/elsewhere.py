"""Pictures of another dataset, piece by piece: a release, a folder of Parquet files with pictures, or a folder of image files.

A piece is what is read, hashed and fingerprinted as one: a Parquet file, or some hundred image files. Its key is the hash of its
content alone, so that fingerprints once made hold wherever the same content lies; names and splits are told by the paths.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from logoingest.errors import Problem, UsageError, quote_first_line
from logoingest.files.stores import list_store_errors
from logoingest.images.looking.inspection import take_print
from logoingest.workers import Workers, cut_lots
from logoingest.workspace import hash_stream

#: Raised by one when fingerprints or pixel hashes change, so that no older ones are found any more.
FINGERPRINT_VERSION = 2

#: One row is one picture of a piece, in order; null where the bytes are no usable picture.
PRINT_SCHEMA = pa.schema([("sha256", pa.string()), ("pixel_hash", pa.string()), ("signature", pa.binary())])

_PICTURE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".ico", ".ppm", ".pgm", ".pbm")
)
_PICTURE_COLUMNS = ("image", "img", "picture", "photo", "jpg", "jpeg", "png", "webp", "bytes", "content", "data")
_FILES_A_PIECE = 500
_ROWS_AT_ONCE = 64
_BUFFER_BYTES = 1_048_576
_SHARD_NAME = re.compile(r"(?P<split>.+?)-\d+-of-\d+$")
_SPLIT_WORD = re.compile(r"(?P<word>[a-z]+)(?:[-_. ]?\d.*)?$")
_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}

Item = TypeVar("Item")


class Piece(NamedTuple):
    """Part of another dataset; exactly one of ``column`` and several ``paths`` says what kind it is."""

    filesystem: Any
    """fsspec's."""
    paths: Sequence[str]
    """One Parquet file, or image files, sorted."""
    names: Sequence[str]
    """The same, relative to the dataset's folder."""
    column: str | None
    """The Parquet file's column of pictures: bytes, or a struct with a field ``bytes``. None for image files."""
    rows: int
    """How many pictures there are."""

    def name_row(self, row: int) -> str:
        """``data/test-00000-of-00001.parquet row 12``, or the image file's name."""
        return self.names[row] if self.column is None else f"{self.names[0]} row {row}"

    def guess_split(self, row: int) -> str | None:
        """The split a row's path tells; see ``guess_split``."""
        return guess_split(self.names[row] if self.column is None else self.names[0])


def list_pieces(path: str) -> list[Piece]:
    """The pieces of a dataset, in order of name. Parquet files count where there are some with pictures, else image files.

    Args:
        path: a folder, a Parquet file, or a URL of one that fsspec knows; a workspace stands for its release. Hidden files are
            passed over.

    Raises:
        UsageError: it is not there, cannot be read, or holds no pictures.
    """
    try:
        filesystem, root = fsspec.core.url_to_fs(path)
        if not filesystem.exists(root):
            raise UsageError(Problem(path, "is not there", "name a release, a folder of Parquet files or a folder of pictures"))
        if filesystem.exists(f"{root}/release/manifest.json"):
            root = f"{root}/release"
        found = [root] if filesystem.isfile(root) else sorted(filesystem.find(root))
        folder = os.path.dirname(root) if filesystem.isfile(root) else root
        names = {file: str(file)[len(str(folder)) :].lstrip("/") for file in found}
        files = [file for file in found if not any(part.startswith(".") for part in names[file].split("/"))]
        pieces = [
            Piece(filesystem, (file,), (names[file],), column, rows)
            for file in files
            if file.lower().endswith(".parquet")
            for schema, rows in [_read_footer(filesystem, file)]
            if (column := _find_column(schema)) is not None
        ]
    except (*list_store_errors(), ValueError, ImportError, pa.ArrowException) as error:
        raise UsageError(Problem(path, f"cannot be read ({quote_first_line(error)})")) from error
    if pieces:
        return pieces
    pictures = [file for file in files if os.path.splitext(file)[1].lower() in _PICTURE_SUFFIXES]
    if not pictures:
        raise UsageError(Problem(path, "holds no pictures", "needed: Parquet files with a column of image bytes, or image files"))
    return [Piece(filesystem, part, [names[file] for file in part], None, len(part)) for part in _batch(pictures, _FILES_A_PIECE)]


def guess_split(name: str) -> str | None:
    """The split that a file's path tells: ``data/test-00000-of-00001.parquet``, ``val/nike/7.jpg``; None where none is told."""
    *folders, file = name.split("/")
    stem = os.path.splitext(file)[0]
    shard = _SHARD_NAME.fullmatch(stem)
    if shard is not None:
        return _SPLIT_NAMES.get(shard["split"].lower(), shard["split"])
    words = [match["word"] for part in (*folders, stem) if (match := _SPLIT_WORD.fullmatch(part.lower()))]
    return next((_SPLIT_NAMES[word] for word in words if word in _SPLIT_NAMES), None)


def hash_piece(piece: Piece, max_pixels: int) -> str:
    """The key of a piece's fingerprints: sha256 of its files' contents, of how they are read, and of nothing else.

    Raises:
        UsageError: a file cannot be read.
    """
    digests = [_hash_file(piece.filesystem, path) for path in piece.paths]
    facts = [FINGERPRINT_VERSION, max_pixels, piece.column, digests]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def fingerprint_piece(piece: Piece, max_pixels: int, workers: Workers) -> Iterator[pa.RecordBatch]:
    """The fingerprints of a piece (``PRINT_SCHEMA``), some rows at a time, made by ``workers``; the pictures are never in memory together.

    Raises:
        UsageError: a file cannot be read.
    """
    lots = cut_lots(_iterate_pictures(piece), len)
    for prints in workers.map(partial(_fingerprint_lot, max_pixels), lots):
        yield pa.RecordBatch.from_pylist([each._asdict() for each in prints], schema=PRINT_SCHEMA)


def hash_listing(paths: Sequence[str]) -> str:
    """Hash of the names, sizes and times of change of the datasets' files: another one says that something may have changed.

    Raises:
        UsageError: as ``list_pieces``.
    """
    listed = [
        [name, piece.filesystem.ukey(file)]
        for path in paths
        for piece in list_pieces(path)
        for file, name in zip(piece.paths, piece.names, strict=True)
    ]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


class _Footer(NamedTuple):
    """What is looked at of a Parquet file."""

    schema: pa.Schema
    rows: int


def _read_footer(filesystem: Any, path: str) -> _Footer:
    with filesystem.open(path, "rb") as file:
        parquet = pq.ParquetFile(file)
        return _Footer(parquet.schema_arrow, parquet.metadata.num_rows)


def _find_column(schema: pa.Schema) -> str | None:
    """A Parquet file's column of pictures: as ``datasets`` declares it, by its type, or by its name."""
    declared = _list_declared(schema)
    fitting = [field.name for field in schema if _holds_bytes(field.type)]
    for name in (*declared, *_PICTURE_COLUMNS):
        if name in fitting:
            return name
    return next((name for name in fitting if pa.types.is_struct(schema.field(name).type)), None)


def _list_declared(schema: pa.Schema) -> list[str]:
    """The columns that the ``huggingface`` metadata call Image."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return [name for name, feature in features.items() if feature.get("_type") == "Image"]
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return []


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(field.name == "bytes" and _holds_bytes(field.type) for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _iterate_pictures(piece: Piece) -> Iterator[bytes]:
    try:
        if piece.column is None:
            for path in piece.paths:
                yield bytes(piece.filesystem.cat_file(path))
            return
        with piece.filesystem.open(piece.paths[0], "rb") as file:
            parquet = pq.ParquetFile(file, buffer_size=_BUFFER_BYTES)
            is_struct = pa.types.is_struct(parquet.schema_arrow.field(piece.column).type)
            column = f"{piece.column}.bytes" if is_struct else piece.column
            for batch in parquet.iter_batches(_ROWS_AT_ONCE, columns=[column]):
                values = batch.column(0).field("bytes") if is_struct else batch.column(0)
                for value in values:
                    yield value.as_py() or b""
    except (OSError, pa.ArrowException) as error:
        raise UsageError(Problem(str(piece.paths[0]), f"cannot be read ({quote_first_line(error)})")) from error


class _Print(NamedTuple):
    """A row of ``PRINT_SCHEMA``."""

    sha256: str
    pixel_hash: str | None
    signature: bytes | None


def _fingerprint_lot(max_pixels: int, pictures: Sequence[bytes]) -> list[_Print]:
    return [_Print(hashlib.sha256(data).hexdigest(), *take_print(data, max_pixels)) for data in pictures]


def _batch(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _hash_file(filesystem: Any, path: str) -> str:
    try:
        with filesystem.open(path, "rb") as file:
            return hash_stream(file).sha256
    except OSError as error:
        raise UsageError(Problem(str(path), f"cannot be read ({quote_first_line(error)})")) from error
