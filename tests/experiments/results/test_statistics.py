"""Statistics, against published figures and against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.experiments.results.statistics import (
    adjust_by_holm,
    compare_folds,
    compare_pictures,
    expect_best_by_luck,
    find_wilson_interval,
    measure_optimism,
)


def test_wilsons_interval_is_the_published_one():
    """R. G. Newcombe, Statistics in Medicine 1998, table I: 81 of 263 and 0 of 20."""
    assert find_wilson_interval(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert find_wilson_interval(0.0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_mcnemar_is_exact():
    """Ten pictures apart, nine of them one way: 2 × (1 + 10) / 1024."""
    one = np.array([1.0] * 9 + [0.0] + [1.0] * 50)
    other = np.array([0.0] * 9 + [1.0] + [1.0] * 50)
    assert compare_pictures(one, other) == pytest.approx((9, 1, 22 / 1024))
    assert compare_pictures(one, one) == (0, 0, 1.0)


def test_scores_that_are_no_marks_are_compared_by_ranks():
    """A small and steady difference on every picture is no chance."""
    one = np.linspace(0.2, 0.9, 30)
    assert compare_pictures(one, one - 0.001).chance < 1e-6


def test_folds_that_share_their_pictures_count_for_less():
    """The corrected t test by hand: mean .02, variance .0002 × (1/5 + 1/4), t = 2.108 with 4 degrees of freedom."""
    one = [0.80, 0.82, 0.84, 0.83, 0.81]
    difference = np.array([0.02, 0.04, 0.02, 0.0, 0.02])
    found = compare_folds(one, (np.array(one) - difference).tolist(), 0.25)
    assert found == pytest.approx(0.1027, abs=1e-3)
    assert compare_folds(one, one, 0.25) == 1.0


def test_holm_adjusts_as_in_his_paper():
    """Three comparisons: the smallest times three, the next times two, never falling."""
    assert adjust_by_holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_helps_and_keeps_the_order(chances):
    """An adjusted p is never smaller, nor above 1, and what was smaller stays no larger."""
    adjusted = adjust_by_holm(chances)
    assert all(before <= after <= 1 for before, after in zip(chances, adjusted, strict=True))
    order = np.argsort(chances, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()


def test_the_best_by_luck_is_what_simulation_shows():
    """24 tries at .7 on 136 pictures."""
    drawn = np.random.default_rng(0).binomial(136, 0.7, (20_000, 24)).max(axis=1).mean() / 136
    assert expect_best_by_luck(0.7, 136, 24) == pytest.approx(drawn, abs=0.002)
    assert expect_best_by_luck(0.7, 136, 1) == pytest.approx(0.7)


def test_equal_trainings_flatter_the_best_of_them():
    """Of ten coins the best shows more than it has; one that is far better hardly flatters itself."""
    rng = np.random.default_rng(1)
    coins = (rng.random((10, 100)) < 0.5).astype(float)
    clear = coins.copy()
    clear[0] = rng.random(100) < 0.99
    assert measure_optimism(coins) > 0.02
    assert measure_optimism(clear) < 0.01
