"""The process that trials are forked from: ``python -m logoingest.experiments.trials.forking MODULE…``.

It loads what trainings need once (torch: seconds of CPU time, and hundreds of megabytes) and then only forks: it starts no thread,
opens no GPU and opens no file of a release, so that a trial begins as it would in an interpreter of its own. Orders come on standard
input, one JSON line each, and endings go to standard output:

    {"do": FOLDER, "threads": 1}   {"end": FOLDER}   →   {"ended": FOLDER, "code": 0}

It ends when its standard input does, and all its trials with it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from logoingest.experiments.trials.orders import LOG_FILE
from logoingest.experiments.trials.process import do_folder
from logoingest.imports.compiler import hold_compiler_back

#: Libraries that bring threads of their own, each asked in its own way; they read it when they are loaded.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def main(modules: Sequence[str]) -> None:
    """Load the modules, then serve until standard input ends."""
    hold_compiler_back()
    for name in modules:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is loaded stays as it is: a collection in a trial would copy its pages
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the coordinator's to hear
    _Server().serve()


class _Server:
    """Forks, and says what ended."""

    def __init__(self) -> None:
        self._answers = os.dup(1)
        os.dup2(2, 1)  # what a library prints is no answer
        self._woken, wakes = os.pipe()
        os.set_blocking(wakes, False)
        os.set_blocking(self._woken, False)
        signal.set_wakeup_fd(wakes)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._watched, self._held = os.pipe()
        self._own = (self._answers, self._woken, wakes, self._held)
        self._running: dict[int, str] = {}

    def serve(self) -> None:
        """Until standard input ends."""
        unread = b""
        while True:
            ready, _, _ = select.select([0, self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._tell_endings()
            if 0 in ready:
                part = os.read(0, 65536)
                if not part:
                    return
                *lines, unread = (unread + part).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))

    def _obey(self, order: dict[str, Any]) -> None:
        if "do" in order:
            self._fork(order["do"], order["threads"])
        for pid, folder in self._running.items():
            if folder == order.get("end"):
                os.kill(pid, signal.SIGKILL)

    def _tell_endings(self) -> None:
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            answer = {"ended": self._running.pop(pid), "code": os.waitstatus_to_exitcode(status)}
            os.write(self._answers, json.dumps(answer).encode() + b"\n")

    def _fork(self, folder: str, threads: int) -> None:
        pid = os.fork()
        if pid:
            self._running[pid] = folder
            return
        code = 1
        try:
            self._become_trial(Path(folder), threads)
            code = do_folder(Path(folder))
        finally:
            os._exit(code)

    def _become_trial(self, folder: Path, threads: int) -> None:
        """In the child: its own log and threads, and nothing of the server's but a pipe that ends with it."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        log = os.open(folder / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        for source, target in ((self._watched, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        for number in (*self._own, self._watched, log):
            os.close(number)
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(threads)


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # its trials wait for it to be gone, and torch's own ending takes half a second
