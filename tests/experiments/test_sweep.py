"""A whole sweep: trials in processes of their own, the same table whatever happened on the way, and what is said in the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from builders.drawn_releases import make_sweep_config
from logoingest.errors import UsageError
from logoingest.experiments import read_sweep, run_sweep
from logoingest.schemas import MEASURED_COLUMNS

pytestmark = pytest.mark.slow  # each trial is a process


def read_outcomes(config):
    """The trials table, without what is measured."""
    return pq.read_table(config.resolve("work/sweep/trials.parquet")).drop_columns(list(MEASURED_COLUMNS)).to_pylist()


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """(config, summary, table) of a sweep with one trial at a time."""
    config = make_sweep_config(tmp_path_factory.mktemp("sweep"))
    summary = run_sweep(config)
    return config, summary, read_outcomes(config)


def test_every_trial_says_what_it_was_trained_with(swept):
    """The first is the config as it stands; all others have what the sweep set, and nothing else is changed."""
    config, summary, table = swept
    plain = config.train.model_dump(mode="json")
    assert summary.states == {"complete": 6}
    for row in table:
        settings, trained = json.loads(row["settings"]), json.loads(row["config"])
        assert trained == {**plain, **settings, "seed": row["seed"]}
        assert row["release"] == summary.release
        assert json.loads(row["versions"])["logoingest"]
    assert json.loads(table[0]["settings"]) == {"lr": 0.3, "batch_size": 32}


def test_validation_chooses_and_test_is_opened_once_for_the_winner(swept):
    """Only the winner and the settings as they stand have figures of test; the winner is the best finalist over all its seeds."""
    _, summary, table = swept
    with_test = {row["of_trial"] for row in table if "test.top1" in json.loads(row["figures"])}
    assert with_test == {summary.winner.trial, 0}
    assert summary.winner.score == max(one.score for one in summary.finalists)
    assert len(summary.winner.scores) == 2
    assert summary.test.winner.score > summary.test.start.score


def test_results_are_written_for_people_and_programs(swept):
    """A table, a summary, the winner's settings and seven figures."""
    config, summary, _ = swept
    folder = config.resolve("work/sweep")
    assert {path.name for path in folder.glob("*.png")} == {
        "history.png", "finalists.png", "importance.png", "slices.png", "parallel.png", "curves.png", "time.png",
    }  # fmt: skip
    assert json.loads((folder / "summary.json").read_text("utf-8"))["winner"]["trial"] == summary.winner.trial
    assert f"lr = {summary.winner.settings['lr']}" in (folder / "best.toml").read_text("utf-8")


def test_a_sweep_that_is_done_runs_nothing_again(swept):
    """The second run reads what lies there."""
    config, summary, _ = swept
    tries = sorted(config.resolve("work/sweep").rglob("order.json"))
    assert run_sweep(config).statements == summary.statements
    assert sorted(config.resolve("work/sweep").rglob("order.json")) == tries
    assert read_sweep(config).winner == summary.winner


def test_trials_side_by_side_that_die_come_to_the_same_table(swept, tmp_path):
    """Two at once, and every process killed on its first try: told FAIL, asked again, and nothing shows it but the attempts."""
    options = {"dies_once": True, "marks": str(tmp_path)}
    config = make_sweep_config(tmp_path, train={"recipe_options": options}, parallel=2)
    run_sweep(config)
    other = read_outcomes(config)
    for row in other:
        trained = json.loads(row["config"])
        assert trained.pop("recipe_options") == options
        row["config"] = json.dumps({**trained, "recipe_options": {}}, ensure_ascii=False, sort_keys=True)
    assert other == swept[2]
    attempts = pq.read_table(tmp_path / "work/sweep/trials.parquet").column("attempts").to_pylist()
    assert sum(attempts) > len(attempts)


