"""Samplers: which settings are tried next. Equal seeds, and equal results so far, give equal suggestions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from logoingest.config.sweep_section import Knob, Setting, SweepConfig
from logoingest.experiments.space.knobs import Settings, count_combinations, draw_setting, list_combinations, list_settings

#: Draws in vain before a random space counts as used up.
_MOST_DRAWS = 1000


class Known(NamedTuple):
    """A trial that has ended, as a sampler sees it."""

    settings: Settings
    score: float | None
    """Higher is better; None where it failed."""
    pruned: bool = False


def suggest_settings(sweep: SweepConfig, known: Sequence[Known], count: int) -> list[Settings]:
    """What to try next: a value for every knob.

    Args:
        sweep: the sampler, its space and seed.
        known: all trials so far, in their order; the first is that of the settings as they stand.
        count: suggestions wanted.

    Returns:
        As many as wanted, or fewer where the space has no more.

    Raises:
        UsageError: tpe is asked for and Optuna is missing.
    """
    if not sweep.space or count <= 0:
        return []
    if sweep.sampler == "tpe":
        from logoingest.experiments.space.tpe import suggest_by_tpe

        return suggest_by_tpe(sweep, known, count)
    if sweep.sampler == "random":
        return _draw_new(sweep, known, count)
    asked = len(known) - 1  # without the settings as they stand
    if sweep.sampler == "grid":  # without the settings as they stand, which are a trial already
        planned = [chosen for chosen in _order_grid(sweep, asked + count + 1) if chosen != known[0].settings]
    else:
        planned = _change_one(sweep.space, known[0].settings)
    return planned[asked : asked + count]


def _draw_new(sweep: SweepConfig, known: Sequence[Known], count: int) -> list[Settings]:
    """Trial n is drawn by the n-th generator, so that what is asked for at once changes nothing."""
    seen = {_freeze(one.settings) for one in known}
    found: list[Settings] = []
    for number in range(len(known), len(known) + count):
        rng = np.random.default_rng([sweep.seed & 0xFFFFFFFF, number])
        for _ in range(_MOST_DRAWS):
            drawn = {name: draw_setting(knob, rng) for name, knob in sweep.space.items()}
            if _freeze(drawn) not in seen:
                seen.add(_freeze(drawn))
                found.append(drawn)
                break
        else:
            break
    return found


def _order_grid(sweep: SweepConfig, most: int) -> list[Settings]:
    """The grid in a seeded order where it is not tried whole: its first rows would leave some knobs as they are."""
    total = count_combinations(sweep.space)
    if total + 1 <= sweep.trials:
        return list_combinations(sweep.space, most)
    places = np.random.default_rng(sweep.seed & 0xFFFFFFFF).permutation(min(total, 1_000_000))[:most]
    values = {name: list_settings(knob) for name, knob in sweep.space.items()}
    return [_pick_combination(values, int(place)) for place in places]


def _pick_combination(values: Mapping[str, Sequence[Setting]], place: int) -> Settings:
    """The grid's combination at a place, as ``list_combinations`` counts them."""
    chosen: dict[str, Setting] = {}
    for name in reversed(list(values)):
        place, index = divmod(place, len(values[name]))
        chosen[name] = values[name][index]
    return {name: chosen[name] for name in values}


def _change_one(space: Mapping[str, Knob], start: Settings) -> list[Settings]:
    """Every other value of every knob alone; one of each knob in turn, so that a sweep cut short has seen all knobs."""
    others = {name: [value for value in list_settings(knob) if value != start.get(name)] for name, knob in space.items()}
    longest = max(map(len, others.values()), default=0)
    return [{**start, name: values[turn]} for turn in range(longest) for name, values in others.items() if turn < len(values)]


def read_start(sweep: SweepConfig, train: Mapping[str, Any]) -> Settings:
    """What a [train] table says of every knob: the first trial. Options that it does not name are left out."""
    found = {name: read_setting(train, name) for name in sweep.space}
    return {name: value for name, value in found.items() if value is not None}


def read_setting(train: Mapping[str, Any], name: str) -> Setting | None:
    """What a [train] table says of a setting; a dotted name leads into a table in it."""
    head, _, rest = name.partition(".")
    value = train.get(head)
    return read_setting(value or {}, rest) if rest else value


def _freeze(settings: Settings) -> tuple[tuple[str, Setting], ...]:
    return tuple(sorted(settings.items()))
