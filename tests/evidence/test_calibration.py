"""Probabilities that are as sure as they are right, and intervals that hold what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest.evidence.calibration import (
    find_temperature,
    measure_calibration_error,
    measure_reliability,
    soften,
)
from logoingest.evidence.safeguards.intervals import find_interval, foretell_interval


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_is_found_again(temperature):
    """Labels drawn with the probabilities of one temperature: it is found, and brings the calibration error near zero."""
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(6_000, 5)) * 2
    shares = soften(scores, temperature)
    labels = (rng.random(6_000)[:, None] > shares.cumsum(axis=1)).sum(axis=1)
    found = find_temperature(scores, labels)
    assert found == pytest.approx(temperature, rel=0.1)
    told = soften(scores, found)
    error = measure_calibration_error(measure_reliability(told.max(axis=1), told.argmax(axis=1) == labels))
    assert error < 0.02


@given(st.integers(0, 50), st.floats(0.05, 20))
@examples(50)
def test_a_temperature_changes_no_winner(seed, temperature):
    """Rows sum to 1 and the likeliest class stays."""
    scores = np.random.default_rng(seed).normal(size=(20, 6)) * 50
    shares = soften(scores, temperature)
    assert shares.sum(axis=1) == pytest.approx(1.0)
    assert (shares[np.arange(20), scores.argmax(axis=1)] == shares.max(axis=1)).all()


@given(st.integers(1, 300), st.floats(0, 1))
@examples(50)
def test_an_interval_holds_what_was_counted(total, share):
    """And is narrower where more was counted."""
    hits = round(share * total)
    assert find_interval(hits, total).holds(hits / total)
    wide, narrow = find_interval(hits, total), find_interval(10 * hits, 10 * total)
    assert narrow.high - narrow.low <= wide.high - wide.low


def test_what_is_foretold_comes_true():
    """In about 19 of 20 cases the next share lies within, whatever the sizes of both samples."""
    rng = np.random.default_rng(2)
    held = []
    for _ in range(600):
        share, before, after = rng.uniform(0.05, 0.95), int(rng.integers(20, 200)), int(rng.integers(20, 200))
        interval = foretell_interval(int(rng.binomial(before, share)), before, after)
        held.append(interval.holds(rng.binomial(after, share) / after))
    assert 0.92 <= np.mean(held) <= 0.99
