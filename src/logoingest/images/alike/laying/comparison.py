"""What two small grey pictures that are laid upon each other have in common, in full size: grey values and slopes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from logoingest.images.alike.laying.places import correlate_inside, list_pixel_places, look_up_grey, map_places
from logoingest.images.alike.steps import SIDE

Floats = NDArray[np.float32]
#: A pixel is a tent of this variance (pixels², each side), and looking between pixels adds as much.
_PIXEL = np.float32(1 / 6)
#: An edge that lies inside the other picture by more than this (of -1 to 1) has something else around it: so much of it is left out.
_INSIDE, _EDGE = np.float32(0.03), np.float32(0.07)


def compare_squares(first: Floats, second: Floats, maps: Floats) -> tuple[Floats, Floats, Floats]:
    """(Share of the first that lies inside, correlation of the grey values and of the slopes there), of standardised pictures in the maps found.

    The finer of the two is smoothed as much as the other is by its larger pixels and by looking between them.
    """
    first, second = match_sharpness(first, second, maps)
    found = map_places(maps, SIDE)
    values = look_up_grey(second, found)
    down, across = (look_up_grey(slopes, found) for slopes in _slope(second))
    own = [slopes.reshape(len(first), -1) for slopes in reversed(_slope(first))]
    moved = [across * maps[:, 0, axis, None] + down * maps[:, 1, axis, None] for axis in (0, 1)]
    count = found.inside.sum(axis=1)
    inside = found.inside * leave_edges(maps)
    grey = correlate_inside([first.reshape(len(first), -1)], [values], inside)
    detail = correlate_inside(own, moved, inside)
    return count / np.float32(SIDE * SIDE), grey, detail


def _slope(pictures: Floats) -> tuple[Floats, Floats]:
    """How much brighter they grow from pixel to pixel (n x side x side), down and across; at an edge, what is seen from one side."""
    down, across = np.empty_like(pictures), np.empty_like(pictures)
    for slopes, lines in ((down, pictures), (across.transpose(0, 2, 1), pictures.transpose(0, 2, 1))):
        np.subtract(lines[:, 2:], lines[:, :-2], out=slopes[:, 1:-1])
        slopes[:, 1:-1] *= np.float32(0.5)
        for edge, next_one in ((0, 1), (-1, -2)):
            slopes[:, edge] = (lines[:, next_one] - lines[:, edge]) * np.float32(1 if edge == 0 else -1)
    return down, across


def leave_edges(maps: Floats) -> Floats:
    """1 but for places (n x 1,024) at an edge of one picture that lies inside the other: there it is mixed with what is around it."""
    places = list_pixel_places(SIDE)
    across, down = (np.abs(maps[:, axis] @ places) for axis in (0, 1))
    there, here = np.maximum(across, down, out=across), np.abs(places[:2]).max(axis=0)[None]
    inside = there - here
    mixed = (inside < -_INSIDE) & (here > 1 - _EDGE)
    mixed |= (inside > _INSIDE) & (there > 1 - _EDGE)
    return np.where(mixed, np.float32(0), np.float32(1))


def match_sharpness(first: Floats, second: Floats, maps: Floats) -> tuple[Floats, Floats]:
    """The finer one smoothed as much as the other is by larger pixels; the second is looked at between its pixels besides."""
    scale = np.stack([np.hypot(maps[:, 0, axis], maps[:, 1, axis]) for axis in (1, 0)], axis=1)
    finer = (2 / np.maximum(scale, 0.1) ** 2 - 1) * _PIXEL
    coarser = (scale**2 - 2) * _PIXEL
    return _smooth(first, finer.clip(min=0)), _smooth(second, coarser.clip(min=0))


def _smooth(pictures: Floats, variance: Floats) -> Floats:
    """Pictures smoothed down and across by so much (n x 2, pixels²), as far as a kernel of three goes."""
    if not variance.any():
        return pictures
    smoothed = pictures.copy()
    for axis, lines in ((0, smoothed), (1, smoothed.transpose(0, 2, 1))):
        rises = lines[:, 1:] - lines[:, :-1]
        rises *= np.minimum(variance[:, axis] / 2, 0.25).astype(np.float32)[:, None, None]
        lines[:, :-1] += rises
        lines[:, 1:] -= rises
    return smoothed
