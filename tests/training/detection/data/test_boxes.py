"""Boxes as arrays: which of a release's are taken, and how much two share."""

from __future__ import annotations

import numpy as np
import pytest

from logoingest.training.detection.data.boxes import measure_overlaps, read_boxes


def box(*bbox: float, label: int = 0) -> dict[str, object]:
    return {"label": label, "bbox": list(bbox)}


def test_a_sound_box_becomes_two_corners() -> None:
    """[x, y, width, height] in, (x1, y1, x2, y2) out."""
    found, refused = read_boxes([box(2, 3, 10, 20, label=1)], 100, 100, 2)
    assert found.corners.tolist() == [[2, 3, 12, 23]]
    assert found.labels.tolist() == [1]
    assert refused == 0


@pytest.mark.parametrize(
    "bad",
    [
        box(5, 5, 0, 10),
        box(5, 5, 10, -1),
        box(200, 5, 10, 10),
        box(-9, 5, 10, 10),
        box(float("nan"), 0, 5, 5),
        box(1, 1, 5, 5, label=7),
    ],
    ids=["flat", "negative", "outside", "mostly outside", "not a number", "no such class"],
)
def test_a_box_that_is_none_is_left_out_and_counted(bad: dict[str, object]) -> None:
    """Neither an error nor a box."""
    found, refused = read_boxes([bad, box(1, 1, 9, 9)], 100, 50, 2)
    assert len(found.labels) == 1
    assert refused == 1


def test_a_box_that_hangs_over_is_cut_to_its_picture() -> None:
    found, _ = read_boxes([box(90, 40, 12, 11)], 100, 50, 1)
    assert found.corners.tolist() == [[90, 40, 100, 50]]


def test_a_picture_without_boxes_has_arrays_of_none() -> None:
    found, _ = read_boxes([], 100, 50, 1)
    assert found.corners.shape == (0, 4)


def test_overlaps_are_shares_of_the_union() -> None:
    ones = np.array([[0.0, 0, 10, 10]])
    others = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [5, 5, 5, 5]])
    assert measure_overlaps(ones, others).round(4).tolist() == [[1.0, 0.3333, 0.0, 0.0]]
