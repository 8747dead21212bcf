"""How many trials at once pay: measured with the first trial's settings, before the others begin.

One training alone says what one takes: CPU seconds a step, how long it waits for data, memory, and on CUDA the GPU's memory and how
busy it is; and what other load leaves meanwhile: cores that nobody used, and the one it had itself. The scarcest of these sets the most
that may run. So many are then really run side by side for a few seconds, doubling each
time, and more are kept only while all of them together learn from at least a tenth more pictures a second.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from logoingest.errors import LogoingestError, Problem
from logoingest.experiments.machine.costs import TrialCost
from logoingest.experiments.machine.limits import MachineLimits, find_spare_cores, read_cpu_times, read_gpus, read_limits
from logoingest.experiments.running.folder import read_last_words
from logoingest.experiments.running.processes import RunningTrial, TrialRunner
from logoingest.experiments.trials.orders import Role, TrialOrder, TrialResult, TrialState, write_whole_json

#: More at once must learn from so much more in all.
RISE = 1.10
#: Share of the memory that trials may fill.
_MEMORY_SHARE = 0.9
#: What a process takes of a GPU beside what torch reserves: its context.
_CONTEXT_MB = 600.0
#: A probe ends with the first epoch that ends later than this.
PROBE_S = 4.0
_MOST_AT_ONCE = 64
#: Idle cores: so much short of a whole one still counts as one, since no machine is ever wholly idle.
_ROUNDED = 0.25
_GO, _READY = "go", "ready"


class LevelMeasured(NamedTuple):
    """So many trainings side by side."""

    parallel: int
    threads: int
    pictures_s: float
    """Learned from, all together, a second."""
    cpu_s_step: float
    """CPU seconds of one step."""
    waiting_share: float
    """Of the time of the first one, waiting for data."""
    peak_mb: float
    vram_mb: float
    gpu_busy: float | None = None
    spare_cores: float | None = None
    """That nobody used meanwhile."""
    used_cores: float = 0.0
    """That these trainings had."""


class ParallelChoice(NamedTuple):
    """How many trials run at once, and why."""

    parallel: int
    binds: str
    """cores, idle cores, memory, GPU memory, GPU, pictures a second, trials, or given."""
    reason: str
    """For people."""
    levels: Sequence[LevelMeasured] = ()


def choose_parallel(
    order: TrialOrder, runner: TrialRunner, folder: Path, trials: int, on_level: Callable[[str], None] = lambda _text: None
) -> ParallelChoice:
    """Measure, and choose.

    Args:
        order: of the first trial.
        runner: where trials run.
        folder: for the probes.
        trials: that are still to run.
        on_level: told what is measured.

    Raises:
        LogoingestError: a probe failed.
    """
    limits = read_limits()
    probes = _Probes(order, runner, folder, on_level)
    alone = probes.measure(1, order.threads)
    levels = [alone]
    if math.floor(limits.cores) > order.threads:
        levels.append(probes.measure(1, math.floor(limits.cores)))
    most, binds = find_most(limits, alone, order.threads, trials)
    best = alone
    for parallel in list_levels(most):
        tried = probes.measure(parallel, order.threads)
        levels.append(tried)
        if tried.pictures_s < RISE * best.pictures_s:
            binds = "pictures a second"
            break
        best = tried
    return ParallelChoice(best.parallel, binds, explain_choice(limits, levels, best, binds, most), levels)


def measure_levels(order: TrialOrder, runner: TrialRunner, folder: Path, levels: Sequence[int]) -> list[LevelMeasured]:
    """So many of the first trial side by side, each for a few seconds; chooses nothing.

    Raises:
        LogoingestError: a probe failed.
    """
    probes = _Probes(order, runner, folder, lambda _text: None)
    return [probes.measure(level, order.threads) for level in levels]


def list_levels(most: int) -> list[int]:
    """2, 4, 8 … and ``most`` itself."""
    levels, level = [], 2
    while level < most:
        levels.append(level)
        level *= 2
    return [*levels, most] if most > 1 else []


def find_most(limits: MachineLimits, alone: LevelMeasured, threads: int, trials: int) -> tuple[int, str]:
    """(trainings that the scarcest resource allows at once, which resource that is)."""
    busy = max(0.05, 1 - alone.waiting_share) * threads
    allowed = {"cores": limits.cores / busy, "memory": limits.memory_mb * _MEMORY_SHARE / max(1.0, alone.peak_mb)}
    left = find_left_cores(alone)
    if left is not None and left + _ROUNDED < limits.cores:
        allowed["idle cores"] = (left + _ROUNDED) / busy
    if alone.vram_mb and limits.gpus:
        gpu = max(limits.gpus, key=lambda one: one.free_mb)
        allowed["GPU memory"] = gpu.free_mb * _MEMORY_SHARE / (alone.vram_mb + _CONTEXT_MB)
        if alone.gpu_busy:
            allowed["GPU"] = 1 / alone.gpu_busy
    allowed["trials"] = float(max(1, trials))
    binds = min(allowed, key=lambda name: allowed[name])
    return max(1, min(_MOST_AT_ONCE, math.floor(allowed[binds] + 0.1))), binds


def find_left_cores(alone: LevelMeasured) -> float | None:
    """Cores that other load leaves to trainings: those that were idle beside one, and what that one had."""
    return None if alone.spare_cores is None else alone.spare_cores + alone.used_cores


def explain_choice(limits: MachineLimits, levels: Sequence[LevelMeasured], best: LevelMeasured, binds: str, most: int) -> str:
    """One paragraph for people."""
    alone = levels[0]
    memory = "unknown" if math.isinf(limits.memory_mb) else f"{limits.memory_mb:,.0f} MB"
    left = find_left_cores(alone)
    load = "" if left is None else f", of which other load leaves {min(left, limits.cores):.1f}"
    parts = [
        (
            f"{limits.cores:g} cores{load}; {memory} free;"
            f" one trial alone takes {alone.cpu_s_step:.3f} CPU s a step and {alone.peak_mb:,.0f} MB, and waits for data"
            f" {alone.waiting_share:.0%} of its time"
        )
    ]
    parts += [f"on {one.threads} threads {one.cpu_s_step:.3f} CPU s a step" for one in levels[1:] if one.parallel == 1]
    if alone.vram_mb:
        busy = "" if alone.gpu_busy is None else f", {alone.gpu_busy:.0%} busy"
        parts.append(f"{alone.vram_mb:,.0f} MB of the GPU{busy}")
    shown = ", ".join(f"{one.parallel}: {one.pictures_s:.1f}" for one in levels if one.threads == alone.threads)
    why = (
        f"more would not learn from {RISE - 1:.0%} more pictures"
        if binds == "pictures a second"
        else f"{binds} allow no more than {most}"
    )
    return f"{'; '.join(parts)}. Pictures a second by trials at once: {shown}. {best.parallel} at once: {why}."


class _Probes:
    """Short trainings side by side."""

    def __init__(self, order: TrialOrder, runner: TrialRunner, folder: Path, on_level: Callable[[str], None]) -> None:
        self._order = replace(order, role=Role.PROBE, steps_end_s=PROBE_S, folds=0)
        self._runner, self._folder, self._on_level = runner, folder, on_level
        self._made = 0

    def measure(self, parallel: int, threads: int) -> LevelMeasured:
        """Have so many train at the same time."""
        self._on_level(f"{parallel} at once" if threads == self._order.threads else f"one on {threads} threads")
        folders = [self._prepare(threads) for _ in range(parallel)]
        order = replace(self._order, threads=threads)
        running = [self._runner.start(order, folder) for folder in folders]
        try:
            seen = _run_together(running, folders)
        finally:
            for one in running:
                one.stop()
        costs = [self._read_cost(folder) for folder in folders]
        return summarise_level(costs, threads, int(self._order.train.get("batch_size", 1)), seen)

    def _prepare(self, threads: int) -> Path:
        self._made += 1
        folder = self._folder / f"{int(time.time())}-{self._made:03}"
        folder.mkdir(parents=True)
        replace(self._order, threads=threads).write(folder)
        return folder

    def _read_cost(self, folder: Path) -> TrialCost:
        result = TrialResult.read(folder)
        if result is None or result.state is TrialState.FAILED:
            why = read_last_words(folder) if result is None else result.reason
            raise LogoingestError(
                Problem("sweep.parallel", f"the first trial's settings cannot be measured: {why}", f"see {folder}")
            )
        return result.cost


class MachineSeen(NamedTuple):
    """How the machine was while trainings ran."""

    gpu_busy: float | None = None
    spare_cores: float | None = None


def _run_together(running: Sequence[RunningTrial], folders: Sequence[Path]) -> MachineSeen:
    """Let them begin when all are ready, and wait until all have ended."""
    began, seen, spare = None, list[float](), math.inf
    while any(one.poll() is None for one in running):
        if began is None and all(
            (folder / _READY).exists() or one.poll() is not None for one, folder in zip(running, folders, strict=True)
        ):
            began = read_cpu_times()
            for folder in folders:
                (folder / _GO).touch()
        elif began is not None:
            seen += [gpu.busy_share for gpu in read_gpus()[:1] if gpu.busy_share is not None]
            if all(one.poll() is None for one in running):
                spare = find_spare_cores(began, read_cpu_times())
        time.sleep(0.05 if began is None else 0.2)
    return MachineSeen(sum(seen) / len(seen) if seen else None, None if math.isinf(spare) else round(spare, 2))


def summarise_level(costs: Sequence[TrialCost], threads: int, batch_size: int, seen: MachineSeen) -> LevelMeasured:
    """What trainings side by side took."""
    steps = [max(1.0, cost.pictures / batch_size) for cost in costs]
    return LevelMeasured(
        parallel=len(costs),
        threads=threads,
        pictures_s=round(sum(cost.pictures / max(cost.fit_wall_s, 1e-6) for cost in costs), 2),
        cpu_s_step=round(sum(cost.fit_cpu_s for cost in costs) / sum(steps), 5),
        waiting_share=round(min(1.0, costs[0].idle_s / max(costs[0].fit_wall_s, 1e-6)), 4) if threads == 1 else 0.0,
        peak_mb=max(cost.peak_mb for cost in costs),
        vram_mb=max(cost.vram_mb for cost in costs),
        gpu_busy=seen.gpu_busy,
        spare_cores=seen.spare_cores,
        used_cores=round(sum(cost.fit_cpu_s / max(cost.fit_wall_s, 1e-6) for cost in costs), 2),
    )


def write_choice(choice: ParallelChoice, path: Path) -> None:
    """Keep it for the next run."""
    write_whole_json(path, {**choice._asdict(), "levels": [level._asdict() for level in choice.levels]})


def read_choice(path: Path) -> ParallelChoice | None:
    """What an earlier run measured; None where nothing was."""
    try:
        data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    return ParallelChoice(**data | {"levels": [LevelMeasured(**level) for level in data["levels"]]})
