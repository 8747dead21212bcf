"""Random changes of a picture and its boxes that leave a logo the same logo: nearer, farther, cut, stretched, lit otherwise, set into
another picture. Never mirrored: a mirrored logo is another. No torch here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from logoingest.training.data.augmentation import Strength
from logoingest.training.detection.data.boxes import Floats, TrueBoxes, measure_areas, measure_common
from logoingest.training.detection.data.photos import Photos, Pixels

#: What a picture is laid on where it does not reach: the mean of ImageNet's pictures.
GROUND = (124, 116, 104)
#: A box stays when so much of its area is in the cut, and may be cut away when no more than that is.
_KEPT_SHARE = 0.7
_LOST_SHARE = 0.15
_TRIES = 12
#: Pasted logos cover no more than this of a box that is there.
_COVERED_SHARE = 0.2
#: A pasted logo's longer side, in shares of the picture's shorter side.
_PASTED_SIDES = (0.15, 0.6)


@dataclass(frozen=True)
class PhotoSpread:
    """How far each change goes. Zooms are factors; the others go so far in ±, or are the share of pictures that they happen to."""

    zoom_out: float
    zoom_in: float
    stretch: float
    light: float
    colour: float
    grey_share: float


SPREADS = {
    "light": PhotoSpread(zoom_out=0.75, zoom_in=1.4, stretch=0.08, light=0.2, colour=0.15, grey_share=0.0),
    "strong": PhotoSpread(zoom_out=0.5, zoom_in=2.2, stretch=0.15, light=0.4, colour=0.4, grey_share=0.05),
}
#: Training pictures are decoded this much larger than the network sees them, so that zooming in shows more, not less.
MARGIN = 1.25


class ShownPhoto(NamedTuple):
    """A picture as the network sees it, uint8 (height, width, 3), and its boxes in it."""

    pixels: Pixels
    boxes: TrueBoxes


class Window(NamedTuple):
    """What is cut from a picture, in its pixels; it may reach beyond it."""

    x: float
    y: float
    width: float
    height: float


def fit_canvas(shape: tuple[int, int], side_px: int) -> tuple[int, int]:
    """(height, width) of a picture with this shape whose longer side is ``side_px``."""
    height, width = shape
    factor = side_px / max(height, width)
    return max(1, round(height * factor)), max(1, round(width * factor))


def show_whole(photos: Photos, place: int, side_px: int) -> ShownPhoto:
    """The picture unchanged, its longer side ``side_px``."""
    pixels, boxes = photos.load(place), photos.shown_boxes(place)
    height, width = pixels.shape[:2]
    return _cut(pixels, boxes, Window(0, 0, width, height), fit_canvas((height, width), side_px))


class Changes(NamedTuple):
    """How pictures are changed at random."""

    strength: Strength = "none"
    """none only resizes."""
    paste_share: float = 0.0
    """Share of the pictures that get a logo of another."""


UNCHANGED = Changes()


def change_photo(photos: Photos, place: int, side_px: int, changes: Changes, rng: np.random.Generator) -> ShownPhoto:
    """The picture changed at random.

    Args:
        photos: where it is, and where pasted logos are cut from.
        place: which.
        side_px: longer side of the result.
        changes: how far.
        rng: all chance comes from it.
    """
    if changes.strength == "none":
        return show_whole(photos, place, side_px)
    spread = SPREADS[changes.strength]
    pixels, boxes = photos.load(place), photos.shown_boxes(place)
    if rng.random() < changes.paste_share:
        pixels, boxes = paste_logo(ShownPhoto(pixels, boxes), photos, rng)
    canvas = fit_canvas((pixels.shape[0], pixels.shape[1]), side_px)
    seen = _cut(pixels, boxes, _choose_window(pixels, boxes, spread, rng), canvas)
    return ShownPhoto(_relight(seen.pixels, spread, rng), seen.boxes)


def paste_logo(onto: ShownPhoto, photos: Photos, rng: np.random.Generator) -> ShownPhoto:
    """One logo of another picture laid somewhere on this one, its class by even chance; nothing where there is no room."""
    found = _choose_logo(photos, rng)
    if found is None:
        return onto
    logo, label = found
    height, width = onto.pixels.shape[:2]
    long = rng.uniform(*_PASTED_SIDES) * min(height, width)
    factor = min(long / max(logo.shape[:2]), 2.0)
    across, down = (max(4, round(side * factor)) for side in (logo.shape[1], logo.shape[0]))
    if across >= width or down >= height:
        return onto
    for _ in range(_TRIES):
        x, y = int(rng.integers(width - across + 1)), int(rng.integers(height - down + 1))
        corners = np.array([[x, y, x + across, y + down]], np.float64)
        if not len(onto.boxes.labels) or (_share_inside(onto.boxes.corners, corners[0]) <= _COVERED_SHARE).all():
            pixels = _blend(onto.pixels, np.array(Image.fromarray(logo).resize((across, down), Image.Resampling.BICUBIC)), x, y)
            boxes = TrueBoxes(np.concatenate([onto.boxes.corners, corners]), np.append(onto.boxes.labels, label))
            return ShownPhoto(pixels, boxes)
    return onto


def _choose_logo(photos: Photos, rng: np.random.Generator) -> tuple[Pixels, int] | None:
    """(its pixels, its class): a class by even chance, then one of its boxes."""
    by_class = photos.places_by_class
    if not by_class:
        return None
    label = list(by_class)[int(rng.integers(len(by_class)))]
    place, number = by_class[label][int(rng.integers(len(by_class[label])))]
    x1, y1, x2, y2 = photos.shown_boxes(place).corners[number].round().astype(int)
    logo = photos.load(place)[max(y1, 0) : y2, max(x1, 0) : x2]
    return (logo, label) if min(logo.shape[:2]) >= 8 else None


def _blend(ground: Pixels, logo: Pixels, x: int, y: int) -> Pixels:
    """The logo laid on, its outermost pixels mixed with what they cover, so that no edge tells that it was pasted."""
    height, width = logo.shape[:2]
    edge = max(1, min(height, width) // 12)
    down, across = (np.minimum(np.arange(size) + 1, size - np.arange(size)).clip(max=edge) / edge for size in (height, width))
    weight = np.minimum(down[:, None], across[None])[..., None]
    mixed = ground.copy()
    under = mixed[y : y + height, x : x + width]
    under[:] = (logo * weight + under * (1 - weight)).round().astype(np.uint8)
    return mixed


def _choose_window(pixels: Pixels, boxes: TrueBoxes, spread: PhotoSpread, rng: np.random.Generator) -> Window:
    """A window that has every box whole, or as good as whole, or not at all; and one of them at least, where there are some."""
    height, width = pixels.shape[:2]
    stretch = float(np.exp(rng.uniform(-spread.stretch, spread.stretch)))
    for _ in range(_TRIES):
        zoom = float(np.exp(rng.uniform(np.log(spread.zoom_out), np.log(spread.zoom_in))))
        across, down = width / zoom * stretch, height / zoom / stretch
        x, y = (
            float(rng.uniform(min(0.0, whole - part), max(0.0, whole - part))) for whole, part in ((width, across), (height, down))
        )
        window = Window(x, y, across, down)
        if _respects(window, boxes):
            return window
    return Window(0, 0, width, height)


def _respects(window: Window, boxes: TrueBoxes) -> bool:
    if not len(boxes.labels):
        return True
    inside = _share_inside(boxes.corners, _corners(window))
    kept, lost = inside >= _KEPT_SHARE, inside <= _LOST_SHARE
    return bool((kept | lost).all() and kept.any())


def _share_inside(corners: Floats, area: Floats) -> Floats:
    """(n,) share of every box that lies in an area."""
    return np.asarray(measure_common(corners, area[None])[:, 0] / np.maximum(measure_areas(corners), 1e-9), np.float64)


def _corners(window: Window) -> Floats:
    return np.array([window.x, window.y, window.x + window.width, window.y + window.height])


def _cut(pixels: Pixels, boxes: TrueBoxes, window: Window, canvas: tuple[int, int]) -> ShownPhoto:
    """The window at the canvas's size; boxes are cut to it, and those that are mostly outside are gone."""
    height, width = canvas
    across, down = width / window.width, height / window.height
    picture = _sample(pixels, window, canvas)
    if not len(boxes.labels):
        return ShownPhoto(picture, boxes)
    kept = _share_inside(boxes.corners, _corners(window)) >= _KEPT_SHARE
    moved = (boxes.corners[kept] - [window.x, window.y, window.x, window.y]) * [across, down, across, down]
    moved = moved.clip(0, [width, height, width, height])
    large = (moved[:, 2:] - moved[:, :2]).min(axis=1, initial=np.inf) >= 1
    return ShownPhoto(picture, TrueBoxes(moved[large], boxes.labels[kept][large]))


