"""Signatures as points, and what all eight turns of a picture have in common.

A signature of zero mean and unit length is projected on its 44 lowest cosines, with the length left over as a 45th coordinate: a point of length
1. Turns change signs and places of the 44. ``fold_turns`` folds the space along them: it gives all turns of a picture
the same point of length 1 and brings no two points further apart than they were, so that what is far apart when folded is so in every turn.

What folds a pair of coordinates (u, v), (v, u), u unlike v, without loss depends on which frequencies are odd: a mirror changes the sign of
odd ones, a swap exchanges the two. Both even: the swap alone acts, and their sum and the size of their difference stay. Both odd: both signs change
as well, and the sizes of sum and difference stay. One of each: each sign by itself, and the larger and the smaller size stay.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from logoingest.images.alike.turns import TURNS, turn_cosines

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

#: Pixels of a signature's side.
_SIDE = 32
#: The highest sum of the two frequencies: of those that windows are described by, and of those of points. With 35 in place of 44 a product
#: costs little less, and twice as many pairs of photos pass it, and twenty times as many of noise.
_HIGHEST_OF_WINDOWS, _HIGHEST = 7, 8
_PART = 8_192
_HALF = np.float32(0.5**0.5)


def _list_frequencies(highest: int) -> tuple[Indices, Indices]:
    """The frequencies (down, across) of the cosines that are looked at, the mean left out."""
    pairs = [(down, total - down) for total in range(1, highest + 1) for down in range(total + 1)]
    down, across = np.array(pairs, np.int64).T
    return down, across


#: Those of windows, and places and signs of these after each turn.
DOWN, ACROSS = _list_frequencies(_HIGHEST_OF_WINDOWS)
TURNED = [turn_cosines(DOWN, ACROSS, number) for number in range(len(TURNS))]
_DOWN, _ACROSS = _list_frequencies(_HIGHEST)


def _make_basis() -> Floats:
    """Orthonormal cosines of a signature, 1,024 x 44."""
    waves = dct(np.eye(_SIDE), norm="ortho", axis=0)
    basis = np.einsum("ki,kj->ijk", waves[_DOWN], waves[_ACROSS])
    return np.asarray(basis.reshape(_SIDE * _SIDE, -1), np.float32)


_BASIS = _make_basis()
_TURNED = [turn_cosines(_DOWN, _ACROSS, number) for number in range(len(TURNS))]


def project_signatures(signatures: NDArray[np.uint8], rows: Indices) -> Floats:
    """Points of some rows, n x 45: their distances never exceed those of the unit signatures."""
    points = np.empty((len(rows), len(_DOWN) + 1), np.float32)
    for start in range(0, len(rows), _PART):
        part = slice(start, start + _PART)
        near = _normalise(signatures[rows[part]]) @ _BASIS
        points[part, :-1] = near
        points[part, -1] = np.sqrt(np.maximum(1.0 - (near**2).sum(axis=1), 0.0))
    return points


def _normalise(signatures: NDArray[np.uint8]) -> Floats:
    values = signatures.astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    values /= np.maximum(np.sqrt(np.einsum("ij,ij->i", values, values)), 1e-6)[:, None]
    return values


def fold_turns(points: Floats) -> Floats:
    """The same point, n x 45, for all turns of a picture."""
    folded = np.empty_like(points)
    for start in range(0, len(points), _PART):
        part = points[start : start + _PART]
        one, other = part[:, _PAIRS[0]], part[:, _PAIRS[1]]
        unlike, odd = _PAIRS_UNLIKE, _PAIRS_ODD
        low = np.where(unlike, np.maximum(abs(one), abs(other)), (one + other) * _HALF)
        high = np.where(unlike, np.minimum(abs(one), abs(other)), abs(one - other) * _HALF)
        folded[start : start + _PART] = np.concatenate(
            [np.where(odd, abs(low), low), high, part[:, _SINGLES_EVEN], abs(part[:, _SINGLES_ODD])], axis=1
        )
    return folded


def _pair_places() -> tuple[Indices, Indices]:
    place = {pair: index for index, pair in enumerate(zip(_DOWN.tolist(), _ACROSS.tolist(), strict=True))}
    first = np.flatnonzero(_DOWN < _ACROSS)
    return first, np.array([place[(int(_ACROSS[at]), int(_DOWN[at]))] for at in first], np.int64)


_PAIRS = _pair_places()
_PAIRS_UNLIKE = _DOWN[_PAIRS[0]] % 2 != _ACROSS[_PAIRS[0]] % 2
_PAIRS_ODD = (_DOWN[_PAIRS[0]] % 2 == 1) & ~_PAIRS_UNLIKE
#: Equal frequencies, which a swap leaves where they are, and the length left over.
_SINGLES_EVEN = np.append(np.flatnonzero((_DOWN == _ACROSS) & (_DOWN % 2 == 0)), len(_DOWN))
_SINGLES_ODD = np.flatnonzero((_DOWN == _ACROSS) & (_DOWN % 2 == 1))


def add_swapped(points: Floats) -> Floats:
    """Each point as it is, and beside it with rows and columns swapped: n x 90, what ``multiply_turned`` turns."""
    return np.concatenate([points[:, places] for places in _PLACES], axis=1)


def multiply_turned(swapped: Floats, others: Floats) -> Floats:
    """The inner product of each point (``add_swapped``), turned in each of the eight ways, with the other in its row: n x 8."""
    products = swapped.reshape(len(swapped), len(_PLACES), -1) * others[:, None, :]
    return np.asarray(products.reshape(len(swapped), -1) @ _SIGNS, np.float32)


def _place_turns() -> tuple[list[Indices], Floats]:
    """Where coordinates lie without and with a swap, and the signs of these in each turn (90 x 8)."""
    width = len(_DOWN) + 1
    places, signs = [], np.zeros((2 * width, len(TURNS)), np.float32)
    for swap in (False, True):
        numbers = [number for number, turn in enumerate(TURNS) if turn.swap == swap]
        places.append(np.append(_TURNED[numbers[0]][0], len(_DOWN)))
        for number in numbers:
            signs[swap * width : (swap + 1) * width, number] = np.append(_TURNED[number][1], np.float32(1))
    return places, signs


_PLACES, _SIGNS = _place_turns()
