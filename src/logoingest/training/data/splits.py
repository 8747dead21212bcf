"""What a training reads of a release: the single-class pictures of its splits, and how train and validation are cut into folds.

Everything is read through the release's own readers. No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logoingest.config.sections import PLAIN_SPLITS
from logoingest.errors import GateError, Problem
from logoingest.release.form.features import SEVERAL
from logoingest.release.reading.loader import Release
from logoingest.release.reading.random_access import PictureReader
from logoingest.splits import deal_folds

#: What a training reads: it learns from train, stops early by validation, scores on test. Other splits are never opened.
SPLITS = PLAIN_SPLITS
#: The splits whose groups are dealt out to folds; test stays what it is.
FOLDED_SPLITS = ("train", "validation")
_COLUMNS = ("label", "image_id", "group_id")

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """The single-class pictures of one split, in file order; all arrays are as long as there are pictures."""

    name: str
    files: tuple[Path, ...]
    row: Rows
    """Row in the files, counted through from the first one."""
    row_group: Rows
    """Row group, counted in the same way."""
    label: Rows
    image_id: tuple[str, ...]
    group_id: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def groups(self) -> list[str]:
        """What must stay together: the near-duplicate group of every picture, its image_id where it has none."""
        return [group or image for group, image in zip(self.group_id, self.image_id, strict=True)]

    def select(self, places: Rows) -> Split:
        """Some of the pictures, in the order given."""
        ids, groups = (tuple(values[place] for place in places.tolist()) for values in (self.image_id, self.group_id))
        return replace(
            self,
            row=self.row[places],
            row_group=self.row_group[places],
            label=self.label[places],
            image_id=ids,
            group_id=groups,
        )


class ReleasedSplits(NamedTuple):
    """The class_id of each label, the splits by name, and further splits of the release, which are not opened."""

    class_ids: tuple[str, ...]
    splits: Mapping[str, Split]
    unread: tuple[str, ...] = ()


class Grouped(Protocol):
    """Pictures, each in a group that must stay together."""

    @property
    def groups(self) -> Sequence[str]:
        """Of every picture."""
        ...


class Fold(NamedTuple):
    """Which groups of train and validation are held out: they validate, all others are learned from."""

    number: int
    held_out: frozenset[str]
    left_out: frozenset[str] = frozenset()
    """Neither learned from nor held out: what a training on a share of the pictures does without."""

    def divide(self, pool: Grouped) -> tuple[Rows, Rows]:
        """(places that are learned from, places held out), rising."""
        held_out, left_out = (
            np.array([group in groups for group in pool.groups], dtype=bool) for groups in (self.held_out, self.left_out)
        )
        return np.flatnonzero(~(held_out | left_out)), np.flatnonzero(held_out)


def read_splits(release: Release) -> ReleasedSplits:
    """Read labels and ids of train, validation and test; pictures of several classes are left out, no picture is read.

    Raises:
        GateError: a file is gone or damaged, or a label is out of range.
    """
    unread = tuple(sorted(set(release.splits) - set(SPLITS)))
    return ReleasedSplits(tuple(release.class_ids), {name: read_split(release, name) for name in SPLITS}, unread)


def read_split(release: Release, *names: str, several: bool = False) -> Split:
    """One split, or several behind one another as one; those that the release lacks have no pictures.

    Args:
        release: an opened release.
        names: of the splits.
        several: keep pictures of several classes; their label is -1.

    Raises:
        GateError: as ``read_splits``.
    """
    there = [name for name in names if name in release.splits]
    files = tuple(path for name in there for path in release.files(name))
    tables = [release.to_arrow(name, _COLUMNS) for name in there]
    label = _join(tables, "label").astype(np.int64)
    class_count, title = len(release.class_ids), " and ".join(names)
    wrong = label[(label < SEVERAL) | (label >= class_count)]
    if len(wrong):
        raise GateError(Problem(title, f"label {wrong[0]} of {class_count} classes", "the release was edited by hand: run verify"))
    row = np.flatnonzero((label != SEVERAL) | several).astype(np.int64)
    image_id, group_id = (tuple(_join(tables, column)[row].tolist()) for column in ("image_id", "group_id"))
    reader = PictureReader(files)
    row_group = np.searchsorted(np.array(reader.group_starts), row, side="right") - 1
    reader.close()
    return Split(title, files, row, row_group.astype(np.int64), label[row], image_id, group_id)


def cut_folds(splits: Mapping[str, Split], count: int, seed: int = 0) -> list[Fold]:
    """Deal the groups of train and validation out to so many folds by the laws of the splits (``logoingest.splits.deal_folds``).

    Args:
        splits: as ``read_splits`` gives them.
        count: folds, at least 2.
        seed: which of the many ways.

    Raises:
        UsageError: there are fewer groups than folds.
    """
    parts = [splits[name] for name in FOLDED_SPLITS]
    groups = [group for part in parts for group in part.groups]
    labels = [f"{label:06}" for part in parts for label in part.label.tolist()]
    return [Fold(number, held_out) for number, held_out in enumerate(deal_folds(groups, labels, count, seed))]


def _join(tables: Sequence[pa.Table], column: str) -> npt.NDArray[np.generic]:
    if not tables:
        return np.zeros(0, dtype=object if column != "label" else np.int64)
    return np.concatenate([table.column(column).to_numpy() for table in tables])
