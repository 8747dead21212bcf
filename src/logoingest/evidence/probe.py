"""A probe: logistic regression on embeddings, and what the nearest pictures are called, fold by fold; seconds, where trainings take minutes.

The regression judges twice: what confident learning flags in its first judgement is not learned from in the second, and both count alike.
The flags come from all folds, so a label has that faint a part in its own second judgement, as in any pruning. The neighbours err otherwise than the regression: they see what a class looks like here and there,
not what divides it from the others. Both witnesses count alike.

A fit is thousands of small products: threads for each would wait for each other longer than they work (931 embeddings of 1,280 numbers on
two busy cores: 53 CPU seconds with two threads, 4 with one).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from logoingest.errors import Problem, UsageError
from logoingest.evidence.label_errors import calibrate, choose_doubted, join_judges, scale
from logoingest.evidence.vectors import EXACT_LIMIT, Vectors, centre_vectors, find_nearest, scale_vectors

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

#: Inverse strength of the penalty on standardised embeddings.
_PENALTY = 0.03
_STEPS, _TOLERANCE = 300, 1e-3
#: Numbers of an embedding that are looked at, by principal components; more would fit the noise and cost time.
_WIDTH = 256
#: Neighbours that are asked; how much nearer ones count more, in cosine; what a class has that none of them is of.
_NEIGHBOURS, _WARMTH, _UNSEEN = 10, 0.1, 0.02


class Probed(NamedTuple):
    """What the probe says of pictures that it did not learn from."""

    probabilities: Floats
    """(n, classes) of the labelled pictures, each by the probe whose fold held it out."""
    learned: npt.NDArray[np.bool_]
    """(folds, classes) whether a picture of the class was learned from."""
    others: Floats
    """(m, classes) of further pictures: the mean over the folds' probes."""
    doubted: npt.NDArray[np.bool_]
    """(n,) labels that the second judgement did not learn from."""


def probe_out_of_fold(embeddings: Floats, labels: Rows, folds: Rows, count: int, others: Floats) -> Probed:
    """Fit a probe per fold on what the other folds hold, and have it judge what its fold holds.

    Args:
        embeddings: (n, width) of the labelled pictures.
        labels: (n,) class index.
        folds: (n,) fold number, from 0 on without gaps.
        count: classes.
        others: (m, width) of further pictures.

    Raises:
        UsageError: a fold leaves fewer than two classes to learn from, or the arrays do not fit together.
    """
    if not len(labels) == len(embeddings) == len(folds) or not len(labels):
        what = f"{len(embeddings):,} embeddings, {len(labels):,} labels, {len(folds):,} folds"
        raise UsageError(Problem("suspects", what, "embed the pictures of the release first: logoingest embed dataset.toml"))
    everything = np.ones(len(labels), bool)
    first = _judge(embeddings, labels, folds, count, others, everything)
    taught = first.learned[folds, labels]
    doubted = np.zeros(len(labels), bool)
    doubted[taught] = choose_doubted(first.probabilities[taught], labels[taught])
    second = _judge(embeddings, labels, folds, count, others, ~doubted)
    rounds = (first, second)
    temperatures = [calibrate(judged.probabilities[taught], labels[taught])[1] for judged in rounds]
    joined, further = (
        join_judges(judges, temperatures)
        for judges in ([judged.probabilities for judged in rounds], [judged.others for judged in rounds])
    )
    if len(labels) <= EXACT_LIMIT:
        near = _ask_neighbours(embeddings, labels, folds, first.learned, others)
        temperatures = [calibrate(shares[taught], labels[taught])[1] for shares in (joined, near.probabilities)]
        joined = _average(joined, near.probabilities, temperatures)
        further = _average(further, near.others, temperatures)
    return Probed(joined.astype(np.float32), first.learned, further.astype(np.float32), doubted)


