"""How far a run is, in bars: on a terminal, and in a notebook, where they are shown unasked."""

from __future__ import annotations

import contextlib
import html
import importlib
import io
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from logoingest.strangers.escaping import escape_text

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import ProgressColumn

    from logoingest.schemas import Stage

#: Told (stage, done, total or None, a few words) while a stage works.
Progress = Callable[["Stage", int, "int | None", str], None]

#: Seconds between two pictures of the bars in a notebook.
REDRAW_EVERY_S = 0.3

_NOTE_CHARS = 60
_NOTEBOOK_CHARS = 110
_NOTEBOOK_LINES = 24

logger = logging.getLogger("logoingest")


def ignore_progress(stage: Stage, done: int, total: int | None, note: str) -> None:
    """Tell nobody."""


@contextlib.contextmanager
def choose_progress(progress: Progress | None) -> Iterator[Progress]:
    """The progress a caller gave; else bars in a notebook, and nobody told elsewhere."""
    if progress is not None:
        yield progress
    elif find_notebook() is None:
        yield ignore_progress
    else:
        with _show_in_notebook() as told:
            yield told


@contextlib.contextmanager
def show_bars(console: Console) -> Iterator[Progress]:
    """Bars on a terminal; what is logged meanwhile is written above them."""
    from rich.logging import RichHandler
    from rich.progress import SpinnerColumn

    with _make_bars(console, SpinnerColumn()) as bars:
        previous = logger.handlers[:]
        logger.handlers[:] = [RichHandler(console=console, show_path=False, show_level=False, log_time_format="%H:%M:%S")]
        try:
            yield _follow(bars)
        finally:
            logger.handlers[:] = previous


def find_notebook() -> Any:
    """IPython's shell where this process is the kernel of a notebook; None elsewhere. Imports nothing."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell if getattr(shell, "kernel", None) is not None else None


@contextlib.contextmanager
def _show_in_notebook() -> Iterator[Progress]:
    """Bars and the last lines logged, as an output of the cell that is drawn anew.

    Rich's own way needs ipywidgets, in the kernel and in the page.
    """
    from rich.console import Console

    console = Console(file=io.StringIO(), force_terminal=False, force_jupyter=False, width=_NOTEBOOK_CHARS)
    bars = _make_bars(console)  # never started: it keeps the figures, and is drawn when asked
    advance = _follow(bars)
    with _keep_lines() as keeper:
        draw = keeper.draw = _open_output(console, bars, keeper.lines)
        drawn = time.monotonic()

        def told(stage: Stage, done: int, total: int | None, note: str) -> None:
            nonlocal drawn
            advance(stage, done, total, note)
            if time.monotonic() - drawn >= REDRAW_EVERY_S:
                drawn = time.monotonic()
                draw()

        try:
            yield told
        finally:
            draw()


class _LineKeeper(logging.Handler):
    """Keeps the last lines logged, and has them drawn; those of other threads wait for the next."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=_NOTEBOOK_LINES)
        self.draw: Callable[[], None] = lambda: None

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(escape_text(self.format(record)))
        if threading.current_thread() is threading.main_thread():
            self.draw()


@contextlib.contextmanager
def _keep_lines() -> Iterator[_LineKeeper]:
    """The last lines logged while this is open; what a run does is among them, unless the caller has set logging up."""
    keeper, level = _LineKeeper(), logger.level
    if not logger.hasHandlers():
        logger.setLevel(logging.INFO)
    logger.addHandler(keeper)
    try:
        yield keeper
    finally:
        logger.removeHandler(keeper)
        logger.setLevel(level)


def _open_output(console: Console, bars: Bars, lines: Iterable[str]) -> Callable[[], None]:
    """An output of the cell, as a function that draws it anew."""
    display: Any = importlib.import_module("IPython.display").display  # it is there, and untyped

    def render() -> dict[str, str]:
        with console.capture() as captured:
            console.print(bars.get_renderable())
        text = "\n".join([*lines, captured.get().rstrip()])
        return {"text/plain": text, "text/html": f'<pre style="line-height:1.2">{html.escape(text)}</pre>'}

    handle = display(render(), raw=True, display_id=True)
    return lambda: handle.update(render(), raw=True)


def _make_bars(console: Console, *first: ProgressColumn) -> Bars:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (*first, TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Bars(*columns, TimeRemainingColumn(), TextColumn("{task.fields[note]}", markup=False), console=console)


def _follow(bars: Bars) -> Progress:
    tasks: dict[str, Any] = {}

    def advance(stage: Stage, done: int, total: int | None, note: str) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(str(stage), total=total, note="")
        bars.update(tasks[stage], completed=done, total=total, note=escape_text(note)[:_NOTE_CHARS])

    return advance
