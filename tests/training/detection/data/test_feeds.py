"""What a detector is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from builders.drawn_releases import BOXED_CLASSES, draw_strangers, write_boxed
from logoingest.errors import ConfigError, GateError
from logoingest.release.keeping.opening import open_release
from logoingest.training.detection.data import photos as photos_module
from logoingest.training.detection.data.augmentation import Changes
from logoingest.training.detection.data.feeds import PhotoFeed
from logoingest.training.detection.data.photos import Photos, hold_photos, hold_strangers, read_annotated
from logoingest.training.detection.data.prior import learn_prior, say_prior, swap_boxes
from logoingest.training.detection.preparation import check_boxes, check_negatives, divide_strangers


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_boxed(tmp_path_factory.mktemp("boxed") / "release")


@pytest.fixture(scope="module")
def photos(release: Path) -> Photos:
    held = hold_photos(read_annotated(open_release(release), "train"), 64, 0)
    return held.join(hold_strangers(draw_strangers(3), 64))


def make_feed(photos: Photos, workers: int = 0) -> PhotoFeed:
    return PhotoFeed(photos, 64, torch.device("cpu"), workers, Changes("strong", 0.5))


def test_a_picture_of_a_class_without_a_box_is_shown_to_no_detector(release: Path) -> None:
    """It would teach that there is no logo; the pictures that show none are the ones that people said so of."""
    found = read_annotated(open_release(release), "train")
    assert found.left_out.without_boxes == 2
    assert len(found.boxes) == 16
    assert all(len(boxes.labels) for boxes in found.boxes)


def test_a_class_that_means_nothing_gives_pictures_without_boxes(release: Path) -> None:
    found = read_annotated(open_release(release), "train", ["beta"])
    assert sum(not len(boxes.labels) for boxes in found.boxes) == 6
    assert not np.isin(1, np.concatenate([boxes.labels for boxes in found.boxes]))


def test_a_negative_class_that_is_none_of_the_release_is_a_message() -> None:
    with pytest.raises(ConfigError, match=r"no class \"nne\".*none"):
        check_negatives(["nne"], ["none", "alpha"])


def test_a_release_without_boxes_is_a_message_that_says_what_to_do(tmp_path: Path) -> None:
    release = open_release(write_boxed(tmp_path / "r", {"train": 1, "test": 1}, unboxed=6))
    with pytest.raises(GateError, match="3 pictures have a class and no box"):
        check_boxes({name: read_annotated(release, name) for name in ("train", "validation", "test")})


def test_pictures_too_many_for_memory_are_decoded_when_they_are_shown(release: Path) -> None:
    """And look the same, as they do when they are mapped from a file."""
    found = read_annotated(open_release(release), "validation")
    held, shown = hold_photos(found, 50, 0), hold_photos(found, 50, 0, budget=0)
    assert all((held.load(place) == shown.load(place)).all() for place in range(len(held)))


def test_pictures_are_shared_by_a_file(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one decodes nothing."""
    found = read_annotated(open_release(release), "validation")
    first = hold_photos(found, 50, 0, cache_dir=tmp_path)
    monkeypatch.setattr(photos_module, "decode_photo", lambda *_: pytest.fail("decoded again"))
    second = hold_photos(found, 50, 0, cache_dir=tmp_path)
    assert all((first.load(place) == second.load(place)).all() for place in range(len(first)))


def test_the_number_of_threads_changes_nothing(photos: Photos) -> None:
    batches = make_feed(photos).plan(4, np.random.default_rng(0))
    one, two = (list(make_feed(photos, workers).serve(batches, seed=7)) for workers in (0, 2))
    for (pictures, targets, _), (others, their_targets, _) in zip(one, two, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(pictures, others, strict=True))
        assert all(torch.equal(a["boxes"], b["boxes"]) for a, b in zip(targets, their_targets, strict=True))


def test_a_picture_of_nothing_has_targets_of_none(photos: Photos) -> None:
    """(0, 4) boxes and (0,) labels, as torchvision takes them; classes count from 1."""
    feed = PhotoFeed(photos, 64, torch.device("cpu"))
    [(_, targets, _)] = feed.serve([np.array([0, len(photos) - 1])])
    assert targets[0]["labels"].min() >= 1
    assert targets[1]["boxes"].shape == (0, 4)
    assert targets[1]["labels"].shape == (0,)


def test_an_epoch_shows_every_picture_once_and_like_shapes_together(photos: Photos) -> None:
    batches = make_feed(photos).plan(4, np.random.default_rng(0))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(photos)))
    spread = [np.ptp(photos.shapes[rows, 1] / photos.shapes[rows, 0]) for rows in batches]
    assert np.mean(spread) < 0.5


def test_balanced_epochs_show_a_rare_class_as_often_as_a_common_one(photos: Photos) -> None:
    """Pictures of no class come once."""
    labels = np.array([boxes.labels[0] if len(boxes.labels) else -1 for boxes in photos.boxes])
    chosen = np.concatenate([np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:1], np.flatnonzero(labels == -1)])
    feed = make_feed(photos.select(chosen))
    counts = np.mean([feed.count_balanced(np.random.default_rng(seed)) for seed in range(200)], axis=0)
    assert counts[5] == pytest.approx(counts[:5].sum(), rel=0.15)
    assert (counts[6:] == 1).all()


def test_shares_of_strangers_teach_choose_and_are_scored() -> None:
    """Half, a quarter, a quarter; none twice, and the same ones every time."""
    shares = divide_strangers(draw_strangers(9))
    assert [len(shares[name]) for name in ("train", "validation", "test")] == [5, 2, 2]
    assert len({image_id for part in shares.values() for image_id in part}) == 9


def test_the_prior_says_the_same_of_every_picture_as_large_as_it_is(photos: Photos) -> None:
    said = say_prior(learn_prior(photos, len(BOXED_CLASSES)), photos)
    sizes = photos.shapes[:, ::-1] / photos.scales
    assert np.allclose(said[0].corners / np.tile(sizes[0], 2), said[1].corners / np.tile(sizes[1], 2))
    assert set(said[0].labels.tolist()) == {0, 1, 2}
    assert (np.diff(said[0].scores) <= 0).all()


def test_swapped_boxes_are_those_of_other_pictures(photos: Photos) -> None:
    swapped = swap_boxes(photos, np.random.default_rng(0))
    assert sorted(len(boxes.labels) for boxes in swapped) == sorted(len(boxes.labels) for boxes in photos.boxes)
    assert all((boxes.corners <= 1 + 1e-9).all() for boxes in swapped)
    [(_, targets, _)] = make_feed(photos).swap(swapped).serve([np.arange(4)], seed=1)
    assert [len(target["labels"]) for target in targets] == [len(boxes.labels) for boxes in swapped[:4]]
