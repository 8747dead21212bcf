"""The commands of experiments: ``sweep dataset.toml`` runs one; ``sweep show``, ``best`` and ``compare`` say what came of it."""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from logoingest.cli.arguments import add_command, load_options, print_json

if TYPE_CHECKING:
    from rich.table import Table

    from logoingest.experiments import SweepSummary
    from logoingest.experiments.running.coordinator import SweepProgress

#: What may stand after ``sweep`` in the place of a config.
SWEEP_COMMANDS = ("show", "best", "compare")
#: Seconds between lines where stderr is no terminal.
_LINE_EVERY_S = 30.0

logger = logging.getLogger("logoingest")


class BestSettings(NamedTuple):
    """What ``sweep best --json`` prints."""

    trial: int | None
    settings: dict[str, bool | int | float | str]
    """That the winner has otherwise than the config."""
    score: float | None


def add_sweep_commands(commands: Any) -> None:
    """Add these commands to the command line's subparsers."""
    words = ", ".join(SWEEP_COMMANDS)
    sweep = add_command(
        commands, "sweep", _command_sweep, f"many trainings over the release, compared; or 'sweep' before one of: {words}"
    )
    sweep.add_argument(
        "--trials", type=_read_count, metavar="N", help="in place of sweep.trials; a sweep that is done goes on to as many"
    )
    sweep.add_argument("--parallel", type=_read_parallel, metavar="N", help='trials at once, or "auto": measure anew how many pay')

    show = add_command(commands, "sweep-show", _command_show, "what has come of the sweep so far (also: sweep show)")
    show.prog = "logoingest sweep show"
    best = add_command(commands, "sweep-best", _command_best, "the winner's settings (also: sweep best)")
    best.prog = "logoingest sweep best"
    best.add_argument("--as-config", action="store_true", help="print the whole dataset.toml with the winner's settings in it")
    compare = add_command(commands, "sweep-compare", _command_compare, "two trials on the same pictures (also: sweep compare)")
    compare.prog = "logoingest sweep compare"
    compare.add_argument("one", type=int, metavar="A", help="a trial's number; 0 is the config as it stands")
    compare.add_argument("other", type=int, metavar="B", help="another one's")


def _read_count(text: str) -> int:
    if text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")


def _read_parallel(text: str) -> int | str:
    return text if text == "auto" else _read_count(text)


def _command_sweep(options: argparse.Namespace) -> int:
    from logoingest.experiments import run_sweep

    config = load_options(options)
    with show_sweep(quiet=options.quiet) as tell:
        summary = run_sweep(config, trials=options.trials, parallel=options.parallel, on_progress=tell)
    if options.json:
        return print_json(summary)
    _print_summary(summary)
    return 0


def _command_show(options: argparse.Namespace) -> int:
    from logoingest.experiments import read_sweep

    summary = read_sweep(load_options(options))
    if options.json:
        return print_json(summary)
    _print_summary(summary)
    return 0


def _command_best(options: argparse.Namespace) -> int:
    from logoingest.experiments import read_sweep
    from logoingest.experiments.results.writing import change_config_text, write_best

    config = load_options(options)
    summary = read_sweep(config)
    if options.json:
        winner = summary.winner
        return print_json(BestSettings(winner and winner.trial, dict(summary.changes), winner and winner.score))
    if options.as_config:
        text = options.config.read_text("utf-8-sig")
        print(change_config_text(text, summary.changes, config.train.model_dump(mode="json")), end="")
    else:
        print(write_best(summary, config.train), end="")
    return 0


def _command_compare(options: argparse.Namespace) -> int:
    from logoingest.experiments import compare_trials

    comparison = compare_trials(load_options(options), options.one, options.other)
    if options.json:
        return print_json(comparison)
    print(comparison.statement)
    return 0


def _print_summary(summary: SweepSummary) -> None:
    from logoingest.cli.console import clean, open_console, start_table

    console = open_console(soft_wrap=True)
    if summary.finalists:
        table = start_table(
            "trial", "score", "from", "to", "trainings", "settings", numbers=("trial", "score", "from", "to", "trainings")
        )
        for one in summary.finalists:
            settings = ", ".join(f"{name} = {value}" for name, value in one.settings.items())
            ends = ("" if end is None else f"{end:.3f}" for end in (one.low, one.high))
            table.add_row(str(one.trial), f"{one.score:.3f}", *ends, str(len(one.scores)), clean(settings))
        console.print(table)
    for said in summary.statements:
        console.print(f"- {clean(said)}")
    console.print(f"\n{clean(summary.folder)}")


@contextlib.contextmanager
def show_sweep(*, quiet: bool) -> Iterator[Callable[[SweepProgress], None]]:
    """A progress callback: a live table on a terminal, a log line now and then elsewhere, nothing when quiet."""
    if quiet:
        yield lambda _progress: None
    elif sys.stderr.isatty():
        with _show_live() as tell:
            yield tell
    else:
        yield _SweepLines()


@contextlib.contextmanager
def _show_live() -> Iterator[Callable[[SweepProgress], None]]:
    from rich.live import Live

    from logoingest.cli.console import open_console

    with Live(console=open_console(stderr=True), transient=True, refresh_per_second=4) as live:
        yield lambda progress: live.update(make_live_table(progress))


def make_live_table(progress: SweepProgress) -> Table:
    """The trials that run, and how far the whole is."""
    from logoingest.cli.console import clean, start_table

    numbers = ("trial", "epoch", "score", "seconds")
    title = clean(describe_progress(progress))
    table = start_table(*numbers, "settings", numbers=numbers, title=title)
    table.min_width = len(title)  # a title is broken where the table ends
    for one in progress.running:
        score = "" if one.score is None else f"{one.score:.3f}"
        settings = ", ".join(f"{name} = {value}" for name, value in one.order.settings.items())
        table.add_row(str(one.order.of_trial), f"{one.epoch} of {one.epochs}", score, f"{one.seconds:.0f}", clean(settings))
    return table


def describe_progress(progress: SweepProgress) -> str:
    """One line."""
    if progress.phase == "measuring":
        return f"measuring how many trials at once pay: {progress.note}"
    best = "" if progress.best is None else f", best {progress.best:.3f} (trial {progress.best_trial})"
    return f"{progress.phase}: {progress.ended} of {progress.total}, {len(progress.running)} running{best}"


class _SweepLines:
    """A log line where the phase changes, and every half minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._last, self._phase = clock, clock(), ""

    def __call__(self, progress: SweepProgress) -> None:
        phase = progress.phase + progress.note
        if phase != self._phase or self._clock() - self._last >= _LINE_EVERY_S:
            self._last, self._phase = self._clock(), phase
            logger.info("sweep       %s", describe_progress(progress))
