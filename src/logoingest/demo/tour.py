"""The whole route on the embedded site, as any user behind a proxy would run it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from logoingest.config import load_config
from logoingest.demo.site import build_demo, serve_demo
from logoingest.pipeline import Run, run, summarise_status
from logoingest.pipeline.progress import Progress


def run_demo(folder: Path, baseline: bool = True, progress: Progress | None = None) -> dict[str, Any]:
    """Build the demo in ``folder``, serve its site on loopback and run the route through it.

    Returns:
        status (as ``summarise_status``), checks (of the baseline verdict), and the paths of release and report.

    Raises:
        GateError: the baseline verdict failed.
    """
    plan = build_demo(folder)
    with serve_demo(plan) as proxy:
        overrides = {"fetch.proxy": proxy} if baseline else {"fetch.proxy": proxy, "train.enabled": False}
        config = load_config(folder / "dataset.toml", overrides)
        run(config, progress=progress)
    opened = Run(config)
    checks = json.loads(opened.workspace.read_bytes("baseline/verdict.json"))["checks"] if baseline else []
    return {
        "status": summarise_status(opened),
        "checks": checks,
        "release": opened.workspace.path("release"),
        "report": opened.workspace.path("report.html"),
    }
