"""The command on trainings that are done: ``baseline runs``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from logoingest.cli.arguments import add_command, load_options, print_json

if TYPE_CHECKING:
    from logoingest.pipeline.training_runs import TrainingRun


def add_training_commands(commands: Any) -> None:
    """Add these commands to the command line's subparsers."""
    group = commands.add_parser("baseline", help="trainings that are done: list them", description="Trainings that are done.")
    inner = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_command(inner, "runs", _command_runs, "every training of this dataset: when, with what, on which release, and its figures")


def _command_runs(options: argparse.Namespace) -> int:
    from logoingest.pipeline import Run
    from logoingest.pipeline.training_runs import list_runs

    runs = list_runs(Run(load_options(options)).workspace)
    if options.json:
        return print_json(runs)
    _print_runs(runs)
    return 0


def _print_runs(runs: Sequence[TrainingRun]) -> None:
    from logoingest.cli.console import clean, open_console, start_table

    console = open_console()
    if not runs:
        console.print("no training yet")
        return
    shown = ("validation.top1", "test.top1")
    others = [name for run in runs for name in run.figures if name.startswith("test.")]
    names = [name for name in shown if any(name in run.figures for run in runs)] or list(dict.fromkeys(others))[:3]
    table = start_table("run", "model", "lr", "seed", "release", "verdict", "s", *names, numbers=("lr", "seed", "s", *names))
    for run in runs:
        figures = ["" if run.figures.get(name) is None else f"{run.figures[name]:.3f}" for name in names]
        lr = run.settings.get("lr")
        model = run.model if run.recipe == "classify" else run.recipe
        cells = (run.run, clean(model), f"{lr:g}" if lr else "", str(run.seed), run.release[:8], _say(run), f"{run.seconds:.0f}")
        table.add_row(*cells, *figures)
    console.print(table)


def _say(run: TrainingRun) -> str:
    return "passed" if run.passed else "failed"
