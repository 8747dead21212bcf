"""What the baseline made of the release: its verdict and its plots."""

from __future__ import annotations

import base64
import json
from typing import Any

from logoingest.report.material import Material
from logoingest.report.pages.contents import Notice, PageContents
from logoingest.workspace import Workspace

#: Plots of the baseline, with what each shows.
_PLOTS = {
    "curves.png": "loss and accuracy by epoch",
    "confusion.png": "confusion on the test split",
    "per_class_recall.png": "recall by class on the test split",
}
#: A larger plot is left out, and so is the last of them when all together would take more than ``_MOST_PLOTS_BYTES``.
_MOST_PLOT_BYTES = 600_000
_MOST_PLOTS_BYTES = 900_000


def gather_baseline(material: Material) -> PageContents:
    """The verdict, None where no baseline was trained; its plots as data URIs."""
    verdict = _read_verdict(material.workspace)
    notices = []
    if verdict is not None and not verdict["passed"]:
        notices.append(Notice("the baseline failed its checks", "baseline"))
    return PageContents({"verdict": verdict, "plots": _embed_plots(material.workspace) if verdict else []}, notices=notices)


def _read_verdict(workspace: Workspace) -> dict[str, Any] | None:
    if not workspace.exists("baseline/verdict.json"):
        return None
    verdict: dict[str, Any] = json.loads(workspace.read_bytes("baseline/verdict.json"))
    return verdict


def _embed_plots(workspace: Workspace) -> list[tuple[str, str]]:
    plots, spent = [], 0
    for name, meaning in _PLOTS.items():
        size = workspace.size(f"baseline/{name}")
        if size is None or size > _MOST_PLOT_BYTES or spent + size > _MOST_PLOTS_BYTES:
            continue
        spent += size
        encoded = base64.b64encode(workspace.read_bytes(f"baseline/{name}")).decode()
        plots.append((meaning, "data:image/png;base64," + encoded))
    return plots
