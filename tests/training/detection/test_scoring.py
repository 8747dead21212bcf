"""A detector's figures: COCO's, to six digits, and what is not COCO's."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from logoingest.training.detection.data.boxes import NO_DETECTIONS, NOTHING, Detections, TrueBoxes
from logoingest.training.detection.scoring import (
    count_box_confusion,
    count_false_alarms,
    find_threshold,
    is_right,
    score_detections,
    write_coco_detections,
    write_coco_truths,
)

pytest.importorskip("faster_coco_eval")

CLASSES = 6


def draw_pictures(count: int, seed: int) -> tuple[list[TrueBoxes], list[Detections]]:
    """Boxes of all sizes, one class that is never there, pictures without boxes, detections near, far, doubled and of other classes."""
    rng = np.random.default_rng(seed)
    truths, found = [], []
    for _ in range(count):
        boxes = int(rng.integers(0, 5))
        low = rng.uniform(0, 200, (boxes, 2))
        corners = np.concatenate([low, low + np.exp(rng.uniform(1.5, 5.3, (boxes, 2)))], axis=1)
        labels = rng.integers(0, CLASSES - 1, boxes)
        truths.append(TrueBoxes(corners, labels))
        near = np.repeat(corners, 2, axis=0) + rng.normal(0, 6, (2 * boxes, 4))
        far = np.concatenate([low := rng.uniform(0, 200, (3, 2)), low + rng.uniform(5, 120, (3, 2))], axis=1)
        said = np.concatenate([near, far])
        named = np.concatenate([np.repeat(labels, 2), rng.integers(0, CLASSES, 3)])
        named = np.where(rng.random(len(named)) < 0.2, rng.integers(0, CLASSES, len(named)), named)
        scores = rng.random(len(named))
        order = np.argsort(-scores)
        found.append(Detections(said[order], named[order], scores[order]))
    return truths, found


@pytest.mark.parametrize("seed", [0, 1])
def test_every_figure_is_pycocotools_own(seed: int) -> None:
    """mAP at .5, .75 and .5 to .95, by size and by class, to six digits."""
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    truths, found = draw_pictures(60, seed)
    with contextlib.redirect_stdout(io.StringIO()):
        known = coco.COCO()
        known.dataset = write_coco_truths(truths, CLASSES)
        known.createIndex()
        judge = cocoeval.COCOeval(known, known.loadRes(write_coco_detections(found)), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    ours = score_detections(truths, found, CLASSES)
    assert [ours.map, ours.map50, ours.map75, ours.small, ours.medium, ours.large] == pytest.approx(
        judge.stats[:6].tolist(), abs=1e-6
    )
    precision = judge.eval["precision"][:, :, :, 0, -1]
    for label, scores in enumerate(ours.per_class):
        if scores.boxes:
            assert scores.map == pytest.approx(float(precision[:, :, label].mean()), abs=1e-6)


def test_a_class_without_boxes_has_no_figure_and_counts_in_no_mean() -> None:
    """Null, not 0."""
    truths, found = draw_pictures(30, 2)
    scores = score_detections(truths, found, CLASSES)
    assert scores.per_class[CLASSES - 1] == (0, None, None)
    known = [one.map50 for one in scores.per_class if one.map50 is not None]
    assert scores.map50 == pytest.approx(np.mean(known), abs=1e-5)


def test_a_faultless_detector_has_one_and_a_silent_one_nought() -> None:
    truths, _ = draw_pictures(20, 3)
    perfect = [Detections(boxes.corners, boxes.labels, np.full(len(boxes.labels), 0.9)) for boxes in truths]
    assert score_detections(truths, perfect, CLASSES).map == 1.0
    silent = score_detections(truths, [NO_DETECTIONS] * len(truths), CLASSES)
    assert (silent.map50, silent.per_class[CLASSES - 1].map50) == (0.0, None)


def test_without_any_box_there_are_no_figures() -> None:
    scores = score_detections([NOTHING], [NO_DETECTIONS], 2)
    assert (scores.map50, scores.small, scores.boxes) == (None, None, 0)


TRUTH = TrueBoxes(np.array([[0.0, 0, 10, 10], [50, 50, 90, 90]]), np.array([0, 1]))


def say(*boxes: tuple[list[float], int, float]) -> Detections:
    return Detections(
        np.array([box for box, _, _ in boxes]),
        np.array([label for _, label, _ in boxes]),
        np.array([score for _, _, score in boxes]),
    )


def test_what_is_taken_for_what_has_the_background_last() -> None:
    """A right box, one of the wrong class, one on nothing, and one that was missed."""
    found = say(([0, 0, 10, 9], 0, 0.9), ([50, 50, 90, 88], 0, 0.8), ([20, 20, 30, 30], 1, 0.7))
    assert count_box_confusion([TRUTH], [found], 2, 0.5).tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert count_box_confusion([TRUTH], [found], 2, 0.85).tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_the_threshold_is_where_right_and_complete_meet() -> None:
    """Below it come only wrong boxes."""
    found = say(([0, 0, 10, 10], 0, 0.9), ([50, 50, 90, 90], 1, 0.6), ([20, 20, 30, 30], 1, 0.5), ([70, 0, 90, 20], 0, 0.4))
    assert find_threshold([TRUTH], [found]) == 0.6
    assert find_threshold([TRUTH], [NO_DETECTIONS], 0.5) == 0.5


def test_false_alarms_are_counted_in_pictures_of_no_class_alone() -> None:
    found = say(([0, 0, 10, 10], 0, 0.9), ([20, 20, 30, 30], 1, 0.3))
    assert count_false_alarms([TRUTH, NOTHING, NOTHING], [found, found, NO_DETECTIONS], 0.5) == 0.5
    assert count_false_alarms([TRUTH], [found], 0.5) is None


def test_a_picture_is_right_when_all_is_found_and_nothing_beside_it() -> None:
    both = say(([0, 0, 10, 10], 0, 0.9), ([50, 50, 90, 90], 1, 0.6))
    assert is_right(TRUTH, both)
    assert not is_right(TRUTH, both.keep(0.7))
    assert not is_right(NOTHING, both)
    assert is_right(NOTHING, NO_DETECTIONS)
