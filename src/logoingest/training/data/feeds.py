"""What a network eats: batches of pictures (from memory or streamed from the release), or of features that are known already.

A feed plans the order of an epoch, then serves it. Small splits are decoded once and kept in memory; large ones are streamed by
row group, shuffled inside a window of a few row groups whose order is shuffled too. Decoding runs in threads ahead of need.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from logoingest.training.data.augmentation import Strength, augment_batch, resize_batch
from logoingest.training.data.decoded_files import map_decoded
from logoingest.training.data.pictures import OPEN_GROUPS, iterate_decoded
from logoingest.training.data.splits import Rows, Split

#: Decoded pictures kept in memory at most, all splits together.
CACHE_BYTES = 1_500_000_000
#: Of the free memory of a device, decoded pictures take at most one part in so many; the rest is for the training.
RESIDENT_PART = 3
#: ImageNet's channel means and deviations, which every torchvision weight file expects.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)

Batches = list[Rows]


class Feed(Protocol):
    """Rows of a split as network inputs."""

    @property
    def labels(self) -> Rows:
        """Class index of every row."""
        ...

    def relabel(self, labels: Rows) -> Feed:
        """The same inputs under other labels."""
        ...

    def plan(self, batch_size: int, rng: np.random.Generator | None, counts: Rows | None = None) -> Batches:
        """The batches of one epoch; in file order when there is no ``rng``; row i comes ``counts[i]`` times."""
        ...

    def serve(self, batches: Batches, generator: torch.Generator | None = None) -> Iterator[tuple[Tensor, Rows]]:
        """(inputs on the device, rows) per batch; changed at random when there is a generator."""
        ...


def cut_batches(order: Rows, batch_size: int) -> Batches:
    """Batches as even as can be, none larger than ``batch_size`` unless a single picture would be left, which BatchNorm cannot take."""
    count = math.ceil(len(order) / batch_size)
    return np.array_split(order, max(1, count if batch_size == 1 else min(count, len(order) // 2)))


def plan_order(unit: Rows, window: int, rng: np.random.Generator | None, counts: Rows | None) -> Rows:
    """Row numbers of one epoch: units in random order, rows shuffled inside every ``window`` units."""
    rows = np.arange(len(unit)) if counts is None else np.repeat(np.arange(len(unit)), counts)
    if rng is None:
        return rows
    count = int(unit.max()) + 1 if len(unit) else 0
    place = rng.permutation(count)[unit[rows]] // window if count else rows
    return rows[np.lexsort((rng.random(len(rows)), place))]


def number_units(row_group: Rows) -> Rows:
    """A number per row group that is used, rising in file order: rows that are read together share it."""
    return np.unique(row_group, return_inverse=True)[1].reshape(-1).astype(np.int64)


@dataclass(frozen=True)
class HeldPictures:
    """Pictures of a split, ready to be fed: decoded in ``cache``, (n, 3, side, side) uint8, or streamed when that is None.

    Nothing writes into the cache, so any number of feeds and trainings share it.
    """

    split: Split
    side: int
    workers: int
    cache: Tensor | None = None

    def __len__(self) -> int:
        return len(self.split)

    @property
    def bytes(self) -> int:
        """What the pictures take when they are decoded."""
        return 3 * len(self.split) * self.side**2

    def select(self, start: int, stop: int) -> HeldPictures:
        """The pictures ``start`` to ``stop`` (exclusive); shares the memory."""
        split = self.split.select(np.arange(start, stop))
        return replace(self, split=split, cache=None if self.cache is None else self.cache[start:stop])


@dataclass(frozen=True)
class PictureFeed:
    """Some of the held pictures, those at ``places``, in that order."""

    pictures: HeldPictures
    places: Rows
    labels: Rows
    side: int
    device: torch.device
    augment: Strength = "none"
    resident: Tensor | None = None
    """The decoded pictures on the device, where they fit beside the training."""

    def relabel(self, labels: Rows) -> PictureFeed:
        return replace(self, labels=labels)

    def plan(self, batch_size: int, rng: np.random.Generator | None, counts: Rows | None = None) -> Batches:
        held = self.pictures.cache is not None
        unit = np.zeros(len(self.labels), dtype=np.int64) if held else number_units(self.pictures.split.row_group[self.places])
        return cut_batches(plan_order(unit, OPEN_GROUPS, rng, counts), batch_size)

    def serve(self, batches: Batches, generator: torch.Generator | None = None) -> Iterator[tuple[Tensor, Rows]]:
        for pictures, rows in self._fetch(batches):
            small = pictures.to(self.device, non_blocking=True).float() / 255
            strength = "none" if generator is None else self.augment
            shaped = resize_batch(small, self.side) if generator is None else augment_batch(small, self.side, strength, generator)
            yield normalise_batch(shaped), rows

    def _fetch(self, batches: Batches) -> Iterator[tuple[Tensor, Rows]]:
        held = self.pictures
        pixels = self.resident if self.resident is not None else held.cache
        if pixels is not None:
            for rows in batches:
                yield self._pin(pixels[torch.from_numpy(self.places[rows]).to(pixels.device)]), rows
            return
        order = (int(self.places[row]) for rows in batches for row in rows)
        ahead = 3 * max((len(rows) for rows in batches), default=1)
        decoded = iterate_decoded(held.split, order, held.side, held.workers, ahead)
        for rows in batches:
            pictures = np.stack([next(decoded) for _ in rows])
            yield self._pin(torch.from_numpy(pictures).permute(0, 3, 1, 2)), rows

    def _pin(self, pictures: Tensor) -> Tensor:
        """Where a GPU can fetch them by itself while the CPU goes on."""
        return pictures.pin_memory() if self.device.type == "cuda" and pictures.device.type == "cpu" else pictures


@dataclass(frozen=True)
class FeatureFeed:
    """What frozen layers say about every picture: ``features`` (views, n, …); a random view of each where allowed."""

    features: Tensor
    labels: Rows

    def relabel(self, labels: Rows) -> FeatureFeed:
        return replace(self, labels=labels)

    def select(self, places: Rows, views: int | None = None) -> FeatureFeed:
        """The pictures at ``places``, in that order; of their views the first ones alone where so many are asked for."""
        return FeatureFeed(self.features[:views, torch.from_numpy(places)], self.labels[places])

    def plan(self, batch_size: int, rng: np.random.Generator | None, counts: Rows | None = None) -> Batches:
        return cut_batches(plan_order(np.zeros(len(self.labels), dtype=np.int64), 1, rng, counts), batch_size)

    def serve(self, batches: Batches, generator: torch.Generator | None = None) -> Iterator[tuple[Tensor, Rows]]:
        views = len(self.features)
        for rows in batches:
            view = (
                torch.randint(views, (len(rows),), generator=generator)
                if generator is not None
                else torch.zeros(len(rows), dtype=torch.long)
            )
            yield self.features[view.to(self.features.device), torch.from_numpy(rows).to(self.features.device)].float(), rows


def normalise_batch(pictures: Tensor) -> Tensor:
    """Float in [0, 1] → what torchvision's weights expect."""
    mean = pictures.new_tensor(MEAN)[None, :, None, None]
    std = pictures.new_tensor(STD)[None, :, None, None]
    return (pictures - mean) / std


