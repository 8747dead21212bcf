"""Three pictures of a baseline: curves, confusion, recall per class; readable with three classes and with several hundred."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from logoingest.evidence.safeguards.intervals import find_interval
from logoingest.training.plotting import NAMED_CLASSES, quiet_fonts, save_figure, shorten_name


def draw_figures(metrics: dict[str, Any], out_dir: Path) -> None:
    """Write curves.png, confusion.png and per_class_recall.png from the content of metrics.json."""
    names = [shorten_name(name) for name in metrics["class_names"]]
    with quiet_fonts():
        save_figure(draw_curves(metrics["epochs"]), out_dir / "curves.png")
        save_figure(draw_confusion(metrics["test"], names), out_dir / "confusion.png")
        save_figure(draw_recall(metrics["test"], names), out_dir / "per_class_recall.png")


def draw_curves(epochs: Sequence[dict[str, Any]]) -> Figure:
    """Loss and accuracy over the epochs."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    number = [epoch["epoch"] for epoch in epochs]
    for axes, what, unit in zip(figure.subplots(1, 2), ("loss", "accuracy"), ("nats", "share right"), strict=True):
        for split in ("train", "validation"):
            values = [epoch[f"{split}_{what}"] for epoch in epochs]
            if any(value is not None for value in values):
                shown = [np.nan if value is None else value for value in values]
                axes.plot(number, shown, marker="o", markersize=3, label=split)
        axes.set(xlabel="epoch", ylabel=unit, title=what)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.3)
        if what == "loss":
            _keep_readable(axes)
        if axes.lines:
            axes.legend()
    return figure


def _keep_readable(axes: Axes) -> None:
    """A few epochs far above all others do not press the rest into a line: they leave the axis, and their values stand at its edge."""
    points = [(float(x), float(y)) for line in axes.lines for x, y in np.column_stack([line.get_xdata(), line.get_ydata()])]
    known = np.array([y for _, y in points if np.isfinite(y)])
    if not len(known) or known.max() <= (top := find_readable_top(known)):
        return
    low = min(0.0, float(known.min()))
    axes.set_ylim(low - 0.04 * (top - low), top)
    for x, y in points:
        if y > top:
            axes.annotate(
                f"↑ {y:.3g}", (x, top), (0, -4), textcoords="offset points", ha="center", va="top", fontsize=7, color="#a03030"
            )


def find_readable_top(losses: npt.NDArray[np.float64]) -> float:
    """Where the axis of losses may end: above all of them, unless a tenth of them or fewer lie far above the others."""
    usual = float(np.quantile(losses, 0.9, method="lower"))
    return 1.3 * usual if losses.max() > 2.5 * usual > 0 else float(losses.max())


def draw_confusion(test: dict[str, Any], names: Sequence[str]) -> Figure:
    """Shares of each true class; beside it, when there are many classes, the pairs mixed up most."""
    count = len(names)
    shares = np.zeros((count, count))
    for true, predicted, number in test["confusion"]:
        shares[true, predicted] = number
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1)
    many = count > NAMED_CLASSES
    side = min(max(4.5, 0.22 * count + 2.5), 14.0)
    figure = Figure(figsize=(side + (4 if many else 1), side), layout="constrained")
    axes, beside = figure.subplots(1, 2, width_ratios=(side, 3.5)) if many else (figure.subplots(), None)
    image = axes.imshow(shares, cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
    figure.colorbar(image, ax=axes, shrink=0.7, label="share of the true class")
    axes.set(xlabel="predicted", ylabel="true", title=f"test, {test['images']:,} pictures")
    if not many:
        axes.set_xticks(range(count), names, rotation=90)
        axes.set_yticks(range(count), names)
    if beside is not None:
        _list_confusions(beside, test["confusion"], names)
    return figure


def _list_confusions(axes: Axes, confusion: Sequence[Sequence[int]], names: Sequence[str], most: int = 40) -> None:
    wrong = sorted((row for row in confusion if row[0] != row[1]), key=lambda row: (-row[2], row[0], row[1]))[:most]
    lines = [f"{number} × {names[true]} → {names[predicted]}" for true, predicted, number in wrong]
    axes.axis("off")
    axes.set_title("mixed up most", loc="left")
    axes.text(0, 1, "\n".join(lines) or "nothing", va="top", fontsize=8, transform=axes.transAxes)


def draw_recall(test: dict[str, Any], names: Sequence[str]) -> Figure:
    """A bar per class with how many of how many and the 95 % interval, worst on top; of many, the worst by name and all as a curve."""
    known = sorted((share, index) for index, share in enumerate(test["recall"]) if share is not None)
    if len(known) <= NAMED_CLASSES:
        figure = Figure(figsize=(7, max(2.5, 0.2 * len(known) + 1.2)), layout="constrained")
        _draw_bars(figure.subplots(), known, names, test["support"])
        return figure
    figure = Figure(figsize=(12, 9), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_bars(left, known[: NAMED_CLASSES - 15], names, test["support"])
    left.set_title(f"the {NAMED_CLASSES - 15} worst of {len(known)}")
    right.plot([share for share, _ in known])
    right.set(xlabel="classes, worst first", ylabel="recall on test", ylim=(-0.02, 1.02), title="all classes")
    right.grid(alpha=0.3)
    return figure


def _draw_bars(axes: Axes, known: Sequence[tuple[float, int]], names: Sequence[str], support: Sequence[int]) -> None:
    hits = [(round(share * support[index]), support[index]) for share, index in known]
    intervals = [find_interval(right, total) for right, total in hits]
    shares = [share for share, _ in known]
    reach = [
        [max(0.0, share - one.low) for share, one in zip(shares, intervals, strict=True)],
        [max(0.0, one.high - share) for share, one in zip(shares, intervals, strict=True)],
    ]
    axes.barh(range(len(known)), shares, color="#3b6ea5", xerr=reach, error_kw={"ecolor": "#8a8a8a", "elinewidth": 1})
    for place, (right, total) in enumerate(hits):
        axes.text(1.01, place, f"{right}/{total}", va="center", fontsize=7, clip_on=False)
    axes.set_yticks(range(len(known)), [names[index] for _, index in known])
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="recall on test")
    axes.grid(axis="x", alpha=0.3)
