"""Trials as processes of this machine: started with their threads in the environment, watched, and stopped with their coordinator."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from logoingest.experiments.machine.limits import count_memory_kills
from logoingest.experiments.trials.forking import THREAD_VARIABLES
from logoingest.experiments.trials.orders import LOG_FILE, TrialOrder

_MODULE = "logoingest.experiments.trials.process"
_KILLED = -9


class TrialEnding(NamedTuple):
    """How a trial's process ended; whether it left a result is for its folder to say."""

    what: str
    by_memory: bool = False
    """The kernel ended it for want of memory."""


class RunningTrial(Protocol):
    """A trial that was started."""

    def poll(self) -> TrialEnding | None:
        """How it ended; None while it runs."""
        ...

    def stop(self) -> None:
        """End it at once, whatever it is doing."""
        ...


class TrialRunner(Protocol):
    """Where trials run."""

    def start(self, order: TrialOrder, folder: Path) -> RunningTrial:
        """Start what lies in a try's folder."""
        ...


class ProcessRunner:
    """Starts trials on this machine, each in an interpreter of its own."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """``environment`` of the trials, in addition to this process's."""
        self._environment = dict(environment or {})

    def start(self, order: TrialOrder, folder: Path) -> RunningTrial:
        """A new interpreter: nothing of this process goes along but its environment."""
        with (folder / LOG_FILE).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603  this interpreter, with a module of ours
                [sys.executable, "-m", _MODULE, str(folder)],
                stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
                env={**make_environment(order.threads), **self._environment},
            )  # fmt: skip
        return _Process(process)


class _Process:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process, self._kills = process, count_memory_kills()

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> TrialEnding | None:
        code = self._process.poll()
        return None if code is None else describe_ending(code, count_memory_kills() > self._kills)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def describe_ending(code: int, memory_was_short: bool = False) -> TrialEnding:
    """What an exit code says."""
    if code == _KILLED and memory_was_short:
        return TrialEnding("killed by the kernel for want of memory", by_memory=True)
    return TrialEnding(f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}")


def make_environment(threads: int) -> Mapping[str, str]:
    """This environment, with so many threads that sleep while they wait; torch reads it once, when it is loaded."""
    return {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)), "OMP_WAIT_POLICY": "PASSIVE"}
