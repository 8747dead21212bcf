"""The coordinator: has trials run, so many at once, until each has ended; what dies is asked for again."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from logoingest.experiments.running.folder import SweepFolder, read_epochs, read_last_words
from logoingest.experiments.running.processes import RunningTrial, TrialEnding, TrialRunner
from logoingest.experiments.trials.orders import Role, TrialOrder, TrialResult, TrialState

logger = logging.getLogger("logoingest")

#: Tries at a trial whose process dies each time, until it counts as failed.
MOST_TRIES = 3
_TICK_S = 0.05


class TrialProgress(NamedTuple):
    """A trial that runs."""

    order: TrialOrder
    epoch: int
    epochs: int
    score: float | None
    seconds: float


class SweepProgress(NamedTuple):
    """How far a sweep is."""

    phase: str
    """first trial, measuring, trials, finalists, test"""
    ended: int
    total: int
    parallel: int
    running: Sequence[TrialProgress]
    best: float | None
    best_trial: int | None
    note: str = ""


class _Started(NamedTuple):
    order: TrialOrder
    folder: Path
    trial: RunningTrial
    at: float
    parallel: int
    """How many might run at once when it began."""


@dataclass
class Coordinator:
    """Runs trials of one sweep."""

    folder: SweepFolder
    runner: TrialRunner
    parallel: int
    sign: int
    """1 where a higher metric is better, else -1."""
    on_progress: Callable[[SweepProgress], None] = lambda _progress: None
    ends_at: float | None = None
    """Of ``time.time``: no trial begins later."""
    phase: str = "trials"
    _started: list[_Started] = field(default_factory=list)
    _deaths: dict[int, int] = field(default_factory=dict)
    _had_company: set[int] = field(default_factory=set)
    """Trials beside whose last try another one ran."""
    _best: tuple[float, int] | None = None

    def run(self, orders: Sequence[TrialOrder], phase: str) -> list[TrialResult | None]:
        """Have every order run that has not ended yet.

        Returns:
            The results in the order of ``orders``; None where time was up before a trial began.
        """
        self.phase = phase
        waiting = deque(order for order in orders if self.folder.find_ended(order.number) is None)
        for order in orders:
            self._note_best(order, self.folder.read_result(order.number))
        with self._stop_at_the_end():
            while waiting or self._started:
                while waiting and len(self._started) < self.parallel and not self._is_late():
                    self._start(waiting.popleft())
                if not self._started:
                    break
                self._await_one(waiting, orders)
        return [self.folder.read_result(order.number) for order in orders]

    def _is_late(self) -> bool:
        return self.ends_at is not None and time.time() >= self.ends_at

    @contextmanager
    def _stop_at_the_end(self) -> Iterator[None]:
        """Nothing goes on without its coordinator."""
        try:
            yield
        finally:
            for started in self._started:
                started.trial.stop()
            self._started.clear()

    def _start(self, order: TrialOrder) -> None:
        broken_off = len(self.folder.list_tries(order.number))
        if broken_off and order.number not in self._deaths:
            self.folder.note("died", trial=order.number, reason="its coordinator ended; told FAIL, asked again")
            self._deaths[order.number] = 0
        folder = self.folder.start_try(order)
        self.folder.note("started", trial=order.number, role=order.role, attempt=int(folder.name), settings=dict(order.settings))
        self._started.append(_Started(order, folder, self.runner.start(order, folder), time.monotonic(), self.parallel))
        numbers = {started.order.number for started in self._started}
        self._had_company = self._had_company - {order.number} if len(numbers) == 1 else self._had_company | numbers

    def _await_one(self, waiting: deque[TrialOrder], orders: Sequence[TrialOrder]) -> None:
        """Until something ends, tell how far it is."""
        told = 0.0
        while True:
            for started in self._started:
                ending = started.trial.poll()
                if ending is not None:
                    self._started.remove(started)
                    self._end(started, ending, waiting)
                    self._tell(orders)
                    return
            if time.monotonic() - told >= 0.5:
                self._tell(orders)
                told = time.monotonic()
            time.sleep(_TICK_S)

    def _end(self, started: _Started, ending: TrialEnding, waiting: deque[TrialOrder]) -> None:
        result, order = TrialResult.read(started.folder), started.order
        if ending.by_memory or (result is not None and result.by_memory):
            self._end_by_memory(started, waiting)
        elif result is None:
            self._end_dead(started, ending, waiting)
        else:
            self.folder.note("ended", trial=order.number, state=result.state, reason=result.reason, score=result.score)
            self._note_best(order, result)
            if result.state is TrialState.FAILED:
                logger.warning("trial %s failed: %s", order.number, result.reason)

    def _end_by_memory(self, started: _Started, waiting: deque[TrialOrder]) -> None:
        """Fewer at once, and the trial again; alone, it is the trial that is too large."""
        number = started.order.number
        if number not in self._had_company:
            self._fail(started, "out of memory, though it ran alone")
            return
        fewer = max(1, started.parallel // 2)
        if fewer < self.parallel:
            self.parallel = fewer
            reason = f"trial {number} ran out of memory"
            self.folder.note("parallel", parallel=fewer, reason=reason)
            logger.warning("%s: %s at once from now on", reason, fewer)
        self.folder.note("died", trial=number, reason="out of memory; told FAIL, asked again")
        self._deaths.setdefault(number, 0)
        waiting.appendleft(started.order)

    def _end_dead(self, started: _Started, ending: TrialEnding, waiting: deque[TrialOrder]) -> None:
        number = started.order.number
        self._deaths[number] = self._deaths.get(number, 0) + 1
        words = read_last_words(started.folder)
        reason = f"{ending.what}{f' ({words})' if words else ''}"
        if self._deaths[number] >= MOST_TRIES:
            self._fail(started, f"died {MOST_TRIES} times: {reason}")
            return
        self.folder.note("died", trial=number, reason=f"{reason}; told FAIL, asked again")
        logger.warning("trial %s died: %s; it is asked for again", number, reason)
        waiting.appendleft(started.order)

    def _fail(self, started: _Started, reason: str) -> None:
        TrialResult(TrialState.FAILED, reason, config=started.order.train).write(started.folder)
        self.folder.note("ended", trial=started.order.number, state=TrialState.FAILED, reason=reason, score=None)
        logger.warning("trial %s failed: %s", started.order.number, reason)

    def _note_best(self, order: TrialOrder, result: TrialResult | None) -> None:
        if order.role is Role.TRIAL and result is not None and result.state is TrialState.COMPLETE and result.score is not None:
            found = (self.sign * result.score, -order.number)
            self._best = found if self._best is None else max(self._best, found)

    def _tell(self, orders: Sequence[TrialOrder]) -> None:
        ended = sum(self.folder.find_ended(order.number) is not None for order in orders)
        running = [_look_at(started) for started in self._started]
        best, trial = (None, None) if self._best is None else (self.sign * self._best[0], -self._best[1])
        self.on_progress(SweepProgress(self.phase, ended, len(orders), self.parallel, running, best, trial))


def _look_at(started: _Started) -> TrialProgress:
    epochs = read_epochs(started.folder)
    last = epochs[-1] if epochs else {}
    total = int(started.order.train.get("epochs", 0)) * max(1, started.order.folds)
    score = last.get("score")
    return TrialProgress(started.order, len(epochs), total, score, time.monotonic() - started.at)
