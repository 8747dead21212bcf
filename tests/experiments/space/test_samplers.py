"""What is tried next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.config.sweep_section import KnobRange, SweepConfig
from logoingest.experiments.space.knobs import draw_setting, list_settings, place_in_range
from logoingest.experiments.space.samplers import Known, read_start, suggest_settings

SPACE = {"lr": {"low": 1e-4, "high": 1e-2, "log": True}, "freeze": ["none", "lower"], "batch_size": {"low": 8, "high": 64}}
START = {"lr": 0.003, "freeze": "none", "batch_size": 32, "recipe_options": {"depth": 3}}


def make_sweep(**section):
    return SweepConfig.model_validate({"space": SPACE, "trials": 100} | section)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["random", "grid", "one_at_a_time"])
@given(cuts=st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_what_is_asked_for_at_once_changes_nothing(sampler, cuts):
    """One by one or all together: the same settings in the same order, and none twice."""
    sweep = make_sweep(sampler=sampler)
    start = Known(read_start(sweep, START), 0.5)
    known = [start]
    for count in cuts:
        known += [Known(settings, 0.1) for settings in suggest_settings(sweep, known, count)]
    together = suggest_settings(sweep, [start], sum(cuts))
    assert [one.settings for one in known[1:]] == together
    assert len({tuple(sorted(one.items())) for one in together}) == len(together)


def test_one_at_a_time_changes_one_and_visits_every_knob_first():
    """Whatever is cut off at the end, no knob is left out."""
    sweep = make_sweep(sampler="one_at_a_time")
    start = read_start(sweep, START)
    suggested = suggest_settings(sweep, [Known(start, 0.5)], 100)
    changes = [[name for name in start if settings[name] != start[name]] for settings in suggested]
    assert all(len(change) == 1 for change in changes)
    assert {change[0] for change in changes[:3]} == set(SPACE)
    assert len(suggested) == 3 + 1 + 3


def test_a_grid_has_every_combination_and_a_part_of_it_is_spread():
    """Of 18 combinations all are tried; of the first six of 18 not all have the same first value."""
    whole = suggest_settings(make_sweep(sampler="grid"), [Known({}, 0.5)], 100)
    assert len(whole) == 18
    part = suggest_settings(make_sweep(sampler="grid", trials=7), [Known({}, 0.5)], 6)
    assert len({settings["lr"] for settings in part}) > 1


def test_a_space_that_is_used_up_ends_a_random_search():
    """Two values, one of them the start: one suggestion."""
    sweep = make_sweep(space={"freeze": ["none", "lower"]})
    assert suggest_settings(sweep, [Known({"freeze": "none"}, 0.5)], 10) == [{"freeze": "lower"}]


@given(st.floats(0, 1), st.booleans())
def test_a_range_is_kept_to(share, log):
    """Both ends included; whole numbers where both ends are."""
    knob = KnobRange(low=1e-4, high=0.3, log=log)
    assert knob.low <= place_in_range(knob, share) <= knob.high
    whole = place_in_range(KnobRange(low=2, high=9, log=log), share)
    assert isinstance(whole, int)
    assert 2 <= whole <= 9


def test_the_points_of_a_range_over_orders_of_magnitude():
    """Evenly spread in the exponent."""
    assert list_settings(KnobRange(low=1e-4, high=1e-2, log=True)) == [1e-4, 1e-3, 1e-2]


def test_tpe_suggests_the_same_whatever_the_order_of_endings_and_learns():
    """A wave depends on the trials in their numbers' order; after some it looks where it was good."""
    pytest.importorskip("optuna", reason="Optuna is not installed")
    sweep = make_sweep(sampler="tpe", space={"lr": {"low": 1e-4, "high": 1.0, "log": True}})
    known = [Known({"lr": 0.3}, 0.2)]
    for _ in range(4):
        wave = suggest_settings(sweep, known, 5)
        assert wave == suggest_settings(sweep, list(known), 5)
        known += [Known(one, 1 - abs(one["lr"] - 0.01)) for one in wave]
    known.append(Known({"lr": 0.5}, None))
    known.append(Known({"lr": 0.6}, 0.1, pruned=True))
    assert sum(one["lr"] < 0.1 for one in suggest_settings(sweep, known, 8)) >= 6


def test_a_drawn_value_is_one_of_the_list():
    """Whatever its type."""
    import numpy as np

    rng = np.random.default_rng(0)
    assert {draw_setting(("a", 1, True), rng) for _ in range(50)} == {"a", 1}


def test_a_grid_leaves_out_what_is_a_trial_already():
    """The settings as they stand are one of its combinations."""
    sweep = make_sweep(sampler="grid", space={"batch_size": [8, 16, 32]})
    assert suggest_settings(sweep, [Known({"batch_size": 16}, 0.5)], 9) == [{"batch_size": 8}, {"batch_size": 32}]