def test_killed_three_times_it_comes_to_the_same_table(swept, tmp_path):
    """kill -9 of the coordinator, in the midst of trials: they end with it, and the next run goes on."""
    text = "from pathlib import Path; from builders.drawn_releases import make_sweep_config; from logoingest.experiments import run_sweep\n"
    options = {"parallel": 2, "trials": 3, "finalists": 1, "repeats": 1, "train": {"recipe_options": {"epoch_s": 0.3}}}
    text += f"run_sweep(make_sweep_config(Path({str(tmp_path)!r}), **{options!r}))"
    for _ in range(3):
        tries = len(list(tmp_path.rglob("order.json")))
        process = subprocess.Popen([sys.executable, "-c", text], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        while process.poll() is None and len(list(tmp_path.rglob("order.json"))) == tries:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    config = make_sweep_config(tmp_path, **options)
    run_sweep(config)
    rows, expected = ([row for row in table if row["trial"] < 3] for table in (read_outcomes(config), swept[2]))
    for row in (*rows, *expected):
        row["config"] = {**json.loads(row["config"]), "recipe_options": {}}
    assert rows == expected
    journal = next((tmp_path / "work/sweep").glob("*/journal.jsonl")).read_text("utf-8")
    assert journal.count("told FAIL, asked again") >= 3


def test_want_of_memory_halves_how_many_run_at_once(tmp_path):
    """Three trials at once have no room, one has: none of them fails."""
    marks = tmp_path / "marks"
    marks.mkdir()
    options = {"memory_for": 1, "marks": str(marks)}
    config = make_sweep_config(tmp_path, train={"recipe_options": options}, trials=4, parallel=3, finalists=1, repeats=1)
    assert run_sweep(config).states == {"complete": 4}
    journal = next((tmp_path / "work/sweep").glob("*/journal.jsonl")).read_text("utf-8")
    assert [json.loads(line)["parallel"] for line in journal.splitlines() if '"parallel"' in line][-1] == 1


def test_what_fails_by_its_settings_is_told_and_left_alone(tmp_path):
    """A trial that diverges, and one whose process dies each time, fail with a reason; the sweep goes on."""
    options = {"diverges_from": 0.5, "dies_from": 0.9}
    space = {"lr": [0.01, 0.6, 1.0]}
    config = make_sweep_config(
        tmp_path, train={"recipe_options": options}, trials=4, sampler="grid", space=space, finalists=1, repeats=1
    )
    summary = run_sweep(config)
    assert summary.states == {"complete": 2, "failed": 2}
    reasons = [row["reason"] for row in read_outcomes(config) if row["state"] == "failed"]
    assert "diverged" in reasons[0]
    assert "died 3 times" in reasons[1]
    assert "a fault of its own" in reasons[1]


def test_one_at_a_time_names_the_knob_that_matters(tmp_path):
    """lr decides, batch_size and epochs do not."""
    space = {"batch_size": [8, 16], "lr": [0.3, 0.01], "weight_decay": [0.0, 0.1]}
    config = make_sweep_config(tmp_path, sampler="one_at_a_time", space=space, finalists=1, repeats=1)
    summary = run_sweep(config)
    assert [one.knob for one in summary.importance if one.matters] == ["lr"]
    assert summary.importance[0].knob == "lr"
    assert any(said.startswith("lr matters") for said in summary.statements)


def test_folds_and_pruning_compare_trials_on_the_same_pictures(tmp_path):
    """By Wilcoxon's test a trial that is worse on every fold stops early; finalists are compared over folds."""
    space = {"lr": [0.01, 0.0001, 0.02]}
    config = make_sweep_config(
        tmp_path,
        sampler="grid",
        space=space,
        folds=5,
        prune="wilcoxon",
        wave=1,
        train={"lr": 0.012},
        trials=4,
        finalists=2,
        repeats=1,
    )
    summary = run_sweep(config)
    assert summary.states == {"complete": 3, "pruned": 1}
    rows = read_outcomes(config)
    pruned = next(row for row in rows if row["state"] == "pruned")
    assert json.loads(pruned["settings"]) == {"lr": 0.0001}
    assert len(pruned["fold_scores"]) == 4
    assert summary.comparisons[0].chance_by_folds is not None


def test_halving_gives_up_what_is_in_the_worse_half(tmp_path):
    """Only trials of later waves, at a quarter or half of their epochs."""
    space = {"lr": [0.01, 0.02, 0.03, 0.0001, 0.0002, 0.015]}
    config = make_sweep_config(tmp_path, sampler="grid", space=space, prune="halving", wave=3, trials=7, finalists=1, repeats=1)
    run_sweep(config)
    states = {json.loads(row["settings"])["lr"]: row["state"] for row in read_outcomes(config) if row["role"] == "trial"}
    assert states[0.0001] == states[0.0002] == "pruned"
    assert states[0.01] == states[0.02] == states[0.03] == "complete"


def test_what_cannot_be_meant_is_said_at_once(tmp_path):
    """Nothing to vary, a metric that is not measured, a sweep that another process runs."""
    with pytest.raises(UsageError, match="nothing to vary"):
        run_sweep(make_sweep_config(tmp_path, space={}))
    with pytest.raises(UsageError, match=r"validation\.top1"):
        run_sweep(make_sweep_config(tmp_path, metric="validation.top2"))
    with pytest.raises(UsageError, match="no trial of this config's sweep has ended"):
        read_sweep(make_sweep_config(tmp_path))
