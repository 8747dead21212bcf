"""Orders, batches and random changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from logoingest.release.reading.loader import open_folder
from logoingest.training.data.augmentation import augment_batch
from logoingest.training.data.feeds import (
    balance_counts,
    choose_spread_rows,
    cut_batches,
    hold_pictures,
    make_feed,
    place_on_device,
    plan_order,
)
from logoingest.training.data.splits import read_split

CPU = torch.device("cpu")


@given(st.integers(2, 400), st.integers(2, 64))
def test_batches_hold_every_row_once_and_none_alone(count, size):
    """No batch is larger than asked, but for one picture that would be left alone, which BatchNorm cannot take."""
    batches = cut_batches(np.arange(count), size)
    assert np.concatenate(batches).tolist() == list(range(count))
    assert max(map(len, batches)) <= size + (size == 2)
    assert min(map(len, batches)) >= max(2, max(map(len, batches)) - 1)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=80), st.integers(1, 4), st.integers(0, 99))
def test_a_shuffled_epoch_reads_few_row_groups_at_once(units, window, seed):
    """Every row comes once, and a window of rows touches no more row groups than it may."""
    unit = np.unique(np.sort(units), return_inverse=True)[1]
    order = plan_order(unit, window, np.random.default_rng(seed), None)
    assert sorted(order.tolist()) == list(range(len(unit)))
    place = np.random.default_rng(seed).permutation(unit.max() + 1)[unit[order]] // window
    assert (np.diff(place) >= 0).all()


@given(st.lists(st.sampled_from([0, 0, 0, 0, 1, 3]), min_size=2, max_size=60), st.integers(0, 9))
def test_balancing_brings_every_class_about_equally_often(labels, seed):
    """No class that is there goes missing, and rare classes come as often as common ones, within one draw a row."""
    label = np.array(labels)
    counts = balance_counts(label, np.random.default_rng(seed))
    share = len(label) / len(np.unique(label))
    for value in np.unique(label):
        assert abs(counts[label == value].sum() - share) <= (label == value).sum()


def test_one_row_of_each_class_comes_first():
    """A small batch for a control shows as many classes as it can."""
    labels = np.array([0] * 50 + [1, 2, 3])
    assert set(labels[choose_spread_rows(labels, 4, np.random.default_rng(0))]) == {0, 1, 2, 3}


@pytest.mark.parametrize("places", [None, np.arange(50, 3, -2)])
def test_streamed_and_cached_pictures_are_the_same(make_release, splits, places):
    """A split that does not fit into memory serves what one that does would, in its own order."""
    split = read_split(open_folder(make_release(splits, row_group=3)), "train")
    held = [hold_pictures(split, 40, workers=2, budget=budget) for budget in (10**9, 0)]
    assert [pictures.cache is None for pictures in held] == [False, True]
    cached, streamed = (make_feed(pictures, 32, CPU, "light", places) for pictures in held)
    batches = streamed.plan(8, np.random.default_rng(0))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(streamed.labels)))
    assert streamed.labels.tolist() == split.label[slice(None) if places is None else places].tolist()
    for generator_seed in (None, 5):
        generators = [None if generator_seed is None else torch.Generator().manual_seed(generator_seed) for _ in range(2)]
        for (one, rows), (other, same_rows) in zip(
            cached.serve(batches, generators[0]), streamed.serve(batches, generators[1]), strict=True
        ):
            assert (rows == same_rows).all()
            assert torch.equal(one, other)


@pytest.mark.parametrize("strength", ["none", "light", "strong"])
def test_changes_stay_in_range_and_follow_the_seed(strength):
    """Pictures keep their range and get the side asked for; equal seeds give equal changes, and a batch is not changed alike."""
    pictures = torch.rand(6, 3, 40, 40, generator=torch.Generator().manual_seed(1))
    one, again, other = (augment_batch(pictures, 32, strength, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert one.shape == (6, 3, 32, 32)
    assert one.min() >= -1e-5
    assert one.max() <= 1 + 1e-5
    assert torch.equal(one, again)
    assert torch.equal(one, other) == (strength == "none")


def test_changes_never_mirror():
    """A logo that is bright on its left stays bright on its left."""
    pictures = torch.zeros(64, 3, 40, 40)
    pictures[:, :, :, :20] = 1
    for strength in ("light", "strong"):
        changed = augment_batch(pictures, 32, strength, torch.Generator().manual_seed(3))
        assert (changed[:, :, :, :16].mean(dim=(1, 2, 3)) > changed[:, :, :, 16:].mean(dim=(1, 2, 3))).all()


@pytest.mark.parametrize(("free", "there"), [(3 * 4 * 3 * 8 * 8, True), (3 * 4 * 3 * 8 * 8 - 1, False)])
def test_pictures_lie_on_the_device_where_they_fit(free, there):
    """A third of the free memory at most; on the CPU nothing is copied."""
    cache = torch.zeros((4, 3, 8, 8), dtype=torch.uint8)
    placed = place_on_device(cache, torch.device("meta"), free)
    assert (placed is not None and placed.device.type == "meta") == there
    assert place_on_device(cache, torch.device("cpu")) is None
