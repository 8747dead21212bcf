"""A release as torch datasets. This module alone of the release imports torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import torch.distributed
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from logoingest.errors import GateError, Problem, UsageError
from logoingest.pictures.loading import load_picture
from logoingest.release.form.features import PICTURE_LEAF
from logoingest.release.form.notebook import SHOWN_CLASSES, render_table, show_text
from logoingest.release.reading.random_access import PictureReader

Transform = Callable[[Any], Any]

Image.preinit()  # here, so that not every forked worker imports the common decoders anew


class _Labelled:
    """What a dataset says of its classes, in torchvision's words too."""

    class_ids: list[str]

    @property
    def classes(self) -> list[str]:
        """The class of each label: its class_id."""
        return self.class_ids

    @property
    def class_to_idx(self) -> dict[str, int]:
        """class_id → label."""
        return {class_id: label for label, class_id in enumerate(self.class_ids)}

    def _describe(self, count: int, paths: Sequence[Path]) -> str:
        where = show_text(str(paths[0])) + (f" and {len(paths) - 1:,} more" if paths[1:] else "") if paths else "no file"
        return f"<{type(self).__name__}: {count:,} pictures, {len(self.class_ids):,} classes; {where}>"


class ReleaseDataset(_Labelled, Dataset[tuple[Any, int]]):
    """Map-style: ``dataset[i]`` is (picture, label), any order, any number of workers. Pickled it is paths and the transform.

    ``labels``, ``targets``, ``image_ids``, ``confidences``, ``weights`` and ``boxes`` are in the order of the items.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        class_ids: Sequence[str],
        transform: Transform | None = None,
        *,
        keep_multi_class: bool = False,
    ) -> None:
        self.class_ids = list(class_ids)
        self.transform = transform
        self.keep_multi_class = keep_multi_class
        self._reader = PictureReader(paths)
        self._items: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None = None
        self._image_ids: list[str] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_items": None, "_image_ids": None}

    def __repr__(self) -> str:
        return self._describe(len(self), self._reader.paths)

    def _repr_html_(self) -> str:
        """What a notebook shows: the pictures of every class."""
        counts = np.bincount(self.labels + 1, minlength=len(self.class_ids) + 1).tolist()
        rows = [(str(label), name, counts[label + 1]) for label, name in enumerate(self.class_ids[:SHOWN_CLASSES])]
        if counts[0]:
            rows.append(("-1", "several classes", counts[0]))
        return render_table(f"{len(self):,} pictures", ("label", "class", "pictures"), rows, len(self.class_ids) - SHOWN_CLASSES)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        rows, labels = self._find_rows()
        label = int(labels[index])
        return self._decode(int(rows[index])), label

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The label of every item, in order; no picture is read for it."""
        return self._find_rows()[1]

    @property
    def targets(self) -> list[int]:
        """The same as a list, under torchvision's name."""
        return [int(label) for label in self.labels]

    @property
    def image_ids(self) -> list[str]:
        """The image_id of every item, in order: ``dataset.image_ids[i]`` is that of ``dataset[i]``."""
        if self._image_ids is None:
            self._image_ids = self._read_items("image_id")
        return self._image_ids

    @property
    def confidences(self) -> npt.NDArray[np.float64]:
        """How sure the votes are of every item's class, 0 to 1, in order. Read anew each time; no picture is read."""
        return np.array(self._read_items("confidence"), np.float64)

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """The confidences divided by their mean: weights of a loss, or of a ``WeightedRandomSampler``, that leave its scale."""
        confidences = self.confidences
        return confidences / confidences.mean() if confidences.any() else np.ones(len(confidences))

    @property
    def boxes(self) -> list[list[dict[str, Any]]]:
        """The boxes of every item, in order: label, bbox as [x, y, width, height] in pixels, truncated, attributes.

        Read anew each time; no picture is read.
        """
        return [boxes or [] for boxes in self._read_items("boxes")]

    def _read_items(self, column: str) -> list[Any]:
        stored = [value for path in self._reader.paths for value in _read_column(path, column).to_pylist()]
        return [stored[row] for row in self._find_rows()[0].tolist()]

    def _find_rows(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The row of every item in the files, and its label."""
        if self._items is None:
            stored = np.concatenate([np.zeros(0, np.int64), *(_read_labels(path) for path in self._reader.paths)])
            rows = np.arange(len(stored)) if self.keep_multi_class else np.flatnonzero(stored >= 0)
            self._items = rows.astype(np.int64), stored[rows]
        return self._items

    def _decode(self, row: int) -> Any:
        return _apply(self.transform, self._reader.read(row), f"row {row} of {self._reader.paths[0].parent}")


class ReleaseStream(_Labelled, IterableDataset[tuple[Any, int]]):
    """Iterable: every rank gets its share of the pictures, every worker of it a part; see ``Release.iterable``."""

    def __init__(
        self,
        paths: Sequence[Path],
        class_ids: Sequence[str],
        transform: Transform | None = None,
        *,
        shuffle_buffer: int = 1000,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        drop_remainder: bool = False,
        keep_multi_class: bool = False,
    ) -> None:
        self.class_ids = list(class_ids)
        self.transform = transform
        self.keep_multi_class = keep_multi_class
        self.paths = list(paths)
        self.shuffle_buffer = shuffle_buffer
        self.seed = seed
        self.rank, self.world_size = _find_rank(rank, world_size)
        self.drop_remainder = drop_remainder
        self._epoch = torch.zeros(1, dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]  # workers that outlive an epoch see it too

    def __repr__(self) -> str:
        return self._describe(len(self), self.paths)

    def set_epoch(self, epoch: int) -> None:
        """Another epoch gives another order; tell every rank the same."""
        self._epoch[0] = epoch

    def __len__(self) -> int:
        """Pictures of this rank in an epoch, over all its workers."""
        start, stop = self._find_share(sum(len(rows) for _, _, rows in self._list_groups()))
        return stop - start

    def __iter__(self) -> Iterator[tuple[Any, int]]:
        worker = get_worker_info()
        number, count = (0, 1) if worker is None else (worker.id, worker.num_workers)
        epoch = int(self._epoch[0])
        groups = self._list_groups()
        if self.shuffle_buffer:
            groups = [groups[index] for index in np.random.default_rng([self.seed, epoch]).permutation(len(groups))]
        first, last = self._find_share(sum(len(rows) for _, _, rows in groups))
        start, stop = (first + (last - first) * part // count for part in (number, number + 1))
        pictures = self._read(groups, start, stop)
        if self.shuffle_buffer:
            pictures = _shuffle(pictures, self.shuffle_buffer, np.random.default_rng([self.seed, epoch, self.rank, number]))
        for data, label, where in pictures:
            yield _apply(self.transform, data, where), label

    def _find_share(self, total: int) -> tuple[int, int]:
        """The first picture of this rank and the one after its last, of ``total`` laid end to end."""
        if self.drop_remainder:
            total -= total % self.world_size
        return total * self.rank // self.world_size, total * (self.rank + 1) // self.world_size

    def _list_groups(self) -> list[tuple[Path, int, npt.NDArray[np.int64]]]:
        """Every row group: its file, its number there, the rows of it that count."""
        groups = []
        for path in self.paths:
            labels = _read_labels(path)
            footer = pq.read_metadata(path)
            start = 0
            for number in range(footer.num_row_groups):
                stop = start + footer.row_group(number).num_rows
                rows = np.arange(stop - start) if self.keep_multi_class else np.flatnonzero(labels[start:stop] >= 0)
                groups.append((path, number, rows.astype(np.int64)))
                start = stop
        return groups

    def _read(
        self, groups: Sequence[tuple[Path, int, npt.NDArray[np.int64]]], start: int, stop: int
    ) -> Iterator[tuple[bytes, int, str]]:
        """Yields (bytes, label, where) of the rows ``start`` to ``stop`` of the groups laid end to end."""
        passed = 0
        for path, number, rows in groups:
            chosen = rows[max(start - passed, 0) : max(stop - passed, 0)]
            passed += len(rows)
            if not len(chosen):
                continue
            try:
                table = pq.ParquetFile(path).read_row_group(number, columns=[PICTURE_LEAF, "label"])
            except (OSError, pa.ArrowException) as error:
                raise _explain(path, f"row group {number} cannot be read ({error})") from error
            pictures = table.column("image").combine_chunks().field("bytes")
            labels = _to_numbers(path, table.column("label"))
            for row in chosen:
                yield pictures[row].as_py(), int(labels[row]), f"{path}, row {row} of row group {number}"


def _shuffle(items: Iterator[tuple[bytes, int, str]], size: int, random: np.random.Generator) -> Iterator[tuple[bytes, int, str]]:
    """Each item leaves the buffer at a random moment after it came in."""
    buffer: list[tuple[bytes, int, str]] = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        place = int(random.integers(size))
        buffer[place], item = item, buffer[place]  # noqa: PLW2901  # the one that was there leaves
        yield item
    for place in random.permutation(len(buffer)):
        yield buffer[place]


def _find_rank(rank: int | None, world_size: int | None) -> tuple[int, int]:
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    if world_size is None:
        world_size = torch.distributed.get_world_size() if distributed else 1
    if rank is None:
        rank = torch.distributed.get_rank() if distributed else 0
    if not 0 <= rank < world_size:
        raise UsageError(Problem(f"rank {rank}", f"is not one of {world_size}", "ranks count from 0"))
    return rank, world_size


def _read_labels(path: Path) -> npt.NDArray[np.int64]:
    return _to_numbers(path, _read_column(path, "label"))


def _to_numbers(path: Path, column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """A column as numbers; by DLPack, since pyarrow's own ``to_numpy`` imports pandas, in every worker."""
    try:
        return np.from_dlpack(column.combine_chunks()).astype(np.int64)
    except pa.ArrowException as error:  # a label is missing, or no number
        raise _explain(path, f"has labels that cannot be read ({error})") from error


def _read_column(path: Path, name: str) -> pa.ChunkedArray:
    try:
        return pq.ParquetFile(path).read(columns=[name]).column(name)
    except (OSError, KeyError, pa.ArrowException) as error:
        raise _explain(path, f"cannot be read ({error})") from error


def _apply(transform: Transform | None, data: bytes, where: str) -> Any:
    try:
        picture = load_picture(data)
    except ValueError as error:
        raise GateError(Problem(where, f"cannot be decoded ({error})", "check the release with: logoingest verify")) from error
    return picture if transform is None else transform(picture)


def _explain(path: Path, what: str) -> GateError:
    return GateError(Problem(str(path), what, "check the release with: logoingest verify"))
