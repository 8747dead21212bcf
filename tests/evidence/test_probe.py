"""The linear probe."""

from __future__ import annotations

import numpy as np
import pytest

from logoingest.errors import UsageError
from logoingest.evidence.probe import probe_out_of_fold


def draw(count=120, classes=3, width=12):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, count)
    return (rng.normal(size=(count, width)) + 3 * np.eye(width)[labels]).astype(np.float32), labels


def test_every_picture_is_judged_by_a_probe_that_never_saw_it():
    """Right where it can be; of a class that was all in one fold the held-out pictures cannot be named."""
    embeddings, labels = draw()
    folds = np.arange(len(labels)) % 4
    folds[labels == 2] = 0
    probed = probe_out_of_fold(embeddings, labels, folds, 3, embeddings[:5])
    np.testing.assert_allclose(probed.probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probed.probabilities.argmax(axis=1) == labels)[labels != 2].mean() > 0.9
    assert not probed.learned[0, 2]
    assert (probed.probabilities[labels == 2, 2] == 0).all()
    assert probed.others.shape == (5, 3)
    np.testing.assert_allclose(probed.others.sum(axis=1), 1, atol=1e-5)


def test_nothing_to_learn_from_is_said():
    embeddings, labels = draw()
    with pytest.raises(UsageError, match="fewer than two classes"):
        probe_out_of_fold(embeddings, np.where(labels == 0, 0, 1), (labels == 0).astype(np.int64), 3, embeddings[:0])
    with pytest.raises(UsageError, match="0 embeddings"):
        probe_out_of_fold(embeddings[:0], labels, labels, 3, embeddings[:0])
