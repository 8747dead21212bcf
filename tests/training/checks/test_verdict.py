"""Checks and their bounds; no torch."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from logoingest.training.checks.verdict import (
    FALSE_ALARM,
    SIGNIFICANCE,
    Check,
    Verdict,
    check_beats,
    check_leaks,
    check_one_batch,
    check_shuffled,
    check_start_loss,
    find_critical_count,
    find_luck_bound,
)

counts = st.integers(1, 3000)
shares = st.floats(0.001, 0.95)


@given(counts, shares)
def test_critical_count_is_the_first_that_luck_seldom_reaches(total, share):
    """P(X ≥ k) is within the significance at the critical count and not one below it."""
    count = find_critical_count(total, share)
    assert binom.sf(count - 1, total, share) <= SIGNIFICANCE + 1e-9
    assert binom.sf(count - 2, total, share) > SIGNIFICANCE - 1e-9


@given(counts, shares)
def test_luck_bound_is_the_first_that_luck_seldom_exceeds(total, share):
    """P(X > k) is within the false alarm rate at the bound and not one below it."""
    bound = find_luck_bound(total, share)
    assert binom.sf(bound, total, share) <= FALSE_ALARM + 1e-9
    assert bound == 0 or binom.sf(bound - 1, total, share) > FALSE_ALARM - 1e-9


@given(counts, shares, st.floats(0, 0.4))
def test_more_right_answers_never_turn_a_pass_into_a_failure(total, share, margin):
    """The check is monotone in the number of right answers."""
    passed = [check_beats("x", (correct, total), share, margin, "").passed for correct in range(0, total + 1, max(1, total // 20))]
    assert passed == sorted(passed)


def test_six_pictures_need_more_than_luck():
    """With six test pictures of three classes four right answers may be luck, five are not."""
    assert not check_beats("x", (4, 6), 1 / 3, 0.1, "").passed
    assert check_beats("x", (5, 6), 1 / 3, 0.1, "").passed


def test_too_small_a_test_split_says_so():
    """Where even a faultless model proves nothing, the check fails and its meaning is the size of the test split."""
    check = check_beats("x", (2, 2), 0.5, 0.1, "labels")
    assert not check.passed
    assert "too few" in check.meaning


def test_margin_counts_where_luck_does_not():
    """With thousands of pictures the margin decides, not significance."""
    assert not check_beats("x", (1450, 10_000), 0.05, 0.1, "").passed
    assert check_beats("x", (1500, 10_000), 0.05, 0.1, "").passed


@pytest.mark.parametrize(
    ("loss", "passed"), [(math.log(27), True), (math.log(27) * 1.2, True), (12.0, False), (0.4, False), (math.nan, False)]
)
def test_start_loss_must_be_near_not_knowing(loss, passed):
    """Loss at start is judged against ln C; what is not a number fails."""
    assert check_start_loss(loss, 27).passed is passed


def test_shuffled_control_fails_only_beyond_luck():
    """The control passes at the commonest class's share and fails far above it."""
    assert check_shuffled(7, 140, 0.05).passed
    assert not check_shuffled(60, 140, 0.05).passed


def test_one_failed_check_fails_the_verdict_and_all_is_json():
    """A verdict is as good as its worst check, and its dictionary is strict JSON."""
    good, bad = check_one_batch(1.0), check_leaks(3)
    assert Verdict((good,)).passed
    verdict = Verdict((good, bad, check_start_loss(math.inf, 3)))
    assert not verdict.passed
    text = json.dumps(verdict.to_dict(), allow_nan=False)
    assert json.loads(text)["checks"][1]["figure"] == 3
    assert isinstance(verdict.checks[0], Check)
