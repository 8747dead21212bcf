"""The pictures of a release on their way from the order of the downloads to the order of the release.

Downloads lie in the order of URLs, a release in the order of image_id: the pictures are written once, in the order they come, to a
file without a name, and read back one by one. Memory is bounded by ``BATCH_BYTES``, the disk holds the pictures twice for a while.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logoingest.errors import LogoingestError, Problem

#: Reads the image bytes of some rows of one download shard.
BytesLoader = Callable[[str, Sequence[int]], Sequence[bytes]]

#: Pictures asked for in one go: their sum of bytes at most (one larger picture comes alone).
BATCH_BYTES = 134_217_728


class Spool:
    """Pictures by their row number in ``rows`` (columns image_id, shard, shard_row, byte_count); use it as a context manager."""

    def __init__(self, folder: Path, rows: pa.Table) -> None:
        self._rows = rows
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # lives as long as the spool; never has a name
        self._offsets = np.zeros(rows.num_rows, np.int64)
        self.lengths = np.zeros(rows.num_rows, np.int64)
        """Bytes of each picture."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def fill(self, load_bytes: BytesLoader) -> None:
        """Take in every picture, each shard read once and in order.

        Raises:
            LogoingestError: a picture is missing, or its bytes are not those its image_id was made of.
        """
        image_ids = self._rows.column("image_id")
        position = 0
        for shard, rows, batch in self._batches():
            expected = image_ids.take(pa.array(batch)).to_pylist()
            for index, row, image_id, picture in zip(batch, rows, expected, load_bytes(shard, rows), strict=True):
                if hashlib.sha256(picture).hexdigest() != image_id:
                    what = f"does not hold the picture {image_id}"
                    raise LogoingestError(Problem(f"{shard} row {row}", what, "run fetch and images again"))
                self._file.write(picture)
                self._offsets[index], self.lengths[index] = position, len(picture)
                position += len(picture)
        self._file.flush()

    def read(self, index: int) -> bytes:
        """The picture of a row."""
        return os.pread(self._file.fileno(), int(self.lengths[index]), int(self._offsets[index]))

    def _batches(self) -> Iterator[tuple[str, list[int], npt.NDArray[np.int64]]]:
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
