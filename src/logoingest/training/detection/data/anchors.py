"""Anchors from the boxes of train: k-means over widths and heights, where near means overlapping much (YOLO9000, CVPR 2017). No torch here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from logoingest.training.detection.data.boxes import Floats

_ROUNDS = 100
#: No anchor is smaller, in pixels.
_LEAST_SIDE = 4.0


def find_anchors(sizes: Floats, level_count: int, per_level: int, seed: int = 0) -> list[list[tuple[float, float]]]:
    """The (width, height) of the anchors of every level, small ones first: centres of clusters of the boxes' sizes.

    Args:
        sizes: (n, 2) widths and heights in pixels, as the network sees them.
        level_count: levels of the pyramid, the finest first.
        per_level: anchors a level.
        seed: of the first centres.

    Returns:
        One list a level; fewer distinct boxes than anchors are made up by larger and smaller ones of their kind.
    """
    count = level_count * per_level
    sides = np.maximum(np.asarray(sizes, np.float64).reshape(-1, 2), _LEAST_SIDE)
    distinct = np.unique(sides, axis=0)
    if len(distinct) < count:
        centres = _spread(distinct if len(distinct) else np.full((1, 2), 32.0), count)
    else:
        centres = _cluster(sides, distinct, count, np.random.default_rng(seed))
    ordered = centres[np.argsort(centres.prod(axis=1), kind="stable")]
    rounded = [(round(float(width), 2), round(float(height), 2)) for width, height in ordered]
    return [rounded[start : start + per_level] for start in range(0, count, per_level)]


def measure_fit(sizes: Floats, anchors: Sequence[Sequence[tuple[float, float]]]) -> float | None:
    """Mean overlap of every box with the anchor that suits it best, laid upon each other; None where there are no boxes."""
    if not len(sizes):
        return None
    flat = np.array([anchor for level in anchors for anchor in level], np.float64)
    return float(_overlap_sizes(np.asarray(sizes, np.float64), flat).max(axis=1).mean())


def _overlap_sizes(ones: Floats, others: Floats) -> Floats:
    common = np.minimum(ones[:, None], others[None]).prod(axis=2)
    union = ones.prod(axis=1)[:, None] + others.prod(axis=1)[None] - common
    return np.asarray(common / union, np.float64)


def _cluster(sides: Floats, distinct: Floats, count: int, rng: np.random.Generator) -> Floats:
    """K-means; a centre that no box is nearest to goes where a box is farthest from all centres."""
    centres = distinct[rng.choice(len(distinct), count, replace=False)]
    nearest = np.full(len(sides), -1)
    for _ in range(_ROUNDS):
        overlaps = _overlap_sizes(sides, centres)
        moved = overlaps.argmax(axis=1)
        if (moved == nearest).all():
            break
        nearest = moved
        for number in range(count):
            members = sides[nearest == number]
            centres[number] = np.median(members, axis=0) if len(members) else sides[overlaps.max(axis=1).argmin()]
    return np.asarray(centres, np.float64)


def _spread(kinds: Floats, count: int) -> Floats:
    """The kinds over and over, each time half as large again."""
    return np.array([kinds[number % len(kinds)] * 1.5 ** (number // len(kinds)) for number in range(count)])
