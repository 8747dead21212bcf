"""The pictures of a sweep: how it went, what mattered, how sure the end is. Readable with three trials and with three hundred.

Values of settings may be anybody's text: never read as mathtext, and cut to a length.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from logoingest.config.sweep_section import Knob, KnobRange, Setting
from logoingest.experiments.results.summary import SweepSummary
from logoingest.experiments.results.table import EndedTrial
from logoingest.experiments.trials.orders import Role, TrialState
from logoingest.wording import cut_text

#: File → what it shows; the report has them in this order.
PLOTS: Mapping[str, str] = {
    "history.png": "score of every trial, in their order",
    "finalists.png": "the finalists: every training, their mean, its 95 % interval where it has one",
    "importance.png": "which setting matters",
    "slices.png": "score by the value of each setting",
    "parallel.png": "trials as lines through their settings",
    "curves.png": "learning curves of all trials",
    "time.png": "score by CPU seconds",
}
_WINNER, _OTHERS, _PRUNED = "#d1495b", "#3b6ea5", "#b0b0b0"
_MOST_NAMED, _NAME_LENGTH, _DPI = 12, 18, 100


class _Shown(NamedTuple):
    """What the figures are drawn from: trials with a score."""

    summary: SweepSummary
    trials: Sequence[EndedTrial]
    space: Mapping[str, Knob]
    sign: int

    @property
    def scores(self) -> list[float]:
        return [float(one.result.score or 0.0) for one in self.trials]

    @property
    def colours(self) -> list[str]:
        winner = None if self.summary.winner is None else self.summary.winner.trial
        return [
            _WINNER if one.order.number == winner else _PRUNED if one.result.state is TrialState.PRUNED else _OTHERS
            for one in self.trials
        ]


def draw_plots(summary: SweepSummary, trials: Sequence[EndedTrial], space: Mapping[str, Knob], folder: Path) -> None:
    """Write every figure of ``PLOTS`` into a folder."""
    scored = [one for one in trials if one.order.role is Role.TRIAL and one.result.score is not None]
    higher = not summary.finalists or len(summary.finalists) < 2 or summary.finalists[0].score >= summary.finalists[-1].score
    shown = _Shown(summary, scored, space, 1 if higher else -1)
    drawers: Mapping[str, Callable[[_Shown], Figure]] = {
        "history.png": draw_history,
        "finalists.png": draw_finalists,
        "importance.png": draw_importance,
        "slices.png": draw_slices,
        "parallel.png": draw_parallel_coordinates,
        "curves.png": draw_learning_curves,
        "time.png": draw_time,
    }
    with warnings.catch_warnings(), mpl.rc_context({"text.parse_math": False, "font.size": 9}):
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
        for name, draw in drawers.items():
            draw(shown).savefig(folder / name, dpi=_DPI, metadata={"Software": None})


def draw_history(shown: _Shown) -> Figure:
    """Every trial, and the best so far; pruned ones grey, at what they had reached."""
    figure, axes = _start(8, 3.6)
    numbers = [one.order.number for one in shown.trials]
    axes.scatter(numbers, shown.scores, c=shown.colours, s=22, zorder=3)
    complete = [
        (one.order.number, score)
        for one, score in zip(shown.trials, shown.scores, strict=True)
        if one.result.state is TrialState.COMPLETE
    ]
    if complete:
        best = np.maximum.accumulate([shown.sign * score for _, score in complete]) * shown.sign
        axes.step([number for number, _ in complete], best, where="post", color=_WINNER, alpha=0.6, label="best so far")
    if shown.summary.start is not None and numbers[:1] == [0]:
        axes.axhline(shown.scores[0], color="0.5", linestyle=":", label="settings as they stand")
    if shown.summary.luck is not None and shown.summary.luck.by_luck is not None:
        axes.axhline(
            shown.summary.luck.by_luck, color="#e0a000", linestyle="--", label=f"best of {shown.summary.luck.tries} by luck alone"
        )
    axes.set(xlabel="trial", ylabel=shown.summary.metric)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _add_legend(axes)
    return figure


def draw_finalists(shown: _Shown) -> Figure:
    """Each finalist's mean and interval, and every training as a dot; the settings as they stand below."""
    known = list(shown.summary.finalists)
    start = shown.summary.start
    if start is not None and start.trial not in {one.trial for one in known}:
        known.append(start)
    figure, axes = _start(8, max(2.2, 0.5 * len(known) + 1.2))
    winner = None if shown.summary.winner is None else shown.summary.winner.trial
    for place, one in enumerate(known):
        colour = _WINNER if one.trial == winner else _OTHERS
        if one.low is not None and one.high is not None:
            axes.plot([one.low, one.high], [place, place], color=colour, linewidth=2, alpha=0.6)
        axes.plot(one.scores, [place] * len(one.scores), ".", color=colour, alpha=0.5)
        axes.plot([one.score], [place], "D", color=colour, markersize=6)
    labels = [f"trial {one.trial}{' (as it stands)' if one.trial == 0 else ''}" for one in known]
    axes.set_yticks(range(len(known)), labels)
    axes.invert_yaxis()
    axes.margins(y=0.15)
    interval = ", 95 % interval" if any(one.low is not None for one in known) else ""  # a mean average precision has none
    axes.set(xlabel=f"{shown.summary.metric}, mean (diamond), trainings (dots){interval}")
    return figure


