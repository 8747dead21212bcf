"""Where two small grey pictures that are laid upon each other differ by more than light and sharpness explain: another word, another drawing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from logoingest.images.alike.laying.comparison import leave_edges, match_sharpness
from logoingest.images.alike.laying.places import look_up_grey, map_places, standardise_squares
from logoingest.images.alike.steps import SIDE

Floats = NDArray[np.float32]
#: A place differs where a window has at least so much that the other picture does not explain, as a share of what is to be seen in it.
DIFFERS = 0.35
#: Windows have so many pixels a side, and are looked at as far as nine tenths of them are seen in both.
_WINDOW, _LEAST_SEEN = 5, np.float32(0.9)
#: Added to what is to be seen in a window, in variances of the whole: where that is next to nothing, noise makes no difference.
_LITTLE = np.float32(0.2)
_POWERS = 4
_DAMPING = 1e-3
_THIRD = 1 / 3
_PLACES = (
    ("at the top left", "at the top", "at the top right"),
    ("on the left", "in the middle", "on the right"),
    ("at the bottom left", "at the bottom", "at the bottom right"),
)


class Overlay(NamedTuple):
    """Pairs that lie upon each other."""

    first: NDArray[np.uint8]
    """n x 32 x 32."""
    second: NDArray[np.uint8]
    maps: Floats
    """From places in the first to places in the second, n x 2 x 3."""


class Differing(NamedTuple):
    """The window of each pair in which the two differ most."""

    shares: Floats
    """How much of what is to be seen there; above 1 where the two differ in light as well. 0 where nothing reaches ``DIFFERS``."""
    places: Floats
    """Its middle in the first, across and down, n x 2, -1 to 1."""


def find_differing(pairs: Overlay) -> Differing:
    """Where the two of each pair differ most."""
    laid = _Overlaid.make(pairs)
    found = laid.find_worst(np.square(laid.one - laid.other))
    rows = np.flatnonzero(found.shares >= DIFFERS)
    bent = laid.take(rows)
    rests = [np.square(bent.take_tone(*pair)) for pair in ((bent.one, bent.other), (bent.other, bent.one))]
    is_better = rests[0].sum(axis=1, keepdims=True) <= rests[1].sum(axis=1, keepdims=True)
    left = bent.find_worst(np.where(is_better, *rests))
    shares = np.zeros_like(found.shares)
    shares[rows] = np.where(left.shares >= DIFFERS, left.shares, 0)
    found.places[rows] = left.places
    return Differing(shares, found.places)


def name_place(across: float, down: float) -> str:
    """A place in a picture, -1 to 1 across and down, in words."""
    return _PLACES[int(down > -_THIRD) + int(down > _THIRD)][int(across > -_THIRD) + int(across > _THIRD)]


class _Overlaid(NamedTuple):
    """Pairs laid upon each other, n x 1,024 each, of mean 0 and standard deviation 1 inside and 0 outside."""

    one: Floats
    other: Floats
    inside: Floats

    @classmethod
    def make(cls, pairs: Overlay) -> _Overlaid:
        first, second = (standardise_squares(pictures.astype(np.float32)) for pictures in (pairs.first, pairs.second))
        first, second = match_sharpness(first, second, pairs.maps)
        found = map_places(pairs.maps, SIDE)
        inside = found.inside * leave_edges(pairs.maps)
        return cls(_standardise(first.reshape(inside.shape), inside), _standardise(look_up_grey(second, found), inside), inside)

    def take(self, rows: NDArray[np.intp]) -> _Overlaid:
        return _Overlaid(*(part[rows] for part in self))

    def find_worst(self, rest: Floats) -> Differing:
        """The windows in which most is left, of what is left squared."""
        seen = np.maximum(_sum_windows(self.inside), np.float32(1))
        spread = [_sum_windows(np.square(part)) / seen - np.square(_sum_windows(part) / seen) for part in (self.one, self.other)]
        shares = _sum_windows(rest) / seen / (np.maximum(*spread) + _LITTLE)
        shares[seen < _LEAST_SEEN * _WINDOW**2] = 0
        most = shares.reshape(len(shares), -1).argmax(axis=1) if len(shares) else np.empty(0, np.intp)
        down, across = np.divmod(most, shares.shape[2])
        places = (np.stack([across, down], axis=1) + _WINDOW / 2) * (2 / SIDE) - 1
        return Differing(shares[np.arange(len(most)), down, across].astype(np.float32), places.astype(np.float32))

    def take_tone(self, one: Floats, other: Floats) -> Floats:
        """What is left of the other without a tone curve of the one, a cubic: gamma, light, clipped whites."""
        powers = [self.inside, one, one * one, one * one * one]
        count = np.maximum(self.inside.sum(axis=1), 1)
        sums = [np.einsum("ij,ij->i", powers[power // 2], powers[power - power // 2]) / count for power in range(2 * _POWERS - 1)]
        towards = np.stack([np.einsum("ij,ij->i", power, other) / count for power in powers], axis=1)
        places = np.add.outer(np.arange(_POWERS), np.arange(_POWERS))
        matrix = np.stack(sums)[places].transpose(2, 0, 1) + _DAMPING * np.eye(_POWERS)
        factors = np.linalg.solve(matrix, towards[:, :, None])[:, :, 0].astype(np.float32)
        return np.asarray(other - sum(factor[:, None] * power for factor, power in zip(factors.T, powers, strict=True)))


def _standardise(values: Floats, inside: Floats) -> Floats:
    count = np.maximum(inside.sum(axis=1, keepdims=True), 1)
    centred = (values - (values * inside).sum(axis=1, keepdims=True) / count) * inside
    spread = np.sqrt(np.einsum("ij,ij->i", centred, centred)[:, None] / count)
    return np.asarray(centred / np.maximum(spread, np.float32(1e-3)))


def _sum_windows(values: Floats) -> Floats:
    """Sums over all windows, n x windows down x windows across."""
    squares = values.reshape(-1, SIDE, SIDE)
    count = SIDE - _WINDOW + 1
    lines = squares[:, :count].copy()
    for start in range(1, _WINDOW):
        lines += squares[:, start : start + count]
    sums = lines[:, :, :count].copy()
    for start in range(1, _WINDOW):
        sums += lines[:, :, start : start + count]
    return sums
