"""What the baseline made of the release: its verdict and its plots."""

from __future__ import annotations

import json
import re
from typing import Any

from logoingest.report.drawn_plots import embed_plots
from logoingest.report.escapes import make_visible
from logoingest.report.material import Material
from logoingest.report.pages.contents import Notice, PageContents
from logoingest.workspace import Workspace

#: Plots of the baseline, with what each shows.
_PLOTS = {
    "baseline/curves.png": "loss, and accuracy or average precision, by epoch",
    "baseline/confusion.png": "confusion on the test split",
    "baseline/precision_recall.png": "boxes: precision over recall on the test split",
    "baseline/per_class_precision.png": "boxes: average precision by class on the test split",
    "baseline/per_class_recall.png": "recall by class on the test split, with 95 % intervals",
    "baseline/mistakes.jpg": "the mistakes on the test split that cost most",
}

#: A detector's best and worst pictures, and the largest such file that is shown.
_EXAMPLES = "baseline/examples.json"
_MOST_EXAMPLE_BYTES = 900_000
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+", re.ASCII)


def gather_baseline(material: Material) -> PageContents:
    """The verdict, None where no baseline was trained; its plots as data URIs."""
    verdict = _read_verdict(material.workspace)
    notices = []
    if verdict is not None and not verdict["passed"]:
        notices.append(Notice("the baseline failed its checks", "baseline"))
    plots = embed_plots(material.workspace, _PLOTS) if verdict else []
    examples = _read_examples(material.workspace) if verdict else None
    return PageContents({"verdict": verdict, "plots": plots, "examples": examples}, notices=notices)


def _read_examples(workspace: Workspace) -> dict[str, Any] | None:
    """A detector's best and worst pictures; None where it left none. What it says is drawn, and escaped, by the template."""
    size = workspace.size(_EXAMPLES)
    if size is None or size > _MOST_EXAMPLE_BYTES:
        return None
    stored: dict[str, Any] = json.loads(workspace.read_bytes(_EXAMPLES))
    for example in (*stored["best"], *stored["worst"]):
        if not _BASE64.fullmatch(example["jpeg"]):
            return None
        for box in (*example["there"], *example["said"]):
            box["name"] = make_visible(box["class_id"], 40)
    return stored


def _read_verdict(workspace: Workspace) -> dict[str, Any] | None:
    if not workspace.exists("baseline/verdict.json"):
        return None
    verdict: dict[str, Any] = json.loads(workspace.read_bytes("baseline/verdict.json"))
    return verdict
