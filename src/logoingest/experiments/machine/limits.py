"""What this machine lets a process have: cores and memory (its control group's, where it is in one), and GPUs.

Control groups: https://docs.kernel.org/admin-guide/cgroup-v2.html, and version 1 where that is mounted.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from logoingest.workers import count_cpus

_MB = 1e6
_SMI_QUERY = "utilization.gpu,memory.free,memory.total"
_SMI_SECONDS = 10


class GpuState(NamedTuple):
    """One GPU as it is now."""

    busy_share: float | None
    """0 to 1; None where the driver does not say."""
    free_mb: float
    total_mb: float


class CpuTimes(NamedTuple):
    """Seconds since the start, at one moment."""

    at: float
    idle: float | None
    """Of the cores that this process may use, together; None where the system does not say."""
    by_group: float | None
    """Computed by the control group with the tightest quota, this process in it; None without a quota."""


class MachineLimits(NamedTuple):
    """What may be used."""

    cores: float
    """By affinity and quota; a quota of one and a half cores is 1.5."""
    memory_mb: float
    """That is free now, without swap; infinite where the system does not say."""
    gpus: tuple[GpuState, ...] = ()


def read_limits(root: Path = Path("/")) -> MachineLimits:
    """As they are now; ``root`` is where /proc and /sys lie."""
    memory = min([_read_available_mb(root), *_list_group_memory(root)], default=math.inf)
    cores = min([float(count_cpus()), *_list_group_cores(root)])
    return MachineLimits(cores, memory, read_gpus())


def read_cpu_times(root: Path = Path("/")) -> CpuTimes:
    """To be compared with those of a moment later: ``find_spare_cores``."""
    return CpuTimes(time.monotonic(), _read_idle_seconds(root), _read_group_seconds(root))


def find_spare_cores(before: CpuTimes, after: CpuTimes, root: Path = Path("/")) -> float:
    """Cores that nobody used in between, and that the quota would have allowed; infinite where the system does not say."""
    seconds = max(1e-6, after.at - before.at)
    spare = [math.inf]
    if before.idle is not None and after.idle is not None:
        spare.append((after.idle - before.idle) / seconds)
    if before.by_group is not None and after.by_group is not None:
        quota = min(_list_group_cores(root), default=math.inf)
        spare.append(quota - (after.by_group - before.by_group) / seconds)
    return max(0.0, min(spare))


def _read_idle_seconds(root: Path) -> float | None:
    """Idle or waiting for a disk, by /proc/stat (proc(5)): the time that load of any kind leaves."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set[int]()
    found = None
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (root / "proc/stat").read_text("ascii").splitlines():
            name, *ticks = line.split()
            if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in allowed:
                found = (found or 0.0) + (int(ticks[3]) + int(ticks[4])) / os.sysconf("SC_CLK_TCK")
    return found


def _read_group_seconds(root: Path) -> float | None:
    """Of the group whose quota is the tightest."""
    quotas = [(cores, folder) for folder in _list_group_folders(root, "cpu") for cores in _read_quota(folder)]
    if not quotas:
        return None
    folder = min(quotas)[1]
    with contextlib.suppress(OSError, ValueError):
        facts = dict(line.split() for line in (folder / "cpu.stat").read_text("ascii").splitlines())
        return int(facts["usage_usec"]) / 1e6 if "usage_usec" in facts else None
    return None


def _read_available_mb(root: Path) -> float:
    """MemAvailable of /proc/meminfo."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (root / "proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024 / _MB
    return math.inf


def _list_group_folders(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's control group and all above it, those of the controller in version 1."""
    top = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        base = top / controllers if controllers else top
        base = base if base.is_dir() else top / controller
        inner = base / path.lstrip("/")
        folders = [inner, *inner.parents] if inner.is_dir() else [base]  # in a container the path is the host's
        yield from (folder for folder in folders if folder == base or base in folder.parents)


def _read_number(path: Path) -> float | None:
    """None where there is no file, or "max"."""
    try:
        return float(path.read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _list_group_cores(root: Path) -> Iterator[float]:
    for folder in _list_group_folders(root, "cpu"):
        yield from _read_quota(folder)


def _read_quota(folder: Path) -> Iterator[float]:
    """Cores that a control group allows; none where it sets no limit."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text("ascii").split()
        if quota != "max":
            yield int(quota) / int(period)
    quota_us, period_us = _read_number(folder / "cpu.cfs_quota_us"), _read_number(folder / "cpu.cfs_period_us")
    if quota_us is not None and quota_us > 0 and period_us:
        yield quota_us / period_us


def _list_group_memory(root: Path) -> Iterator[float]:
    """Megabytes that are left of every limit; cached files count as free."""
    for folder in _list_group_folders(root, "memory"):
        for limit_name, used_name in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
            limit, used = _read_number(folder / limit_name), _read_number(folder / used_name)
            if limit is not None and used is not None and limit < 2**60:
                yield max(0.0, limit - used + _read_cached_bytes(folder)) / _MB


def _read_cached_bytes(folder: Path) -> float:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (folder / "memory.stat").read_text("ascii").splitlines():
            if line.startswith(("inactive_file ", "total_inactive_file ")):
                return float(line.split()[1])
    return 0.0


def count_memory_kills(root: Path = Path("/")) -> int:
    """Processes that the kernel has ended for want of memory, in this control group and those above it."""
    most = 0
    for folder in _list_group_folders(root, "memory"):
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError, ValueError):
                facts = dict(line.split() for line in (folder / name).read_text("ascii").splitlines())
                most = max(most, int(facts.get("oom_kill", 0)))
    with contextlib.suppress(OSError, ValueError):
        counted = dict(line.split() for line in (root / "proc/vmstat").read_text("ascii").splitlines())
        most = max(most, int(counted.get("oom_kill", 0)))
    return most


def read_gpus() -> tuple[GpuState, ...]:
    """What the driver's own tool says; nothing where it is not there."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    try:
        answer = subprocess.run(  # noqa: S603  the driver's tool, found on the path
            [tool, f"--query-gpu={_SMI_QUERY}", "--format=csv,noheader,nounits"],
            capture_output=True, text=True, timeout=_SMI_SECONDS, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(state for line in answer.stdout.splitlines() if (state := _read_gpu(line)) is not None)


def _read_gpu(line: str) -> GpuState | None:
    busy, free, total = ([cell.strip() for cell in line.split(",")] + ["", "", ""])[:3]
    with contextlib.suppress(ValueError):
        share = float(busy) / 100 if busy.replace(".", "").isdigit() else None
        return GpuState(share, float(free) * 1.048576, float(total) * 1.048576)
    return None
