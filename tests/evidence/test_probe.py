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
    assert (probed.probabilities[labels == 2, 2] < 1e-4).all()
    assert not probed.doubted[labels == 2].any()
    assert probed.others.shape == (5, 3)
    np.testing.assert_allclose(probed.others.sum(axis=1), 1, atol=1e-5)


def test_what_the_first_judgement_doubts_is_not_learned_from_in_the_second():
    """Of a tenth of wrong labels most are left out, of no class more than half, and the joint judgement names more labels rightly."""
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 4, 300)
    embeddings = (rng.normal(size=(300, 8)) + 2.2 * np.eye(8)[truth]).astype(np.float32)
    wrong = rng.random(300) < 0.15
    labels = np.where(wrong, (truth + 1) % 4, truth)
    probed = probe_out_of_fold(embeddings, labels, np.arange(300) % 5, 4, embeddings[:0])
    assert wrong[probed.doubted].mean() > 0.6 and probed.doubted[wrong].mean() > 0.6
    assert all(probed.doubted[labels == number].mean() <= 0.5 for number in range(4))
    assert (probed.probabilities.argmax(axis=1) == truth).mean() > 0.8


def test_neighbours_see_what_no_line_divides():
    """Two classes in four corners, crosswise: a regression is at chance, the nearest pictures of the other folds are not."""
    rng = np.random.default_rng(1)
    corner = rng.integers(0, 2, (200, 2))
    embeddings = (rng.normal(size=(200, 2)) * 0.2 + 2 * corner - 1).astype(np.float32)
    labels = corner[:, 0] ^ corner[:, 1]
    probed = probe_out_of_fold(embeddings, labels, np.arange(200) % 5, 2, embeddings[:7] * 1.1)
    assert (probed.probabilities.argmax(axis=1) == labels).mean() > 0.95
    assert (probed.others.argmax(axis=1) == labels[:7]).all()


def test_nothing_to_learn_from_is_said():
    embeddings, labels = draw()
    with pytest.raises(UsageError, match="fewer than two classes"):
        probe_out_of_fold(embeddings, np.where(labels == 0, 0, 1), (labels == 0).astype(np.int64), 3, embeddings[:0])
    with pytest.raises(UsageError, match="0 embeddings"):
        probe_out_of_fold(embeddings[:0], labels, labels, 3, embeddings[:0])
