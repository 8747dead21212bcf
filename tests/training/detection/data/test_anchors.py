"""Anchors from boxes."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from logoingest.training.detection.data.anchors import find_anchors, measure_fit


def test_two_kinds_of_boxes_give_their_two_sizes() -> None:
    """Clusters are by overlap: the middle of each kind."""
    rng = np.random.default_rng(0)
    small, large = rng.normal((20, 10), 0.5, (50, 2)), rng.normal((100, 120), 2, (50, 2))
    [[first], [second]] = find_anchors(np.concatenate([small, large]), 2, 1)
    assert np.allclose(first, (20, 10), atol=1)
    assert np.allclose(second, (100, 120), atol=3)


def test_anchors_suit_boxes_better_than_squares_do() -> None:
    """Their mean best overlap says so."""
    sizes = np.random.default_rng(1).uniform((10, 5), (200, 40), (300, 2))
    anchors = find_anchors(sizes, 3, 3)
    squares = [[(side, side)] for side in (16.0, 32.0, 64.0, 128.0)]
    assert (measure_fit(sizes, anchors) or 0) > (measure_fit(sizes, squares) or 0) + 0.1


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 900), st.floats(0.1, 900)), max_size=20), st.integers(1, 3), st.integers(1, 4))
def test_there_are_always_so_many_and_the_finest_level_has_the_smallest(
    sizes: list[tuple[float, float]], levels: int, per_level: int
) -> None:
    """Few boxes, or none, or all alike: every level has its anchors, in the order of their area."""
    anchors = find_anchors(np.array(sizes).reshape(-1, 2), levels, per_level)
    assert [len(level) for level in anchors] == [per_level] * levels
    areas = [width * height for level in anchors for width, height in level]
    assert all(one <= other * 1.01 for one, other in itertools.pairwise(areas))
    assert min(min(pair) for level in anchors for pair in level) > 0


def test_nothing_suits_no_boxes() -> None:
    assert measure_fit(np.zeros((0, 2)), [[(1.0, 1.0)]]) is None
