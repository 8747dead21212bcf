"""What the newest sweep found: its sentences, its finalists and its figures."""

from __future__ import annotations

import json
from typing import Any

from logoingest.report.drawn_plots import embed_plots
from logoingest.report.material import Material
from logoingest.report.pages.contents import PageContents

_SUMMARY = "sweep/summary.json"
_PLOTS = {
    "sweep/history.png": "score of every trial, in their order",
    "sweep/finalists.png": "the finalists: every training, their mean, its 95 % interval where it has one",
    "sweep/importance.png": "which setting matters",
    "sweep/slices.png": "score by the value of each setting",
    "sweep/parallel.png": "trials as lines through their settings",
    "sweep/curves.png": "learning curves of all trials",
    "sweep/time.png": "score by CPU seconds",
}
_MOST_SETTINGS = 8


def gather_sweep(material: Material) -> PageContents:
    """The summary of the newest sweep, None where there was none; its plots as data URIs."""
    workspace = material.workspace
    if not workspace.exists(_SUMMARY):
        return PageContents({"sweep": None, "sweep_plots": []})
    summary: dict[str, Any] = json.loads(workspace.read_bytes(_SUMMARY))
    for one in summary["finalists"]:
        one["settings"] = [f"{name} = {value}" for name, value in list(one["settings"].items())[:_MOST_SETTINGS]]
    return PageContents({"sweep": summary, "sweep_plots": embed_plots(workspace, _PLOTS)})
