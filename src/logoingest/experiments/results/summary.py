"""What came of a sweep, and what may be said of it: the best trial against the settings as they stand, and against luck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from logoingest.config.sweep_section import Setting, SweepConfig
from logoingest.experiments.results.comparison import SettingsCompared, compare_candidates, describe_score
from logoingest.experiments.results.importance import KnobImportance, rank_knobs
from logoingest.experiments.results.statistics import compare_pictures, expect_best_by_luck, measure_optimism
from logoingest.experiments.results.table import (
    EndedTrial,
    TriedSettings,
    average_pictures,
    make_candidate,
    rank_trials,
    select_runs,
)
from logoingest.experiments.running.parallelism import ParallelChoice
from logoingest.experiments.trials.orders import Role, TrialState
from logoingest.wording import spell_count


class Luck(NamedTuple):
    """How far the best of several tries is to be believed."""

    tries: int
    best: float
    """Score of the best trial, as it was chosen."""
    by_luck: float | None
    """What the best of so many tries would show, were all as good as the settings as they stand; None where scores are no marks."""
    optimism: float | None
    """By how much the best flatters itself (bootstrap over the pictures)."""


class OpenedTest(NamedTuple):
    """Test, opened once: the winner beside the settings as they stand."""

    winner: TriedSettings
    start: TriedSettings
    better: int
    worse: int
    chance: float | None
    statement: str


class SweepSummary(NamedTuple):
    """What came of a sweep."""

    folder: str
    metric: str
    sampler: str
    release: str
    trials: int
    """That were asked for."""
    states: Mapping[str, int]
    """State → trials."""
    parallel: ParallelChoice | None
    start: TriedSettings | None
    """The settings as they stand: trial 0."""
    winner: TriedSettings | None
    finalists: Sequence[TriedSettings]
    comparisons: Sequence[SettingsCompared]
    """Of the winner with every other finalist, and with the settings as they stand."""
    luck: Luck | None
    test: OpenedTest | None
    importance: Sequence[KnobImportance]
    cpu_s: float
    statements: Sequence[str]
    """All of it in words."""

    @property
    def changes(self) -> Mapping[str, Setting]:
        """What the winner does otherwise than the settings as they stand."""
        if self.winner is None or self.start is None:
            return {}
        return {name: value for name, value in self.winner.settings.items() if self.start.settings.get(name) != value}


def choose_winner(trials: Sequence[EndedTrial], sign: int) -> int | None:
    """The trial whose settings are best over all their trainings: among the finalists where there are some."""
    finalists = {one.order.of_trial for one in trials if one.order.role is Role.FINALIST}
    ranked = rank_trials(trials, sign)
    if not finalists:
        return ranked[0].order.number if ranked else None
    scores = {number: _average_score(select_runs(trials, number)) for number in finalists}
    known = {number: score for number, score in scores.items() if score is not None}
    return min(known, key=lambda number: (-sign * known[number], number)) if known else None


def _average_score(runs: Sequence[EndedTrial]) -> float | None:
    return float(np.mean([run.result.score for run in runs])) if runs else None


def summarise_sweep(
    trials: Sequence[EndedTrial],
    sweep: SweepConfig,
    *,
    metric: str,
    sign: int,
    release: str,
    folder: str,
    parallel: ParallelChoice | None,
    notes: Sequence[str] = (),
) -> SweepSummary:
    """Everything that may be said.

    Args:
        trials: that have ended.
        sweep: the sweep's config.
        metric: what was compared.
        sign: 1 where a higher metric is better, else -1.
        release: its fingerprint.
        folder: of the sweep.
        parallel: how many ran at once, and why.
        notes: further sentences.
    """
    plain = [one for one in trials if one.order.role is Role.TRIAL]
    winner = choose_winner(trials, sign)
    start = _find_candidate(trials, 0, metric)
    rivals = sorted({one.order.of_trial for one in trials if one.order.role is Role.FINALIST} - {winner})
    pairs = (
        []
        if winner is None
        else [(winner, rival) for rival in dict.fromkeys([*rivals, 0]) if rival != winner and select_runs(trials, rival)]
    )
    comparisons = compare_candidates(trials, pairs, metric, sign)
    finalists = [
        found
        for number in sorted({*rivals, *([] if winner is None else [winner])})
        if (found := _find_candidate(trials, number, metric))
    ]
    ranked = rank_trials(trials, sign)
    made = SweepSummary(
        folder=folder,
        metric=metric,
        sampler=sweep.sampler,
        release=release,
        trials=len(plain),
        states=dict(sorted(Counter(str(one.result.state) for one in plain).items())),
        parallel=parallel,
        start=start,
        winner=None if winner is None else _find_candidate(trials, winner, metric),
        finalists=sorted(finalists, key=lambda one: (-sign * one.score, one.trial)),
        comparisons=comparisons,
        luck=_weigh_luck(ranked, metric, sign, sweep.seed),
        test=_read_test(trials, metric, sign),
        importance=rank_knobs(ranked, sweep.space, sweep.sampler, sign),
        cpu_s=round(sum(one.result.cost.cpu_s for one in trials), 1),
        statements=(),
    )
    return made._replace(statements=[*_put_into_words(made, _describe_screening(sweep)), *notes])


def _find_candidate(trials: Sequence[EndedTrial], number: int, metric: str) -> TriedSettings | None:
    runs = select_runs(trials, number)
    return make_candidate(runs, metric.partition(".")[0], metric) if runs else None


def _weigh_luck(ranked: Sequence[EndedTrial], metric: str, sign: int, seed: int) -> Luck | None:
    """Of the trials that ran to their end, on the pictures that all of them were measured on."""
    if not ranked:
        return None
    best = ranked[0].result.score or 0.0
    tables = [average_pictures([one], metric.partition(".")[0]) for one in ranked]
    shared = sorted(set.intersection(*(set(table) for table in tables)))
    if not shared or len(ranked) < 2:
        return Luck(len(ranked), best, None, None)
    scores = np.array([[table[image] for image in shared] for table in tables])
    start = next((place for place, one in enumerate(ranked) if one.order.number == 0), None)
    means = scores.mean(axis=1)
    is_mean = (
        sign == 1 and np.isin(scores, (0, 1)).all() and np.allclose(means, [one.result.score or 0.0 for one in ranked], atol=0.005)
    )
    by_luck = expect_best_by_luck(float(means[start]), len(shared), len(ranked)) if is_mean and start is not None else None
    return Luck(len(ranked), best, by_luck, measure_optimism(scores, seed))


def _read_test(trials: Sequence[EndedTrial], metric: str, sign: int) -> OpenedTest | None:
    """The winner is the one that test was opened for."""
    figure = f"test.{metric.rpartition('.')[2]}"
    opened = [one for one in trials if one.order.role is Role.TEST and one.result.state is TrialState.COMPLETE]
    winner = next((one for one in opened if one.order.of_trial != 0), opened[0] if opened else None)
    start = next((one for one in opened if one.order.of_trial == 0), None)
    if winner is None or start is None:
        return None
    best, plain = (make_candidate([one], "test", figure) for one in (winner, start))
    marks = [average_pictures([one], "test") for one in (winner, start)]
    shared = sorted(set(marks[0]) & set(marks[1]))
    paired = compare_pictures(*(np.array([found[name] for name in shared]) for found in marks)) if shared else None
    if winner is start:
        return OpenedTest(best, plain, 0, 0, None, f"{figure} is {describe_score(best)}: the settings as they stand are the winner")
    clear = paired is not None and paired.chance < 0.05
    word = "better" if sign * (best.score - plain.score) > 0 else "worse"
    verdict = (
        f"the winner is {word} than the settings as they stand"
        if clear
        else "the winner and the settings as they stand are not distinguishable"
    )
    chance = "" if paired is None else f" (better on {paired.better}, worse on {paired.worse} pictures, p = {paired.chance:.3g})"
    statement = f"on test, {verdict}: {figure} {describe_score(best)} against {describe_score(plain)}{chance}"
    better, worse, p = (0, 0, None) if paired is None else paired
    return OpenedTest(best, plain, better, worse, p, statement)


def _describe_screening(sweep: SweepConfig) -> str:
    """What trials were trained on instead of what the finalists were; empty where there is no difference."""
    less = [f"{name} = {value}" for name, value in sweep.screen.items()]
    return ", ".join([*less, *([f"{sweep.subset:.0%} of train"] if sweep.subset < 1 else [])])


def _put_into_words(made: SweepSummary, screening: str) -> list[str]:
    states = ", ".join(f"{count} {state}" for state, count in made.states.items())
    screened = f", screened with {screening}" if screening else ""
    said = [f"{spell_count(made.trials, 'trial')} ({states}){screened}, {made.cpu_s:,.0f} CPU seconds in all"]
    if made.parallel is not None:
        said.append(f"side by side: {made.parallel.reason}")
    if made.winner is None:
        return [*said, "no trial came to its end: there is no winner"]
    runs = spell_count(len(made.winner.scores), "training")
    changed = ", ".join(f"{name} = {value}" for name, value in made.changes.items()) or "nothing changed"
    said.append(f"best is trial {made.winner.trial} ({changed}): {made.metric} {describe_score(made.winner)}, mean of {runs}")
    said += [comparison.statement for comparison in made.comparisons]
    if made.luck is not None and made.luck.optimism is not None:
        by_luck = "" if made.luck.by_luck is None else (
            f"; {made.luck.tries} tries as good as the settings as they stand would show {made.luck.by_luck:.3f} by luck alone"
        )  # fmt: skip
        said.append(
            f"the best of {made.luck.tries} showed {made.luck.best:.3f}{' when screened' if screening else ''}{by_luck};"
            f" on other pictures expect {abs(made.luck.optimism):.3f} less than it shows"
        )
    said += [_describe_knob(one) for one in made.importance if one.matters is not None]
    return [*said, *([made.test.statement] if made.test is not None else [])]


def _describe_knob(one: KnobImportance) -> str:
    if one.matters:
        return f"{one.knob} matters: changed alone it moves the score by {one.spread:.3f} (p = {one.chance:.2g}); best is {one.best_value}"
    return f"{one.knob}: no effect that could be told from chance (changed alone it moved the score by {one.spread:.3f})"
