"""What changed from one release to another: pictures added, removed, relabelled, moved; classes; counts. No picture is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logoingest.errors import GateError, Problem
from logoingest.plain_json import shown_as
from logoingest.release.reading.loader import Release

_COLUMNS = ("image_id", "class_ids")


class Placed(NamedTuple):
    """A picture in one of the two releases: its split and its classes (several for a picture of several)."""

    image_id: str
    split: str
    class_ids: tuple[str, ...]


class Relabelled(NamedTuple):
    """A picture in both whose classes differ; ``split`` is today's."""

    image_id: str
    split: str
    before: tuple[str, ...]
    after: tuple[str, ...]


class Moved(NamedTuple):
    """A picture in both that changed its split: no honest release does that to an earlier one's reader."""

    image_id: str
    before: str
    after: str


class RenamedClass(NamedTuple):
    """A class in both whose display name differs."""

    class_id: str
    before: str
    after: str


class CountChange(NamedTuple):
    """Pictures of a class in a split, before and after; a picture of several classes counts for each."""

    class_id: str
    split: str
    before: int
    after: int


class SplitSizes(NamedTuple):
    """Pictures of a split, before and after."""

    before: int
    after: int


class ReleaseDiff(NamedTuple):
    """Everything that differs. Pictures are in order of image_id, classes in the order of the newer release's list."""

    before: str
    """Fingerprint of the older release."""
    after: str
    """Fingerprint of the newer release."""
    same: int
    """Pictures in both with the same classes and split."""
    added: list[Placed]
    removed: list[Placed]
    relabelled: list[Relabelled]
    moved: list[Moved]
    classes_added: list[str]
    classes_removed: list[str]
    classes_renamed: list[RenamedClass]
    labels_renumbered: int
    """Classes in both whose label, the number, differs: a model trained on the older release names them wrongly."""
    splits: dict[str, SplitSizes]
    counts: list[CountChange]
    """Classes and splits whose count differs."""
    columns_added: list[str]
    """Columns kept of the source that only the newer release has."""
    columns_removed: list[str]
    """Those that only the older one has."""

    @property
    @shown_as("empty")
    def is_empty(self) -> bool:
        """Whether the two hold the same pictures, classes, splits and columns (cards and lineage may differ)."""
        return not (
            self.added or self.removed or self.relabelled or self.moved or self.classes_added or self.classes_removed
            or self.classes_renamed or self.labels_renumbered or self.columns_added or self.columns_removed
        )  # fmt: skip


class _Rows(NamedTuple):
    """A release's pictures in order of image_id; ``classes`` are lists of positions in a class list that both releases share."""

    ids: pa.Array
    splits: pa.Array
    classes: pa.Array
    keys: pa.Array
    """``classes`` as text, to compare."""


def compare_releases(before: Release, after: Release) -> ReleaseDiff:
    """Compare two releases of any age and origin. Two columns of each are read: some 300 bytes a picture in memory.

    Raises:
        GateError: a data file is gone, damaged, or names a picture twice.
    """
    class_ids = list(dict.fromkeys([*after.class_ids, *before.class_ids]))
    old, new = _read_rows(before, class_ids), _read_rows(after, class_ids)
    places = pc.index_in(new.ids, value_set=old.ids)
    shared = pc.is_valid(places)
    kept = _take(new, pc.indices_nonzero(shared))
    earlier = _take(old, pc.drop_null(places))
    gone = pc.indices_nonzero(pc.invert(pc.is_in(old.ids, value_set=new.ids)))
    relabelled, moved = pc.not_equal(kept.keys, earlier.keys), pc.not_equal(kept.splits, earlier.splits)
    changed = pc.or_(relabelled, moved)
    old_names, new_names = _name_classes(before), _name_classes(after)
    return ReleaseDiff(
        before.fingerprint,
        after.fingerprint,
        len(kept.ids) - (pc.sum(changed).as_py() or 0),
        list(_list_placed(_take(new, pc.indices_nonzero(pc.invert(shared))), class_ids)),
        list(_list_placed(_take(old, gone), class_ids)),
        list(_list_relabelled(_filter(earlier, relabelled), _filter(kept, relabelled), class_ids)),
        list(_list_moved(_filter(earlier, moved), _filter(kept, moved))),
        [class_id for class_id in after.class_ids if class_id not in old_names],
        [class_id for class_id in before.class_ids if class_id not in new_names],
        [
            RenamedClass(class_id, old_names[class_id][1], name)
            for class_id, (_, name) in new_names.items()
            if class_id in old_names and old_names[class_id][1] != name
        ],
        sum(class_id in old_names and old_names[class_id][0] != label for class_id, (label, _) in new_names.items()),
        {split: SplitSizes(before.splits.get(split, 0), after.splits.get(split, 0)) for split in _join_splits(before, after)},
        _compare_counts(old, new, class_ids, _join_splits(before, after)),
        [name for name in after.kept_columns if name not in before.kept_columns],
        [name for name in before.kept_columns if name not in after.kept_columns],
    )


