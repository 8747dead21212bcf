"""When the baseline's predictions are believed: what was promised, what came of it, and which class swallows others."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from markupsafe import Markup

from logoingest.report.material import Material
from logoingest.report.pages.contents import MOST_ROWS, Notice, PageContents
from logoingest.report.plots import draw_steps
from logoingest.workspace import Workspace

_FILE = "baseline/safeguard.json"
#: A longer file is not shown.
_MOST_BYTES = 64_000_000


def gather_safeguards(material: Material) -> PageContents:
    """The content of safeguard.json, None where there is none; its curves as plots."""
    stored = _read_stored(material.workspace)
    if stored is None:
        return PageContents({"safeguard": None})
    study = stored["study"]
    facts = {
        **study,
        "ours_kept": stored["ours_kept"],
        "precision": stored["precision"],
        "temperature": stored["temperature"],
        "farthest": stored["farthest"],
        "references": stored["references"],
        "rows": _rank_classes(study["classes"])[:MOST_ROWS],
        "left_out": max(0, len(study["classes"]) - MOST_ROWS),
        "risk_plot": _draw_risk(study),
        "reliability_plot": _draw_reliability(study),
    }
    broken = _spell_broken(stored)
    return PageContents({"safeguard": facts}, notices=[Notice(broken, "safeguards")] if broken else [])


def describe_broken(workspace: Workspace) -> str:
    """What the baseline's safeguard states and does not keep, in one line; empty where it keeps all, or there is none."""
    stored = _read_stored(workspace)
    return "" if stored is None else _spell_broken(stored)


def _spell_broken(stored: dict[str, Any]) -> str:
    broken = [promise["name"] for promise in stored["study"]["promises"] if promise["is_kept"] is False]
    return f"the baseline's safeguard does not keep what it states: {', '.join(broken)}" if broken else ""


def _read_stored(workspace: Workspace) -> dict[str, Any] | None:
    size = workspace.size(_FILE) if workspace.exists(_FILE) else None
    if size is None or size > _MOST_BYTES:
        return None
    stored: dict[str, Any] = json.loads(workspace.read_bytes(_FILE))
    return stored


def _rank_classes(classes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that swallow most first: pictures of no class, then others' pictures."""
    rows = [{**row, "surplus": row["named"] - row["pictures"]} for row in classes]
    return sorted(rows, key=lambda row: (-row["strangers"], -row["surplus"], row["class_id"]))


def _draw_risk(study: dict[str, Any]) -> Markup | None:
    points = [(point["coverage"], point["risk"]) for point in study["curve"]]
    ours, accepted = study["measured"]["ours"], study["measured"]["accepted"]
    mark = (accepted / ours, 1 - study["measured"]["right"] / accepted) if accepted else None
    highest = max([0.05, *(risk for _, risk in points)])
    return draw_steps(points, mark, ("our pictures accepted", "of them wrong"), "risk", top=highest * 1.1)


def _draw_reliability(study: dict[str, Any]) -> Markup | None:
    points = [(one["probability"], one["right"]) for one in study["reliability"]]
    sizes = np.array([one["pictures"] for one in study["reliability"]], np.float64)
    return draw_steps(points, None, ("probability stated", "share right"), "reliability", top=1.0, sizes=sizes)
