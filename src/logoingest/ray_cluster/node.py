"""One machine of a cluster as a process: ``ray start --block``, ended with whoever started it, even if that is killed.

On a slow machine a start takes its time, and Ray's own patience is short: 15 s for the port of an agent (hard-coded in Ray 2.60,
ray-project/ray#65983), 30 s for a node. So nothing is started that nobody asks, and a start that failed is made again, in a folder of its own.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from logoingest.errors import LogoingestError, Problem
from logoingest.strangers.escaping import flatten_text

logger = logging.getLogger("logoingest")

#: Loopback. Ray takes 127.0.0.1 for the machine's own name in the network, and would be reached from there.
LOOPBACK = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
#: Starts of a node, until it is given up.
MOST_STARTS = 3
_START_S = 120.0
_TICK_S = 0.1
_MOST_CHARS = 600
#: How Ray marks a line about what a process ends of.
_FATAL = re.compile(r"^\[[^]]* C |Check failed")
_STARTED = "Ray runtime started"
_OPTIONS = (
    "--block", "--disable-usage-stats", f"--node-ip-address={LOOPBACK}", "--object-store-memory=100000000",
    "--include-log-monitor=false",
)  # fmt: skip
#: Of a head: no dashboard and no autoscaler, each a process that takes time to start.
_HEAD_OPTIONS = ("--head", "--include-dashboard=false", "--no-monitor")


class StartedNode:
    """A node that is there."""

    def __init__(self, process: subprocess.Popen[bytes], address: str) -> None:
        self.process, self.address = process, address

    def stop(self) -> None:
        """End it, and all that it has started, at once."""
        _kill(self.process)


def start_head(folder: Path, cpus: int | None, environ: Mapping[str, str]) -> StartedNode:
    """Start a cluster's first node on loopback.

    Args:
        folder: for all that Ray writes; of a short name, since sockets lie in it (107 bytes at most).
        cpus: that tasks may take; None counts the cores.
        environ: the environment.

    Raises:
        LogoingestError: it does not start, with the last lines of what was said.
    """
    return _start(folder, "head", cpus, environ)


def start_worker(folder: Path, address: str, cpus: int, environ: Mapping[str, str]) -> StartedNode:
    """Start a further node of a cluster of ``start_head``; one after the other, since Ray's nodes in one folder race for the names of sockets.

    Raises:
        LogoingestError: as ``start_head``.
    """
    return _start(folder, address, cpus, environ)


def _start(folder: Path, where: str, cpus: int | None, environ: Mapping[str, str]) -> StartedNode:
    for attempt in range(1, MOST_STARTS + 1):
        address = f"{LOOPBACK}:{find_port()}" if where == "head" else where
        log = folder / f"start-{time.monotonic_ns()}.log"
        own = folder / f"{attempt}" if where == "head" else folder
        process = _launch(_list_options(own, address, cpus, is_head=where == "head"), environ, log)
        if _await_start(process, log):
            return StartedNode(process, address)
        _kill(process)
        said = _quote_logs(own, log)
        logger.warning("a Ray node did not start (%s of %s): %s", attempt, MOST_STARTS, said)
    raise LogoingestError(Problem("ray", f"a node did not start, tried {MOST_STARTS} times: {said}"))


def _list_options(folder: Path, address: str, cpus: int | None, *, is_head: bool) -> list[str]:
    cores = [] if cpus is None else [f"--num-cpus={cpus}"]
    if is_head:
        ports = [f"--port={address.rpartition(':')[2]}", f"--ray-client-server-port={find_port()}"]
        return [*_OPTIONS, *cores, *_HEAD_OPTIONS, *ports, f"--temp-dir={folder}"]
    return [*_OPTIONS, *cores, f"--address={address}"]


def find_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _launch(options: Sequence[str], environ: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as stream:
        return subprocess.Popen(  # noqa: S603  this interpreter, with this module
            [sys.executable, "-P", "-m", __name__, *options],  # -P: the current folder is no place for modules
            stdin=subprocess.PIPE, stdout=stream, stderr=subprocess.STDOUT, env=environ, start_new_session=True,
        )  # fmt: skip


def _await_start(process: subprocess.Popen[bytes], log: Path) -> bool:
    ending = time.monotonic() + _START_S
    try:
        while process.poll() is None and time.monotonic() < ending:
            if _STARTED in log.read_text("utf-8", "replace"):
                return True
            time.sleep(_TICK_S)
    except KeyboardInterrupt:
        _kill(process)
        raise
    return False


def _quote_logs(folder: Path, log: Path) -> str:
    """What ended a start: the last error that its raylet wrote down, else the end of what ``ray start`` said."""
    raylets = sorted(folder.glob("session_2*/logs/raylet*"), key=lambda path: path.stat().st_mtime)
    said = [line for path in raylets for line in path.read_text("utf-8", "replace").splitlines() if _FATAL.search(line)]
    said = said or log.read_text("utf-8", "replace").splitlines()
    return flatten_text(" ".join(said[-3:]))[-_MOST_CHARS:]


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main(options: Sequence[str]) -> None:
    """Be the node, until the standard input is closed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from ray.scripts.scripts import cli

    cli.main(["start", *options], prog_name="ray")


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