def hold_pictures(
    split: Split,
    side: int,
    workers: int,
    *,
    budget: int = CACHE_BYTES,
    on_progress: Callable[[int, int], None] | None = None,
    cache_dir: Path | None = None,
) -> HeldPictures:
    """The split's pictures at a side; decoded into memory when that takes no more than ``budget`` bytes, else streamed.

    Args:
        split: whose pictures.
        side: of the squares.
        workers: decoding threads.
        budget: bytes.
        on_progress: told (done, total) now and then.
        cache_dir: decode into a file there that processes share, or take what another one has decoded.

    Raises:
        GateError: a picture cannot be decoded.
    """
    held = HeldPictures(split, side, workers)
    if held.bytes > budget:
        return held

    def fill(cache: npt.NDArray[np.uint8]) -> None:
        for row, pixels in enumerate(iterate_decoded(split, range(len(split)), side, workers)):
            cache[row] = pixels.transpose(2, 0, 1)
            if on_progress is not None and row % 64 == 0:
                on_progress(row, len(split))

    if cache_dir is not None:
        return replace(held, cache=torch.from_numpy(map_decoded(cache_dir, split, side, fill)))
    cache = torch.empty((len(split), 3, side, side), dtype=torch.uint8)
    fill(cache.numpy())
    return replace(held, cache=cache)


def make_feed(
    pictures: HeldPictures, side: int, device: torch.device, augment: Strength = "none", places: Rows | None = None
) -> PictureFeed:
    """A feed of the held pictures, of all of them when no ``places`` are given."""
    chosen = np.arange(len(pictures)) if places is None else places
    resident = None if pictures.cache is None else place_on_device(pictures.cache, device)
    return PictureFeed(pictures, chosen, pictures.split.label[chosen], side, device, augment, resident)


def place_on_device(cache: Tensor, device: torch.device, free_bytes: int | None = None) -> Tensor | None:
    """Decoded pictures on another device, when they take no more than a third of what is free there; None: batches are sent."""
    if device.type == "cpu":
        return None
    if free_bytes is None:
        free_bytes = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0
    return cache.to(device) if cache.nbytes <= free_bytes // RESIDENT_PART else None


def balance_counts(labels: Rows, rng: np.random.Generator) -> Rows:
    """How often each row comes in an epoch so that all classes come equally often, in expectation; about as many rows as before."""
    sizes = np.bincount(labels)
    expected = len(labels) / (np.count_nonzero(sizes) * sizes[labels])
    whole = np.floor(expected).astype(np.int64)
    return np.asarray(whole + (rng.random(len(labels)) < expected - whole), dtype=np.int64)


def choose_spread_rows(labels: Rows, count: int, rng: np.random.Generator) -> Rows:
    """Up to ``count`` rows of as many classes as there are: one of each class in turn."""
    order = rng.permutation(len(labels))
    turn = np.empty(len(labels), dtype=np.int64)
    seen: dict[int, int] = {}
    for row in order:
        label = int(labels[row])
        turn[row] = seen.get(label, 0)
        seen[label] = int(turn[row]) + 1
    return np.asarray(order[np.argsort(turn[order], kind="stable")][:count], dtype=np.int64)
