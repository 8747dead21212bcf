"""Boxes of one picture as arrays: what is there, and what a detector says is there. Corners are (x1, y1, x2, y2). No torch here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from logoingest.boxes import fit_box
from logoingest.training.data.splits import Rows

Floats = npt.NDArray[np.float64]


class TrueBoxes(NamedTuple):
    """What is in a picture; nothing, where it shows none of the classes."""

    corners: Floats
    """(n, 4), in pixels."""
    labels: Rows
    """(n,) class indices."""


class Detections(NamedTuple):
    """What a detector says is in a picture, the surest first."""

    corners: Floats
    """(n, 4), in pixels."""
    labels: Rows
    """(n,) class indices."""
    scores: Floats
    """(n,) 0 to 1."""

    def keep(self, threshold: float) -> Detections:
        """Those with at least this score."""
        kept = self.scores >= threshold
        return Detections(self.corners[kept], self.labels[kept], self.scores[kept])


class FoundBox(NamedTuple):
    """One thing that was found."""

    class_id: str
    score: float
    """0 to 1; not a probability."""
    bbox: tuple[float, float, float, float]
    """[x, y, width, height] in pixels of the upright picture."""


class FoundBoxes(NamedTuple):
    """What was found in one picture."""

    file: str
    """As it was named; of bytes and open pictures their place, from 1: "#3"."""
    boxes: tuple[FoundBox, ...]
    """The surest first; those that are believed alone, unless others were asked for."""
    reason: str
    """Why it cannot be opened; empty where it can."""


NOTHING = TrueBoxes(np.zeros((0, 4)), np.zeros(0, np.int64))
NO_DETECTIONS = Detections(np.zeros((0, 4)), np.zeros(0, np.int64), np.zeros(0))


def read_boxes(row: Iterable[dict[str, Any]], width: int, height: int, class_count: int) -> tuple[TrueBoxes, int]:
    """The boxes of a release's row that lie in their picture, and how many do not: those are left out.

    Args:
        row: ``boxes`` of the row.
        width: of the upright picture, in pixels.
        height: likewise.
        class_count: classes of the release; a box of another is left out.
    """
    corners, labels, refused = [], [], 0
    for box in row:
        fitted = fit_box(box["bbox"] or (), width, height)
        if isinstance(fitted, str) or not 0 <= box["label"] < class_count:
            refused += 1
            continue
        x, y, across, down = fitted.box
        corners.append((x, y, x + across, y + down))
        labels.append(box["label"])
    return TrueBoxes(np.array(corners, np.float64).reshape(-1, 4), np.array(labels, np.int64)), refused


def measure_areas(corners: Floats) -> Floats:
    """(n,) areas; none is negative."""
    return np.asarray(np.clip(corners[:, 2:] - corners[:, :2], 0, None).prod(axis=1), np.float64)


def measure_common(ones: Floats, others: Floats) -> Floats:
    """(n, m) areas that boxes share."""
    low = np.maximum(ones[:, None, :2], others[None, :, :2])
    high = np.minimum(ones[:, None, 2:], others[None, :, 2:])
    return np.asarray(np.clip(high - low, 0, None).prod(axis=2), np.float64)


def measure_overlaps(ones: Floats, others: Floats) -> Floats:
    """(n, m) intersections over unions, 0 to 1."""
    common = measure_common(ones, others)
    union = measure_areas(ones)[:, None] + measure_areas(others)[None] - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0), np.float64)


def scale_boxes(boxes: TrueBoxes, factor: float | Sequence[float]) -> TrueBoxes:
    """The same boxes in a picture that is ``factor`` times as large; (x, y, x, y) factors where its sides differ."""
    return boxes._replace(corners=boxes.corners * np.asarray(factor, np.float64))
