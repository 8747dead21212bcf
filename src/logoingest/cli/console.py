"""What the command line shows: tables on stdout, progress on stderr. Strangers' text is made harmless before it is printed."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from logoingest.pipeline.progress import Progress, ignore_progress, show_bars
from logoingest.plain_json import Json, to_json
from logoingest.strangers.escaping import escape_text

if TYPE_CHECKING:
    from logoingest.config import Config
    from logoingest.demo import Tour
    from logoingest.pipeline import LabelTrail, Plan, RowTrail, RunEntry, StageOutcome, Status, UrlTrail
    from logoingest.pipeline.actions.refreshing import Refreshed
    from logoingest.release import Violation
    from logoingest.schemas import Stage

#: Seconds between progress lines where stderr is no terminal.
LOG_EVERY_S = 10.0
#: The rate in a line is that since the line so many before it.
RATE_LINES = 6

#: Runs that ``status --history`` prints at most; ``--json`` has all.
HISTORY_ROWS = 40

logger = logging.getLogger("logoingest")


def clean(text: object) -> str:
    """Text for a console: what moves a cursor, hides or turns round is shown as escapes (``escape_text``), markup is neutral."""
    return escape(escape_text(str(text)))


@contextlib.contextmanager
def show_progress(quiet: bool) -> Iterator[Progress]:
    """A progress callback: bars on a terminal, a log line now and then elsewhere, nothing when quiet."""
    if quiet:
        yield ignore_progress
    elif sys.stderr.isatty():
        with show_bars(Console(stderr=True)) as callback:
            yield callback
    else:
        yield LineProgress()


class LineProgress:
    """One log line per stage every ``LOG_EVERY_S``: how far it is, how fast of late, and how long that takes for the rest."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self._seen: dict[Stage, deque[tuple[float, int]]] = {}
        """Lately told: when, and how far."""

    def __call__(self, stage: Stage, done: int, total: int | None, note: str) -> None:
        now = self._clock()
        seen = self._seen.setdefault(stage, deque())
        if not seen or done < seen[-1][1]:  # a stage of several phases begins anew with each
            seen.clear()
            seen.append((now, done))
        if now - self._last < LOG_EVERY_S:
            return
        self._last = now
        pace = describe_pace(seen[0], (now, done), total)
        logger.info("%-11s %s", stage, ", ".join(filter(None, (_count_of(done, total), pace, note))))
        seen.append((now, done))
        while len(seen) > RATE_LINES:
            seen.popleft()


def _count_of(done: int, total: int | None) -> str:
    return f"{done:,}" if total is None else f"{done:,} of {total:,}"


def describe_pace(since: tuple[float, int], now: tuple[float, int], total: int | None) -> str:
    """``163 a second, 1:18 min left`` between two moments (seconds, done); "" while nothing can be said."""
    seconds, done = now[0] - since[0], now[1] - since[1]
    if seconds <= 0 or done <= 0:
        return ""
    rate = done / seconds
    told = f"{rate:,.0f} a second" if rate >= 10 else f"{rate:.1f} a second"
    return told if total is None else f"{told}, {_describe_time(max(0, total - now[1]) / rate)} left"


def _describe_time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60) if seconds >= 3600 else int(seconds // 60)
    return f"{minutes // 60}:{minutes % 60:02} h" if minutes >= 60 else f"{minutes}:{int(seconds % 60):02} min"


def open_console(stderr: bool = False, soft_wrap: bool = False) -> Console:
    """What tables and lines are printed on; elsewhere than on a terminal lines are 140 characters wide.

    Args:
        stderr: print there instead of on stdout.
        soft_wrap: elsewhere than on a terminal lines are never broken: ``grep`` finds the whole of each.
    """
    stream = sys.stderr if stderr else sys.stdout
    is_terminal = stream.isatty()
    return Console(file=stream, width=None if is_terminal else 140, highlight=False, soft_wrap=soft_wrap and not is_terminal)


def start_table(*columns: str, numbers: Iterable[str] = (), title: str | None = None) -> Table:
    """A table without lines: bold headings, columns of numbers to the right, cells folded and never cut.

    Args:
        columns: their headings.
        numbers: those of them that hold numbers.
        title: a line above; none where it is left out.
    """
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    right = set(numbers)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def print_plan(plan: Plan) -> None:
    """The plan as a table."""
    console = open_console()
    table = start_table("stage", "action", "why")
    for stage in plan.stages:
        table.add_row(stage.stage, stage.action, clean(stage.why))
    console.print(f"{clean(plan.dataset)} in {clean(plan.workspace)}")
    console.print(table)
    console.print(
        f"{plan.annotations:,} annotations, {plan.urls:,} distinct URLs, "
        f"{plan.urls_left:,} left to fetch in {plan.shards_left:,} shards"
    )
    free = "" if plan.disk_free_bytes is None else f", {plan.disk_free_bytes / 1e9:,.1f} GB free"
    console.print(f"disk needed about {plan.disk_needed_bytes / 1e9:,.2f} GB{free}")
    for warning in plan.warnings:
        console.print(f"warning: {clean(warning)}")


def print_outcomes(config: Config, outcomes: Sequence[StageOutcome]) -> None:
    """What a run did."""
    console = open_console()
    if not any(outcome.ran for outcome in outcomes):
        console.print(f"{clean(config.dataset.name)}: everything is fresh, nothing to do")
        return
    table = start_table("stage", "", "seconds", "result", numbers=("seconds",))
    for outcome in outcomes:
        figures = ", ".join(f"{name} {count:,}" for name, count in outcome.counts.items())
        table.add_row(
            outcome.stage, "done" if outcome.ran else "fresh", f"{outcome.elapsed_s:.1f}" if outcome.ran else "", clean(figures)
        )
    console.print(table)


def print_refresh(counts: Refreshed, config: Path) -> None:
    """What asking again for the pictures found."""
    console = open_console()
    told = ", ".join(f"{count:,} {name}" for name, count in counts._asdict().items() if name != "asked")
    console.print(f"asked again for {counts.asked:,} URLs: {told}")
    if counts.gone or counts.failed:
        console.print("what is gone or failed is kept as it was; its row says why (downloads: refreshed, detail)")
    if counts.changed:
        console.print(f"take the changed pictures into the release with: logoingest run {clean(config)}")


def print_status(status: Status) -> None:
    """The funnel, the law and the stages."""
    console = open_console()
    console.print(f"{clean(status.dataset)} in {clean(status.workspace)}")
    funnel = start_table("stage", "rows in", "kept", "rejected", "reasons", numbers=("rows in", "kept", "rejected"))
    for row in status.funnel:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in row.reasons.items())
        funnel.add_row(row.stage, f"{row.rows_in:,}", f"{row.kept:,}", f"{row.rejected:,}", clean(reasons))
    console.print(funnel)
    law = status.law
    pending = f" + {law.pending:,} pending" if law.pending else ""
    verdict = "the law holds" if law.holds else "THE LAW IS BROKEN"
    console.print(f"{law.annotations:,} source rows = {law.voted:,} voted + {law.rejected:,} rejected{pending}: {verdict}")
    stages = start_table("stage", "state", "seconds", "result", numbers=("seconds",))
    for stage in status.stages:
        figures = ", ".join(f"{name} {count:,}" for name, count in (stage.counts or {}).items())
        state = f"{stage.state} ({stage.why})" if stage.state == "stale" else stage.state
        stages.add_row(stage.stage, clean(state), "" if stage.elapsed_s is None else f"{stage.elapsed_s:.1f}", clean(figures))
    console.print()
    console.print(stages)
    for warning in status.warnings:
        console.print(f"warning: {clean(warning)}")
    if status.suspects is not None:
        told = ", ".join(f"{kind} {count:,}" for kind, count in status.suspects.items())
        console.print(f"\nopen suspects: {told} (logoingest suspects --list, labels review)")
    if status.contradictions:
        told = ", ".join(f"{kind} {count:,}" for kind, count in status.contradictions.items())
        console.print(f"\nthe crowd contradicts the class map: {told} (logoingest labels suggest, labels review --export)")


