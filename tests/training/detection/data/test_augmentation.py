"""Random changes keep boxes on their logos."""

from __future__ import annotations

import numpy as np
import pytest

from logoingest.training.detection.data import augmentation
from logoingest.training.detection.data.augmentation import Changes, ShownPhoto, change_photo, paste_logo, show_whole
from logoingest.training.detection.data.boxes import NOTHING, TrueBoxes
from logoingest.training.detection.data.photos import Photos, Pixels

#: Left half of a logo, right half of it: a mirrored one has them the other way round.
LEFT, RIGHT = (220, 20, 20), (20, 20, 220)


def make_photos(boxes: list[TrueBoxes], shape: tuple[int, int] = (120, 160)) -> Photos:
    """Grey pictures; in every box the left half is red and the right half blue."""
    pictures: list[Pixels] = []
    for found in boxes:
        picture = np.full((*shape, 3), 128, np.uint8)
        for x1, y1, x2, y2 in found.corners.astype(int).tolist():
            middle = (x1 + x2) // 2
            picture[y1:y2, x1:middle], picture[y1:y2, middle:x2] = LEFT, RIGHT
        pictures.append(picture)
    ids = tuple(str(number) for number in range(len(boxes)))
    count = len(boxes)
    return Photos(ids, ids, tuple(boxes), np.array([shape] * count), np.ones((count, 2)), lambda place: pictures[place])


def find_logo(pixels: Pixels) -> tuple[int, int, int, int]:
    """Corners of what is coloured."""
    spread = pixels.max(axis=2).astype(int) - pixels.min(axis=2)
    rows, columns = np.nonzero(spread > 60)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


ONE = TrueBoxes(np.array([[40.0, 30, 100, 80]]), np.array([0]))


@pytest.mark.parametrize("strength", ["light", "strong"])
def test_a_box_stays_on_its_logo_and_the_logo_is_never_mirrored(strength: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the colour is after any change of place and size, there is the box; what was left is left."""
    monkeypatch.setattr(augmentation, "_relight", lambda pixels, *_: pixels)
    photos = make_photos([ONE])
    for seed in range(60):
        seen = change_photo(photos, 0, 128, Changes(strength), np.random.default_rng(seed))  # type: ignore[arg-type]
        assert seen.pixels.shape == (96, 128, 3)
        [corners] = seen.boxes.corners
        assert np.abs(corners - find_logo(seen.pixels)).max() <= 3
        red = np.argwhere(seen.pixels[..., 0].astype(int) - seen.pixels[..., 2] > 60)[:, 1].mean()
        blue = np.argwhere(seen.pixels[..., 2].astype(int) - seen.pixels[..., 0] > 60)[:, 1].mean()
        assert red < blue


def test_of_two_logos_each_is_whole_or_gone() -> None:
    """No logo is left half in the picture without a box, and one at least stays."""
    two = TrueBoxes(np.array([[5.0, 5, 45, 45], [110, 70, 155, 115]]), np.array([0, 1]))
    photos = make_photos([two])
    counts = set()
    for seed in range(60):
        seen = change_photo(photos, 0, 128, Changes("strong"), np.random.default_rng(seed))
        counts.add(len(seen.boxes.labels))
        assert (seen.boxes.corners[:, 2:] - seen.boxes.corners[:, :2] >= 1).all()
        assert seen.boxes.corners.min() >= 0
        assert (seen.boxes.corners <= [128, 96, 128, 96]).all()
    assert counts == {1, 2}


def test_a_picture_of_nothing_stays_one() -> None:
    photos = make_photos([NOTHING])
    seen = change_photo(photos, 0, 128, Changes("strong", paste_share=1.0), np.random.default_rng(0))
    assert len(seen.boxes.labels) == 0


def test_pasted_logos_are_of_every_class_equally_often_and_cover_no_box() -> None:
    """One class has nine boxes and the other one: both are pasted about as often."""
    many = [TrueBoxes(np.array([[40.0, 30, 100, 80]]), np.array([0]))] * 9 + [
        TrueBoxes(np.array([[10.0, 10, 60, 60]]), np.array([1]))
    ]
    photos = make_photos(many)
    pasted = []
    for seed in range(80):
        seen = paste_logo(ShownPhoto(photos.load(0), photos.shown_boxes(0)), photos, np.random.default_rng(seed))
        pasted += seen.boxes.labels[1:].tolist()
        for x1, y1, x2, y2 in seen.boxes.corners[1:]:
            common = max(0, min(x2, 100) - max(x1, 40)) * max(0, min(y2, 80) - max(y1, 30))
            assert common <= 0.2 * 60 * 50 + 1
    assert 0.3 < np.mean(pasted) < 0.7
    assert photos.load(0)[0, 0].tolist() == [128, 128, 128], "the pictures that are shared stay as they are"


def test_unchanged_is_the_whole_picture_at_the_side_asked_for() -> None:
    seen = show_whole(make_photos([ONE]), 0, 80)
    assert seen.pixels.shape == (60, 80, 3)
    assert seen.boxes.corners.tolist() == [[20, 15, 50, 40]]
