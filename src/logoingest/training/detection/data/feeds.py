"""Batches for a detector: pictures of like shape together, changed at random ahead of need, and every class as often as asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from logoingest.training.data.feeds import Batches, balance_counts, cut_batches
from logoingest.training.data.splits import Rows
from logoingest.training.detection.data.augmentation import (
    GROUND,
    UNCHANGED,
    Changes,
    ShownPhoto,
    change_photo,
    fit_canvas,
    show_whole,
)
from logoingest.training.detection.data.boxes import TrueBoxes, scale_boxes
from logoingest.training.detection.data.photos import Photos, Pixels

Targets = list[dict[str, Tensor]]
#: Pictures of so many batches are put in the order of their shape before they are cut into batches.
_SORTED_BATCHES = 8
#: What the sides of what a network sees are multiples of: its largest stride.
MULTIPLE = 32
#: Batches that are made ready before their turn.
_AHEAD = 3


@dataclass(frozen=True)
class PhotoFeed:
    """Pictures as a detector takes them."""

    photos: Photos
    side_px: int
    device: torch.device
    workers: int = 0
    changes: Changes = UNCHANGED
    swapped: tuple[TrueBoxes, ...] | None = None
    """In place of the pictures' own boxes, of every picture of the feed."""

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def truths(self) -> tuple[TrueBoxes, ...]:
        """What is in every picture, in pixels of the upright picture."""
        return self.photos.boxes

    def select(self, rows: Rows) -> PhotoFeed:
        """Some of the pictures, in the order given."""
        swapped = None if self.swapped is None else tuple(self.swapped[row] for row in rows.tolist())
        return replace(self, photos=self.photos.select(rows), swapped=swapped)

    def swap(self, boxes: Sequence[TrueBoxes]) -> PhotoFeed:
        """The same pictures, unchanged, each with other boxes, given as shares of the picture."""
        return replace(self, swapped=tuple(boxes), changes=UNCHANGED)

    def plan(self, batch_size: int, rng: np.random.Generator | None = None, counts: Rows | None = None) -> Batches:
        """The batches of one epoch: in order of the pictures without an ``rng``; row i comes ``counts[i]`` times."""
        rows = np.arange(len(self)) if counts is None else np.repeat(np.arange(len(self)), counts)
        if rng is None:
            return cut_batches(rows, batch_size)
        mixed = rng.permutation(rows)
        batches: Batches = []
        for start in range(0, len(mixed), _SORTED_BATCHES * batch_size):
            part = mixed[start : start + _SORTED_BATCHES * batch_size]
            shapes = self.photos.shapes[part]
            batches += cut_batches(part[np.argsort(shapes[:, 1] / shapes[:, 0], kind="stable")], batch_size)
        return [batches[number] for number in rng.permutation(len(batches))]

    def count_balanced(self, rng: np.random.Generator) -> Rows:
        """How often each picture comes in an epoch so that all classes come about equally often, by the rarest class of each picture;
        those of no class come once.
        """
        sizes = np.bincount(np.concatenate([found.labels for found in self.truths] or [np.zeros(0, np.int64)]), minlength=1)
        rarest = np.array(
            [found.labels[sizes[found.labels].argmin()] if len(found.labels) else -1 for found in self.truths], np.int64
        )
        counts = np.ones(len(rarest), np.int64)
        counts[rarest >= 0] = balance_counts(rarest[rarest >= 0], rng)
        return counts

    def serve(self, batches: Batches, seed: int | None = None) -> Iterator[tuple[list[Tensor], Targets, Rows]]:
        """(pictures (3, height, width) in [0, 1], their targets as torchvision takes them, rows) per batch, on the device.

        Args:
            batches: rows.
            seed: of the random changes, each picture's its own; None shows the pictures unchanged.
        """

        def make(number: int, row: int, turn: int) -> ShownPhoto:
            return self._show(row, None if seed is None else np.random.default_rng([seed, number, turn]))

        jobs = [[(number, int(row), turn) for turn, row in enumerate(rows)] for number, rows in enumerate(batches)]
        for seen, rows in zip(_work_ahead(make, jobs, self.workers), batches, strict=True):
            pictures = [self._to_device(make_input(one.pixels)) for one in seen]
            yield pictures, [self._aim(one.boxes) for one in seen], rows

    def find_size(self, row: int) -> tuple[float, float]:
        """(width, height) of the upright picture."""
        height, width = self.photos.shapes[row]
        across, down = self.photos.scales[row]
        return width / across, height / down

    def find_shown(self, row: int) -> tuple[int, int]:
        """(width, height) of what the network sees of it, unchanged."""
        height, width = fit_canvas((int(self.photos.shapes[row][0]), int(self.photos.shapes[row][1])), self.side_px)
        return width, height

    def _show(self, row: int, rng: np.random.Generator | None) -> ShownPhoto:
        if self.swapped is not None:
            pixels = show_whole(self.photos, row, self.side_px).pixels
            height, width = pixels.shape[:2]
            return ShownPhoto(pixels, scale_boxes(self.swapped[row], (width, height, width, height)))
        if rng is None:
            return show_whole(self.photos, row, self.side_px)
        return change_photo(self.photos, row, self.side_px, self.changes, rng)

    def _to_device(self, picture: Tensor) -> Tensor:
        pinned = picture.pin_memory() if self.device.type == "cuda" else picture
        return pinned.to(self.device, non_blocking=True).float() / 255

    def _aim(self, boxes: TrueBoxes) -> dict[str, Tensor]:
        """A box without an area is none: torchvision raises on it."""
        sound = (boxes.corners[:, 2:] - boxes.corners[:, :2]).min(axis=1, initial=np.inf) > 0
        corners = torch.from_numpy(boxes.corners[sound]).float().reshape(-1, 4)
        labels = torch.from_numpy(boxes.labels[sound]) + 1  # torchvision's 0 is the background
        return {"boxes": corners.to(self.device), "labels": labels.to(self.device)}


def make_input(pixels: Pixels) -> Tensor:
    """A picture as uint8 (3, height, width), laid on the ground so that its sides are multiples of 32.

    Torchvision tells a map's stride from the sizes of the first batch it sees, and takes a low picture's for another.
    """
    height, width = pixels.shape[:2]
    laid = np.empty((-(-height // MULTIPLE) * MULTIPLE, -(-width // MULTIPLE) * MULTIPLE, 3), np.uint8)
    laid[:] = GROUND
    laid[:height, :width] = pixels
    return torch.from_numpy(laid).permute(2, 0, 1).contiguous()


def _work_ahead(
    make: Callable[[int, int, int], ShownPhoto], jobs: Sequence[Sequence[tuple[int, int, int]]], workers: int
) -> Iterator[list[ShownPhoto]]:
    """What ``make`` makes of each group of jobs, in order; the number of threads changes nothing but the time."""
    if workers == 0:
        yield from ([make(*job) for job in group] for group in jobs)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="augment") as pool:
        waiting: deque[list[Future[ShownPhoto]]] = deque()
        try:
            for group in jobs:
                waiting.append([pool.submit(make, *job) for job in group])
                if len(waiting) > _AHEAD:
                    yield [future.result() for future in waiting.popleft()]
            while waiting:
                yield [future.result() for future in waiting.popleft()]
        finally:
            for future in (future for group in waiting for future in group):
                future.cancel()