def print_history(history: Sequence[RunEntry]) -> None:
    """The newest runs, the last one below."""
    console = open_console()
    table = start_table(
        "began", "what", "seconds", "exit", "pictures", "failed", "what changed", numbers=("seconds", "pictures", "failed")
    )
    shown = history[-HISTORY_ROWS:]
    for before, run in zip([None, *history][-len(shown) - 1 :], shown, strict=False):
        ended = "no end" if run.exit_code is None else str(run.exit_code)
        seconds = "" if run.seconds is None else f"{run.seconds:,.1f}"
        changed = ", ".join([*run.changed, *([run.error] if run.error else [])])
        pictures = _describe_pictures(run, before)
        table.add_row(run.started_at[:19], clean(run.what), seconds, ended, pictures, f"{run.failed_share:.1%}", clean(changed))
    console.print(table if shown else "no runs yet")


def _describe_pictures(run: RunEntry, before: RunEntry | None) -> str:
    """How many, and how many more than after the run before."""
    if run.pictures is None:
        return ""
    more = run.pictures - ((before.pictures if before else None) or 0)
    return f"{run.pictures:,} ({more:+,})" if more else f"{run.pictures:,}"


def print_violations(violations: Sequence[Violation]) -> None:
    """Every broken law, or that there is none."""
    console = open_console()
    if not violations:
        console.print("the release is sound: every law holds")
        return
    table = start_table("law", "where", "what", title=f"{len(violations)} broken")
    for violation in violations:
        table.add_row(clean(violation.law), clean(violation.where), clean(violation.what))
    console.print(table)


def print_trail(trail: UrlTrail | LabelTrail | RowTrail) -> None:
    """An audit trail as an indented outline."""
    _print_node(open_console(), to_json(trail), 0)


def _print_node(console: Console, node: Json, depth: int) -> None:
    pad = "  " * depth
    if isinstance(node, Mapping):
        for key, value in node.items():
            if isinstance(value, Mapping | list | tuple) and value:
                console.print(f"{pad}[bold]{clean(key)}[/bold]", soft_wrap=True)
                _print_node(console, value, depth + 1)
            else:
                console.print(f"{pad}{clean(key)}: {'none' if value in ([], {}, (), None) else clean(value)}", soft_wrap=True)
    elif isinstance(node, list | tuple):
        for item in node:
            if isinstance(item, Mapping):
                console.print(f"{pad}-")
                _print_node(console, item, depth + 1)
            else:
                console.print(f"{pad}- {clean(item)}", soft_wrap=True)
    else:
        console.print(f"{pad}{clean(node)}", soft_wrap=True)


def print_demo(tour: Tour) -> None:
    """The demo's funnel, verdict and where everything is."""
    print_status(tour.status)
    console = open_console()
    if tour.checks:
        table = start_table("sanity check", "", "figure", "threshold", numbers=("figure",))
        for check in tour.checks:
            passed = "passed" if check.passed else "FAILED"
            table.add_row(clean(check.name), passed, f"{check.figure:.3g}", f"{clean(check.comparison)} {check.threshold:.3g}")
        console.print()
        console.print(table)
    console.print(f"\nrelease  {clean(tour.release)}\nreport   {clean(tour.report)}")
