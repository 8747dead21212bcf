"""Trials forked from a process that has loaded what they need: a start takes milliseconds, not seconds of CPU time."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from logoingest.experiments.machine.limits import count_memory_kills
from logoingest.experiments.running.processes import RunningTrial, TrialEnding, describe_ending, make_environment
from logoingest.experiments.trials.orders import LOG_FILE, TrialOrder

_MODULE = "logoingest.experiments.trials.forking"
#: Whether forking what has loaded torch is safe here: macOS's own libraries forbid it, Windows has none.
CAN_FORK = sys.platform == "linux"


class ForkingRunner:
    """Starts trials on this machine, from one process that is there from the first trial until ``close``; threads may share it."""

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Loads nothing yet.

        Args:
            modules: of installed packages, loaded once for all trials.
            environment: of the trials, in addition to this process's.
        """
        self._modules, self._environment = tuple(modules), dict(environment or {})
        self._lock = threading.Lock()
        self._server: _Server | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def start(self, order: TrialOrder, folder: Path) -> RunningTrial:
        """A fork; a new server where there is none, or the last one has ended."""
        with self._lock:
            if self._server is None or not self._server.is_alive():
                self._server = _Server(self._modules, self._environment, folder / LOG_FILE)
            self._server.do(str(folder.absolute()), order.threads)
            return _ForkedTrial(self._server, str(folder.absolute()), self._lock)

    def close(self) -> None:
        """End the server, and what it runs."""
        with self._lock:
            if self._server is not None:
                self._server.close()
                self._server = None


class _ForkedTrial:
    def __init__(self, server: _Server, folder: str, lock: threading.Lock) -> None:
        self._server, self._folder, self._lock, self._kills = server, folder, lock, count_memory_kills()

    def poll(self) -> TrialEnding | None:
        with self._lock:
            code = self._server.find_code(self._folder)
        return None if code is None else describe_ending(code, count_memory_kills() > self._kills)

    def stop(self) -> None:
        with self._lock:
            self._server.end(self._folder)


class _Server:
    """The process that forks, spoken to by one thread at a time."""

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        with log.open("wb") as words:
            self._process = subprocess.Popen(  # noqa: S603  this interpreter, with a module of ours
                [sys.executable, "-m", _MODULE, *modules],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words, bufsize=0,
                env={**make_environment(1), **environment},
            )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._orders, self._answers = self._process.stdin, self._process.stdout.fileno()
        self._unread, self._codes, self._running = b"", dict[str, int](), set[str]()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def do(self, folder: str, threads: int) -> None:
        self._running.add(folder)
        self._say({"do": folder, "threads": threads})

    def end(self, folder: str) -> None:
        """Have a trial killed, and wait until it is."""
        self._say({"end": folder})
        while self.find_code(folder, wait_s=1.0) is None:
            pass

    def close(self) -> None:
        self._orders.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._codes |= dict.fromkeys(self._running, -9)
        self._running.clear()

    def find_code(self, folder: str, wait_s: float = 0.0) -> int | None:
        """How a trial ended; None while it runs."""
        if folder in self._running and select.select([self._answers], [], [], wait_s)[0]:
            self._listen()
        return self._codes.get(folder)

    def _listen(self) -> None:
        part = os.read(self._answers, 65536)
        if not part:  # its trials end with it
            self._codes |= dict.fromkeys(self._running, self._process.wait())
            self._running.clear()
        *lines, self._unread = (self._unread + part).split(b"\n")
        for line in lines:
            answer = json.loads(line)
            self._codes[answer["ended"]] = answer["code"]
            self._running.discard(answer["ended"])

    def _say(self, order: Mapping[str, str | int]) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended, and so have its trials: the next look says so
            self._orders.write(json.dumps(order).encode() + b"\n")
