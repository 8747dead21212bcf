"""Places of small grey pictures in other ones, by a map, what is seen there, and how much that agrees."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logoingest.images.alike.steps import SIDE

Floats = NDArray[np.float32]
#: Where less than this share of a picture lies inside the other, nothing is said of them.
LEAST_SHARE = 0.2


def standardise_squares(pictures: Floats) -> Floats:
    """Pictures (n x side x side) of mean 0 and standard deviation 1; of one colour, 0."""
    centred = pictures - pictures.mean(axis=(1, 2), keepdims=True)
    spread = np.sqrt(np.einsum("ijk,ijk->i", centred, centred) / np.float32(pictures[0].size))[:, None, None]
    return np.asarray(centred / np.maximum(spread, 1e-3), np.float32)


@cache
def _list_axis(side: int, border: int = 0) -> Floats:
    return ((np.arange(border, side - border) + 0.5) / side * 2 - 1).astype(np.float32)


@cache
def list_pixel_places(side: int, border: int = 0) -> Floats:
    """Across, down and 1 of every place (3 x places), without so many pixels at each edge; not to be written to."""
    axis = _list_axis(side, border)
    return np.stack([np.tile(axis, len(axis)), np.repeat(axis, len(axis)), np.ones(len(axis) ** 2, np.float32)])


class FoundPlaces(NamedTuple):
    """Where mapped places (n x places) lie in some pictures in a row."""

    pixel: NDArray[np.intp]
    across: Floats
    """Share of the next pixel, 0 to 1."""
    down: Floats
    """Share of the next line, 0 to 1."""
    inside: Floats
    """1, or 0 outside the picture."""


def map_places(maps: Floats, side: int, border: int = 0, rows: NDArray[np.intp] | None = None) -> FoundPlaces:
    """Where the pixels of pictures of this size, but for so many at each edge, lie in pictures of ``SIDE``.

    Each map leads into the picture in its own row, or in that of ``rows``.
    """
    axis, half = _list_axis(side, border), np.float32(SIDE / 2)
    inside = np.ones((len(maps), len(axis) ** 2), bool)
    corners, shares = [], []
    for row in (0, 1):
        factors = maps[:, row] * half
        along, lines = factors[:, 0, None] * axis, factors[:, 1, None] * axis + factors[:, 2, None]
        pixels = (along[:, None, :] + lines[:, :, None]).reshape(inside.shape)
        inside &= np.abs(pixels) <= half
        pixels += half - np.float32(0.5)
        np.clip(pixels, 0, np.float32(SIDE - 1.001), out=pixels)
        corners.append(np.floor(pixels))
        pixels -= corners[-1]
        shares.append(pixels)
    pixel = corners[1]
    pixel *= np.float32(SIDE)
    pixel += corners[0]
    pixel += ((np.arange(len(maps)) if rows is None else rows) * (SIDE * SIDE)).astype(np.float32)[:, None]  # exact up to 2²⁴
    return FoundPlaces(pixel.astype(np.intp), shares[0], shares[1], inside.astype(np.float32))


def look_up_grey(pictures: Floats, found: FoundPlaces) -> Floats:
    """The grey values (n x places) between pixels."""
    side, flat = pictures.shape[1], pictures.ravel()
    above, across, below, next_below = (flat[more:].take(found.pixel, mode="clip") for more in (0, 1, side, side + 1))
    across -= above
    across *= found.across
    above += across
    next_below -= below
    next_below *= found.across
    below += next_below
    below -= above
    below *= found.down
    above += below
    return above


def correlate_inside(ones: Sequence[Floats], others: Sequence[Floats], inside: Floats) -> Floats:
    """Of several values (each n x places) at the places inside; -1 where these are few."""
    count = inside.sum(axis=1)
    totals = np.zeros((3, len(inside)), np.float32)
    for one, other in zip(ones, others, strict=True):
        parts = (one * inside, other * inside)
        sums = [part.sum(axis=1) for part in parts]
        for row, (a, b) in enumerate(((0, 1), (0, 0), (1, 1))):
            totals[row] += np.einsum("ij,ij->i", parts[a], parts[b]) - sums[a] * sums[b] / np.maximum(count, 1)
    return divide_lengths(totals[0], totals[1], totals[2], count < LEAST_SHARE * inside.shape[1])


def divide_lengths(
    both: NDArray[np.floating], one: NDArray[np.floating], other: NDArray[np.floating], is_little: NDArray[np.bool_]
) -> Floats:
    """Products over the root of both squares, n: correlations; -1 where there is too little, 0 where nothing is to be seen."""
    length = np.sqrt(np.maximum(one, 0) * np.maximum(other, 0))
    return np.where(is_little, -1, np.where(length > 1e-3, both / np.maximum(length, 1e-3), 0)).astype(np.float32)
