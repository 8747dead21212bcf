"""What this process takes: CPU seconds, memory, the GPU's memory, and how long it waits for data. Asks the system; no torch of its own."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

_SCHEDULED = Path("/proc/thread-self/schedstat")
_MB = 1e6


@dataclass(frozen=True)
class TrialCost:
    """What a training took."""

    cpu_s: float = 0.0
    """Of the process, decoding and start included."""
    wall_s: float = 0.0
    fit_cpu_s: float = 0.0
    """From the prepared pictures to the end of the last epoch."""
    fit_wall_s: float = 0.0
    idle_s: float = 0.0
    """Of that, neither computing nor waiting for a core: waiting for data."""
    pictures: int = 0
    """Learned from, counted once an epoch."""
    peak_mb: float = 0.0
    vram_mb: float = 0.0


class Meter:
    """Measures a trial's process from its start to ``stop``; ``begin_fit`` and ``end_epoch`` mark what counts as training."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._fit: tuple[float, float, float, float] | None = None
        self._cost = TrialCost()

    def begin_fit(self) -> None:
        """Pictures are prepared: what follows is training. With several folds, said once."""
        if self._fit is None:
            self._fit = _read_clocks()

    def end_epoch(self, pictures: int) -> None:
        """So many pictures were learned from."""
        assert self._fit is not None
        wall, cpu, own, queued = (now - then for now, then in zip(_read_clocks(), self._fit, strict=True))
        self._cost = replace(
            self._cost,
            pictures=self._cost.pictures + pictures,
            fit_wall_s=round(wall, 4),
            fit_cpu_s=round(cpu, 4),
            idle_s=round(max(0.0, wall - own - queued), 4),
        )

    @property
    def fit_wall_s(self) -> float:
        """Seconds since training began."""
        return 0.0 if self._fit is None else time.perf_counter() - self._fit[0]

    def stop(self) -> TrialCost:
        """What it took until now."""
        return replace(
            self._cost,
            cpu_s=round(time.process_time(), 3),
            wall_s=round(time.perf_counter() - self._started, 3),
            peak_mb=round(_read_peak_bytes() / _MB, 1),
            vram_mb=round(_read_vram_bytes() / _MB, 1),
        )


def _read_clocks() -> tuple[float, float, float, float]:
    """Seconds: (wall, CPU of all threads, CPU of this one, this one ready but without a core)."""
    try:
        queued = int(_SCHEDULED.read_text("ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        queued = 0.0
    return time.perf_counter(), time.process_time(), time.thread_time(), queued


def _read_peak_bytes() -> float:
    """Resident memory at its highest, what is shared with other processes included; 0 where the system does not say.

    On Linux getrusage counts what the starting process had before this one began, so the kernel's own mark comes first.
    """
    with contextlib.suppress(OSError, ValueError, IndexError, StopIteration):
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024.0
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)


def _read_vram_bytes() -> float:
    """What a torch that somebody else has loaded took of the GPU."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return 0.0
    return float(torch.cuda.max_memory_reserved())
