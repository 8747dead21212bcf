"""Sweeps of the package's own recipes: the classifier on a share of train first, and the detector."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from builders.drawn_releases import draw_splits, make_sweep_config, write_boxed, write_release
from logoingest.experiments import run_sweep
from logoingest.experiments.trials.orders import TrialResult

pytestmark = pytest.mark.slow  # each trial is a training

CLASSIFIER = {
    "recipe": "classify",
    "model": "squeezenet1_1",
    "weights": "none",
    "image_side_px": 32,
    "epochs": 2,
    "lr": 3e-4,
    "device": "cpu",
}


def read_rows(config):
    return pq.read_table(config.resolve("work/sweep/trials.parquet")).to_pylist()


def read_results(config):
    """Trial's number → its result, of the newest try."""
    found = sorted(config.resolve("work/sweep").glob("*/trials/*/*/result.json"))
    return {int(path.parts[-3]): TrialResult.read(path.parent) for path in found}


def sweep_drawings(folder, **section):
    """Two trials of a small classifier and one finalist, over drawings of four classes."""
    write_release(folder / "work/release", draw_splits(train=8, validation=4, test=4), "abcd", groups=True)
    return make_sweep_config(folder, train=CLASSIFIER, trials=2, finalists=1, repeats=1, parallel=2, sampler="grid", **section)


def test_trials_learn_from_a_share_of_train_and_finalists_from_all(tmp_path):
    """Half of the groups, of every class; the finalist is trained anew with the first seed too; pictures are decoded once."""
    config = sweep_drawings(tmp_path, subset=0.5, space={"batch_size": [8, 16]})
    summary = run_sweep(config)
    results = read_results(config)
    pictures = {row["role"]: results[number].cost.pictures for number, row in zip(sorted(results), read_rows(config), strict=True)}
    assert pictures == {"trial": 2 * 16, "finalist": 2 * 32, "test": 2 * 32}
    assert list(summary.winner.scores) == [results[100_000 + 64 * summary.winner.trial].score]
    sizes = sorted(path.stat().st_size for path in config.resolve("work/sweep/decoded").glob("*.u8"))
    assert sum(sizes) < 3 * 48 * 64 * 64 * 2  # once, whatever the number of trials


def test_a_detector_is_swept_as_a_classifier_is(tmp_path):
    """By its own first metric, with a setting of a table in [train]; boxes and pictures of the winner are scored on test."""
    pytest.importorskip("faster_coco_eval")
    write_boxed(tmp_path / "work/release")
    train = {
        "recipe": "detect", "model": "shufflenet_v2_x0_5", "weights": "none", "image_side_px": 64, "epochs": 1,
        "batch_size": 4, "device": "cpu", "detection": {"channels": 32},
    }  # fmt: skip
    space = {"detection.channels": [32, 64]}
    config = make_sweep_config(tmp_path, train=train, trials=2, finalists=1, repeats=1, parallel=1, space=space, sampler="grid")
    summary = run_sweep(config)
    rows = read_rows(config)
    assert summary.metric == "validation.map50"
    assert summary.states == {"complete": 2}
    assert [json.loads(row["config"])["detection"]["channels"] for row in rows if row["role"] == "trial"] == [32, 64]
    assert all(0 <= json.loads(row["figures"])["test.map50"] <= 1 for row in rows if row["role"] == "test")


def test_trials_are_screened_on_small_pictures_and_finalists_trained_as_the_config_says(tmp_path):
    """The settings as they stand are trained in full beside the finalist, so that they are compared on equal terms."""
    config = sweep_drawings(tmp_path, screen={"image_side_px": 24, "epochs": 1}, space={"lr": [3e-4, 3e-9]})
    summary = run_sweep(config)
    trained = [(row["role"], row["of_trial"], json.loads(row["config"])) for row in read_rows(config)]
    sizes = {(role, one["image_side_px"], one["epochs"]) for role, _, one in trained}
    assert sizes == {("trial", 24, 1), ("finalist", 32, 2), ("test", 32, 2)}
    assert {number for role, number, _ in trained if role == "finalist"} == {0, summary.winner.trial} | {
        comparison.other.trial for comparison in summary.comparisons
    }
    assert "screened with image_side_px = 24, epochs = 1" in summary.statements[0]
