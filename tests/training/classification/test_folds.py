"""Out of fold: every picture judged by a network that learnt from others; frozen layers run once and change nothing."""

from __future__ import annotations

import cProfile
import pstats
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

import logoingest
from builders.drawn_releases import draw_colour, encode
from logoingest.config import TrainConfig
from logoingest.errors import UsageError
from logoingest.evidence.label_errors import find_label_errors
from logoingest.release.reading.loader import open_folder
from logoingest.training.classification import folds as folds_module
from logoingest.training.classification.folds import predict_out_of_fold
from logoingest.training.classification.preparation import prepare
from logoingest.training.data.pictures import decode_square, open_pictures
from logoingest.training.data.splits import cut_folds
from logoingest.training.loop.features import divide_frozen
from logoingest.training.loop.jobs import build_job

SOURCES = Path(logoingest.__file__).parent

CONFIG = TrainConfig(
    model="shufflenet_v2_x0_5", image_side_px=32, epochs=10, batch_size=8, lr=0.02, device="cpu", workers=0, augment="none"
)
FOLDS, PLANTED = 3, 5


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, drawing):
    """Of the sixth picture of train the label is that of another class."""
    made = {
        split: [(encode(draw_colour(label, start + seed)), label) for seed in range(count) for label in range(4)]
        for split, start, count in (("train", 0, 9), ("validation", 9, 3), ("test", 12, 2))
    }
    data, label = made["train"][PLANTED]
    made["train"][PLANTED] = (data, (label + 1) % 4)
    folder = drawing["release"](tmp_path_factory.mktemp("folds") / "release", made, "abcd", groups=True)
    return prepare(open_folder(folder), CONFIG, folds=True)


def read_pictures(split):
    with open_pictures(split, kept_groups=1) as reader:
        return [reader.read(int(row)) for row in split.row]


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    """Squeezenet with weights of its own, of which the lower layers are kept as they are."""
    path = tmp_path_factory.mktemp("weights") / "network.pth"
    torch.manual_seed(0)
    torch.save(torchvision.models.squeezenet1_1().state_dict(), path)
    return CONFIG.model_copy(update={"model": "squeezenet1_1", "weights": str(path), "freeze": "lower", "epochs": 1})


@pytest.mark.slow
def test_the_planted_label_has_the_smallest_margin(prepared):
    """Every picture of train and validation is judged once, by the network that did not see it; test by all together."""
    folds = cut_folds(prepared.splits, FOLDS)
    made = predict_out_of_fold(prepared, CONFIG, folds)
    pool = prepared.pool.split
    assert made.image_ids == pool.image_id
    assert np.array_equal(made.labels, pool.label)
    assert not made.doubted.any()
    assert all(group in folds[number].held_out for group, number in zip(pool.groups, made.folds.tolist(), strict=True))
    assert made.probabilities.shape == (48, 4) and made.test.shape == (8, 4)
    assert np.allclose(np.concatenate([made.probabilities, made.test]).sum(axis=1), 1, atol=1e-5)
    assert made.learned.shape == (FOLDS, 4) and made.learned.all()
    assert (made.probabilities.argmax(axis=1) == made.labels).mean() > 0.85
    assert np.argmin(find_label_errors(made.probabilities, made.labels).margin) == PLANTED


def test_a_label_teaches_nothing_to_the_network_that_judges_it(prepared):
    """What is held out may be labelled in any way: its judgement stays the same, to the last digit."""
    (fold, *_) = cut_folds(prepared.splits, FOLDS)
    config = CONFIG.model_copy(update={"epochs": 1})
    one = predict_out_of_fold(prepared, config, [fold])
    held_out = one.folds == 0
    assert 0 < held_out.sum() < len(held_out)
    assert (one.probabilities[~held_out] == 0).all()
    split = prepared.pool.split
    others = replace(split, label=np.where(held_out, (split.label + 1) % 4, split.label))
    two = predict_out_of_fold(replace(prepared, pool=replace(prepared.pool, split=others)), config, [fold])
    assert not np.array_equal(two.labels, one.labels)
    assert np.array_equal(two.probabilities, one.probabilities)


def test_frozen_layers_and_the_rest_are_the_whole_network(frozen):
    """One behind the other they say what the network says; where nothing is frozen, or learnt from scratch, nothing is divided."""
    job = build_job(frozen, 4, Path())
    lower, rest = divide_frozen(job)
    assert not any(parameter.requires_grad for parameter in lower.parameters())
    assert len(lower) + len(rest.features) == len(job.learner.network.features)
    job.learner.network.eval()
    batch = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(rest(lower(batch)), job.learner.network(batch))
    for change in ({"freeze": "none"}, {"weights": "none"}, {"model": "shufflenet_v2_x0_5", "weights": "none"}):
        assert divide_frozen(build_job(frozen.model_copy(update=change), 4, Path())) is None


def test_frozen_layers_run_once_for_all_folds(prepared, frozen):
    """And what the folds say over the kept features, they say of the pictures themselves."""
    folds = cut_folds(prepared.splits, 2)
    pixels = np.stack([decode_square(data, 32) for data in read_pictures(prepared.splits["test"])])
    profile = cProfile.Profile()
    made = profile.runcall(predict_out_of_fold, prepared, frozen, folds, further=pixels)
    ours = [(where, count) for where, (_, count, *_) in pstats.Stats(profile).stats.items() if where[0].startswith(str(SOURCES))]
    calls = {function: count for (_, _, function), count in ours}
    assert (calls["extract_lower"], calls["fit"], calls["probe_out_of_fold"]) == (2, 2, 1)
    assert np.allclose(made.probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(made.test, made.further, atol=0.01)
    assert made.probabilities.std() > 0.01


def test_what_the_probe_doubts_no_network_learns_from(prepared, frozen, monkeypatch):
    """With weights that know something of colours: the planted label is doubted, and every other group is learned from."""
    learned = []
    real = folds_module.fit
    monkeypatch.setattr(
        folds_module, "fit", lambda job, feed, validation: learned.append(len(feed.labels)) or real(job, feed, validation)
    )
    folds = cut_folds(prepared.splits, FOLDS)
    made = predict_out_of_fold(prepared, frozen, folds)
    assert made.doubted[PLANTED]
    pool = prepared.pool.split
    doubted = {group for group, is_doubted in zip(pool.groups, made.doubted.tolist(), strict=True) if is_doubted}
    kept = [sum(group not in doubted | fold.held_out for group in pool.groups) for fold in folds]
    assert learned == kept
    assert np.argmin(find_label_errors(made.probabilities, made.labels).margin) == PLANTED


def test_pictures_prepared_without_folds_are_refused(prepared):
    with pytest.raises(UsageError, match="without folds"):
        predict_out_of_fold(replace(prepared, pool=None), CONFIG, cut_folds(prepared.splits, 2))
