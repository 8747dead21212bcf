"""Prepare, train, judge: what trainings share, what each of them gives, and what is left of one that is killed."""

from __future__ import annotations

import cProfile
import json
import pstats
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from logoingest.config import TrainConfig
from logoingest.errors import UsageError
from logoingest.release.reading.loader import open_folder
from logoingest.training.classification.judgement import judge, run_controls
from logoingest.training.classification.preparation import prepare
from logoingest.training.classification.training import train
from logoingest.training.data.splits import Fold, cut_folds
from logoingest.training.loop.fitting import Checkpoint
from logoingest.training.loop.phases import Phases

CONFIG = TrainConfig(
    model="shufflenet_v2_x0_5", image_side_px=32, epochs=2, batch_size=16, lr=0.02, device="cpu", workers=0, controls=False
)


@pytest.fixture(scope="module")
def release(tmp_path_factory, drawing):
    made = drawing["splits"](train=6, validation=3, test=4)
    return open_folder(drawing["release"](tmp_path_factory.mktemp("recipe") / "release", made, "abcd", groups=True))


@pytest.fixture(scope="module")
def prepared(release):
    """Prepared with folds."""
    return prepare(release, CONFIG, folds=True)


def count_calls(profile, name):
    """How often a function was called, of those the profile saw."""
    return sum(calls for (_, _, function), (_, calls, *_) in pstats.Stats(profile).stats.items() if function == name)


@pytest.mark.slow
def test_two_trainings_share_what_is_decoded_once(release, tmp_path):
    """Every picture is decoded once for any number of trainings: the second and third need no release any more."""
    folder = tmp_path / "release"
    shutil.copytree(release.path, folder)
    profile, later = cProfile.Profile(), cProfile.Profile()
    prepared = profile.runcall(prepare, open_folder(folder), CONFIG)  # without workers it is this thread that decodes
    assert count_calls(profile, "decode_square") >= sum(len(split) for split in prepared.splits.values())
    shutil.rmtree(folder)
    before = {name: held.cache.clone() for name, held in prepared.pictures.items()}
    one, two = (later.runcall(train, prepared, CONFIG, seed) for seed in (1, 2))
    assert count_calls(later, "fit") == 2
    assert count_calls(later, "decode_square") == 0
    for name, held in prepared.pictures.items():
        assert one.feeds[name].pictures is two.feeds[name].pictures is held
        assert torch.equal(held.cache, before[name])
    assert (one.config.seed, two.config.seed) == (1, 2)
    assert not np.array_equal(one.predictions["test"].probabilities, two.predictions["test"].probabilities)


def test_the_average_is_what_validates_and_what_is_kept(prepared):
    """The steps are those without it; the figures are of the average, and the last epoch's are those of what is left."""
    last, averaged = (train(prepared, CONFIG.model_copy(update={"average": share}), 3) for share in (0.0, 0.5))
    assert averaged.history[0].train_loss == last.history[0].train_loss
    assert averaged.history[-1].validation_loss != last.history[-1].validation_loss
    left = averaged.predictions["validation"].loss
    assert float(left.mean()) == pytest.approx(averaged.history[-1].validation_loss, abs=1e-5)


def test_equal_seeds_train_equally(prepared):
    """A training leaves nothing behind that would change the next."""
    one, two = (train(prepared, CONFIG, 3) for _ in range(2))
    assert one.history == two.history
    assert np.array_equal(one.predictions["test"].probabilities, two.predictions["test"].probabilities)


class Stopped(Exception):
    pass


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"balance": "sampler", "model": "squeezenet1_1"},
        {"freeze": "backbone", "early_stop_epochs": 4},
        {"average": 0.3, "early_stop_epochs": 4},
        {"average": 0.3},
    ],
    ids=["whole", "head", "best average", "average"],
)
def test_a_training_that_goes_on_from_a_checkpoint_ends_as_if_it_had_never_stopped(prepared, options, tmp_path):
    """Shuffling, random changes, dropout, optimizer, schedule, average and best weights all go on where they were, also through a file."""
    config = CONFIG.model_copy(update={"epochs": 3, **options})
    kept = []

    def stop_at_second(checkpoint):
        kept.append(checkpoint)
        if len(checkpoint.history) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        train(prepared, config, on_checkpoint=stop_at_second)
    torch.save(vars(kept[0]) | {"history": None}, tmp_path / "checkpoint.pt")
    restored = torch.load(tmp_path / "checkpoint.pt", weights_only=True) | {"history": kept[0].history}
    whole, first, second = (train(prepared, config, resume=each) for each in (None, Checkpoint(**restored), kept[1]))
    for resumed in (first, second):
        assert resumed.history == whole.history
        assert np.array_equal(resumed.predictions["test"].probabilities, whole.predictions["test"].probabilities)


@pytest.mark.parametrize("freeze", ["none", "backbone"])
def test_every_picture_has_a_probability_of_every_class(prepared, freeze):
    """All rows, all classes, each row sums to 1 and has its likeliest class first."""
    config = CONFIG.model_copy(update={"freeze": freeze, "epochs": 1})
    trained = train(prepared, config, scored=("train", "validation", "test"))
    for name, split in prepared.splits.items():
        found = trained.predictions[name]
        assert found.probabilities.shape == (len(split), 4)
        assert np.allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)
        assert (found.probabilities.argmax(axis=1) == found.top[:, 0]).all()
        assert found.labels.tolist() == split.label.tolist()
        assert np.allclose(-np.log(found.probabilities[np.arange(len(split)), split.label]), found.loss, atol=1e-4)
        assert trained.image_ids[name] == list(split.image_id)


