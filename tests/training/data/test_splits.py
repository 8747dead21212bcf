"""Reading the splits of a release, and cutting them into folds."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.errors import GateError, UsageError
from logoingest.release.reading.loader import open_folder
from logoingest.training.data.pictures import open_pictures
from logoingest.training.data.splits import Fold, Split, cut_folds, read_split, read_splits


def read_bytes(split):
    with open_pictures(split, kept_groups=1) as reader:
        return [reader.read(int(row)) for row in split.row]


def test_splits_span_files_and_row_groups(make_release, splits):
    """Every picture is found again whatever files and row groups it lies in, alone or with another split behind it."""
    release = open_folder(make_release(splits, files=2, row_group=5))
    for name, rows in splits.items():
        split = read_splits(release).splits[name]
        assert split.label.tolist() == [label for _, label in rows]
        assert read_bytes(split) == [data for data, _ in rows]
    both = read_split(release, "train", "validation")
    assert read_bytes(both) == [data for name in ("train", "validation") for data, _ in splits[name]]
    assert len(set(both.row_group.tolist())) == sum(
        -(-len(part) // 5) for name in ("train", "validation") for part in np.array_split(splits[name], 2)
    )


def test_some_pictures_of_a_split_are_a_split(make_release, splits):
    """In the order asked for."""
    split = read_split(open_folder(make_release(splits, row_group=3)), "train").select(np.array([9, 2, 30]))
    assert read_bytes(split) == [splits["train"][row][0] for row in (9, 2, 30)]


def test_pictures_of_several_classes_are_left_out(make_release, splits):
    """Label -1 says several classes: no row of a training."""
    mixed = {**splits, "train": [(data, -1 if row == 0 else label) for row, (data, label) in enumerate(splits["train"])]}
    split = read_split(open_folder(make_release(mixed)), "train")
    assert len(split) == len(mixed["train"]) - 1
    assert read_bytes(split)[0] == mixed["train"][1][0]


def test_a_missing_split_is_empty(make_release, splits):
    """A release without validation pictures is read as one."""
    release = open_folder(make_release({"train": splits["train"], "test": splits["test"]}))
    assert len(read_splits(release).splits["validation"]) == 0


def test_label_out_of_range_is_refused(make_release, splits):
    """Label 7 of 4 classes is no class, whoever wrote it."""
    release = open_folder(make_release({**splits, "test": [(splits["test"][0][0], 7)]}))
    with pytest.raises(GateError, match="label 7 of 4 classes"):
        read_splits(release)


def test_a_file_that_is_no_parquet_is_named(make_release, splits, drawing):
    """A damaged file is named."""
    folder = make_release(splits)
    (folder / "data" / "test-00000-of-00001.parquet").write_bytes(b"nonsense")
    drawing["manifest"](folder, {name: len(rows) for name, rows in splits.items()}, "abcd")
    with pytest.raises(GateError, match="test-00000"):
        read_splits(open_folder(folder))


def draw_split(name, rows):
    labels, groups = (np.array([row[part] for row in rows]) for part in (0, 1))
    count = np.arange(len(rows))
    ids = tuple(f"{name}{row}" for row in count)
    return Split(name, (), count, count, labels, ids, tuple(None if group == 0 else f"g{group}" for group in groups))


rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=8, max_size=60)


@given(rows, rows, st.integers(2, 5), st.integers(0, 3))
def test_a_fold_never_divides_a_group_and_every_picture_is_held_out_once(train, validation, count, seed):
    """Over all folds every picture of train and validation validates once, always with its whole group; equal seeds cut equally."""
    parts = {"train": draw_split("train", train), "validation": draw_split("validation", validation)}
    groups = np.array([group for part in parts.values() for group in part.groups])
    pool = SimpleNamespace(groups=groups.tolist())
    if len(set(groups)) < count:
        with pytest.raises(UsageError, match="no more than there are groups"):
            cut_folds(parts, count, seed)
        return
    folds = cut_folds(parts, count, seed)
    assert folds == cut_folds(parts, count, seed)
    times = np.zeros(len(groups), dtype=int)
    for fold in folds:
        learned, held_out = fold.divide(pool)
        assert not set(groups[learned]) & set(groups[held_out])
        assert sorted([*learned, *held_out]) == list(range(len(groups)))
        times[held_out] += 1
    assert (times == 1).all()


def test_what_a_fold_leaves_out_is_neither_learned_from_nor_held_out(make_release, splits):
    """A training on a share of the pictures."""
    pool = read_split(open_folder(make_release(splits, groups=True)), "train", "validation")
    fold = Fold(0, frozenset(pool.groups[:3]), frozenset(pool.groups[5:9]))
    learned, held_out = fold.divide(pool)
    assert held_out.tolist() == [0, 1, 2]
    assert learned.tolist() == [3, 4, *range(9, len(pool))]
