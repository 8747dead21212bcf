"""What a process and everything below it costs: CPU seconds and memory, read from /proc (Linux).

Two measures of memory, because a page that two processes of a tree map counts twice in one of them:

- resident: the sum of resident sizes (RSS); shared libraries count once per process
- held: memory of the processes' own by proportional share (Pss_Anon, Pss_Shmem), plus each mapped file once, with the greatest share of
  it that any one process of the tree has resident. Unlike the whole PSS it does not shrink when somebody else on the machine
  happens to map the same library.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Memory(NamedTuple):
    """Megabytes of a process tree."""

    resident: float
    held: float


def list_tree(root: int) -> dict[int, list[str]]:
    """The living processes of a tree and their fields of /proc/PID/stat from the state on; empty once the root is gone."""
    fields: dict[int, list[str]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                found = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
                if found and found[0] != "Z":
                    fields[int(entry)] = found
    tree = {root} & fields.keys()
    while more := {pid for pid, found in fields.items() if int(found[1]) in tree} - tree:
        tree |= more
    return {pid: fields[pid] for pid in tree}


def sum_resident(tree: dict[int, list[str]]) -> float:
    """Megabytes resident in the tree's processes, added up."""
    return sum(int(found[21]) for found in tree.values()) * _PAGE / 1e6


def sum_held(tree: dict[int, list[str]]) -> float:
    """Megabytes the tree holds, each page once."""
    own = 0
    files: dict[str, int] = {}
    for pid in tree:
        with contextlib.suppress(OSError):
            mine, mapped = _read_maps(pid)
            own += mine
            for name, size in mapped.items():
                files[name] = max(files.get(name, 0), size)
    return (own + sum(files.values())) / 1e6


def _read_maps(pid: int) -> tuple[int, dict[str, int]]:
    """Bytes of a process's own, and bytes resident of each file it maps."""
    rollup = dict(re.findall(r"^(\w+):\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE))
    own = (int(rollup["Pss_Anon"]) + int(rollup["Pss_Shmem"])) * 1024
    files: dict[str, int] = defaultdict(int)
    name = ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if "-" in line.partition(" ")[0]:
            parts = line.split(maxsplit=5)
            name = parts[5] if len(parts) > 5 and parts[5].startswith("/") else ""
        elif name and line.startswith("Rss:"):
            resident = int(line.split()[1]) * 1024
            files[name] += resident
        elif name and line.startswith("Anonymous:"):
            files[name] -= int(line.split()[1]) * 1024  # private copies of its pages are the process's own
    return own, files


def count_cpu(tree: dict[int, list[str]]) -> float:
    """CPU seconds of the living processes of the tree and of those they waited for."""
    return sum(sum(map(int, found[11:15])) for found in tree.values()) / _TICKS


class MemoryWatch:
    """Samples a tree in a thread until its root is gone or the block is left; ``note`` gives what stands beside each sample.

    Resident sizes are read each time; what is held, which costs ten times as much to find out, while they are near their peak or when a
    second has passed, and for a twentieth of the time at most.
    """

    def __init__(self, root: int, note: Callable[[], float] = lambda: 0.0, interval_s: float = 0.05) -> None:
        self.samples: list[tuple[float, Memory]] = []
        """(note, memory) whenever both measures were taken."""
        self.peak = Memory(0.0, 0.0)
        self._root = root
        self._note = note
        self._interval_s = interval_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        looked = cost = 0.0
        while not self._ended.is_set() and (tree := list_tree(self._root)):
            resident = sum_resident(tree)
            passed = time.monotonic() - looked
            if passed > 20 * cost and (passed > 1.0 or resident > 0.95 * self.peak.resident):
                looked = time.monotonic()
                self.samples.append((self._note(), Memory(resident, sum_held(tree))))
                cost = time.monotonic() - looked
                self.peak = Memory(self.peak.resident, max(self.peak.held, self.samples[-1][1].held))
            self.peak = Memory(max(self.peak.resident, resident), self.peak.held)
            self._ended.wait(self._interval_s)
