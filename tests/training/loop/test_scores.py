"""Figures, and the pictures of them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from logoingest.training.classification.figures import draw_figures, find_readable_top
from logoingest.training.loop.prediction import Predictions
from logoingest.training.loop.scores import find_majority, score_split


def predict_by_hand(labels, top, loss, classes=4):
    shares = np.full((len(labels), classes), 0.5 / max(1, classes - 1), np.float32)
    shares[np.arange(len(labels)), np.array(top, dtype=np.int64)[:, 0]] = 0.5
    return Predictions(np.array(labels, dtype=np.int64), np.array(top, dtype=np.int64), np.array(loss), shares)


def test_figures_of_a_small_split_by_hand():
    """Four pictures of three classes, one class absent, counted by hand."""
    top = np.array([[0, 1], [1, 0], [1, 0], [3, 1]])
    scores = score_split(predict_by_hand([0, 0, 1, 3], top, [0.1, 0.2, 0.3, 0.4]), 4)
    assert scores.top1 == 0.75
    assert scores.top5 == 1.0
    assert scores.mae == pytest.approx((3 * 2 * 0.5 + 2 * (1 - 0.5 / 3)) / 16, abs=1e-6)  # three right at 0.5, one wrong
    assert scores.support == (2, 1, 0, 1)
    assert scores.precision == (1.0, 0.5, None, 1.0)
    assert scores.f1 == (0.666667, 0.666667, None, 1.0)
    assert scores.recall == (0.5, 1.0, None, 1.0)
    assert abs(scores.macro_f1 - (2 / 3 + 2 / 3 + 1) / 3) < 1e-6
    assert scores.confusion == ((0, 0, 1), (0, 1, 1), (1, 1, 1), (3, 3, 1))


def test_an_empty_split_has_no_figures():
    """No pictures, no figures, no division by zero."""
    scores = score_split(predict_by_hand([], np.zeros((0, 1)), []), 3)
    assert scores.top1 is None
    assert scores.recall == (None,) * 3


@pytest.mark.parametrize(
    ("losses", "top"), [([2.0, 1.0, 0.5], 2.0), ([1.0] * 19 + [500.0], 1.3), ([500.0, 400.0, 300.0], 500.0), ([0.0, 0.0], 0.0)]
)
def test_one_bad_epoch_does_not_flatten_the_loss(losses, top):
    """The axis ends above the usual losses; where all are large it ends above all."""
    assert find_readable_top(np.array(losses)) == pytest.approx(top)


def test_the_majority_class_is_that_of_train():
    """What is commonest in train is scored on test."""
    assert find_majority(np.array([2, 2, 1]), np.array([1, 1, 1, 2]), 3) == (2, 0.25)


def test_three_hundred_classes_with_odd_names_are_drawn(tmp_path, recwarn):
    """Names with dollar signs, in other scripts, very long or with line ends are drawn, without a warning."""
    names = [["$x_{", "可口可乐", "a" * 300, "new\nline", "Citroën"][index % 5] + str(index) for index in range(300)]
    labels = np.random.default_rng(0).integers(0, 300, 900)
    top = np.where(np.random.default_rng(1).random(900) < 0.7, labels, 0)[:, None]
    scores = score_split(predict_by_hand(labels, top, np.ones(900), 300), 300)
    epoch = {"epoch": 1, "train_loss": 1.0, "train_accuracy": 0.5, "validation_loss": None, "validation_accuracy": None}
    draw_figures({"class_names": names, "epochs": [epoch], "test": scores._asdict()}, tmp_path)
    for name in ("curves.png", "confusion.png", "per_class_recall.png"):
        assert max(Image.open(tmp_path / name).size) < 2500
    assert not [warning for warning in recwarn if "lyph" in str(warning.message)]
