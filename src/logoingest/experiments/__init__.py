"""Experiments: sweeps over a release's trainings, and what may be said of them. No torch of its own: each trial is a process that has.

space    the settings that may be tried, and which are tried next      trials   one trial, in its own process
machine  what a trial costs, and how many at once pay                  running  the sweep's folder, and who starts and watches trials
results  the table of trials, what is better than what, and figures    sweep    the whole
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.imports.lazy import load_lazily

if TYPE_CHECKING:
    from logoingest.experiments.results.comparison import SettingsCompared
    from logoingest.experiments.results.summary import SweepSummary
    from logoingest.experiments.sweep import compare_trials, read_sweep, run_sweep

__all__ = ["SettingsCompared", "SweepSummary", "compare_trials", "read_sweep", "run_sweep"]

__getattr__ = load_lazily(
    __name__,
    {
        "results.comparison": ("SettingsCompared",),
        "results.summary": ("SweepSummary",),
        "sweep": ("compare_trials", "read_sweep", "run_sweep"),
    },
)


def __dir__() -> list[str]:
    return __all__
