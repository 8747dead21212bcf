"""Decoded pictures that processes share."""

from __future__ import annotations

import numpy as np
import pytest

from logoingest.release.reading.loader import open_folder
from logoingest.training.data.decoded_files import map_decoded
from logoingest.training.data.feeds import hold_pictures
from logoingest.training.data.splits import read_split


def test_the_second_one_decodes_nothing_and_sees_the_same(make_release, splits, tmp_path):
    """What one process decoded is what another maps; the pixels are those that are kept in memory otherwise."""
    split = read_split(open_folder(make_release(splits)), "train")
    plain = hold_pictures(split, 24, 1).cache
    first = hold_pictures(split, 24, 1, cache_dir=tmp_path / "decoded").cache
    told: list[int] = []
    second = hold_pictures(split, 24, 1, cache_dir=tmp_path / "decoded", on_progress=lambda done, _: told.append(done)).cache
    assert told == []
    assert (plain == first).all()
    assert (plain == second).all()


def test_writing_into_them_reaches_nobody_else(make_release, splits, tmp_path):
    """Each process has its own view of the file."""
    split = read_split(open_folder(make_release(splits)), "test")
    mine = map_decoded(tmp_path, split, 8, lambda array: array.fill(7))
    mine[:] = 9
    assert (map_decoded(tmp_path, split, 8, lambda array: array.fill(1)) == 7).all()


def test_a_picture_that_cannot_be_decoded_leaves_no_file(make_release, splits, tmp_path):
    """The next one begins anew: a file is whole or not there."""
    split = read_split(open_folder(make_release(splits)), "test")

    def fail(_array: np.ndarray) -> None:
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        map_decoded(tmp_path, split, 8, fail)
    assert list(tmp_path.glob("*.u8")) == []
    assert (map_decoded(tmp_path, split, 8, lambda array: array.fill(3)) == 3).all()
