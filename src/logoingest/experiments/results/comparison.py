"""Two settings of a sweep against each other, on the same pictures and the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from logoingest.experiments.results.statistics import adjust_by_holm, compare_folds, compare_pictures
from logoingest.experiments.results.table import EndedTrial, TriedSettings, average_pictures, make_candidate, select_runs

#: A difference is told apart from chance where it is as unlikely as this.
LEVEL = 0.05


class SettingsCompared(NamedTuple):
    """One candidate against another."""

    one: TriedSettings
    other: TriedSettings
    better: int
    """Pictures on which the first one is better."""
    worse: int
    chance_by_pictures: float | None
    """p of exact McNemar, or of Wilcoxon's signed ranks; None without scores of pictures."""
    chance_by_folds: float | None
    """p of the corrected resampled t test; None without folds."""
    chance: float
    """The one that counts (by folds where there are some), adjusted for all comparisons made together."""
    is_distinguishable: bool
    statement: str


def compare_candidates(
    trials: Sequence[EndedTrial], pairs: Sequence[tuple[int, int]], metric: str, sign: int
) -> list[SettingsCompared]:
    """Compare pairs of trials, all together (Holm)."""
    raw = [_compare(trials, one, other, metric) for one, other in pairs]
    adjusted = adjust_by_holm([comparison.chance for comparison in raw])
    return [_conclude(comparison, chance, sign, metric) for comparison, chance in zip(raw, adjusted, strict=True)]


def _compare(trials: Sequence[EndedTrial], one: int, other: int, metric: str) -> SettingsCompared:
    runs = [select_runs(trials, number) for number in (one, other)]
    split = metric.partition(".")[0]
    candidates = [make_candidate(found, split, metric) for found in runs]
    marks = [average_pictures(found, split) for found in runs]
    shared = sorted(set(marks[0]) & set(marks[1]))
    paired = compare_pictures(*(np.array([found[name] for name in shared]) for found in marks)) if shared else None
    by_folds = _compare_folds(*runs)
    chance = by_folds if by_folds is not None else paired.chance if paired is not None else 1.0
    better, worse = (0, 0) if paired is None else (paired.better, paired.worse)
    by_pictures = None if paired is None else paired.chance
    return SettingsCompared(
        candidates[0], candidates[1], better, worse, by_pictures, by_folds, chance, is_distinguishable=False, statement=""
    )


def _compare_folds(one: Sequence[EndedTrial], other: Sequence[EndedTrial]) -> float | None:
    """Over the folds of the seeds that both were trained with."""
    scores = [{run.order.train["seed"]: run.result.fold_scores for run in runs} for runs in (one, other)]
    seeds = [seed for seed in scores[0] if seed in scores[1]]
    paired = [(mine, theirs) for seed in seeds for mine, theirs in zip(scores[0][seed], scores[1][seed], strict=False)]
    if not any(run.order.folds for run in one) or len(paired) < 2:
        return None
    mine, theirs = zip(*paired, strict=True)
    return compare_folds(mine, theirs, float(np.mean([run.result.held_out for run in one])))


def _conclude(comparison: SettingsCompared, chance: float, sign: int, metric: str) -> SettingsCompared:
    one, other = comparison.one, comparison.other
    difference = sign * (one.score - other.score)
    clear = chance < LEVEL and not _is_contradicted(comparison, difference)
    word = "better" if difference > 0 else "worse" if difference < 0 else "equal"
    verdict = (
        f"trial {one.trial} is {word} than trial {other.trial}"
        if clear
        else f"trials {one.trial} and {other.trial} are not distinguishable"
    )
    figures = f"{metric} {describe_score(one)} against {describe_score(other)}"
    pictures = f", better on {comparison.better} and worse on {comparison.worse} of {one.pictures} pictures" if one.pictures else ""
    return comparison._replace(
        chance=chance, is_distinguishable=clear, statement=f"{verdict}: {figures}{pictures}, p = {_describe_chance(chance)}"
    )


def _is_contradicted(comparison: SettingsCompared, difference: float) -> bool:
    """Whether the pictures, where they are what counts, speak for the one with the worse score."""
    return comparison.chance_by_folds is None and (comparison.better - comparison.worse) * difference < 0


def describe_score(candidate: TriedSettings) -> str:
    """The score, with its interval where there is one."""
    within = "" if candidate.low is None or candidate.high is None else f" ({candidate.low:.3f} to {candidate.high:.3f})"
    return f"{candidate.score:.3f}{within}"


def _describe_chance(chance: float) -> str:
    return f"{chance:.3f}" if chance >= 0.001 else f"{chance:.1g}"
