"""Plots as SVG inside the page, so that they follow its light, dark and printed colours.

Matplotlib draws them with three colours that stand for the page's own, and with text as text. Only words of the report itself are
drawn, never a stranger's.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator, PercentFormatter

_INK, _BLUE, _RED = "#010101", "#010102", "#010103"
_COLOURS = {_INK: "var(--soft)", _BLUE: "var(--blue)", _RED: "var(--red)"}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 8,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
}
_BINS = 48

Values = npt.NDArray[np.float64]


class Bound(NamedTuple):
    """A threshold: values ``below`` it (or above) count."""

    value: float
    below: bool


def draw_distribution(values: Values, bound: Bound | None, label: str, name: str, *, logarithmic: bool = False) -> Markup | None:
    """A histogram with what is beyond the bound in red; None when there is nothing to show.

    Args:
        values: finite numbers; with ``logarithmic`` those above 0 are shown.
        bound: drawn as a line, always in sight.
        label: what the values are.
        name: tells the plots of a page apart.
        logarithmic: whether the horizontal axis is.
    """
    values = values[np.isfinite(values)]
    values = values[values > 0] if logarithmic else values
    if not len(values):
        return None
    edges = _choose_edges(values, bound, logarithmic=logarithmic)
    counts, _ = np.histogram(values, edges)
    figure, axes = _start(3.1, 1.5)
    axes.stairs(counts, edges, fill=True, color=_BLUE, baseline=0.7)
    if bound is not None:
        beyond = edges[1:] <= bound.value * (1 + 1e-9) if bound.below else edges[:-1] >= bound.value * (1 - 1e-9)
        axes.stairs(np.where(beyond, counts, 0), edges, fill=True, color=_RED, baseline=0.7)
        axes.axvline(bound.value, color=_RED, linewidth=1, linestyle="--")
    if logarithmic:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if edges[-1] < 100 * edges[0] else (1,)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel=label, ylabel="pictures", xlim=(edges[0], edges[-1]))
    _scale_counts(axes, int(counts.max()))
    return render_svg(figure, name, f"histogram of {label}")


def _choose_edges(values: Values, bound: Bound | None, *, logarithmic: bool) -> Values:
    """Bins over all values and the bound, one edge on the bound, so that no bin lies on both sides of it."""
    move = np.log if logarithmic else np.asarray
    ends = [float(values.min()), float(values.max())]
    ends += [] if bound is None else [bound.value]
    low, high = move(min(ends)), move(max(ends))
    margin = 0.03 * (high - low) or 0.5
    edges = np.linspace(low - margin, high + margin, _BINS + 1)
    if not logarithmic:
        edges = np.concatenate([[edges[0] if min(ends) < 0 else max(edges[0], 0.0)], edges[1:]])
    if bound is not None:
        edges[np.argmin(np.abs(edges[1:-1] - move(bound.value))) + 1] = move(bound.value)
    return np.unique(np.exp(edges) if logarithmic else edges)


def draw_counts(names: Sequence[str], counts: Sequence[int], label: str, name: str) -> Markup | None:
    """One bar a name, on a logarithmic axis; None when there is nothing to show."""
    if not counts:
        return None
    figure, axes = _start(3.4, 1.6)
    axes.bar(range(len(names)), counts, color=_BLUE, width=0.7, bottom=0)
    axes.set_xticks(range(len(names)), names)
    axes.set(xlabel=label, ylabel="groups")
    _scale_counts(axes, max(counts))
    return render_svg(figure, name, f"bar chart of {label}")


def draw_ranks(sizes: npt.NDArray[np.int64], name: str) -> Markup | None:
    """Pictures of each class, the largest class first, both axes logarithmic."""
    if not len(sizes) or not sizes.max():
        return None
    figure, axes = _start(3.4, 1.6)
    axes.plot(np.arange(1, len(sizes) + 1), np.sort(sizes)[::-1], color=_BLUE, linewidth=1.6)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="classes, the largest first", ylabel="pictures")
    _scale_counts(axes, int(sizes.max()))
    return render_svg(figure, name, "pictures of each class, the largest first")


#: Matplotlib's mark and the sign that stands for it in a legend; with eight colours they tell 48 classes apart.
MARKERS = (("o", "●"), ("^", "▲"), ("s", "■"), ("D", "◆"), ("v", "▼"), ("P", "✚"))
_MARK_COLOURS = ("#2f62c2", "#c07a12", "#2b8a57", "#8a4fb8", "#c2416b", "#15889b", "#7d7424", "#6b7484")
#: As the page has them, light or dark.
_CLASS_COLOURS = {colour: f"var(--s{number})" for number, colour in enumerate(_MARK_COLOURS)}
_MOST_POINTS = 3_000


def draw_map(plane: npt.NDArray[np.float32], classes: npt.NDArray[np.int64], name: str) -> Markup:
    """Pictures in a plane: a mark and colour a class, and the class's number, from 1, above the median of its pictures.

    Args:
        plane: (pictures, 2).
        classes: (pictures,) numbers from 0.
        name: as in ``draw_distribution``.
    """
    shown = np.unique(np.linspace(0, len(plane) - 1, min(len(plane), _MOST_POINTS)).astype(np.int64))
    size = min(40.0, max(9.0, 4_000 / max(len(shown), 1)))
    figure, axes = _start(6.4, 4.6)
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.02, top=0.98)
    for number in np.unique(classes).tolist():
        rows = shown[classes[shown] == number]
        mark, colour = MARKERS[number // len(_MARK_COLOURS) % len(MARKERS)][0], _MARK_COLOURS[number % len(_MARK_COLOURS)]
        axes.scatter(plane[rows, 0], plane[rows, 1], s=size, marker=mark, color=colour, alpha=0.7, linewidths=0)
    for number in np.unique(classes).tolist():
        across, up = np.median(plane[classes == number], axis=0).tolist()
        axes.annotate(
            str(number + 1),
            (across, up),
            (0, 9),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=12,
            fontweight="bold",
            color=_INK,
        )
    axes.set_axis_off()
    return render_svg(figure, name, "pictures in a plane, near ones alike")


def draw_steps(
    points: Sequence[tuple[float, float]],
    mark: tuple[float, float] | None,
    labels: tuple[str, str],
    name: str,
    *,
    top: float,
    sizes: Values | None = None,
) -> Markup | None:
    """Shares against shares, both from 0; None when there is nothing to show.

    Args:
        points: joined by a line, in their order.
        mark: a point in red: where one stands.
        labels: of the horizontal and the vertical axis.
        name: tells the plots of a page apart.
        top: of the vertical axis.
        sizes: pictures behind each point: drawn as discs, with the diagonal that they should lie on.
    """
    if not points:
        return None
    figure, axes = _start(3.4, 2.0)
    across, up = zip(*points, strict=True)
    if sizes is not None:
        axes.plot((0, 1), (0, 1), color=_INK, linewidth=0.6, linestyle="--")
        axes.scatter(across, up, s=12 + 90 * sizes / sizes.max(), color=_BLUE, clip_on=False)
    axes.plot(across, up, color=_BLUE, linewidth=1.6 if sizes is None else 0.8)
    if mark is not None:
        axes.scatter(*mark, s=36, color=_RED, zorder=3)
    axes.set(xlabel=labels[0], ylabel=labels[1], xlim=(0, 1.0), ylim=(0, top))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    return render_svg(figure, name, f"{labels[1]} against {labels[0]}")


def _start(width: float, height: float) -> tuple[Figure, Axes]:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height))
        figure.subplots_adjust(left=0.19, right=0.98, bottom=0.31, top=0.94)  # measuring every label would take twice as long
        axes: Axes = figure.subplots()
    figure.patch.set_visible(False)
    axes.patch.set_visible(False)
    return figure, axes


def _scale_counts(axes: Axes, most: int) -> None:
    """A logarithmic axis of counts: a few pictures in a tail are seen beside thousands."""
    formatter = FuncFormatter(lambda value, _: f"{value:,.0f}")
    if most > 20:
        axes.set_yscale("log")
        axes.set_ylim(0.7, most * 1.6)
        axes.yaxis.set_major_locator(LogLocator(numticks=4))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_ylim(0, most * 1.1)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.yaxis.set_major_formatter(formatter)


def render_svg(figure: Figure, name: str, meaning: str) -> Markup:
    """The figure as an ``svg`` element: names of its own, the page's colours, as wide as its place allows.

    Args:
        figure: drawn in this module's colours.
        name: letters, digits and dashes; equal names would share clip paths.
        meaning: what a screen reader says.
    """
    buffer = io.StringIO()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*|<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text)
    for stand_in, colour in _COLOURS.items() | _CLASS_COLOURS.items():
        text = text.replace(stand_in, colour)
    text = re.sub(r"\n\s*", "\n", text)
    attributes = text[: text.index(">")]
    viewbox = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', attributes)
    width = float(viewbox[1]) if viewbox else 220.0  # points
    head = f'<svg class="plot" role="img" aria-label="{meaning}" style="max-width:{4 / 3 * width:.0f}px"'
    text = head + re.sub(r'^<svg| (?:width|height|version|xmlns)="[^"]*"', "", attributes) + text[len(attributes) :]
    return Markup(text)  # noqa: S704  matplotlib's own output; no stranger's text is in it
