"""The pictures that a detector learns from, their boxes and their pixels. No torch here.

A picture with a class but no box is left out: nobody said where its logo is, and it would teach that there is none.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from logoingest.errors import GateError, Problem
from logoingest.pictures.loading import load_picture
from logoingest.release.reading.loader import Release
from logoingest.release.reading.random_access import PictureReader
from logoingest.training.data.decoded_files import map_file
from logoingest.training.data.pictures import decode_row, decode_rows
from logoingest.training.data.splits import Rows, Split, read_split
from logoingest.training.detection.data.boxes import NOTHING, Floats, TrueBoxes, read_boxes, scale_boxes

Pixels = npt.NDArray[np.uint8]

#: Decoded pictures kept in memory at most, all splits together.
MOST_BYTES = 1_500_000_000


class LeftOut(NamedTuple):
    """What a split has that no detector is shown."""

    without_boxes: int = 0
    """Pictures of a class that nobody drew a box on."""
    bad_boxes: int = 0
    """Boxes that are none, or lie outside their picture."""


class Annotated(NamedTuple):
    """The pictures of one split of a release, in file order, and what is in each."""

    split: Split
    boxes: tuple[TrueBoxes, ...]
    """In pixels of the upright picture."""
    sizes: Rows
    """(n, 2) width and height of the upright picture."""
    left_out: LeftOut


@dataclass(frozen=True)
class Photos:
    """Pictures ready to be shown, none of them longer than they were asked for. Nothing writes into them, so trainings share them."""

    image_ids: tuple[str, ...]
    groups: tuple[str, ...]
    """What must stay together: the near-duplicate group, the image_id where there is none."""
    boxes: tuple[TrueBoxes, ...]
    """What is in each, in pixels of the upright picture."""
    shapes: Rows
    """(n, 2) height and width as shown."""
    scales: Floats
    """(n, 2) what the upright picture's width and height were multiplied with."""
    load: Callable[[int], Pixels]
    """Place → (height, width, 3)."""

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def negatives(self) -> npt.NDArray[np.bool_]:
        """Whether a picture shows none of the classes."""
        return np.array([not len(found.labels) for found in self.boxes], dtype=bool)

    @cached_property
    def places_by_class(self) -> Mapping[int, Sequence[tuple[int, int]]]:
        """Class → the (picture, box) of each of its boxes; classes without boxes are not among them."""
        found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for place, boxes in enumerate(self.boxes):
            for number, label in enumerate(boxes.labels.tolist()):
                found[label].append((place, number))
        return dict(sorted(found.items()))

    def shown_boxes(self, place: int) -> TrueBoxes:
        """In pixels of the picture as shown."""
        across, down = self.scales[place]
        return scale_boxes(self.boxes[place], (across, down, across, down))

    def select(self, places: Rows) -> Photos:
        """Some of the pictures, in the order given."""
        chosen = places.tolist()
        ids, groups, boxes = (tuple(values[place] for place in chosen) for values in (self.image_ids, self.groups, self.boxes))
        return Photos(ids, groups, boxes, self.shapes[places], self.scales[places], lambda place: self.load(chosen[place]))

    def join(self, other: Photos) -> Photos:
        """These, and others behind them."""
        count = len(self)
        return Photos(
            self.image_ids + other.image_ids,
            self.groups + other.groups,
            self.boxes + other.boxes,
            np.concatenate([self.shapes, other.shapes]),
            np.concatenate([self.scales, other.scales]),
            lambda place: self.load(place) if place < count else other.load(place - count),
        )


def read_annotated(release: Release, name: str, negatives: Sequence[str] = ()) -> Annotated:
    """The pictures of a split that a detector can learn from or be scored on.

    Args:
        release: an opened release.
        name: of the split; one that the release lacks has no pictures.
        negatives: class_ids that mean that a picture shows nothing; their boxes are not looked at.

    Raises:
        GateError: a file is gone or damaged, or a label is out of range.
    """
    split = read_split(release, name, several=True)
    empty = {label for label, class_id in enumerate(release.class_ids) if class_id in negatives}
    kept, boxes, sizes, without, refused = [], [], [], 0, 0
    rows = release.to_arrow(name, ["label", "boxes", "width", "height"]).to_pylist() if name in release.splits else []
    for place, row in enumerate(rows):
        shows_nothing = row["label"] in empty
        drawn = () if shows_nothing else row["boxes"] or ()
        found, bad = read_boxes(drawn, row["width"], row["height"], len(release.class_ids))
        refused += bad
        if len(found.labels) or shows_nothing:
            kept.append(place)
            boxes.append(found)
            sizes.append((row["width"], row["height"]))
        else:
            without += 1
    chosen = split.select(np.array(kept, np.int64))
    return Annotated(chosen, tuple(boxes), np.array(sizes, np.int64).reshape(-1, 2), LeftOut(without, refused))