def draw_importance(shown: _Shown) -> Figure:
    """A bar per setting."""
    knobs = shown.summary.importance[: 2 * _MOST_NAMED]
    figure, axes = _start(7, max(2.2, 0.35 * len(knobs) + 1.2))
    colours = [_WINNER if one.matters else _OTHERS for one in knobs]
    axes.barh(range(len(knobs)), [one.share for one in knobs], color=colours)
    axes.set_yticks(range(len(knobs)), [_shorten(one.knob) for one in knobs])
    axes.invert_yaxis()
    axes.set(
        xlim=(0, 1), xlabel="share of all importance" + (" (red: more than chance)" if any(one.matters for one in knobs) else "")
    )
    return figure


def draw_slices(shown: _Shown) -> Figure:
    """Score by the value of each setting."""
    names = list(shown.space)[:_MOST_NAMED]
    columns = min(3, max(1, len(names)))
    rows = -(-len(names) // columns) or 1
    figure = Figure(figsize=(3.4 * columns, 2.7 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True).flat
    for axes, name in zip(grid, names, strict=False):
        place = _place_values(shown, name)
        axes.scatter(place.at, shown.scores, c=shown.colours, s=16, alpha=0.8)
        _label_values(axes, place)
        axes.set_title(_shorten(name), fontsize=9)
        axes.grid(alpha=0.3)
    for axes in list(grid):
        axes.set_axis_off()
    for axes in figure.axes[::columns]:
        axes.set_ylabel(shown.summary.metric)
    return figure


def draw_parallel_coordinates(shown: _Shown) -> Figure:
    """A line a trial through its settings, coloured by its score."""
    names = list(shown.space)[:_MOST_NAMED]
    figure, axes = _start(max(6, 1.5 * len(names) + 2), 4)
    low, high = (min(shown.scores), max(shown.scores)) if shown.trials else (0.0, 1.0)
    span = (high - low) or 1.0
    places = [_place_values(shown, name) for name in names]
    heights = [_to_unit(place) for place in places] + [[(score - low) / span for score in shown.scores]]
    colours = mpl.colormaps["viridis"]
    order = np.argsort([shown.sign * score for score in shown.scores])
    for row in order.tolist():
        value = (shown.scores[row] - low) / span
        axes.plot(
            range(len(heights)),
            [column[row] for column in heights],
            color=colours(value if shown.sign > 0 else 1 - value),
            alpha=0.7,
        )
    axes.set_xticks(range(len(heights)), [*map(_shorten, names), shown.summary.metric], rotation=20, ha="right")
    axes.set_yticks([])
    for number, place in enumerate([*places, _Placed([low, high], ((low, f"{low:.3f}"), (high, f"{high:.3f}")))]):
        axes.axvline(number, color="0.7", linewidth=0.8, zorder=0)
        ends = [at for at, _ in place.ticks]
        for at, text in place.ticks:
            level = _scale(at, min(ends), max(ends), is_log=place.is_log)
            axes.text(
                number + 0.03,
                level,
                text,
                fontsize=7,
                va="center",
                bbox={"facecolor": "white", "alpha": 0.7, "pad": 0.5, "linewidth": 0},
            )
    axes.set(xlim=(-0.1, len(heights) - 0.6), ylim=(-0.05, 1.05))  # however little of an axis was tried
    return figure


def draw_learning_curves(shown: _Shown) -> Figure:
    """The metric by epoch, a line a trial; the winner's on top. One trial that goes astray does not flatten the others."""
    figure, axes = _start(8, 4)
    kept = list[float]()
    for one, colour in sorted(zip(shown.trials, shown.colours, strict=True), key=lambda pair: pair[1] == _WINNER):
        curve = [np.nan if value is None else value for value in one.result.curve]
        kept += [value for value in curve if np.isfinite(value)]
        is_best = colour == _WINNER
        axes.plot(
            range(1, len(curve) + 1), curve, color=colour, alpha=1.0 if is_best else 0.5, linewidth=2.2 if is_best else 1,
            marker="o" if len(curve) < 3 else None, markersize=3,
        )  # fmt: skip
    if kept:
        low, high = np.percentile(kept, [1, 99])
        margin = 0.08 * (high - low) or 0.05
        axes.set_ylim(low - margin, high + margin)
    axes.set(xlabel="epoch", ylabel=shown.summary.metric)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def draw_time(shown: _Shown) -> Figure:
    """What a score costs."""
    figure, axes = _start(7, 3.6)
    seconds = [max(one.result.cost.cpu_s, 0.01) for one in shown.trials]
    axes.scatter(seconds, shown.scores, c=shown.colours, s=24)
    for one, x, y in zip(shown.trials, seconds, shown.scores, strict=True):
        if len(shown.trials) <= 3 * _MOST_NAMED:
            axes.annotate(str(one.order.number), (x, y), textcoords="offset points", xytext=(4, 3), fontsize=7)
    if seconds and max(seconds) > 10 * min(seconds):
        _use_logarithms(axes)
    axes.set(xlabel="CPU seconds of the trial", ylabel=shown.summary.metric)
    return figure


class _Placed(NamedTuple):
    """Where each trial's value of a setting lies, and what is written at the axis."""

    at: Sequence[float]
    ticks: Sequence[tuple[float, str]]
    is_log: bool = False
    is_range: bool = False
    """Places are the values themselves, and ticks the ends."""


def _place_values(shown: _Shown, name: str) -> _Placed:
    knob, values = shown.space[name], [one.order.settings.get(name) for one in shown.trials]
    if isinstance(knob, KnobRange):
        numbers = [float("nan") if value is None else float(value) for value in values]
        known = [value for value in numbers if np.isfinite(value)] + [float(knob.low), float(knob.high)]
        return _Placed(numbers, [(end, f"{end:.3g}") for end in (min(known), max(known))], knob.log, is_range=True)
    choices: list[Setting] = list(dict.fromkeys([*knob, *(value for value in values if value is not None)]))
    places = {choice: float(number) for number, choice in enumerate(choices)}
    at = [float("nan") if value is None else places[value] for value in values]
    return _Placed(at, [(places[choice], _shorten(str(choice))) for choice in choices])


def _label_values(axes: Axes, place: _Placed) -> None:
    if place.is_log:
        _use_logarithms(axes)
    elif not place.is_range:
        shown = place.ticks if len(place.ticks) <= _MOST_NAMED else place.ticks[:: len(place.ticks) // _MOST_NAMED + 1]
        long = max(len(text) for _, text in shown) > 6
        axes.set_xticks(
            [at for at, _ in shown], [text for _, text in shown], rotation=25 if long else 0, ha="right" if long else "center"
        )
    axes.margins(x=0.12)


def _to_unit(place: _Placed) -> list[float]:
    ends = [at for at, _ in place.ticks]
    return [_scale(at, min(ends), max(ends), is_log=place.is_log) for at in place.at]


def _scale(at: float, low: float, high: float, *, is_log: bool) -> float:
    if is_log and min(at, low) > 0:
        at, low, high = np.log(at), np.log(low), np.log(high)
    return (at - low) / (high - low) if high > low else 0.5


def _use_logarithms(axes: Axes) -> None:
    """With plain numbers at the axis: matplotlib's own powers of ten are mathtext."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,), numticks=8))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:g}"))


def _start(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.grid(alpha=0.3)
    return figure, axes


def _add_legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=8)


def _shorten(text: str) -> str:
    return cut_text(" ".join(text.split()), _NAME_LENGTH)
