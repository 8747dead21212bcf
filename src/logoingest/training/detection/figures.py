"""Pictures of a detector: curves, precision over recall, average precision per class, and what is taken for what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from logoingest.training.detection.scoring import RECALLS, Precisions
from logoingest.training.plotting import NAMED_CLASSES, quiet_fonts, save_figure, shorten_name

_BACKGROUND = "(nothing)"
_COLOUR = "#3b6ea5"
#: Bars of single classes, at most; the worst ones.
_MOST_BARS = 45
#: Epochs whose loss is beyond so many times the median are cut off, so that the others can be told apart.
_MOST_LOSS = 4.0


def draw_detector_figures(metrics: dict[str, Any], precisions: Precisions, out_dir: Path) -> None:
    """Write curves.png, precision_recall.png, per_class_precision.png and confusion.png.

    Args:
        metrics: the content of metrics.json.
        precisions: on test.
        out_dir: where to.
    """
    names = [shorten_name(name) for name in metrics["class_names"]]
    with quiet_fonts():
        save_figure(draw_detection_curves(metrics["epochs"]), out_dir / "curves.png")
        save_figure(draw_precision_recall(precisions), out_dir / "precision_recall.png")
        save_figure(draw_classes(metrics["test"]["per_class"], names), out_dir / "per_class_precision.png")
        save_figure(draw_box_confusion(metrics["confusion"], names, metrics["threshold"]), out_dir / "confusion.png")


def draw_detection_curves(epochs: Sequence[dict[str, Any]]) -> Figure:
    """Loss on train, mAP on validation, over the epochs."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    number = [epoch["epoch"] for epoch in epochs]
    for axes, key, title, unit in zip(
        figure.subplots(1, 2),
        ("train_loss", "validation_map50"),
        ("loss on train", "validation"),
        ("sum of the detector's losses", "mAP at an overlap of .5"),
        strict=True,
    ):
        values = [np.nan if epoch[key] is None else epoch[key] for epoch in epochs]
        axes.plot(number, values, marker="o", markersize=3, color=_COLOUR)
        axes.set(xlabel="epoch", ylabel=unit, title=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set_ylim(bottom=0)
        known = [value for value in values if np.isfinite(value)]
        if key == "train_loss" and known and max(known) > _MOST_LOSS * float(np.median(known)) > 0:
            axes.set_ylim(top=_MOST_LOSS * float(np.median(known)))
        if not known:
            axes.text(0.5, 0.5, "not measured", ha="center", transform=axes.transAxes)
        axes.grid(alpha=0.3)
    return figure


def draw_precision_recall(precisions: Precisions) -> Figure:
    """Precision over recall at an overlap of one half: every class faintly, their mean, and the mean at an overlap of .75."""
    figure = Figure(figsize=(6, 4.6), layout="constrained")
    axes = figure.subplots()
    half, three_quarters = (precisions.at[place, :, :, 0] for place in (0, 5))
    there = half[0] > -1
    for label in np.flatnonzero(there):
        axes.plot(RECALLS, half[:, label], color=_COLOUR, alpha=0.18, linewidth=1)
    if there.any():
        axes.plot([], [], color=_COLOUR, alpha=0.35, linewidth=1, label=f"each of {int(there.sum())} classes, at .5")
        axes.plot(RECALLS, half[:, there].mean(axis=1), color=_COLOUR, linewidth=2.2, label="mean at an overlap of .5")
        axes.plot(RECALLS, three_quarters[:, there].mean(axis=1), color="#b5542c", linewidth=2.2, label="mean at .75")
        axes.legend()
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02), title="test")
    axes.grid(alpha=0.3)
    return figure


def draw_classes(per_class: Sequence[dict[str, Any]], names: Sequence[str]) -> Figure:
    """A bar per class that test has, worst on top, with its boxes counted."""
    known = sorted(
        (scores["map50"], index, scores["boxes"]) for index, scores in enumerate(per_class) if scores["map50"] is not None
    )
    shown = known if len(known) <= NAMED_CLASSES else known[:_MOST_BARS]
    figure = Figure(figsize=(7, max(2.5, 0.2 * len(shown) + 1.2)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(shown)), [figure_ for figure_, _, _ in shown], color=_COLOUR)
    axes.set_yticks(range(len(shown)), [names[index] for _, index, _ in shown])
    for row, (value, _, boxes) in enumerate(shown):
        axes.text(min(value + 0.01, 0.995), row, f"{boxes}", va="center", ha="left" if value < 0.95 else "right", fontsize=7)
    axes.invert_yaxis()
    title = (
        "test; at the bars: boxes" if len(shown) == len(known) else f"the {len(shown)} worst of {len(known)}; at the bars: boxes"
    )
    axes.set(xlim=(0, 1.0), xlabel="average precision at an overlap of .5", title=title)
    axes.grid(axis="x", alpha=0.3)
    return figure


def draw_box_confusion(pairs: Sequence[Sequence[int]], names: Sequence[str], threshold: float) -> Figure:
    """Shares of what is there; the last row and column are nothing: boxes on no logo, logos without a box."""
    count = len(names)
    counts = np.zeros((count + 1, count + 1))
    for there, said, number in pairs:
        counts[there, said] = number
    if count > NAMED_CLASSES:
        return _list_confusions(counts, names, threshold)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(max(4.5, 0.22 * count + 2.7), 14.0)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
    figure.colorbar(image, ax=axes, shrink=0.7, label="share of the row")
    labels = [*names, _BACKGROUND]
    axes.set_xticks(range(count + 1), labels, rotation=90)
    axes.set_yticks(range(count + 1), labels)
    axes.set(xlabel="what was said", ylabel="what is there", title=f"test, boxes with a score of {threshold:.2f} or more")
    return figure


def _list_confusions(counts: npt.NDArray[np.float64], names: Sequence[str], threshold: float, most: int = 40) -> Figure:
    """Of many classes the pairs mixed up most."""
    labels = [*names, _BACKGROUND]
    there, said = np.nonzero(counts * (1 - np.eye(len(counts))))
    wrong = sorted(zip(counts[there, said].tolist(), there.tolist(), said.tolist(), strict=True), reverse=True)[:most]
    figure = Figure(figsize=(7, 8), layout="constrained")
    axes: Axes = figure.subplots()
    axes.axis("off")
    axes.set_title(f"taken for another most, with a score of {threshold:.2f} or more", loc="left")
    lines = [f"{number:.0f} × {labels[row]} → {labels[column]}" for number, row, column in wrong]
    axes.text(0, 1, "\n".join(lines) or "nothing", va="top", fontsize=8, transform=axes.transAxes)
    return figure
