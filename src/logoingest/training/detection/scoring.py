"""Figures of a detector by COCO's rules: average precision over classes, overlaps and sizes; and what they say of a threshold.

Average precision is by ``faster-coco-eval``, equal to pycocotools' to six digits. A class that a split has no box of has none: null, not 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from logoingest.errors import Problem, UsageError
from logoingest.training.detection.data.boxes import Detections, Floats, TrueBoxes, measure_overlaps

#: A detection is right where it overlaps a box of its class so much.
RIGHT_OVERLAP = 0.5
#: Boxes of a picture that count, COCO's own.
_MOST_BOXES = 100
#: Where precision is read along recall, COCO's own: 0, .01 … 1.
RECALLS: tuple[float, ...] = tuple(step / 100 for step in range(101))
_COMMAND = 'pip install "logoingest[detect]"'


class ClassScores(NamedTuple):
    """Of one class on one split; null where the split has no box of it."""

    boxes: int
    map50: float | None
    map: float | None


class DetectionScores(NamedTuple):
    """Of one split; null where it has no boxes (of that size)."""

    images: int
    boxes: int
    map50: float | None
    """Mean over the classes of the average precision at an overlap of one half."""
    map75: float | None
    map: float | None
    """Over overlaps from .5 to .95."""
    small: float | None
    """``map`` of boxes under 32² pixels."""
    medium: float | None
    large: float | None
    """From 96² pixels on."""
    per_class: tuple[ClassScores, ...]
    """In the order of the classes."""


class Precisions(NamedTuple):
    """Of every class."""

    at: npt.NDArray[np.float64]
    """(10 overlaps from .5 to .95, 101 recalls, classes, 4 sizes: all, small, medium, large); -1 where there is no box."""


def score_detections(truths: Sequence[TrueBoxes], found: Sequence[Detections], class_count: int) -> DetectionScores:
    """Every figure of one split.

    Args:
        truths: what is in every picture.
        found: what a detector says, likewise.
        class_count: classes of the release.

    Raises:
        UsageError: faster-coco-eval is not installed.
    """
    counts = count_boxes(truths, class_count)
    precisions = measure_precisions(truths, found, class_count).at
    per_class = tuple(
        ClassScores(int(counts[label]), _mean(precisions[0, :, label, 0]), _mean(precisions[:, :, label, 0]))
        for label in range(class_count)
    )
    overlaps = {name: _mean(precisions[place, :, :, 0]) for name, place in (("map50", 0), ("map75", 5))}
    sizes = {name: _mean(precisions[:, :, :, place]) for place, name in enumerate(("map", "small", "medium", "large"))}
    return DetectionScores(images=len(truths), boxes=int(counts.sum()), **overlaps, **sizes, per_class=per_class)


def measure_map50(truths: Sequence[TrueBoxes], found: Sequence[Detections], class_count: int) -> float | None:
    """Mean average precision at an overlap of one half; None where there are no boxes."""
    return _mean(measure_precisions(truths, found, class_count).at[0, :, :, 0])


def measure_precisions(truths: Sequence[TrueBoxes], found: Sequence[Detections], class_count: int) -> Precisions:
    """Precision at every overlap, recall, class and size.

    Raises:
        UsageError: faster-coco-eval is not installed.
    """
    at = np.full((10, len(RECALLS), class_count, 4), -1.0)
    if not sum(len(boxes.labels) for boxes in truths):
        return Precisions(at)
    check_scorer()
    from faster_coco_eval import COCO, COCOeval_faster

    known = COCO(write_coco_truths(truths, class_count))
    rows = write_coco_detections(found)
    if not rows:
        at[:, :, count_boxes(truths, class_count) > 0, :] = 0.0
        return Precisions(_clear_sizes(at, truths))
    judge = COCOeval_faster(known, known.loadRes(rows), "bbox")
    judge.params.maxDets = [1, 10, _MOST_BOXES]
    judge.evaluate()
    judge.accumulate()
    precision: npt.NDArray[np.float64] = np.asarray(judge.eval["precision"], np.float64)[..., -1]
    at[:] = precision.reshape(10, len(RECALLS), class_count, 4)
    return Precisions(at)


def check_scorer() -> None:
    """See to it that the package that measures average precision is there.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import faster_coco_eval  # noqa: F401
    except ModuleNotFoundError as error:
        problem = Problem("train.recipe", "the package faster-coco-eval is not installed", f"a detector needs {_COMMAND}")
        raise UsageError(problem) from error


def write_coco_truths(truths: Sequence[TrueBoxes], class_count: int) -> dict[str, Any]:
    """A COCO data set of boxes, pictures and classes numbered from 1."""
    rows = [
        {
            "image_id": place,
            "category_id": label + 1,
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "area": (x2 - x1) * (y2 - y1),
            "iscrowd": 0,
        }
        for place, boxes in enumerate(truths, 1)
        for (x1, y1, x2, y2), label in zip(boxes.corners.tolist(), boxes.labels.tolist(), strict=True)
    ]
    return {
        "info": {},
        "images": [{"id": place} for place in range(1, len(truths) + 1)],
        "categories": [{"id": label + 1, "name": str(label)} for label in range(class_count)],
        "annotations": [{"id": number, **row} for number, row in enumerate(rows, 1)],
    }


