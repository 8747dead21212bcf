"""The whole stage on tiny releases of drawn logos: it passes where it should, fails where it must."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, GateError, UsageError
from logoingest.training import load_baseline, train_baseline

CONFIG = TrainConfig(model="shufflenet_v2_x0_5", image_side_px=32, epochs=8, batch_size=16, lr=0.02, device="cpu")
SMALL = CONFIG.model_copy(update={"controls": False, "epochs": 2})
NAMES = ("Circle & Co", "$quare", "トライアングル", "bars")


def failed(verdict):
    return [check.name for check in verdict.checks if not check.passed]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, drawing, splits):
    """One honest baseline: (its folder, its verdict, what was told)."""
    folder = tmp_path_factory.mktemp("honest")
    told = []
    release = drawing["release"](folder / "release", splits, NAMES, groups=True)
    verdict = train_baseline(release, CONFIG, folder / "out", on_progress=lambda phase, facts: told.append((phase, facts)))
    return folder / "out", verdict, told


@pytest.mark.slow
def test_an_honest_release_passes(trained):
    """Every check passes on labels that mean something, and all seven are there."""
    _, verdict, _ = trained
    assert failed(verdict) == []
    assert len(verdict.checks) == 7
    assert verdict.passed


def test_everything_is_written(trained):
    """Metrics, verdict, model and pictures; figures agree with each other."""
    out, verdict, _ = trained
    metrics = json.loads((out / "metrics.json").read_text())
    assert json.loads((out / "verdict.json").read_text()) == verdict.to_dict() == metrics["verdict"]
    assert len(metrics["epochs"]) == CONFIG.epochs
    assert metrics["test"]["images"] == 32
    assert sum(count for _, _, count in metrics["test"]["confusion"]) == 32
    assert metrics["timings_s"]["total"] > 0
    for name in ("curves.png", "confusion.png", "per_class_recall.png"):
        assert Image.open(out / name).size[0] > 300
    assert metrics["config"]["lr"] == CONFIG.lr
    assert json.loads((out / "model.json").read_text())["release"] == metrics["release"]
    rows = pq.read_table(out / "predictions.parquet").to_pylist()
    test = [row for row in rows if row["split"] == "test"]
    assert len(rows) == 12 + 32
    assert sum(row["right"] for row in test) / 32 == pytest.approx(metrics["test"]["top1"])
    assert all(row["top"][0] == row["predicted"] for row in rows)


def test_progress_is_told(trained):
    """Phases begin, and every epoch comes with its figures."""
    _, _, told = trained
    epochs = [facts for phase, facts in told if phase == "fit" and "train.loss" in facts]
    assert [facts["done"] for facts in epochs] == list(range(1, CONFIG.epochs + 1))
    assert {phase for phase, _ in told} >= {"leaks", "pictures", "start", "controls", "fit", "score", "write", "done"}


def test_a_saved_model_says_the_same(trained, splits):
    """load_baseline gives a model that scores the test split as metrics.json says, from the bytes alone."""
    from io import BytesIO

    out, _, _ = trained
    model, names, transform = load_baseline(out)
    assert names == NAMES
    with torch.no_grad():
        batch = torch.stack([transform(Image.open(BytesIO(data))) for data, _ in splits["test"]])
        right = (model(batch).argmax(dim=1).numpy() == np.array([label for _, label in splits["test"]])).mean()
    assert abs(right - json.loads((out / "metrics.json").read_text())["test"]["top1"]) <= 1 / 32


@pytest.mark.slow
def test_shuffled_train_labels_fail_the_verdict(make_release, splits, tmp_path):
    """Labels of train permuted in the release: nothing is learnt that test could confirm."""
    labels = np.random.default_rng(0).permutation([label for _, label in splits["train"]])
    train = [(data, int(label)) for (data, _), label in zip(splits["train"], labels, strict=True)]
    verdict = train_baseline(make_release({**splits, "train": train}), SMALL, tmp_path / "out")
    assert "beats the majority class" in failed(verdict)
    assert Image.open(tmp_path / "out/mistakes.jpg").size[0] > 600


@pytest.mark.slow
def test_a_diverged_training_says_so_and_blames_no_labels(make_release, splits, tmp_path):
    """A learning rate far too large: the word is diverged, in every check that fails for it, and the labels are left alone."""
    config = SMALL.model_copy(update={"model": "squeezenet1_1", "lr": 1e6, "controls": True, "schedule": "cosine"})
    verdict = train_baseline(make_release(splits), config, tmp_path / "out")
    assert "training stayed finite" in failed(verdict)
    meanings = {check.name: check.meaning for check in verdict.checks if not check.passed}
    assert "set train.lr to 1e+05" in meanings["training stayed finite"]
    assert "diverged" in meanings["beats the majority class"]
    assert not any("wrong labels" in meaning for meaning in meanings.values())


@pytest.mark.slow
def test_a_planted_test_picture_fails_the_verdict(make_release, splits, drawing, tmp_path):
    """One test picture, saved again, in train: the probe finds it."""
    planted = drawing["encode"](Image.open(__import__("io").BytesIO(splits["test"][5][0])), quality=60)
    train = [*splits["train"], (planted, splits["test"][5][1])]
    verdict = train_baseline(make_release({**splits, "train": train}), SMALL, tmp_path / "out")
    assert "no picture leaks between splits" in failed(verdict)
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["leaks"]["count"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2])
def test_equal_seeds_give_equal_figures(make_release, splits, drawing, tmp_path, workers):
    """Two trainings with one seed write the same verdict, epochs and weights, however many threads decode."""
    release = make_release({**splits, "train": splits["train"][:24]})
    figures = []
    for number, threads in enumerate((workers, 1)):
        config = SMALL.model_copy(update={"epochs": 1, "workers": threads, "balance": "sampler", "augment": "strong"})
        train_baseline(release, config, tmp_path / str(number))
        metrics = json.loads((tmp_path / str(number) / "metrics.json").read_text())
        figures.append((metrics["epochs"], metrics["test"], (tmp_path / str(number) / "model.safetensors").read_bytes()))
    assert figures[0] == figures[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"freeze": "backbone", "augment": "strong", "schedule": "cosine"},
        {"freeze": "lower", "schedule": "step", "balance": "weights", "label_smoothing": 0.1},
        {"early_stop_epochs": 1, "epochs": 3, "lr": 1e-6, "schedule": "step", "precision": "bf16"},
    ],
)
def test_every_setting_runs(make_release, splits, tmp_path, options):
    """Frozen layers, schedules, balancing and early stopping all end in a verdict and a model that loads."""
    small = {"train": splits["train"][:12], "validation": splits["validation"], "test": splits["test"][:8]}
    config = SMALL.model_copy(update=options)
    train_baseline(make_release(small), config, tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert 1 <= len(metrics["epochs"]) <= config.epochs
    load_baseline(tmp_path / "out")


@pytest.mark.slow
def test_classes_absent_from_a_split_and_no_validation_are_fine(make_release, drawing, splits, tmp_path):
    """A class without train pictures, one without test pictures and no validation split: figures say null, nothing breaks, and a
    further split is left alone (its file could not even be read).
    """
    train = [row for row in splits["train"] if row[1] != 3][:12]
    test = [row for row in splits["test"] if row[1] != 0][:9]
    config = CONFIG.model_copy(update={"epochs": 1, "model": "squeezenet1_1", "freeze": "backbone", "early_stop_epochs": 1})
    release = make_release({"train": train, "test": test})
    (release / "data/calibration-00000-of-00001.parquet").write_bytes(b"no Parquet")
    drawing["manifest"](release, {"train": len(train), "test": len(test), "calibration": 1}, "abcd")
    train_baseline(release, config, tmp_path / "out")
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["splits"] == {"learned": "train", "stopped_by": None, "scored": "test", "not_read": ["calibration"]}
    assert metrics["test"]["recall"][0] is None
    assert metrics["epochs"][0]["validation_loss"] is None


def test_what_cannot_be_learnt_is_refused(make_release, splits, tmp_path):
    """One class and an empty test split are named together."""
    one_class = [row for row in splits["train"] if row[1] == 0]
    with pytest.raises(GateError) as caught:
        train_baseline(make_release({"train": one_class}), CONFIG, tmp_path / "out")
    assert [problem.where for problem in caught.value.problems] == ["train", "test"]


def test_no_release_says_where_one_is(tmp_path):
    """An empty folder is no release."""
    with pytest.raises(UsageError, match="there is no release here"):
        train_baseline(tmp_path, CONFIG, tmp_path / "out")


def test_a_device_that_is_not_there_is_refused(make_release, splits, tmp_path):
    """With a hint what to set."""
    with pytest.raises(ConfigError, match='set it to "auto" or "cpu"'):
        train_baseline(make_release(splits), CONFIG.model_copy(update={"device": "warp:9"}), tmp_path / "out")


def test_a_damaged_model_is_refused(trained, tmp_path):
    """A model card without its weights, or none at all, is a clear error."""
    out, _, _ = trained
    with pytest.raises(UsageError, match="train a baseline first"):
        load_baseline(tmp_path)
    (tmp_path / "model.json").write_bytes((out / "model.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"\x00" * 64)
    with pytest.raises(UsageError, match="cannot be used"):
        load_baseline(tmp_path)
