"""The eight turns and mirrors of a picture: the symmetries of a square, as they act on small square pictures and on their cosines.

A turn is written as (swap, down, across): swap rows and columns first, then mirror top to bottom, then left to right. On the discrete
cosine transform (type II) a mirror changes the signs of the odd frequencies and a swap exchanges the two frequencies, so that a
turned picture's coefficients are known without turning it.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", bound=np.generic)


class Turn(NamedTuple):
    """One of the eight, and what people call it."""

    name: str
    swap: bool
    down: bool
    across: bool


#: The first one is none. Angles are clockwise.
TURNS = (
    Turn("as it is", False, False, False),
    Turn("mirrored", False, False, True),
    Turn("mirrored upside down", False, True, False),
    Turn("turned by 180°", False, True, True),
    Turn("mirrored and turned by 270°", True, False, False),
    Turn("turned by 90°", True, False, True),
    Turn("turned by 270°", True, True, False),
    Turn("mirrored and turned by 90°", True, True, True),
)
#: The turn that takes each one back.
INVERSES = np.array([0, 1, 2, 3, 4, 6, 5, 7])


def turn_squares(squares: NDArray[Number], number: int) -> NDArray[Number]:
    """Square pictures (… x side x side) turned by ``TURNS[number]``."""
    turn = TURNS[number]
    turned = squares.swapaxes(-1, -2) if turn.swap else squares
    turned = turned[..., ::-1, :] if turn.down else turned
    return turned[..., ::-1] if turn.across else turned


def turn_cosines(down: NDArray[np.int64], across: NDArray[np.int64], number: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """How ``TURNS[number]`` changes coefficients of the frequencies (``down``, ``across``): (places, signs), new = old[places] * signs.

    The frequencies must hold (v, u) with every (u, v).
    """
    turn = TURNS[number]
    place = {pair: index for index, pair in enumerate(zip(down.tolist(), across.tolist(), strict=True))}
    pairs = zip(across.tolist(), down.tolist(), strict=True) if turn.swap else place
    signs = (-1.0) ** (down * turn.down + across * turn.across)
    return np.array([place[pair] for pair in pairs], np.int64), signs.astype(np.float32)
