"""Votes in one fixed order, so that every sum over them is the same to the last bit, and sums by cell, item, class and worker."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.integer]
Indices = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


def sum_by(index: Indices, values: Floats, length: int) -> Floats:
    """Values summed by an index from 0 to length - 1."""
    return np.bincount(index, weights=values, minlength=length).astype(np.float64, copy=False)


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes in a fixed order. A *cell* is an item with a class somebody named for it; cells are sorted by both."""

    items: Integers
    workers: Integers
    vote_item: Indices
    vote_worker: Indices
    vote_cell: Indices
    cell_item: Indices
    cell_class: Indices
    first_cell: Indices
    item_votes: Integers
    cell_votes: Integers
    worker_votes: Integers
    n_classes: int

    def sum_cells(self, values: Floats) -> Floats:
        """A value a vote, summed over each cell."""
        return sum_by(self.vote_cell, values, len(self.cell_item))

    def sum_workers(self, values: Floats) -> Floats:
        """A value a vote, summed over each worker."""
        return sum_by(self.vote_worker, values, len(self.workers))

    def sum_classes(self, values: Floats) -> Floats:
        """A value a cell, summed over each class."""
        return sum_by(self.cell_class, values, self.n_classes)

    def sum_items(self, values: Floats) -> Floats:
        """A value a cell, summed over each item."""
        return sum_by(self.cell_item, values, len(self.items))


def order_votes(items: Integers, workers: Integers, classes: Integers, n_classes: int) -> Votes:
    """Sort votes by item, class and worker; every negative worker becomes the one -1.

    Raises:
        ValueError: arrays of unequal length, or a class outside 0 to n_classes - 1.
    """
    items, workers, classes = np.asarray(items), np.asarray(workers), np.asarray(classes)
    if not len(items) == len(workers) == len(classes):
        raise ValueError(f"{len(items)} items, {len(workers)} workers and {len(classes)} classes are not one entry a vote")
    if len(classes) and not (classes.min() >= 0 and classes.max() < n_classes):
        raise ValueError(f"classes {classes.min()} to {classes.max()} don't fit 0 to {n_classes - 1}")
    item_ids, item = _compact(items)
    worker_ids, worker = _compact(np.maximum(workers, -1))
    item, class_, worker = _sort_together((item, len(item_ids)), (classes.astype(np.intp), n_classes), (worker, len(worker_ids)))
    new_cell = np.ones(len(item), bool)
    new_cell[1:] = (item[1:] != item[:-1]) | (class_[1:] != class_[:-1])
    vote_cell = np.cumsum(new_cell) - 1
    cell_item, cell_class = item[new_cell], class_[new_cell]
    new_item = np.ones(len(cell_item), bool)
    new_item[1:] = cell_item[1:] != cell_item[:-1]
    return Votes(
        items=item_ids,
        workers=worker_ids,
        vote_item=item,
        vote_worker=worker,
        vote_cell=vote_cell,
        cell_item=cell_item,
        cell_class=cell_class,
        first_cell=np.flatnonzero(new_item),
        item_votes=np.bincount(item, minlength=len(item_ids)),
        cell_votes=np.bincount(vote_cell, minlength=len(cell_item)),
        worker_votes=np.bincount(worker, minlength=len(worker_ids)),
        n_classes=n_classes,
    )


def _compact(values: Integers) -> tuple[Integers, Indices]:
    """Distinct values ascending, and the place of each value among them; without sorting where the range is small."""
    if len(values) == 0 or int(values.max()) - int(values.min()) > 8 * len(values):
        return np.unique(values, return_inverse=True)
    shifted = values.astype(np.int64) - values.min()
    there = np.zeros(int(shifted.max()) + 1, bool)
    there[shifted] = True
    return (np.flatnonzero(there) + values.min()).astype(values.dtype), (np.cumsum(there) - 1)[shifted]


def count_distinct(values: Indices) -> tuple[Indices, Indices]:
    """Distinct values ascending, and how often each is there."""
    return np.unique(values, return_counts=True)  # asked for counts, numpy sorts; not asked, it hashes, which is far slower


def is_among(values: Indices, among: Indices) -> npt.NDArray[np.bool_]:
    """Whether each value is one of ``among``, which ascends."""
    if len(among) == 0:
        return np.zeros(len(values), bool)
    place = np.minimum(np.searchsorted(among, values), len(among) - 1)
    return np.asarray(among[place] == values)


def _sort_together(*columns: tuple[Indices, int]) -> tuple[Indices, ...]:
    """Rows sorted by the columns in turn, each given with its number of values; packed into one integer where that holds."""
    sizes = [max(size, 1) for _, size in columns]
    if math.prod(sizes) >= 2**62:
        order = np.lexsort([column for column, _ in reversed(columns)])
        return tuple(column[order] for column, _ in columns)
    packed = np.zeros(len(columns[0][0]), np.int64)
    for (column, _), size in zip(columns, sizes, strict=True):
        packed = packed * size + column
    packed.sort()
    unpacked: list[Indices] = []
    for size in reversed(sizes):
        packed, column = np.divmod(packed, size)
        unpacked.append(column.astype(np.intp))
    return tuple(reversed(unpacked))


def measure_frequencies(votes: Votes) -> Floats:
    """How often each class is answered, as a share; no class is at nought."""
    counts = votes.sum_classes(votes.cell_votes.astype(np.float64)) + 0.5
    return np.asarray(counts / counts.sum(), np.float64)


def logit(share: Floats) -> Floats:
    """Log odds, within those of one in a million."""
    share = np.clip(share, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(share / (1 - share)), np.float64)


def squash(score: Floats) -> Floats:
    """Log odds back to a share."""
    return np.asarray(1 / (1 + np.exp(-np.clip(score, -50, 50))), np.float64)


def normalise(evidence: Floats, others: Floats, cell_item: Indices, first_cell: Indices) -> tuple[Floats, Floats]:
    """Log evidence a cell, and for all classes nobody named → (log of the whole an item, probability a cell)."""
    if len(evidence) == 0:
        return np.zeros(0), evidence
    peak = np.maximum(np.maximum.reduceat(evidence, first_cell), others)
    mass = np.exp(evidence - peak[cell_item])
    whole = np.add.reduceat(mass, first_cell) + np.exp(others - peak)
    return peak + np.log(whole), mass / whole[cell_item]
