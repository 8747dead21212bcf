"""Confident learning, and what the votes have to say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.errors import UsageError
from logoingest.evidence.label_errors import (
    calibrate,
    combine,
    find_label_errors,
    rank_labels,
    scale,
    spread_votes,
    temper_confidence,
)


def draw(seed, count=300, classes=5, wrong=0.15, sharpness=3.0):
    """(probabilities of a fair model, labels of which some are wrong, which)."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, count)
    logits = rng.normal(size=(count, classes)) + sharpness * np.eye(classes)[truth]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    is_wrong = rng.random(count) < wrong
    return shares, np.where(is_wrong, (truth + rng.integers(1, classes, count)) % classes, truth), is_wrong


def find_precision(order, is_wrong):
    hits = is_wrong[order]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


@pytest.mark.parametrize("seed", range(5))
def test_the_same_pictures_are_flagged_as_by_cleanlab(seed):
    """Without its pruning by counts: the off-diagonal of the confident joint, and the same margins."""
    cleanlab = pytest.importorskip("cleanlab")
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    assert cleanlab
    shares, labels, _ = draw(seed)
    ours = find_label_errors(shares, labels)
    theirs = find_label_issues(labels, shares, filter_by="confident_learning", n_jobs=1)
    assert (ours.flagged == theirs).mean() > 0.985
    scores = get_label_quality_scores(labels, shares, method="normalized_margin", adjust_pred_probs=False)
    np.testing.assert_allclose((ours.margin + 1) / 2, scores, atol=1e-9)


@given(st.integers(0, 20))
def test_wrong_labels_come_first(seed):
    shares, labels, is_wrong = draw(seed)
    found = find_label_errors(shares, labels)
    assert find_precision(np.argsort(found.margin), is_wrong) > 0.8
    assert is_wrong[found.flagged].mean() > 0.6
    assert (found.suggestion != labels).all()


def test_five_who_agree_outweigh_a_sure_model_and_a_tie_does_not():
    """Three pictures labelled 0 of which the model says 1 with 90 %: five votes to none, three to two, three to two but not of 1."""
    shares = np.tile([0.07, 0.9, 0.03], (3, 1))
    labels = np.zeros(3, np.int64)
    voted = spread_votes(np.array([0.99, 0.7, 0.7]), labels, [{0: 5}, {0: 3, 1: 2}, {0: 3, 2: 2}], 3)
    np.testing.assert_allclose(voted.sum(axis=1), 1)
    together = combine(shares, voted, np.full(3, 1 / 3))
    assert together.argmax(axis=1).tolist() == [0, 1, 0]
    assert rank_labels(together, labels).tolist() == [1, 2, 0]


def test_without_a_label_the_votes_speak_alone():
    voted = spread_votes(np.zeros(2), np.array([-1, -1]), [{1: 2, 2: 2}, {}], 4)
    assert voted[0, 1] == voted[0, 2] > 10 * voted[0, 0]
    np.testing.assert_allclose(voted[1], 0.25)


@given(st.integers(0, 10), st.sampled_from([1.5, 3.0]))
def test_a_model_too_sure_is_brought_back(seed, factor):
    """Whatever its temperature was, the calibrated probabilities are the same."""
    shares, labels, _ = draw(seed, wrong=0, sharpness=1.5)
    fair, usual = calibrate(shares, labels)
    back, temperature = calibrate(scale(shares, 1 / factor), labels)
    assert temperature == pytest.approx(usual * factor, rel=1e-3)
    np.testing.assert_allclose(back, fair, atol=1e-3)


@pytest.mark.parametrize(
    ("shares", "labels", "message"),
    [
        (np.ones((3, 2)), [0, 1], "3, 2"),
        (np.ones((2, 2)), [0, 2], "label 2 of 2 classes"),
        (np.full((2, 2), np.nan), [0, 1], "not finite"),
        (np.ones((2, 1)), [0, 0], "two classes"),
    ],
)
def test_what_does_not_fit_is_said(shares, labels, message):
    with pytest.raises(UsageError, match=message):
        find_label_errors(shares, np.array(labels))


def test_people_who_were_fooled_alike_are_believed_less():
    """All are 99 % sure of every label: where a fifth is wrong the model says so, and confidence falls; where all are right it stays."""
    sure, priors = np.full(1000, 0.99), np.full(5, 0.2)
    means = []
    for wrong in (0.0, 0.2):
        shares, labels, _ = draw(1, count=1000, wrong=wrong)
        tempered = temper_confidence(calibrate(shares, labels)[0], sure, labels, priors)
        assert (tempered <= sure).all()
        means.append(tempered.mean())
    assert means[0] > 0.98
    assert means[1] < 0.96
