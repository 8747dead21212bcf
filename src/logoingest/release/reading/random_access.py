"""Any picture of a split in one small read.

A data file holds its pictures uncompressed, one after the other, each after its length. Parquet readers take in a whole row group to
give one picture; here the lengths of a group are read once, on its first use (see ``pages``), and from then on a picture is one
``pread``. A file that was rewritten otherwise (compressed, in another encoding …) is read group by group, with the last few kept.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from logoingest.errors import GateError, Problem
from logoingest.release.form.features import PICTURE_LEAF
from logoingest.release.reading.pages import locate_values

#: Row groups kept in memory of files whose pictures cannot be read one by one.
KEPT_GROUPS = 4


class PictureReader:
    """The pictures of some data files, as one sequence. Holds paths only when pickled; opens its files anew in every process."""

    def __init__(self, paths: Sequence[Path], kept_groups: int = KEPT_GROUPS) -> None:
        self.paths = [Path(path) for path in paths]
        self.kept_groups = kept_groups
        self._forget()

    def __reduce__(self) -> tuple[type[PictureReader], tuple[list[Path], int]]:
        return type(self), (self.paths, self.kept_groups)

    def __len__(self) -> int:
        self._open()
        return self._starts[-1]

    @property
    def group_starts(self) -> Sequence[int]:
        """The first row of every row group, over all files; at the end the number of rows."""
        self._open()
        return tuple(self._starts)

    def close(self) -> None:
        """Close the files; the next read opens them again."""
        for file in self._files:
            file.close()
        self._forget()

    def read(self, row: int) -> bytes:
        """The picture of a row.

        Raises:
            IndexError: there is no such row.
            GateError: a data file is gone or damaged.
        """
        self._open()
        if not 0 <= row < self._starts[-1]:
            raise IndexError(row)
        group = bisect_right(self._starts, row) - 1
        within = row - self._starts[group]
        if group not in self._places:
            handle, number = self._groups[group]
            self._places[group] = self._files[handle].locate_pictures(number)
        places = self._places[group]
        if places is None:
            return bytes(self._read_group(group)[within].as_py())
        handle, _ = self._groups[group]
        offset, length = places[within]
        picture = os.pread(self._files[handle].fileno(), int(length), int(offset))
        if len(picture) != length:
            raise self._explain(handle, "is shorter than it was")
        return picture

    def _forget(self) -> None:
        self._process = -1
        self._files: list[_DataFile] = []
        self._groups: list[tuple[int, int]] = []
        self._starts: list[int] = [0]
        self._places: dict[int, npt.NDArray[np.int64] | None] = {}
        self._kept: OrderedDict[int, pa.BinaryArray] = OrderedDict()

    def _open(self) -> None:
        """Open the files in this process: what a parent opened before a fork is not used."""
        if self._process == os.getpid():
            return
        self._forget()
        for index, path in enumerate(self.paths):
            try:
                file = _DataFile(path)
            except (OSError, pa.ArrowException) as error:
                raise self._explain(index, f"cannot be opened ({error})") from error
            self._files.append(file)
            footer = file.parquet.metadata
            self._groups += [(index, group) for group in range(footer.num_row_groups)]
            for group in range(footer.num_row_groups):
                self._starts.append(self._starts[-1] + footer.row_group(group).num_rows)
        self._process = os.getpid()

    def _read_group(self, group: int) -> pa.BinaryArray:
        if group in self._kept:
            self._kept.move_to_end(group)
            return self._kept[group]
        handle, number = self._groups[group]
        try:
            pictures = self._files[handle].read_pictures(number)
        except (OSError, pa.ArrowException) as error:
            raise self._explain(handle, f"row group {number} cannot be read ({error})") from error
        self._kept[group] = pictures
        while len(self._kept) > self.kept_groups:
            self._kept.popitem(last=False)
        return pictures

    def _explain(self, index: int, what: str) -> GateError:
        return GateError(Problem(str(self.paths[index]), what, "check the release with: logoingest verify"))


class _DataFile:
    """An open data file: as Parquet, and as bytes."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.parquet = pq.ParquetFile(self._file)

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()

    def read_pictures(self, group: int) -> pa.BinaryArray:
        column = self.parquet.read_row_group(group, columns=[PICTURE_LEAF]).column("image").combine_chunks()
        if column.null_count or column.field("bytes").null_count:
            raise pa.ArrowInvalid("a picture is missing")
        return column.field("bytes")

    def locate_pictures(self, group: int) -> npt.NDArray[np.int64] | None:
        """Offset in the file and length of every picture; None when they do not lie there as they are."""
        footer = self.parquet.metadata.row_group(group)
        chunk = next(
            column for index in range(footer.num_columns) if (column := footer.column(index)).path_in_schema == PICTURE_LEAF
        )
        if chunk.compression != "UNCOMPRESSED" or chunk.has_dictionary_page:
            return None
        start = chunk.data_page_offset
        return locate_values(self.fileno(), start, start + chunk.total_compressed_size, footer.num_rows)
