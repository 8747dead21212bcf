"""Quality flags: how many pictures each marks, where its threshold lies in the figure's distribution, and examples with figures.

The thresholds are those of ``images.looking.quality``; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.images.looking.quality import FLAGS
from logoingest.report.material import Material, rank_values, to_numpy
from logoingest.report.pages.contents import PageContents
from logoingest.report.plots import Bound, draw_distribution

_MOST_EXAMPLES = 8

Figures = Mapping[str, npt.NDArray[np.float64]]


class FlagRule(NamedTuple):
    """When a flag is raised: ``figure`` beyond ``bound``, and ``also`` (figure, bound) as well."""

    figure: str
    bound: Bound
    also: tuple[str, Bound] | None = None


#: What a figure is called, and whether its axis is logarithmic.
_FIGURES: Mapping[str, tuple[str, bool]] = {
    "brightness": ("mean brightness (0 to 1)", False),
    "contrast": ("contrast (standard deviation of luma)", False),
    "sharpness": ("sharpness (variance of the Laplacian)", True),
    "entropy": ("entropy of luma (bits)", False),
    "aspect": ("longer side / shorter side", True),
    "side": ("shorter side (pixels)", True),
    "border_share": ("share of uniform border", False),
    "saturation": ("mean saturation (0 to 1)", False),
    "damaged": ("damaged", False),
    "frames": ("frames", True),
}
#: Flag → its rule; bounds are open, that of ``also`` is open above and closed below, as in ``images.looking.quality``.
RULES: Mapping[str, FlagRule] = {
    "dark": FlagRule("brightness", Bound(0.10, below=True)),
    "bright": FlagRule("brightness", Bound(0.95, below=False), ("contrast", Bound(0.15, below=True))),
    "blurry": FlagRule("sharpness", Bound(40.0, below=True), ("contrast", Bound(0.02, below=False))),
    "low_information": FlagRule("entropy", Bound(0.5, below=True)),
    "odd_aspect": FlagRule("aspect", Bound(5.0, below=False)),
    "tiny": FlagRule("side", Bound(32.0, below=True)),
    "nearly_uniform": FlagRule("contrast", Bound(0.02, below=True)),
    "mostly_border": FlagRule("border_share", Bound(0.80, below=False)),
    "greyscale": FlagRule("saturation", Bound(0.01, below=True)),
    "damaged": FlagRule("damaged", Bound(0.0, below=False)),
    "animated": FlagRule("frames", Bound(1.0, below=False)),
}
_UNPLOTTED = {"damaged"}


def gather_quality(material: Material) -> PageContents:
    """Every flag that was raised, the most frequent first."""
    pictures = _find_pictures(material.downloads)
    figures = measure_figures(pictures)
    ids = pictures.column("sha256").to_numpy(zero_copy_only=False)
    kept = dict(rank_values(pc.list_flatten(material.images.column("flags"))))
    rejecting = {*material.config.images.reject_flags, *(["damaged"] if material.config.images.reject_damaged else [])}
    flags = [
        _describe_flag(name, kept.get(name, 0), figures, ids, rejects=name in rejecting)
        for name in [*FLAGS, *sorted(kept.keys() - set(FLAGS))]
    ]
    flags.sort(key=lambda flag: -flag["marked"])
    raised = [flag for flag in flags if flag["marked"]]
    facts = {"flags": raised, "quiet": [flag["name"] for flag in flags if not flag["marked"]], "pictures": pictures.num_rows}
    wanted = [[example["image_id"] for example in flag["examples"]] for flag in raised]
    return PageContents({"quality": facts}, [bundle for bundle in wanted if bundle])


def _find_pictures(downloads: pa.Table) -> pa.Table:
    """One row a distinct file that could be decoded, sorted by its sha256; what the config then refuses is among them."""
    usable = downloads.filter(
        pc.and_(pc.is_null(downloads.column("image_reason")), pc.is_valid(downloads.column("width")))
    ).sort_by([("sha256", "ascending"), ("url", "ascending")])
    ids = usable.column("sha256").combine_chunks()
    if len(ids) < 2:
        return usable
    fresh = pc.not_equal(ids.slice(1), ids.slice(0, len(ids) - 1))
    return usable.filter(pa.concat_arrays([pa.array([True]), fresh]))


def measure_figures(pictures: pa.Table) -> Figures:
    """Figure → float64, one a picture, of ``DownloadRow`` columns; what was not measured is NaN."""
    width, height = to_numpy(pictures.column("width")), to_numpy(pictures.column("height"))
    plain = ("brightness", "contrast", "sharpness", "entropy", "border_share", "saturation", "frames")
    return {
        **{name: to_numpy(pictures.column(name)) for name in plain},
        "damaged": np.nan_to_num(to_numpy(pictures.column("damaged"))),
        "aspect": np.maximum(width, height) / np.minimum(width, height),
        "side": np.minimum(width, height),
    }


def mark_pictures(rule: FlagRule, figures: Figures) -> npt.NDArray[np.bool_]:
    """Which pictures the rule marks; a figure that was not measured marks none."""
    values, bound = figures[rule.figure], rule.bound
    marked: npt.NDArray[np.bool_] = values < bound.value if bound.below else values > bound.value
    if rule.also is not None:
        others, also = figures[rule.also[0]], rule.also[1]
        marked = marked & (others < also.value if also.below else others >= also.value)
    return marked


def _describe_flag(name: str, kept: int, figures: Figures, ids: npt.NDArray[Any], *, rejects: bool) -> dict[str, Any]:
    rule = RULES.get(name)
    if rule is None:  # a flag this page does not know yet: its count is better than nothing
        return {"name": name, "marked": kept, "kept": kept, "rejects": rejects, "rule": "", "plot": None, "examples": []}
    rows = np.flatnonzero(mark_pictures(rule, figures))
    label, logarithmic = _FIGURES[rule.figure]
    plotted = len(rows) and rule.figure not in _UNPLOTTED
    return {
        "name": name,
        "marked": len(rows),
        "kept": kept,
        "rejects": rejects,
        "rule": _spell(rule),
        "plot": draw_distribution(figures[rule.figure], rule.bound, label, f"flag-{name}", logarithmic=logarithmic)
        if plotted
        else None,
        "examples": _choose_examples(rows, figures[rule.figure], rule, ids),
    }


def _spell(rule: FlagRule) -> str:
    if rule.figure == "damaged":
        return "the strict decoder warned of corrupt data"
    text = f"{_FIGURES[rule.figure][0]} {'below' if rule.bound.below else 'above'} {rule.bound.value:g}"
    if rule.also is None:
        return text
    figure, bound = rule.also
    return f"{text}, and {figure} {'below' if bound.below else 'from'} {bound.value:g}{'' if bound.below else ' on'}"


def _choose_examples(
    rows: npt.NDArray[np.int64], values: npt.NDArray[np.float64], rule: FlagRule, ids: npt.NDArray[Any]
) -> Sequence[dict[str, Any]]:
    """The furthest beyond the threshold and, as many, the nearest to it: whether it is right shows at the latter."""
    order = rows[np.lexsort((ids[rows], -np.abs(values[rows] - rule.bound.value)))]
    if len(order) > _MOST_EXAMPLES:
        order = np.concatenate([order[: _MOST_EXAMPLES // 2], order[-_MOST_EXAMPLES // 2 :]])
    return [{"image_id": ids[row], "figure": _spell_figure(rule.figure, values[row] + 0.0)} for row in order]


def _spell_figure(name: str, value: float) -> str:
    if name == "side":
        return f"{value:.0f} px"
    return "" if name == "damaged" else f"{name.replace('border_share', 'border')} {value:.3g}"
