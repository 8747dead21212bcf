"""What the baseline made of the release: its verdict and its plots."""

from __future__ import annotations

import json
from typing import Any

from logoingest.report.drawn_plots import embed_plots
from logoingest.report.material import Material
from logoingest.report.pages.contents import Notice, PageContents
from logoingest.workspace import Workspace

#: Plots of the baseline, with what each shows.
_PLOTS = {
    "baseline/curves.png": "loss and accuracy by epoch",
    "baseline/confusion.png": "confusion on the test split",
    "baseline/per_class_recall.png": "recall by class on the test split, with 95 % intervals",
    "baseline/mistakes.jpg": "the mistakes on the test split that cost most",
}


def gather_baseline(material: Material) -> PageContents:
    """The verdict, None where no baseline was trained; its plots as data URIs."""
    verdict = _read_verdict(material.workspace)
    notices = []
    if verdict is not None and not verdict["passed"]:
        notices.append(Notice("the baseline failed its checks", "baseline"))
    return PageContents({"verdict": verdict, "plots": embed_plots(material.workspace, _PLOTS) if verdict else []}, notices=notices)


def _read_verdict(workspace: Workspace) -> dict[str, Any] | None:
    if not workspace.exists("baseline/verdict.json"):
        return None
    verdict: dict[str, Any] = json.loads(workspace.read_bytes("baseline/verdict.json"))
    return verdict
