"""A recipe by name or by import path: what it is given, what it gives, and what is said when there is none."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest
import torch

from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, UsageError
from logoingest.release.reading.loader import open_folder
from logoingest.training import train_baseline
from logoingest.training.recipe import TrainingPlan, find_metric
from logoingest.training.running import load_recipe

CONFIG = TrainConfig(
    model="shufflenet_v2_x0_5", image_side_px=32, epochs=2, batch_size=16, lr=0.02, device="cpu", workers=0, controls=False
)
COUNTING = """
    from logoingest.training.checks.verdict import Check, Verdict
    from logoingest.training.recipe import Judged, Measured, Metric

    class Counting:
        name, metrics = "counting", [Metric("share", True, "share of the pictures seen")]
        def check(self, release, plan): ...
        def prepare(self, release, config, *, folds=False, phases=None, cache_dir=None): return {"train": release.splits["train"]}
        def cut_folds(self, prepared, count, seed=0): return []
        def train(self, prepared, plan):
            plan.on_epoch(1, {"train.share": prepared["train"] / plan.config.recipe_options["most"]})
            return prepared["train"]
        def measure(self, trained): return Measured({"test.share": trained / 100})
        def judge(self, prepared, trained, plan):
            return Judged(Verdict((Check("saw some", trained > 0, trained, 1, "at least", "none"),)), {"seen": trained})
        def write(self, release, trained, judged, plan, out_dir): (out_dir / "count.txt").write_text(str(trained))
    """


@pytest.fixture
def release(make_release, splits):
    return make_release({name: rows[:12] for name, rows in splits.items()}, groups=True)


def test_a_recipe_beside_the_config_is_run_like_a_built_in_one(release, tmp_path):
    """Its epochs, figures, files and verdict stand where those of "classify" would."""
    (tmp_path / "my_tasks.py").write_text(textwrap.dedent(COUNTING))
    config = CONFIG.model_copy(update={"recipe": "my_tasks:Counting", "recipe_options": {"most": 24}})
    assert train_baseline(release, config, tmp_path / "out", tmp_path).passed
    metrics = json.loads((tmp_path / "out/metrics.json").read_text())
    assert (metrics["recipe"], metrics["seen"], metrics["figures"]) == ("my_tasks:Counting", 12, {"test.share": 0.12})
    assert metrics["release"] == open_folder(release).fingerprint
    assert json.loads((tmp_path / "out/epochs.jsonl").read_text()) == {"epoch": 1, "train.share": 0.5}
    assert (tmp_path / "out/count.txt").read_text() == "12"


def test_modules_of_one_name_beside_two_configs_are_told_apart(tmp_path):
    """Each config gets the one in its own folder."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same_name.py").write_text(textwrap.dedent(COUNTING).replace('"counting"', f'"{name}"'))
    assert [load_recipe("same_name:Counting", tmp_path / name).name for name in ("one", "two", "one")] == ["one", "two", "one"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("clasify", 'did you mean "classify"'),
        ("no_such_module:recipe", "there is no module no_such_module"),
        ("broken:recipe", "cannot be imported (ZeroDivisionError"),
        ("empty:recipe", "empty has no recipe"),
        ("empty:Recipes", "it has no check, prepare"),
        ("needy:recipe", "needs the package no_such_package"),
    ],
)
def test_what_is_no_recipe_is_said(tmp_path, name, said):
    """Unknown names, modules and attributes, and objects that are none."""
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "needy.py").write_text("import no_such_package")
    (tmp_path / "empty.py").write_text("class Recipes: ...")
    with pytest.raises(ConfigError) as caught:
        load_recipe(name, tmp_path)
    assert said in str(caught.value)


def test_classify_tells_the_same_figures_by_the_same_names(release, tmp_path):
    """Epoch by epoch and in the end, with every picture of a scored split; a checkpoint goes through a file without pickle."""
    recipe, opened, kept, told = load_recipe("classify", tmp_path), open_folder(release), [], []
    prepared = recipe.prepare(opened, CONFIG, cache_dir=tmp_path / "pixels")
    plan = TrainingPlan(CONFIG, scored=("validation",), on_epoch=lambda *given: told.append(given), on_checkpoint=kept.append)
    measured = recipe.measure(recipe.train(prepared, plan))
    assert [epoch for epoch, _ in told] == [1, 2]
    assert told[-1][1]["validation.top1"] == pytest.approx(measured.figures["validation.top1"])
    assert set(measured.figures) == {f"validation.{metric.name}" for metric in recipe.metrics}
    assert measured.pictures["validation"].scores.mean() == pytest.approx(measured.figures["validation.top1"])
    torch.save(kept[0], tmp_path / "kept.pt")
    resumed = recipe.train(prepared, TrainingPlan(CONFIG, resume=torch.load(tmp_path / "kept.pt", weights_only=True)))
    assert recipe.measure(resumed).figures.items() >= measured.figures.items()
    assert find_metric(recipe, "validation.loss").higher_is_better is False
    with pytest.raises(UsageError, match=r'did you mean "validation.top1"'):
        find_metric(recipe, "validation.top_1")


def test_finding_a_recipe_loads_no_torch():
    """A recipe of one's own that needs none starts in a moment, and so does who only asks what a recipe measures."""
    code = (
        "import sys; from pathlib import Path; from logoingest.training.running import find_versions, load_recipe\n"
        "assert find_versions()['torch']; print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
