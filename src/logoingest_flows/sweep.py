"""A sweep as a Prefect flow, a task a trial: trials show in the UI with their settings and figures; no logic of its own."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from prefect import flow, task
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from logoingest import load_config, run_sweep
from logoingest.experiments import SweepSummary
from logoingest.experiments.running.processes import RunningTrial, TrialEnding, TrialRunner
from logoingest.experiments.running.runners import open_runner
from logoingest.experiments.trials.orders import TrialOrder
from logoingest_flows.slots import hold_slot, name_key

_TICK_S = 0.2
#: Try's folder → what starts it, and how its process ended: tasks run in threads of the flow's own process.
_STARTERS: dict[str, TrialRunner] = {}
_ENDED: dict[str, TrialEnding] = {}


@task(task_run_name="{role} {number}")
def run_one_trial(number: int, role: str, settings: dict[str, bool | int | float | str], folder: str) -> str:  # noqa: ARG001  (a task's parameters are its record in the UI)
    """Run what lies in a trial's folder, in a process of its own."""
    trial, ending = _STARTERS.pop(folder).start(TrialOrder.read(Path(folder)), Path(folder)), None
    try:
        while (ending := trial.poll()) is None:
            time.sleep(_TICK_S)
    finally:
        trial.stop()
        _ENDED[folder] = ending or TrialEnding("its task was stopped")
    return _ENDED[folder].what


class TaskRunner:
    """Starts every trial as a task of the flow that runs."""

    def __init__(self, starter: TrialRunner) -> None:
        """``starter`` starts the processes."""
        self._starter = starter

    def start(self, order: TrialOrder, folder: Path) -> RunningTrial:
        """Submit the task."""
        _STARTERS[str(folder)] = self._starter
        run_one_trial.submit(order.number, str(order.role), dict(order.settings), str(folder))
        return _SubmittedTrial(str(folder))


class _SubmittedTrial:
    def __init__(self, folder: str) -> None:
        self._folder = folder

    def poll(self) -> TrialEnding | None:
        return _ENDED.get(self._folder)

    def stop(self) -> None:
        """The task ends with the flow, and the trial's process with the task."""


@flow(name="sweep")
async def sweep(config_path: str, overrides: list[str] | None = None, trials: int | None = None) -> SweepSummary:
    """Run the sweep of one dataset.toml, or go on with it.

    Returns:
        What came of it.
    """
    config = load_config(config_path, overrides or [])
    async with hold_slot(config):
        with open_runner(config) as starter:
            summary = await asyncio.to_thread(run_sweep, config, trials=trials, runner=TaskRunner(starter))
    rows = [
        {"trial": one.trial, "score": one.score, "from": one.low, "to": one.high, "settings": str(dict(one.settings))}
        for one in summary.finalists
    ]
    await acreate_table_artifact(rows, key=name_key(config, "finalists"), description=f"Finalists by {summary.metric}")
    lines = "\n".join(f"- {said}" for said in summary.statements)
    await acreate_markdown_artifact(
        f"# {config.dataset.name}\n\n{lines}\n", key=name_key(config, "sweep"), description="What may be said of the sweep"
    )
    return summary
