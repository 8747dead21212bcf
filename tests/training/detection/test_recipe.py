"""The recipe from a release to files, and back from the files to boxes."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from builders.drawn_releases import BOXED_CLASSES, draw_boxed, draw_strangers, write_boxed
from logoingest.cli.main import main
from logoingest.config import TrainConfig
from logoingest.errors import ConfigError, UsageError
from logoingest.release.keeping.opening import open_release
from logoingest.training import is_detector, load_baseline, load_detector, train_baseline
from logoingest.training.detection import controls, fitting
from logoingest.training.detection.fitting import DetectionEpoch
from logoingest.training.detection.judgement import check_beats_prior, check_fallen, check_swapped_boxes
from logoingest.training.detection.preparation import PreparedBoxes
from logoingest.training.detection.recipe import RECIPE
from logoingest.training.detection.training import TrainedDetector
from logoingest.training.recipe import TrainingPlan

pytest.importorskip("faster_coco_eval")

CONFIG = TrainConfig.model_validate(
    {
        "recipe": "detect", "model": "shufflenet_v2_x0_5", "image_side_px": 64, "epochs": 2, "batch_size": 6, "lr": 0.002,
        "workers": 0, "device": "cpu", "balance": "sampler",
        "detection": {"strides": [8, 16], "channels": 32, "proposals": 20, "min_score": 0.01},
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_boxed(tmp_path_factory.mktemp("detect") / "release")


@pytest.fixture(scope="module")
def trained_dir(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole stage once; its controls are cut short, for what they say is not looked at."""
    out = tmp_path_factory.mktemp("detector")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(controls, "ONE_BATCH_STEPS", 15)
        patch.setattr(controls, "SHUFFLED_STEPS", 2)
        train_baseline(release, CONFIG, out, strangers=draw_strangers(8))
    return out


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


@pytest.mark.slow
def test_it_leaves_a_model_figures_and_pictures(trained_dir: Path) -> None:
    """And what metrics.json says adds up: negatives, left-out pictures, anchors, an epoch each."""
    names = {path.name for path in trained_dir.iterdir()}
    assert names >= {
        "model.safetensors", "model.json", "metrics.json", "verdict.json", "epochs.jsonl", "curves.png", "confusion.png",
        "precision_recall.png", "per_class_precision.png", "examples.json",
    }  # fmt: skip
    metrics = read(trained_dir / "metrics.json")
    assert metrics["images"] == {"train": 20, "validation": 8, "test": 11}
    assert metrics["negatives"] == {"train": 4, "validation": 2, "test": 2}
    assert metrics["left_out"]["train"] == {"without_boxes": 2, "bad_boxes": 0}
    assert [epoch["epoch"] for epoch in metrics["epochs"]] == [1, 2]
    assert metrics["anchors"]["sizes"] == read(trained_dir / "model.json")["anchors"]
    assert metrics["test"]["boxes"] == 9
    assert sum(number for there, _, number in metrics["confusion"] if there < len(BOXED_CLASSES)) == 9
    assert set(metrics["figures"]) == {
        f"{split}.{name}" for split in ("validation", "test") for name in ("map50", "map", "map75", "false_alarms")
    }


def test_the_verdict_has_its_six_checks(trained_dir: Path) -> None:
    assert [check["name"] for check in read(trained_dir / "verdict.json")["checks"]] == [
        "training stayed finite", "loss falls", "one batch can be overfitted", "beats the box prior", "shuffled boxes teach nothing",
        "no picture leaks between splits",
    ]  # fmt: skip


def test_what_it_left_finds_boxes_in_pixels_of_the_upright_picture(trained_dir: Path, tmp_path: Path) -> None:
    """Files, bytes, pictures that are none; each answer by itself."""
    detector = load_detector(trained_dir)
    large = draw_boxed(0, 7, (400, 300)).data
    (tmp_path / "a.jpg").write_bytes(large)
    answers = detector.detect([tmp_path / "a.jpg", large, b"no picture"], threshold=0.0)
    assert [one.file for one in answers] == [str(tmp_path / "a.jpg"), "#2", "#3"]
    assert answers[0].boxes == answers[1].boxes
    assert answers[2].boxes == ()
    assert "no picture" in answers[2].reason
    assert answers[0].boxes
    assert max(x + width for _, _, (x, _, width, _) in answers[0].boxes) > 100
    assert all(x >= 0 and x + width <= 400.1 and y >= 0 and y + height <= 300.1 for _, _, (x, y, width, height) in answers[0].boxes)
    assert detector.detect([large], threshold=1.1)[0].boxes == ()
    with pytest.raises(UsageError, match="give a list"):
        detector.detect(large)  # type: ignore[arg-type]


