"""The pictures of a release on their way from the order of the downloads to the order of the release.

Downloads lie in the order of URLs, a release in the order of image_id: the pictures are written once, in the order they come, to a
file without a name, and read back one by one. Memory is bounded by ``BATCH_BYTES``, the disk holds the pictures twice for a while.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logoingest.errors import LogoingestError, Problem

Indices = npt.NDArray[np.int64]

#: Reads the image bytes of some rows of one download shard.
BytesLoader = Callable[[str, Sequence[int]], Sequence[bytes]]

#: Brings a picture into the form it is released in: (bytes, Pillow's format, width, height); raises ValueError where it cannot.
Converter = Callable[[bytes], tuple[bytes, str, int, int]]

#: Pictures asked for in one go: their sum of bytes at most (one larger picture comes alone).
BATCH_BYTES = 134_217_728
#: Pictures converted at the same time, and how many pixels they may have together; one with more is converted alone.
_WORKERS = 2
_PIXELS_AT_ONCE = 16_000_000


class StoredPicture(NamedTuple):
    """A picture that is not released as it was fetched."""

    sha256: str
    format: str
    width: int
    height: int


class Spool:
    """Pictures by their row number in ``rows`` (columns image_id, shard, shard_row, byte_count, width, height).

    Use it as a context manager.
    """

    def __init__(self, folder: Path, rows: pa.Table) -> None:
        self._rows = rows
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # lives as long as the spool; never has a name
        self._offsets = np.zeros(rows.num_rows, np.int64)
        self.lengths = np.zeros(rows.num_rows, np.int64)
        """Bytes of each picture."""
        self.stored: dict[int, StoredPicture] = {}
        """Row → what it was converted to, for pictures whose bytes changed by that."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def fill(self, load_bytes: BytesLoader, convert: Converter | None = None) -> None:
        """Take in every picture, each shard read once and in order; converted, where ``convert`` is given.

        Raises:
            LogoingestError: a picture is missing, cannot be converted, or its bytes are not those its image_id was made of.
        """
        image_ids = self._rows.column("image_id")
        position = 0
        for shard, rows, batch in self._batches():
            expected = image_ids.take(pa.array(batch)).to_pylist()
            pictures = load_bytes(shard, rows)
            for row, image_id, picture in zip(rows, expected, pictures, strict=True):
                if hashlib.sha256(picture).hexdigest() != image_id:
                    what = f"does not hold the picture {image_id}"
                    raise LogoingestError(Problem(f"{shard} row {row}", what, "run fetch and images again"))
            for index, picture in zip(batch, self._convert(batch, pictures, convert), strict=True):
                self._file.write(picture)
                self._offsets[index], self.lengths[index] = position, len(picture)
                position += len(picture)
        self._file.flush()

    def _convert(self, batch: Indices, pictures: Sequence[bytes], convert: Converter | None) -> Iterator[bytes]:
        """The pictures as they are to be stored, in order; a few are worked at ahead."""
        if convert is None:
            yield from pictures
            return
        pixels = self._rows.column("width").to_numpy()[batch].astype(np.int64) * self._rows.column("height").to_numpy()[batch]
        ahead: deque[tuple[int, bytes, Future[tuple[bytes, str, int, int]]]] = deque()
        with ThreadPoolExecutor(_WORKERS) as pool:
            for index, size, picture in zip(batch.tolist(), pixels.tolist(), pictures, strict=True):
                limit = 0 if size * _WORKERS > _PIXELS_AT_ONCE else 2 * _WORKERS
                while len(ahead) > limit:
                    yield self._store(*ahead.popleft())
                ahead.append((index, picture, pool.submit(convert, picture)))
                if limit == 0:
                    yield self._store(*ahead.popleft())
            while ahead:
                yield self._store(*ahead.popleft())

    def _store(self, index: int, original: bytes, converted: Future[tuple[bytes, str, int, int]]) -> bytes:
        try:
            data, picture_format, width, height = converted.result()
        except ValueError as error:
            where = f"picture {self._rows.column('image_id')[index].as_py()}"
            raise LogoingestError(Problem(where, str(error), 'list its URL for retry, or set images.store = "original"')) from error
        if data != original:
            self.stored[index] = StoredPicture(hashlib.sha256(data).hexdigest(), picture_format, width, height)
        return data

    def read(self, index: int) -> bytes:
        """The picture of a row."""
        return os.pread(self._file.fileno(), int(self.lengths[index]), int(self._offsets[index]))

    def _batches(self) -> Iterator[tuple[str, list[int], Indices]]:
        """Yields (shard, its rows, the indices they have here), by shard and row, ``BATCH_BYTES`` at most."""
        shard_rows = self._rows.column("shard_row").to_numpy()
        sizes = self._rows.column("byte_count").to_numpy()
        names = self._rows.column("shard").combine_chunks().dictionary_encode()
        codes = names.indices.to_numpy(zero_copy_only=False)
        ranks = np.argsort(np.argsort(np.array(names.dictionary.to_pylist(), dtype=object)))[codes]
        order = np.lexsort((shard_rows, ranks)).astype(np.int64)
        start, held = 0, 0
        for end in range(len(order) + 1):
            full = end < len(order) and (codes[order[end]] != codes[order[start]] or held + sizes[order[end]] > BATCH_BYTES)
            if end > start and (full or end == len(order)):
                batch = order[start:end]
                yield names.dictionary[int(codes[batch[0]])].as_py(), shard_rows[batch].tolist(), batch
                start, held = end, 0
            if end < len(order):
                held += int(sizes[order[end]])
