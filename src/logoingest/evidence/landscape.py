"""All pictures in a plane, and class by class what is more of the same and what is one of a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from logoingest.errors import Problem, UsageError
from logoingest.evidence.vectors import Floats, Rows, Vectors, find_nearest

#: Nearest pictures of the class that tell how much like the others one is.
_AROUND = 3
_SPARE = 12
#: An outlier is so many times as far from its class as the class's median picture is.
_FAR = 2.5
_LEAST_DISTANCE = 0.05


class ClassLooks(NamedTuple):
    """How the pictures of a class lie to each other."""

    class_id: str
    pictures: int
    spread: float
    """Median over its pictures of the mean cosine distance to their three nearest of the class and other groups."""
    same: Sequence[str]
    """image_ids: the most like all others, the most typical first."""
    unlike: Sequence[str]
    """image_ids: the least like any other, the oddest first."""
    outliers: Sequence[str]
    """Those of them that are 2.5 times as far from the others as the median picture."""


def project(vectors: Vectors, method: str = "pca") -> Floats:
    """(pictures, 2): coordinates in a plane, about 0. Equal vectors give equal planes.

    Args:
        vectors: of the pictures.
        method: "pca", the two directions of most variance, each turned so that its largest part is positive; or "umap" (extra).

    Raises:
        UsageError: the extra ``umap`` is missing.
    """
    centred = vectors.matrix - vectors.matrix.mean(axis=0)
    if method == "umap":
        try:
            from umap import UMAP
        except ImportError as error:
            raise UsageError(Problem("evidence.map", '"umap" needs another package', 'pip install "logoingest[umap]"')) from error
        plane = UMAP(n_components=2, metric="cosine", random_state=0, n_jobs=1).fit_transform(vectors.matrix)
        return np.asarray(plane - plane.mean(axis=0), np.float32)
    _, directions = np.linalg.eigh(np.asarray(centred.T @ centred, np.float64))
    best = directions[:, ::-1][:, :2]
    best = best * np.sign(best[np.abs(best).argmax(axis=0), np.arange(best.shape[1])])
    plane = centred @ best.astype(np.float32)
    return np.asarray(np.pad(plane, ((0, 0), (0, 2 - plane.shape[1]))), np.float32)


def describe_looks(vectors: Vectors, settled: Mapping[str, str], groups: Mapping[str, str], most: int = 4) -> list[ClassLooks]:
    """Every class of at least two groups, by name.

    Args:
        vectors: of pictures; those that are not settled are passed over.
        settled: image_id → class.
        groups: image_id → group of near-duplicates, which say nothing of each other here.
        most: pictures named of each sort, at most half of the class: none is both.
    """
    members: dict[str, list[str]] = {}
    for image_id in vectors.image_ids:
        if image_id in settled:
            members.setdefault(settled[image_id], []).append(image_id)
    found = (_describe_class(name, vectors.select(ids), groups, most) for name, ids in sorted(members.items()))
    return [looks for looks in found if looks is not None]


def _describe_class(name: str, own: Vectors, groups: Mapping[str, str], most: int) -> ClassLooks | None:
    names = [groups.get(image_id, image_id) for image_id in own.image_ids]
    if len(set(names)) < 2:
        return None
    distances = _measure_distances(own, np.unique(names, return_inverse=True)[1])
    centre = own.matrix.mean(axis=0)
    typical = np.lexsort((np.arange(len(own)), -np.round(own.matrix @ centre, 6)))
    odd = np.lexsort((np.arange(len(own)), -distances))
    spread = float(np.median(distances))
    far = max(_FAR * spread, _LEAST_DISTANCE)
    shown = min(most, len(own) // 2)
    same = typical[:shown].tolist()
    unlike = [row for row in odd.tolist() if row not in same][:shown]
    return ClassLooks(
        name,
        len(own),
        round(spread, 4),
        [own.image_ids[row] for row in same],
        [own.image_ids[row] for row in unlike],
        [own.image_ids[row] for row in odd.tolist() if distances[row] > far],
    )


def _measure_distances(own: Vectors, group: Rows) -> Floats:
    """Mean cosine distance of each picture to its nearest few of other groups."""
    found = find_nearest(own, own.matrix, min(_AROUND + _SPARE, len(own)))
    foreign = (found.rows >= 0) & (group[found.rows] != group[:, None])
    rank = np.cumsum(foreign, axis=1)
    used = foreign & (rank <= _AROUND)
    sums = np.where(used, 1 - found.similarity, 0).sum(axis=1)
    return np.asarray(np.round(np.where(used.any(axis=1), sums / np.maximum(used.sum(axis=1), 1), 0), 6), np.float32)
