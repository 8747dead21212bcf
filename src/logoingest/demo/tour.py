"""The whole route on the embedded site, as any user behind a proxy would run it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from logoingest.config import load_config
from logoingest.demo.site import build_demo, serve_demo
from logoingest.pipeline import Run, Status, run, summarise_status
from logoingest.pipeline.progress import Progress
from logoingest.training.checks.verdict import Check


class Tour(NamedTuple):
    """What came of the demo."""

    status: Status
    checks: list[Check]
    """Of the baseline's verdict; none where it was not trained."""
    release: str
    """Its folder."""
    report: str
    """Its page."""


def run_demo(folder: Path, baseline: bool = True, progress: Progress | None = None) -> Tour:
    """Build the demo in ``folder``, serve its site on loopback and run the route through it.

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
    return Tour(
        summarise_status(opened),
        [Check(**check) for check in checks],
        opened.workspace.path("release"),
        opened.workspace.path("report.html"),
    )
