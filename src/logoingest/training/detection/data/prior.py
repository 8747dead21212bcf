"""The box prior: what can be said of every picture without looking at it. What a detector must beat. No torch here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from logoingest.training.detection.data.boxes import Detections, Floats, TrueBoxes, measure_overlaps
from logoingest.training.detection.data.photos import Photos

#: Boxes that are said of every class, at most.
BOXES_PER_CLASS = 3
_ROUNDS = 20


def learn_prior(photos: Photos, class_count: int) -> Detections:
    """The commonest places of every class's boxes in train, as shares of the picture, scored by how common they are."""
    shares, labels = list_shares(photos)
    found: list[tuple[float, int, Floats]] = []
    for label in range(class_count):
        own = shares[labels == label]
        for centre, count in _find_centres(own):
            found.append((count / max(len(labels), 1), label, centre))
    found.sort(key=lambda one: -one[0])
    corners = np.array([centre for _, _, centre in found], np.float64).reshape(-1, 4)
    return Detections(
        corners, np.array([label for _, label, _ in found], np.int64), np.array([score for score, _, _ in found], np.float64)
    )


def say_prior(prior: Detections, photos: Photos) -> list[Detections]:
    """The same of every picture, in its pixels."""
    sizes = photos.shapes[:, ::-1] / photos.scales
    return [prior._replace(corners=prior.corners * np.tile(size, 2)) for size in sizes]


def list_shares(photos: Photos) -> tuple[Floats, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """((n, 4) corners of all boxes as shares of their picture, (n,) classes)."""
    sizes = photos.shapes[:, ::-1] / photos.scales
    shares = [boxes.corners / np.tile(size, 2) for boxes, size in zip(photos.boxes, sizes, strict=True)]
    labels = [boxes.labels for boxes in photos.boxes]
    return np.concatenate([np.zeros((0, 4)), *shares]), np.concatenate([np.zeros(0, np.int64), *labels])


def swap_boxes(photos: Photos, rng: np.random.Generator) -> tuple[TrueBoxes, ...]:
    """For every picture the boxes of another, as shares of the picture."""
    sizes = photos.shapes[:, ::-1] / photos.scales
    shares = [boxes._replace(corners=boxes.corners / np.tile(size, 2)) for boxes, size in zip(photos.boxes, sizes, strict=True)]
    return tuple(shares[place] for place in rng.permutation(len(shares)))


def _find_centres(shares: Floats) -> Sequence[tuple[Floats, int]]:
    """The middle boxes of up to three clusters, and how many boxes each has."""
    if not len(shares):
        return []
    count = min(BOXES_PER_CLASS, len(np.unique(shares, axis=0)))
    order = np.argsort((shares[:, 2:] - shares[:, :2]).prod(axis=1), kind="stable")
    centres = shares[order[np.linspace(0, len(order) - 1, count).round().astype(int)]].copy()
    nearest = np.zeros(len(shares), np.int64)
    for _ in range(_ROUNDS):
        nearest = measure_overlaps(shares, centres).argmax(axis=1)
        for number in range(count):
            if (nearest == number).any():
                centres[number] = np.median(shares[nearest == number], axis=0)
    return [(centres[number], int((nearest == number).sum())) for number in range(count) if (nearest == number).any()]
