"""Plots that were drawn elsewhere, as PNG in the workspace: embedded into the page."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from logoingest.workspace import Workspace

#: A larger plot is left out, and so is the last of them when all of a page together would take more than ``_MOST_PLOTS_BYTES``.
_MOST_PLOT_BYTES = 600_000
_MOST_PLOTS_BYTES = 900_000


def embed_plots(workspace: Workspace, plots: Mapping[str, str]) -> list[tuple[str, str]]:
    """(what it shows, data URI) of those that are there; ``plots`` names files of the workspace and what each shows."""
    embedded, spent = list[tuple[str, str]](), 0
    for name, meaning in plots.items():
        size = workspace.size(name)
        if size is None or size > _MOST_PLOT_BYTES or spent + size > _MOST_PLOTS_BYTES:
            continue
        spent += size
        encoded = base64.b64encode(workspace.read_bytes(name)).decode()
        kind = "jpeg" if name.endswith(".jpg") else "png"
        embedded.append((meaning, f"data:image/{kind};base64,{encoded}"))
    return embedded
