"""Boxes that several people drew around the same thing, made one, and what was said about them (truncated, variant …)."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from logoingest.boxes import Box

#: Boxes of the same class that overlap at least this much (intersection over union) are one thing.
SAME_THING = 0.5


class DrawnBox(NamedTuple):
    """A box as one person drew it: [x, y, width, height] in pixels."""

    class_id: str
    bbox: Box
    person: int
    attributes: str = "{}"
    """What is said about it, as a JSON object (``join_attributes``)."""


class _Thing(NamedTuple):
    """What boxes of one class were drawn around."""

    boxes: list[DrawnBox]
    said: list[str]
    """The attributes of every box, exact repeats included."""


def merge_boxes(boxes: Iterable[DrawnBox]) -> list[dict[str, object]]:
    """One box a thing: coordinates averaged over the people who drew it, sorted by class and place.

    A person's own boxes are never merged with each other (but exact repeats count once): two logos side by side stay two. Boxes
    are taken in the order of their coordinates, and each joins the thing it overlaps most, where that is at least half. Of what
    is said about a thing, the value most often given counts, key by key; of equally many the later in order (true, not false).

    Returns:
        ``{"class_id": str, "bbox": [x, y, width, height], "truncated": bool or None, "attributes": JSON object or None}`` a thing.
    """
    said: defaultdict[DrawnBox, list[str]] = defaultdict(list)
    for box in boxes:
        said[box._replace(attributes="")].append(box.attributes)
    things: list[_Thing] = []
    for box in sorted(said):
        overlaps = [
            measure_overlap(_average(thing.boxes), box.bbox)
            if thing.boxes[0].class_id == box.class_id and all(other.person != box.person for other in thing.boxes)
            else 0.0
            for thing in things
        ]
        best = max(range(len(things)), key=overlaps.__getitem__, default=-1)
        if best < 0 or overlaps[best] < SAME_THING:
            things.append(_Thing([], []))
            best = -1
        things[best].boxes.append(box)
        things[best].said.extend(said[box])
    merged = sorted((thing.boxes[0].class_id, _average(thing.boxes), _settle_attributes(thing.said)) for thing in things)
    return [_describe(class_id, bbox, attributes) for class_id, bbox, attributes in merged]


@lru_cache(maxsize=4096)
def join_attributes(of_source: str | None, of_label: str | None) -> str:
    """What the source and the label say about a box, as one JSON object; of two values for one key the label's counts.

    The label's comes from a rule that somebody wrote down; a source's flag is often a form's untouched default.
    """
    return _write({**_read(of_source), **_read(of_label)})


def _settle_attributes(said: Sequence[str]) -> str:
    distinct = set(said)
    if len(distinct) == 1:
        return distinct.pop()
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text in said:
        for key, value in _read(text).items():
            counts[key][json.dumps(value, sort_keys=True)] += 1
    return _write({key: json.loads(max(values, key=lambda value: (values[value], value))) for key, values in counts.items()})


def _describe(class_id: str, bbox: Box, attributes: str) -> dict[str, object]:
    truncated = _read(attributes).get("truncated")
    is_truncated = truncated if isinstance(truncated, bool) else None
    return {
        "class_id": class_id,
        "bbox": list(bbox),
        "truncated": is_truncated,
        "attributes": attributes if attributes != "{}" else None,
    }


def _read(text: str | None) -> dict[str, Any]:
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def _write(attributes: dict[str, Any]) -> str:
    return json.dumps(attributes, sort_keys=True, ensure_ascii=False)


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