def _sample(pixels: Pixels, window: Window, canvas: tuple[int, int]) -> Pixels:
    """What of the picture is in the window, resampled with antialiasing and laid on the ground."""
    height, width = canvas
    whole_height, whole_width = pixels.shape[:2]
    left, top = max(window.x, 0.0), max(window.y, 0.0)
    right, bottom = min(window.x + window.width, whole_width), min(window.y + window.height, whole_height)
    across, down = width / window.width, height / window.height
    x1, y1 = round((left - window.x) * across), round((top - window.y) * down)
    x2, y2 = round((right - window.x) * across), round((bottom - window.y) * down)
    part = Image.fromarray(pixels).resize(
        (max(1, x2 - x1), max(1, y2 - y1)), Image.Resampling.BILINEAR, box=(left, top, right, bottom)
    )
    if part.size == (width, height):
        return np.array(part)
    ground = Image.new("RGB", (width, height), GROUND)
    ground.paste(part, (x1, y1))
    return np.array(ground)


def _relight(pixels: Pixels, spread: PhotoSpread, rng: np.random.Generator) -> Pixels:
    """Brightness, contrast, saturation and hue a little; now and then no colour at all."""
    bright, contrast, colour = rng.uniform(-1, 1, 3)
    tint = 1 + spread.colour / 2 * rng.uniform(-1, 1, 3)
    seen = pixels.astype(np.float32)
    grey = (seen @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    saturation = 0.0 if rng.random() < spread.grey_share else 1 + spread.colour * colour
    coloured = (grey + (seen - grey) * np.float32(saturation)) * tint.astype(np.float32)
    mean = float(grey.mean())
    lit = (coloured - mean) * np.float32(1 + spread.light * contrast) + np.float32(mean * (1 + spread.light * bright))
    return np.asarray(lit.clip(0, 255).astype(np.uint8))