def test_a_fold_holds_its_groups_out(prepared):
    """What a fold holds out validates and is not learned from, whichever split it was in; test stays."""
    folds = cut_folds(prepared.splits, 3)
    seen = []
    for fold in folds:
        trained = train(prepared, CONFIG.model_copy(update={"epochs": 1}), fold=fold, scored=("validation",))
        assert set(trained.image_ids["validation"]) == fold.held_out
        assert not set(trained.image_ids["train"]) & fold.held_out
        assert trained.image_ids["test"] == list(prepared.splits["test"].image_id)
        seen += trained.image_ids["validation"]
    assert sorted(seen) == sorted([*prepared.splits["train"].image_id, *prepared.splits["validation"].image_id])


def test_what_was_not_prepared_is_refused(prepared, release):
    """Another side, and a fold where none was prepared for, are named."""
    with pytest.raises(UsageError, match="prepared for 32 and 40 px, asked for 48 and 60 px"):
        train(prepared, CONFIG.model_copy(update={"image_side_px": 48}))
    with pytest.raises(UsageError, match="prepared without folds"):
        train(prepare(release, CONFIG), CONFIG, fold=Fold(0, frozenset()))


@pytest.mark.slow
def test_a_judgement_leaves_the_training_as_it_is(prepared):
    """Controls run on a network of their own."""
    trained = train(prepared, CONFIG.model_copy(update={"controls": True, "epochs": 1}))
    weights = {name: value.clone() for name, value in trained.job.learner.network.state_dict().items()}
    verdict = judge(trained, run_controls(trained), prepared.leaks)
    assert [check.name for check in verdict.checks][-2:] == ["shuffled labels teach nothing", "no picture leaks between splits"]
    assert all(torch.equal(value, weights[name]) for name, value in trained.job.learner.network.state_dict().items())


KILLED = """
import os, signal, sys
from logoingest.config import TrainConfig
from logoingest.training import train_baseline

def kill_at_third_epoch(phase, facts):
    if phase == "fit" and facts["done"] == 3:
        os.kill(os.getpid(), signal.SIGKILL)

train_baseline(sys.argv[1], TrainConfig.model_validate_json(sys.argv[2]), sys.argv[3], on_progress=kill_at_third_epoch)
"""


@pytest.mark.slow
def test_a_killed_training_leaves_its_history(release, tmp_path):
    """kill -9 after the third of many epochs: three lines of figures are there."""
    config = CONFIG.model_copy(update={"epochs": 50})
    command = [sys.executable, "-c", KILLED, str(release.path), config.model_dump_json(), str(tmp_path / "out")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    lines = [json.loads(line) for line in (tmp_path / "out" / "epochs.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert all(line["train.loss"] > 0 and line["validation.loss"] > 0 for line in lines)


RESUMED = """
import os, signal, sys
from logoingest.config import TrainConfig
from logoingest.training import checkpoints, train_baseline

checkpoints.PAUSE_S = 0.0
release, config, folder, kill = sys.argv[1:]

def kill_at(phase, facts):
    if phase == "fit" and str(facts["done"]) == kill:
        os.kill(os.getpid(), signal.SIGKILL)

config = TrainConfig.model_validate_json(config)
train_baseline(release, config, folder, on_progress=kill_at, checkpoint=folder + ".checkpoint")
"""


@pytest.mark.slow
def test_a_killed_training_goes_on_and_ends_with_equal_figures(release, tmp_path):
    """kill -9 after the third epoch: the next one begins with the third, and weights, figures and curves are those of one undisturbed;
    with other settings it begins anew.
    """
    config = CONFIG.model_copy(update={"epochs": 4, "augment": "strong"})

    def run(name, kill, config=config):
        command = [sys.executable, "-c", RESUMED, str(release.path), config.model_dump_json(), str(tmp_path / name), kill]
        return subprocess.run(command, check=False).returncode

    assert run("whole", "no") == 0
    assert run("broken", "3") == -signal.SIGKILL
    shutil.copy(tmp_path / "broken.checkpoint", tmp_path / "other.checkpoint")
    assert run("broken", "no") == 0
    assert run("other", "no", config.model_copy(update={"seed": 5, "epochs": 1})) == 0
    whole, broken, other = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("whole", "broken", "other"))
    assert [found["resumed_after_epochs"] for found in (whole, broken, other)] == [0, 2, 0]
    for key in ("epochs", "test", "figures", "verdict"):
        assert broken[key] == whole[key]
    for file in ("model.safetensors", "epochs.jsonl", "predictions.parquet"):
        assert (tmp_path / "broken" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    assert not (tmp_path / "broken.checkpoint").exists()


@pytest.mark.slow
def test_processes_that_share_a_folder_prepare_the_same_and_only_once(make_release, splits, tmp_path):
    """Leaks and pixels are those of a preparation without a folder; the second preparation counts neither."""
    release = open_folder(make_release(splits))
    alone = prepare(release, CONFIG, folds=True)
    prepare(release, CONFIG, folds=True, cache_dir=tmp_path / "decoded")
    told: list[str] = []
    shared = prepare(
        release,
        CONFIG,
        folds=True,
        cache_dir=tmp_path / "decoded",
        phases=Phases(lambda phase, facts: told.append(phase) if facts["done"] else None),
    )
    assert told == []
    assert shared.leaks == alone.leaks
    for name, held in alone.pictures.items():
        assert (held.cache == shared.pictures[name].cache).all()