def test_a_detector_is_told_from_a_baseline(trained_dir: Path, tmp_path: Path) -> None:
    assert is_detector(trained_dir)
    assert not is_detector(tmp_path)
    with pytest.raises(UsageError):
        load_baseline(trained_dir)
    (tmp_path / "model.json").write_text('{"architecture": "resnet18"}')
    with pytest.raises(UsageError, match="is no detector"):
        load_detector(tmp_path)


@pytest.mark.parametrize("damage", ["anchors", "threshold", "strides"])
def test_a_damaged_model_is_a_message(trained_dir: Path, tmp_path: Path, damage: str) -> None:
    card = read(trained_dir / "model.json") | {damage: "?"}
    (tmp_path / "model.json").write_text(json.dumps(card))
    (tmp_path / "model.safetensors").write_bytes((trained_dir / "model.safetensors").read_bytes())
    with pytest.raises(UsageError, match="train again"):
        load_detector(tmp_path)


def test_predict_prints_boxes(trained_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a table, and typed with --json."""
    card = read(trained_dir / "model.json") | {"threshold": 0.0}
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.json").write_text(json.dumps(card))
    (model / "model.safetensors").write_bytes((trained_dir / "model.safetensors").read_bytes())
    (tmp_path / "a.jpg").write_bytes(draw_boxed(1, 3).data)
    assert main(["predict", str(model), str(tmp_path / "a.jpg"), "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)
    assert set(answer) == {"file", "boxes", "reason"}
    assert set(answer["boxes"][0]) == {"class_id", "score", "bbox"}
    assert len(answer["boxes"][0]["bbox"]) == 4
    assert main(["predict", str(model), str(tmp_path / "a.jpg")]) == 0
    assert "boxes in 1 picture" in capsys.readouterr().out


def test_the_best_and_the_worst_pictures_are_kept_with_their_boxes(trained_dir: Path) -> None:
    """Boxes lie in the small picture, and class names are as they are: whoever shows them escapes them."""
    examples = read(trained_dir / "examples.json")
    shown = examples["best"] + examples["worst"]
    assert shown
    for one in shown:
        assert max(one["width"], one["height"]) <= 240
        for box in one["there"]:
            x, y, width, height = box["bbox"]
            assert x + width <= one["width"] + 1
            assert y + height <= one["height"] + 1


@pytest.fixture(scope="module")
def prepared(release: Path) -> PreparedBoxes:
    return RECIPE.prepare(open_release(release), CONFIG)


def train(prepared: PreparedBoxes, epochs: int, average: float = 0.0, **plan: Any) -> TrainedDetector:
    config = CONFIG.model_copy(update={"epochs": epochs, "batch_size": 10, "average": average})
    return RECIPE.train(prepared, TrainingPlan(config, scored=("validation",), **plan))


@pytest.mark.slow
@pytest.mark.parametrize("average", [0.0, 0.5])
def test_a_training_goes_on_where_it_was_stopped(prepared: PreparedBoxes, average: float) -> None:
    """With the figures it would have had; the last epoch's are those of the weights that are left."""
    kept: list[dict[str, Any]] = []
    whole = train(prepared, 2, average, on_checkpoint=kept.append)
    resumed = train(prepared, 2, average, resume=kept[0])
    assert resumed.history == whole.history
    assert RECIPE.measure(resumed).figures == RECIPE.measure(whole).figures
    assert RECIPE.measure(whole).figures["validation.map50"] == whole.history[-1].validation_map50
    assert set(RECIPE.measure(resumed).pictures) == {"validation"}


def start_from(trained_dir: Path, **detection: Any) -> TrainingPlan:
    """One epoch that learns as good as nothing, from the detector of a folder."""
    changed = CONFIG.detection.model_copy(update={"start": trained_dir.name, **detection})
    config = CONFIG.model_copy(update={"epochs": 1, "lr": 1e-12, "weight_decay": 0.0, "seed": 5, "detection": changed})
    return TrainingPlan(config, base_dir=trained_dir.parent, scored=("validation",))


def test_a_training_goes_on_from_another_detector(prepared: PreparedBoxes, trained_dir: Path) -> None:
    """With its weights and its anchors, whatever the seed; the controls begin with fresh layers all the same."""
    trained, known = RECIPE.train(prepared, start_from(trained_dir)), load_detector(trained_dir)
    assert trained.job.design.anchors == known.design.anchors
    weights, others = trained.job.network.state_dict(), known.network.state_dict()
    learnt = [name for name, _ in known.network.named_parameters()]
    assert learnt
    assert all(torch.allclose(weights[name], others[name], atol=1e-6) for name in learnt)
    fresh = fitting.build_detector_job(trained.config, trained.job.design, trained.base_dir).network.state_dict()
    assert any(not torch.allclose(weights[name], fresh[name], atol=1e-3) for name in learnt)


def test_a_detector_of_another_kind_is_not_gone_on_from(prepared: PreparedBoxes, trained_dir: Path, tmp_path: Path) -> None:
    """Other strides, other classes, or none at all: messages."""
    with pytest.raises(ConfigError, match="differs in strides"):
        RECIPE.train(prepared, start_from(trained_dir, strides=(16,)))
    with pytest.raises(ConfigError, match="knows other classes"):
        RECIPE.train(replace(prepared, class_ids=("x", "y", "z")), start_from(trained_dir))
    with pytest.raises(UsageError):
        RECIPE.train(prepared, start_from(tmp_path / "nothing"))


def test_folds_hold_groups_out_of_train_and_validation(prepared: PreparedBoxes) -> None:
    folds = RECIPE.cut_folds(prepared, 2)
    fold = train(prepared, 1, fold=folds[0])
    held_out, learned = (set(fold.feeds[name].photos.image_ids) for name in ("validation", "train"))
    assert not held_out & learned
    assert len(held_out | learned) == 22
    assert RECIPE.measure(fold).pictures["validation"].image_ids == fold.feeds["validation"].photos.image_ids


def test_bf16_is_what_is_asked_for(prepared: PreparedBoxes) -> None:
    """What CUDA runs with, on the CPU: finite losses, other than those of full precision and near them."""
    halved, whole = (
        RECIPE.train(prepared, TrainingPlan(CONFIG.model_copy(update={"epochs": 1, "precision": precision}), scored=()))
        for precision in ("bf16", "float32")
    )
    assert halved.history[0].train_loss != whole.history[0].train_loss
    assert halved.history[0].train_loss == pytest.approx(whole.history[0].train_loss, rel=0.1)


def test_what_cannot_be_trained_is_said_before_anything_is_decoded(release: Path) -> None:
    """A wrong stride, a negative class that is none of the release's."""
    opened = open_release(release)
    wrong = CONFIG.model_copy(update={"detection": CONFIG.detection.model_copy(update={"negatives": ("nothing",)})})
    with pytest.raises(ConfigError, match="negatives"):
        RECIPE.check(opened, TrainingPlan(wrong))
    squeezed = CONFIG.model_copy(
        update={"model": "squeezenet1_1", "detection": CONFIG.detection.model_copy(update={"strides": (32,)})}
    )
    with pytest.raises(ConfigError, match="stride"):
        RECIPE.check(opened, TrainingPlan(squeezed))


def test_each_check_of_the_verdict_can_fail() -> None:
    """Diverged, not fallen, no better than the prior, taught by the boxes of others."""
    fine, lost = DetectionEpoch(1, 0.5, 0.3, 0.001), DetectionEpoch(2, math.nan, None, 0.001)
    assert check_fallen([fine], 1.0).passed
    assert not check_fallen([fine], 0.5).passed
    assert not check_fallen([fine, lost], 1.0).passed
    assert check_beats_prior(0.3, 0.1, 0.1).passed
    assert not check_beats_prior(None, 0.1, 0.1).passed
    assert not check_swapped_boxes(0.2, 0.1).passed