def _average(
    regression: npt.NDArray[np.floating], neighbours: npt.NDArray[np.floating], temperatures: Sequence[float]
) -> npt.NDArray[np.float64]:
    both = scale(regression, temperatures[0]) + scale(neighbours, temperatures[1])
    return np.asarray(both / 2, np.float64)


class _Judged(NamedTuple):
    probabilities: Floats
    learned: npt.NDArray[np.bool_]
    others: Floats


def _judge(  # noqa: PLR0917  # what is judged, and what is learned from
    embeddings: Floats, labels: Rows, folds: Rows, count: int, others: Floats, kept: npt.NDArray[np.bool_]
) -> _Judged:
    """One round: a probe a fold, of those labels that are kept."""
    number = int(folds.max()) + 1
    shares = np.zeros((len(labels), count), np.float32)
    further = np.zeros((len(others), count), np.float64)
    learned = np.zeros((number, count), bool)
    for fold in range(number):
        held_out, taught = folds == fold, (folds != fold) & kept
        if len(np.unique(labels[taught])) < 2:
            what = f"fold {fold} leaves fewer than two classes to learn from"
            raise UsageError(Problem("suspects", what, "two classes with pictures in several groups are needed"))
        fitted = _fit(embeddings[taught], labels[taught])
        classes = fitted.named_steps["regression"].classes_
        learned[fold, classes] = True
        shares[np.ix_(held_out, classes)] = fitted.predict_proba(embeddings[held_out]) if held_out.any() else 0
        if len(others):
            further[:, classes] += fitted.predict_proba(others) / number
    return _Judged(shares, learned, further.astype(np.float32))


def _ask_neighbours(embeddings: Floats, labels: Rows, folds: Rows, learned: npt.NDArray[np.bool_], others: Floats) -> _Judged:
    """What the nearest pictures of the other folds are called, seen from the middle of all; of further pictures, those of all folds."""
    count = learned.shape[1]
    vectors = centre_vectors(Vectors(tuple(map(str, range(len(labels)))), scale_vectors(embeddings), ""))
    shares = np.zeros((len(labels), count))
    for fold in range(len(learned)):
        held_out = np.flatnonzero(folds == fold)
        if len(held_out):
            shares[held_out] = _count_neighbours(
                vectors, labels, np.flatnonzero(folds != fold), vectors.matrix[held_out], learned[fold]
            )
    further = _count_neighbours(
        vectors, labels, np.arange(len(labels)), vectors.aim(others), np.asarray(learned.any(axis=0), np.bool_)
    )
    return _Judged(shares.astype(np.float32), learned, further.astype(np.float32))


def _count_neighbours(
    vectors: Vectors, labels: Rows, taught: Rows, asked: Floats, learned: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """(n, classes): the nearer the more, and to every class that is known a little."""
    among = vectors.select([vectors.image_ids[row] for row in taught.tolist()])
    found = find_nearest(among, asked, min(_NEIGHBOURS, len(among)))
    weight = np.exp((found.similarity - found.similarity[:, :1]) / _WARMTH)
    weight /= weight.sum(axis=1, keepdims=True)
    shares = np.tile(np.where(learned, _UNSEEN, 0.0), (len(asked), 1))
    np.add.at(shares, (np.arange(len(asked))[:, None], labels[taught][found.rows]), weight)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float64)


def _fit(embeddings: Floats, labels: Rows):  # type: ignore[no-untyped-def]  # noqa: ANN202  # scikit-learn ships no types
    from sklearn.decomposition import PCA
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    steps: list[tuple[str, object]] = [("scale", StandardScaler())]
    width = min(_WIDTH, *embeddings.shape)
    if width < embeddings.shape[1]:
        steps.append(("reduce", PCA(width, random_state=0)))
    steps.append(("regression", LogisticRegression(C=_PENALTY, max_iter=_STEPS, tol=_TOLERANCE)))
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # nearly there is near enough for a probe
        return Pipeline(steps).fit(embeddings, labels)
