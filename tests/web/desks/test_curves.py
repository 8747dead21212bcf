"""Learning curves are read from what trainings have written so far, whatever else lies there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from logoingest.web.desks.curves import HEIGHT, WIDTH, Curve, plot_curves, read_curves
from logoingest.workspace import Workspace


def tell(folder: Path, *lines: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "epochs.jsonl").write_text("".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines))


def test_a_baseline_that_is_being_trained_is_followed(tmp_path):
    """Its unfinished folder counts before the earlier one; a line that is being written does not yet."""
    tell(tmp_path / "baseline", {"epoch": 1, "train.loss": 9.0})
    tell(
        tmp_path / "baseline.unfinished",
        {"epoch": 1, "train.loss": 1.5, "validation.top1": 0.25, "lr": 0.1},
        {"epoch": 2, "train.loss": 1.0, "validation.top1": None},
        '{"epoch": 3, "train.l',
    )
    [found] = read_curves(Workspace(tmp_path))
    assert (found.name, found.is_running, found.last_epoch) == ("baseline", True, 2)
    assert found.losses == [Curve("train.loss", [1, 2], [1.5, 1.0])]
    assert found.scores == [Curve("validation.top1", [1], [0.25])]


def test_trials_are_followed_by_their_last_try(tmp_path):
    """Of the sweep in which something happened last, the newest first; one without an epoch is left out."""
    tell(tmp_path / "sweep/ba9876543210/trials/00009/1", {"epoch": 1, "train.loss": 3.0})
    for name, at in (("ba9876543210", 100), ("0123456789ab", 200)):
        journal = tmp_path / "sweep" / name / "journal.jsonl"
        journal.parent.mkdir(parents=True, exist_ok=True)
        journal.write_text("")
        os.utime(journal, (at, at))
    tell(tmp_path / "sweep/0123456789ab/trials/00001/1", {"epoch": 1, "train.loss": 3.0})
    tell(tmp_path / "sweep/0123456789ab/trials/00001/2", {"epoch": 1, "train.loss": 2.0})
    tell(tmp_path / "sweep/0123456789ab/trials/00002/1", {"epoch": 1, "train.loss": 1.0})
    (tmp_path / "sweep/0123456789ab/trials/00002/1/result.json").write_text("{}")
    tell(tmp_path / "sweep/0123456789ab/trials/00003/1")
    tell(tmp_path / "sweep/0123456789ab/trials/notes/1", {"epoch": 1, "train.loss": 1.0})
    found = read_curves(Workspace(tmp_path))
    assert [(one.name, one.is_running, one.losses[0].values) for one in found] == [
        ("trial 2", False, [1.0]),
        ("trial 1", True, [2.0]),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "[1]\n",
        "7\n",
        "[" * 5_000 + "\n",
        {"epoch": "1", "x": 1},
        {"epoch": 1, "<script>": 1},
        {"epoch": 1, "x": "y"},
        {"epoch": 1, "x": True},
    ],
)
def test_what_is_no_figure_is_passed_over(tmp_path, line):
    """A workspace may come from strangers."""
    tell(tmp_path / "baseline", line)
    assert read_curves(Workspace(tmp_path)) == []


def test_a_plot_has_whole_epochs_and_stays_in_its_box():
    """One point, or many."""
    assert plot_curves([], from_zero_to_one=True) is None
    for last in (1, 2, 7, 400):
        curve = Curve("x", list(range(1, last + 1)), [1 / epoch for epoch in range(1, last + 1)])
        plot = plot_curves([curve], from_zero_to_one=False)
        assert 1 <= len(plot.ticks) <= 6
        assert all(isinstance(epoch, int) and 0 <= x <= WIDTH for x, epoch in plot.ticks)
        points = [tuple(map(float, point.split(","))) for point in plot.lines[0][1].split()]
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
