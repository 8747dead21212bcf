"""What a training came to, as a sweep tells it."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from logoingest.experiments.results.comparison import compare_candidates
from logoingest.experiments.results.table import EndedTrial, average_pictures, make_candidate
from logoingest.experiments.trials.orders import Role, TrialState
from logoingest.experiments.trials.work import read_pictures


def end(folder, figure, marks, trial=0, seed=0):
    """A training that came to ``figure`` on validation, and how each picture came out."""
    table = pa.table(
        {"image_id": [f"{number:04}" for number in range(len(marks))], "score": marks, "split": ["validation"] * len(marks)}
    )
    folder.mkdir(exist_ok=True)
    pq.write_table(table, folder / "pictures.parquet")
    assert read_pictures(folder).num_rows == len(marks)
    order = SimpleNamespace(of_trial=trial, settings={}, role=Role.TRIAL, is_screening=False, folds=0, train={"seed": seed})
    figures = {"validation.map50": figure, "validation.top1": figure}
    return EndedTrial(order, SimpleNamespace(figures=figures, score=figure, state=TrialState.COMPLETE, fold_scores=[]), folder, 1)


def end_all(folder, trials):
    """Trial → the marks of each of its trainings."""
    return [
        end(folder / f"{trial}-{seed}", sum(marks) / len(marks), marks, trial, seed)
        for trial, trainings in trials.items()
        for seed, marks in enumerate(trainings)
    ]


@pytest.mark.parametrize(
    ("figure", "marks", "bounded"),
    [
        (0.75, [1.0, 1.0, 1.0, 0.0], True),
        (1.0, [1.0] * 4, True),
        (0.31, [1.0, 1.0, 1.0, 0.0], False),
        (0.75, [1.0, 1.0, 0.9, 0.1], False),
        (0.0, [0.0] * 4, False),
    ],
)
def test_only_a_share_of_pictures_has_a_binomial_interval(tmp_path, figure, marks, bounded):
    """A mean of marks has one; an average precision has none, of a detector that found nothing neither."""
    made = make_candidate([end(tmp_path, figure, marks)], "validation", "validation.top1")
    assert (made.low is not None) is (made.high is not None) is bounded
    assert made.score == figure


@pytest.mark.parametrize(
    ("trainings", "expected"),
    [([[1.0, 0.0]], [1, 0]), ([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]], [1, 0.5, 0]), ([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], [1, 0])],
)
def test_a_picture_is_what_most_trainings_say_and_half_where_they_are_divided(tmp_path, trainings, expected):
    """As many right as wrong is neither: settings with an even number of trainings are not thought worse for it."""
    assert list(average_pictures(end_all(tmp_path, {0: trainings})).values()) == expected


def test_settings_whose_trainings_are_divided_are_not_thought_worse_than_one_training(tmp_path):
    """Two trainings, each right on one half of the hard pictures, against one that is right on none of them: it is worse nowhere."""
    easy, half = [1.0] * 40, [1.0, 0.0] * 10
    trials = end_all(tmp_path, {1: [easy + half, easy + [1 - mark for mark in half]], 2: [easy + [0.0] * 20]})
    [found] = compare_candidates(trials, [(1, 2)], "validation.top1", 1)
    assert (found.better, found.worse) == (20, 0)
    assert found.is_distinguishable
    assert "is better than" in found.statement


def test_no_verdict_where_the_pictures_speak_for_the_one_with_the_worse_score(tmp_path):
    """Most of three trainings are wrong on many pictures that the mean counts for a third: a score alone says nothing then."""
    third = [[1.0 if place % 3 == seed else 0.0 for place in range(30)] for seed in range(3)]
    one = [marks + [1.0] * 8 for marks in third]
    trials = end_all(tmp_path, {1: one, 2: [[1.0] * 9 + [0.0] * 21 + [1.0] * 8]})
    [found] = compare_candidates(trials, [(1, 2)], "validation.top1", 1)
    assert found.one.score > found.other.score
    assert (found.better, found.worse) == (0, 9)
    assert found.chance < 0.05
    assert not found.is_distinguishable