def write_coco_detections(found: Sequence[Detections]) -> list[dict[str, Any]]:
    """COCO results of the same pictures."""
    return [
        {"image_id": place, "category_id": label + 1, "bbox": [x1, y1, x2 - x1, y2 - y1], "score": score}
        for place, boxes in enumerate(found, 1)
        for (x1, y1, x2, y2), label, score in zip(boxes.corners.tolist(), boxes.labels.tolist(), boxes.scores.tolist(), strict=True)
    ]


def count_boxes(truths: Iterable[TrueBoxes], class_count: int) -> npt.NDArray[np.int64]:
    """(class_count,) boxes of every class."""
    labels = [boxes.labels for boxes in truths]
    return np.bincount(np.concatenate(labels) if labels else np.zeros(0, np.int64), minlength=class_count).astype(np.int64)


class Matched(NamedTuple):
    """Detections of one picture laid on what is there, the surest first: each takes the free box that it overlaps most, by half at least."""

    pairs: tuple[tuple[int, int], ...]
    """(detection, box), whatever their classes."""
    spare: tuple[int, ...]
    """Detections on nothing."""
    missed: tuple[int, ...]
    """Boxes that nothing was laid on."""


def match_boxes(truth: TrueBoxes, found: Detections, *, same_class: bool = False) -> Matched:
    """Which detection means which box.

    Args:
        truth: what is there.
        found: what a detector says, the surest first.
        same_class: whether only boxes of the detection's class can be meant.
    """
    overlaps: Floats = measure_overlaps(found.corners, truth.corners)
    if same_class:
        overlaps = np.where(found.labels[:, None] == truth.labels[None], overlaps, 0.0)
    free = np.ones(len(truth.labels), dtype=bool)
    pairs = []
    for number in range(len(found.labels)):
        row = np.where(free, overlaps[number], 0.0)
        best = int(row.argmax()) if len(row) else -1
        if best >= 0 and row[best] >= RIGHT_OVERLAP:
            free[best] = False
            pairs.append((number, best))
    taken = {number for number, _ in pairs}
    spare = tuple(number for number in range(len(found.labels)) if number not in taken)
    return Matched(tuple(pairs), spare, tuple(np.flatnonzero(free).tolist()))


def is_right(truth: TrueBoxes, said: Detections) -> bool:
    """Whether every box of a picture was found, as what it is, and nothing beside them."""
    matched = match_boxes(truth, said, same_class=True)
    return not matched.spare and not matched.missed


def count_box_confusion(
    truths: Sequence[TrueBoxes], found: Sequence[Detections], class_count: int, threshold: float
) -> npt.NDArray[np.int64]:
    """(class_count + 1, class_count + 1) boxes: row = what is there, column = what was said; the last of both is the background."""
    counts = np.zeros((class_count + 1, class_count + 1), np.int64)
    for truth, every in zip(truths, found, strict=True):
        said = every.keep(threshold)
        matched = match_boxes(truth, said)
        for number, box in matched.pairs:
            counts[truth.labels[box], said.labels[number]] += 1
        for number in matched.spare:
            counts[class_count, said.labels[number]] += 1
        for box in matched.missed:
            counts[truth.labels[box], class_count] += 1
    return counts


def find_threshold(truths: Sequence[TrueBoxes], found: Sequence[Detections], default: float = 0.5) -> float:
    """The score from which on detections are right and complete most evenly: the best F1 over all boxes; ``default`` where none is right."""
    scored: list[tuple[float, bool]] = []
    for truth, said in zip(truths, found, strict=True):
        right = {number for number, _ in match_boxes(truth, said, same_class=True).pairs}
        scored += [(score, number in right) for number, score in enumerate(said.scores.tolist())]
    total = sum(len(truth.labels) for truth in truths)
    if not total or not any(right for _, right in scored):
        return default
    scores, hits = (np.array(values) for values in zip(*sorted(scored, reverse=True), strict=True))
    f1 = 2 * np.cumsum(hits) / (np.arange(1, len(hits) + 1) + total)
    return round(float(scores[int(f1.argmax())]), 6)


def count_false_alarms(truths: Sequence[TrueBoxes], found: Sequence[Detections], threshold: float) -> float | None:
    """Detections in a picture that shows no class, on average; None where there is no such picture."""
    alarms = [int((said.scores >= threshold).sum()) for truth, said in zip(truths, found, strict=True) if not len(truth.labels)]
    return float(np.mean(alarms)) if alarms else None


def _clear_sizes(at: npt.NDArray[np.float64], truths: Sequence[TrueBoxes]) -> npt.NDArray[np.float64]:
    """Without detections: no figure where a class has no box of a size."""
    sizes = np.concatenate([(boxes.corners[:, 2:] - boxes.corners[:, :2]).prod(axis=1) for boxes in truths])
    labels = np.concatenate([boxes.labels for boxes in truths])
    for place, (low, high) in enumerate(((0, 32**2), (32**2, 96**2), (96**2, 1e10)), 1):
        there = np.isin(np.arange(at.shape[2]), labels[(sizes >= low) & (sizes <= high)])
        at[:, :, ~there, place] = -1.0
    return at


def _mean(precisions: npt.NDArray[np.float64]) -> float | None:
    known = precisions[precisions > -1]
    return round(float(known.mean()), 6) if known.size else None
