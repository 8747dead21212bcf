"""Figures of a sweep, where they could mislead."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import pytest

from logoingest.config.sweep_section import KnobRange
from logoingest.experiments.results.plots import _Shown, draw_finalists, draw_parallel_coordinates, draw_slices, draw_time
from logoingest.experiments.trials.orders import TrialState

SPACE = {
    "label_smoothing": (0.0, 0.05),
    "epochs": (4,),
    "lr": KnobRange(low=0.1, high=0.5),
    "model": ("resnet18", "vgg16", "vgg19"),
}


def show(*trials):
    """Trials' settings and scores, as the figures take them."""
    made = [
        SimpleNamespace(
            order=SimpleNamespace(number=number, settings=settings), result=SimpleNamespace(state=TrialState.COMPLETE, score=score)
        )
        for number, (settings, score) in enumerate(trials)
    ]
    return _Shown(SimpleNamespace(metric="validation.top1", winner=None), made, SPACE, 1)


def test_values_of_a_list_are_written_at_their_places():
    """Two numbers too, which lie at 0 and 1; a range has an axis of its own."""
    smooth, epochs, lr, model = draw_slices(show(({"label_smoothing": 0.05, "lr": 0.2}, 0.5), ({"model": "vgg16"}, 0.4))).axes[:4]
    assert [label.get_text() for label in smooth.get_xticklabels()] == ["0.0", "0.05"]
    assert [label.get_text() for label in epochs.get_xticklabels()] == ["4"]
    assert [label.get_text() for label in model.get_xticklabels()] == ["resnet18", "vgg16", "vgg19"]
    assert all(0.0 < float(tick) < 0.6 for tick in lr.get_xticks())


@pytest.mark.parametrize("scores", [(0.0, 0.0), (0.0, 1.0)])
def test_trials_that_are_alike_leave_room_for_every_axis(scores, tmp_path):
    """Equal settings and scores: all axes are whole, and their ends are written inside."""
    figure = draw_parallel_coordinates(show(*(({"label_smoothing": 0.0, "epochs": 4}, score) for score in scores)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(tmp_path / "parallel.png")
    low, high = figure.axes[0].get_ylim()
    assert low < 0 < 1 < high


@pytest.mark.parametrize(("seconds", "ticks"), [((9.0, 95.0), [10, 20, 50]), ((2.0, 4_000.0), [10, 100, 1_000])])
def test_a_logarithmic_axis_has_more_than_one_number(seconds, ticks):
    """Where it spans little more than ten times, 2 and 5 are written too."""
    shown = show(*(({"epochs": 4}, 0.5) for _ in seconds))
    for one, cpu_s in zip(shown.trials, seconds, strict=True):
        one.result.cost = SimpleNamespace(cpu_s=cpu_s)
    axes = draw_time(shown).axes[0]
    low, high = axes.get_xlim()
    assert [tick for tick in axes.get_xticks() if min(seconds) <= tick <= max(seconds)] == ticks, (low, high)


@pytest.mark.parametrize(("low", "said"), [(0.4, True), (None, False)])
def test_intervals_are_spoken_of_where_they_are_drawn(low, said):
    """A detector's mean average precision has none."""
    one = SimpleNamespace(trial=3, low=low, high=0.6, scores=[0.5, 0.52], score=0.51)
    summary = SimpleNamespace(finalists=[one], start=None, winner=None, metric="validation.mean_average_precision")
    axes = draw_finalists(_Shown(summary, [], SPACE, 1)).axes[0]
    assert ("95 % interval" in axes.get_xlabel()) == said
    assert len(axes.lines) == 2 + said