def _join_splits(before: Release, after: Release) -> list[str]:
    return list(dict.fromkeys([*after.splits, *before.splits]))


def _name_classes(release: Release) -> dict[str, tuple[int, str]]:
    names = zip(release.class_ids, release.display_names, strict=True)
    return {class_id: (label, name) for label, (class_id, name) in enumerate(names)}


def _read_rows(release: Release, class_ids: Sequence[str]) -> _Rows:
    known = pa.array(class_ids, pa.string())
    tables = [table for split in release.splits for table in _read_split(release, split, known)]
    schema = pa.schema([("image_id", pa.string()), ("classes", pa.list_(pa.int32())), ("split", pa.string())])
    table = pa.concat_tables([schema.empty_table(), *tables]).sort_by("image_id").combine_chunks()
    ids, splits, classes = (_one_array(table.column(name)) for name in ("image_id", "split", "classes"))
    if len(pc.unique(ids)) != len(ids):
        raise GateError(Problem(str(release.path), "names a picture twice", "check the release with: logoingest verify"))
    texts = pa.ListArray.from_arrays(classes.offsets, pc.cast(classes.values, pa.string()))
    return _Rows(ids, splits, classes, pc.binary_join(texts, ","))


def _read_split(release: Release, split: str, known: pa.Array) -> Iterator[pa.Table]:
    for path in release.files(split):
        try:
            with pq.ParquetFile(path) as file:
                table = file.read(columns=list(_COLUMNS)).combine_chunks()
            ids, lists = _one_array(table.column("image_id")), _one_array(table.column("class_ids"))
            numbers = pc.index_in(pc.list_flatten(lists), value_set=known)
            if numbers.null_count or ids.null_count or lists.null_count:
                raise pa.ArrowInvalid("a picture without image_id, or a class that the manifest does not know")
            lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
            classes = pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32()), numbers)
        except (OSError, KeyError, pa.ArrowException) as error:
            what = f"cannot be read ({error})"
            raise GateError(Problem(str(path), what, "check the release with: logoingest verify")) from error
        column = pa.array([split], pa.string()).take(pa.array(np.zeros(len(ids), np.int32)))
        yield pa.table({"image_id": ids.cast(pa.string()), "classes": classes, "split": column})


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    joined = column.combine_chunks()
    return joined if isinstance(joined, pa.Array) else pa.concat_arrays(joined.chunks)


def _take(rows: _Rows, indices: pa.Array) -> _Rows:
    return _Rows(*(column.take(indices) for column in rows))


def _filter(rows: _Rows, mask: pa.Array) -> _Rows:
    return _take(rows, pc.indices_nonzero(mask))


def _list_placed(rows: _Rows, class_ids: Sequence[str]) -> Iterator[Placed]:
    for image_id, split, classes in zip(*(column.to_pylist() for column in rows[:3]), strict=True):
        yield Placed(image_id, split, _name(classes, class_ids))


def _list_relabelled(old: _Rows, new: _Rows, class_ids: Sequence[str]) -> Iterator[Relabelled]:
    columns = (new.ids, new.splits, old.classes, new.classes)
    for image_id, split, before, after in zip(*(column.to_pylist() for column in columns), strict=True):
        yield Relabelled(image_id, split, _name(before, class_ids), _name(after, class_ids))


def _list_moved(old: _Rows, new: _Rows) -> Iterator[Moved]:
    yield from map(Moved, new.ids.to_pylist(), old.splits.to_pylist(), new.splits.to_pylist())


def _name(classes: Sequence[int], class_ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(class_ids[number] for number in classes)


def _compare_counts(old: _Rows, new: _Rows, class_ids: Sequence[str], splits: Sequence[str]) -> list[CountChange]:
    before, after = _count(old, splits, len(class_ids)), _count(new, splits, len(class_ids))
    rows, columns = np.nonzero(before != after)
    return [
        CountChange(class_ids[row], splits[column], int(before[row, column]), int(after[row, column]))
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    ]


def _count(rows: _Rows, splits: Sequence[str], classes: int) -> npt.NDArray[np.int64]:
    """Pictures by class (row) and split (column)."""
    ranks = pc.index_in(rows.splits, value_set=pa.array(splits, pa.string()))
    of_class = ranks.take(pc.list_parent_indices(rows.classes)).to_numpy(zero_copy_only=False)
    flat = pc.list_flatten(rows.classes).to_numpy(zero_copy_only=False)
    return np.bincount(flat.astype(np.int64) * len(splits) + of_class, minlength=classes * len(splits)).reshape(classes, -1)


def count_transitions(diff: ReleaseDiff) -> list[tuple[tuple[str, ...], tuple[str, ...], int]]:
    """(classes before, classes after, pictures), the most frequent first."""
    found = Counter((change.before, change.after) for change in diff.relabelled)
    return [(before, after, count) for (before, after), count in sorted(found.items(), key=lambda item: (-item[1], item[0]))]
