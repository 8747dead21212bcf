"""Knobs: the values a setting may have, one drawn at random, some spread evenly."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np

from logoingest.config.sweep_section import Knob, KnobRange, Setting

#: One choice of every knob.
Settings = Mapping[str, Setting]


def draw_setting(knob: Knob, rng: np.random.Generator) -> Setting:
    """One value at random."""
    if not isinstance(knob, KnobRange):
        return knob[int(rng.integers(len(knob)))]
    return place_in_range(knob, float(rng.random()))


def list_settings(knob: Knob) -> list[Setting]:
    """All values of a list, or the points of a range; each once."""
    if not isinstance(knob, KnobRange):
        return list(dict.fromkeys(knob))
    return list(dict.fromkeys(place_in_range(knob, share) for share in np.linspace(0, 1, knob.points).tolist()))


def place_in_range(knob: KnobRange, share: float) -> Setting:
    """The number at a share of the way from low to high; six significant digits, so that it can be written down."""
    if knob.log:
        value = math.exp(math.log(knob.low) + share * (math.log(knob.high) - math.log(knob.low)))
    else:
        value = knob.low + share * (knob.high - knob.low)
    if isinstance(knob.low, int) and isinstance(knob.high, int):
        return round(value)
    return min(max(float(f"{value:.6g}"), knob.low), knob.high)


def count_combinations(space: Mapping[str, Knob]) -> int:
    """How many a grid has."""
    return math.prod(len(list_settings(knob)) for knob in space.values())


def list_combinations(space: Mapping[str, Knob], most: int) -> list[Settings]:
    """The first of a grid, the last knob turning fastest."""
    values = [list_settings(knob) for knob in space.values()]
    return [dict(zip(space, chosen, strict=True)) for chosen in itertools.islice(itertools.product(*values), most)]