def hold_photos(
    annotated: Annotated,
    side_px: int,
    workers: int,
    *,
    budget: int = MOST_BYTES,
    cache_dir: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Photos:
    """A split's pictures, those longer than ``side_px`` made smaller; decoded at once where they fit, else whenever one is shown.

    Args:
        annotated: of which split.
        side_px: longer side, at most.
        workers: decoding threads.
        budget: bytes they may take; without a ``cache_dir`` those that would take more are decoded whenever one is shown.
        cache_dir: decoded pictures are kept there in a file that processes map.
        on_progress: told (done, total) now and then.

    Raises:
        GateError: a picture cannot be decoded.
    """
    split = annotated.split
    shapes = np.array([fit_size(int(width), int(height), side_px) for width, height in annotated.sizes], np.int64).reshape(-1, 2)
    ends = np.cumsum(3 * shapes.prod(axis=1))
    total = int(ends[-1]) if len(ends) else 0

    def fill(pixels: Pixels) -> None:
        decoded = decode_rows(split, range(len(split)), lambda data: decode_photo(data, side_px), workers)
        for place, picture in enumerate(decoded):
            pixels[ends[place] - picture.size : ends[place]] = _check_shape(picture, shapes[place], split, place).reshape(-1)
            if on_progress is not None and place % 64 == 0:
                on_progress(place, len(split))

    if cache_dir is not None:
        pixels = map_file(cache_dir, ("photos", str(side_px), *split.image_id), (total,), fill)
        load = _make_cutter(pixels, ends, shapes)
    elif total <= budget:
        pixels = np.empty(total, np.uint8)
        fill(pixels)
        load = _make_cutter(pixels, ends, shapes)
    else:
        load = _make_decoder(split, side_px)
    ids, groups = split.image_id, tuple(split.groups)
    scales = shapes[:, ::-1] / np.maximum(annotated.sizes, 1)
    return Photos(ids, groups, annotated.boxes, shapes, scales, load)


def hold_strangers(strangers: Mapping[str, bytes], side_px: int) -> Photos:
    """Encoded pictures that are in no release and show none of its classes; those that cannot be decoded are no pictures."""
    found: dict[str, Pixels] = {}
    scales = []
    for image_id, data in strangers.items():
        try:
            photo = load_picture(data)
        except ValueError:
            continue
        found[image_id] = fit_photo(photo, side_px)
        height, width = found[image_id].shape[:2]
        scales.append((width / photo.width, height / photo.height))
    pictures = list(found.values())
    shapes = np.array([picture.shape[:2] for picture in pictures], np.int64).reshape(-1, 2)
    nothing = (NOTHING,) * len(pictures)
    return Photos(tuple(found), tuple(found), nothing, shapes, np.array(scales).reshape(-1, 2), lambda place: pictures[place])


def decode_photo(data: bytes, side_px: int) -> Pixels:
    """The upright picture, no side longer than ``side_px``: uint8 (height, width, 3).

    Raises:
        ValueError: it is no whole picture.
    """
    return fit_photo(load_picture(data), side_px)


def fit_photo(photo: Image.Image, side_px: int) -> Pixels:
    """An upright RGB picture likewise."""
    height, width = fit_size(photo.width, photo.height, side_px)
    small = photo if (width, height) == photo.size else photo.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.array(small, dtype=np.uint8)


def fit_size(width: int, height: int, side_px: int) -> tuple[int, int]:
    """(height, width) of a picture of this size, made smaller where it is longer than ``side_px``."""
    factor = min(1.0, side_px / max(width, height, 1))
    return max(1, round(height * factor)), max(1, round(width * factor))


def _check_shape(picture: Pixels, shape: Rows, split: Split, place: int) -> Pixels:
    if picture.shape[:2] != tuple(shape.tolist()):
        where = f"{split.name}: picture {split.image_id[place]}"
        raise GateError(Problem(where, "has another size than the release says", "run verify"))
    return picture


def _make_cutter(pixels: Pixels, ends: Rows, shapes: Rows) -> Callable[[int], Pixels]:
    """Pictures cut from where they lie one behind another."""

    def load(place: int) -> Pixels:
        height, width = (int(side) for side in shapes[place])
        end = int(ends[place])
        return pixels[end - 3 * height * width : end].reshape(height, width, 3)

    return load


def _make_decoder(split: Split, side_px: int) -> Callable[[int], Pixels]:
    """Pictures decoded whenever one is shown; by several threads at once, but read by one at a time."""
    reader, lock = PictureReader(split.files), threading.Lock()

    def load(place: int) -> Pixels:
        with lock:
            data = reader.read(int(split.row[place]))
        return decode_row(split, place, data, lambda found: decode_photo(found, side_px))

    return load
