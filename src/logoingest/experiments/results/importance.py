"""Which knob matters: by changing one at a time where that was done, else by what a forest of trees learns from the trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from logoingest.config.sweep_section import Knob, KnobRange, Setting
from logoingest.experiments.results.comparison import LEVEL
from logoingest.experiments.results.statistics import adjust_by_holm, compare_pictures
from logoingest.experiments.results.table import EndedTrial, average_pictures

#: A forest needs so many trials for each knob.
_TRIALS_A_KNOB = 3


class KnobImportance(NamedTuple):
    """How much a knob matters."""

    knob: str
    share: float
    """Of all importance, 0 to 1."""
    spread: float
    """Between the best and the worst mean score of its values."""
    best_value: Setting | None
    chance: float | None = None
    """With one_at_a_time: p of its largest effect against the settings as they stand, on the same pictures (Holm over the knobs)."""
    matters: bool | None = None
    """With one_at_a_time: whether that is no chance."""


def rank_knobs(ranked: Sequence[EndedTrial], space: Mapping[str, Knob], sampler: str, sign: int) -> list[KnobImportance]:
    """The knobs, the most important first.

    Args:
        ranked: complete trials.
        space: the knobs.
        sampler: how the trials were chosen.
        sign: 1 where a higher metric is better, else -1.
    """
    if len(ranked) < 2 or not space:
        return []
    spreads = {name: _measure_spread(ranked, name, sign) for name in space}
    if sampler == "one_at_a_time":
        found = _weigh_single_changes(ranked, space, sign)
    else:
        shares = _learn_shares(ranked, space, sign) or _normalise({name: spread for name, (spread, _) in spreads.items()})
        found = [KnobImportance(name, shares[name], *spreads[name]) for name in space]
    return sorted(found, key=lambda one: (-one.share, one.knob))


def _measure_spread(trials: Sequence[EndedTrial], name: str, sign: int) -> tuple[float, Setting | None]:
    """(best minus worst mean score of its values, the best value)."""
    scores: dict[Setting, list[float]] = {}
    for one in trials:
        if name in one.order.settings:
            scores.setdefault(one.order.settings[name], []).append(sign * (one.result.score or 0.0))
    if not scores:
        return 0.0, None
    means = {value: float(np.mean(found)) for value, found in scores.items()}
    best = max(means, key=lambda value: means[value])
    return max(means.values()) - min(means.values()), best


def _weigh_single_changes(trials: Sequence[EndedTrial], space: Mapping[str, Knob], sign: int) -> list[KnobImportance]:
    """Each knob by the largest effect that a change of it alone has."""
    start = next((one for one in trials if one.order.number == 0), None)
    if start is None:
        return []
    at_start, found = average_pictures([start]), list[KnobImportance]()
    for name in space:
        changed = [one for one in trials if _list_changes(start, one) == [name]]
        if changed:
            found.append(_weigh_knob(name, start, changed, at_start, sign))
    shares = _normalise({one.knob: one.spread for one in found})
    chances = adjust_by_holm([1.0 if one.chance is None else one.chance for one in found])
    return [
        one._replace(share=shares[one.knob], chance=chance, matters=chance < LEVEL)
        for one, chance in zip(found, chances, strict=True)
    ]


def _weigh_knob(
    name: str, start: EndedTrial, changed: Sequence[EndedTrial], at_start: Mapping[str, float], sign: int
) -> KnobImportance:
    scored = {one.order.settings[name]: sign * (one.result.score or 0.0) for one in [start, *changed] if name in one.order.settings}
    base = sign * (start.result.score or 0.0)
    furthest = max(changed, key=lambda one: abs(sign * (one.result.score or 0.0) - base))
    marks = average_pictures([furthest])
    shared = sorted(set(marks) & set(at_start))
    chance = None
    if shared:
        values = [np.array([table[image] for image in shared]) for table in (marks, at_start)]
        chance = min(1.0, compare_pictures(values[0], values[1]).chance * len(changed))  # the furthest of several
    best = max(scored, key=lambda value: scored[value])
    return KnobImportance(name, 0.0, max(*scored.values(), base) - min(*scored.values(), base), best, chance)


def _list_changes(start: EndedTrial, one: EndedTrial) -> list[str]:
    return [name for name, value in one.order.settings.items() if start.order.settings.get(name) != value]


def _learn_shares(trials: Sequence[EndedTrial], space: Mapping[str, Knob], sign: int) -> dict[str, float] | None:
    """Impurity importance of a forest (L. Breiman, 2001); None where there are too few trials."""
    if len(trials) < _TRIALS_A_KNOB * len(space):
        return None
    from sklearn.ensemble import RandomForestRegressor

    columns = [column for name, knob in space.items() for column in _encode(trials, name, knob)]
    forest = RandomForestRegressor(n_estimators=200, random_state=0, n_jobs=1)
    forest.fit(np.stack([values for _, values in columns], axis=1), [sign * (one.result.score or 0.0) for one in trials])
    shares = dict.fromkeys(space, 0.0)
    for (name, _), weight in zip(columns, forest.feature_importances_.tolist(), strict=True):
        shares[name] += weight
    return _normalise(shares)


def _encode(trials: Sequence[EndedTrial], name: str, knob: Knob) -> list[tuple[str, Any]]:
    """Numbers as they are (or their logarithms), other values one column each."""
    values = [one.order.settings.get(name) for one in trials]
    if isinstance(knob, KnobRange):
        numbers = np.array([np.nan if value is None else float(value) for value in values])
        numbers = np.where(np.isnan(numbers), np.nanmean(numbers) if np.isfinite(numbers).any() else 0.0, numbers)
        return [(name, np.log(np.maximum(numbers, 1e-12)) if knob.log else numbers)]
    return [(name, np.array([float(value == choice) for value in values])) for choice in dict.fromkeys(knob)]


def _normalise(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {name: weight / total if total > 0 else 0.0 for name, weight in weights.items()}
