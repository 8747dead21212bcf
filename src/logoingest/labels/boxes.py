"""Boxes that several people drew around the same thing, made one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

#: Boxes of the same class that overlap at least this much (intersection over union) are one thing.
SAME_THING = 0.5

Box = tuple[float, float, float, float]


class DrawnBox(NamedTuple):
    """A box as one person drew it: [x, y, width, height] in pixels."""

    class_id: str
    bbox: Box
    person: int


def merge_boxes(boxes: Iterable[DrawnBox]) -> list[dict[str, object]]:
    """One box a thing: coordinates averaged over the people who drew it, sorted by class and place.

    A person's own boxes are never merged with each other (but exact repeats count once): two logos side by side stay two. Boxes
    are taken in the order of their coordinates, and each joins the thing it overlaps most, where that is at least half.

    Returns:
        ``{"class_id": str, "bbox": [x, y, width, height]}`` a thing.
    """
    things: list[list[DrawnBox]] = []
    for box in sorted(set(boxes)):
        overlaps = [
            measure_overlap(_average(thing), box.bbox)
            if thing[0].class_id == box.class_id and all(other.person != box.person for other in thing)
            else 0.0
            for thing in things
        ]
        best = max(range(len(things)), key=overlaps.__getitem__, default=-1)
        if best >= 0 and overlaps[best] >= SAME_THING:
            things[best].append(box)
        else:
            things.append([box])
    merged = sorted((thing[0].class_id, _average(thing)) for thing in things)
    return [{"class_id": class_id, "bbox": list(bbox)} for class_id, bbox in merged]


def measure_overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two [x, y, width, height], 0 to 1; 0 for boxes without area."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (one[2] * one[3] + other[2] * other[3] - common)


def _average(thing: Sequence[DrawnBox]) -> Box:
    first = thing[0].bbox
    if len(thing) == 1:
        return first
    x, y, width, height = (round(sum(values) / len(thing), 6) for values in zip(*(box.bbox for box in thing), strict=True))
    return x, y, width, height
