"""Ray clusters on loopback: a head that takes no tasks, and machines of one CPU each, which can be lost and replaced."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from logoingest.ray_cluster.node import StartedNode, start_head, start_worker


def on_ray(test: Callable[..., None]) -> Callable[..., None]:
    """A test that starts Ray: skipped without, and given time, since Ray's processes start slowly where cores are few."""
    there = importlib.util.find_spec("ray") is not None
    skipped = pytest.mark.skipif(not there, reason="Ray is not installed: pip install 'logoingest[ray]'")
    return pytest.mark.ray(pytest.mark.timeout(900)(skipped(test)))


def settle_ray_authentication() -> None:
    """The same for head, machines and the tests themselves, whatever lies in the user's home; before anybody imports Ray."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


@dataclass
class RayCluster:
    """A head and its machines."""

    folder: Path
    head: StartedNode
    workers: list[StartedNode] = field(default_factory=list)

    @property
    def address(self) -> str:
        return self.head.address

    def start_worker(self) -> None:
        """One more machine; back when it is there."""
        self.workers.append(start_worker(self.folder, self.address, 1, os.environ))

    def kill_worker(self, running: int | None = None) -> None:
        """A machine is gone from one moment to the next, with all that ran on it: the one that runs a process, else the oldest."""
        session = None if running is None else os.getsid(running)
        lost = next((worker for worker in self.workers if worker.process.pid == session), self.workers[0])
        self.workers.remove(lost)
        for pid in list_session(lost.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        lost.stop()


def list_session(session: int) -> list[int]:
    """The processes of a session: Ray's own end by themselves when their node is gone, but may finish and send what they do until then."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(ProcessLookupError):
                if os.getsid(int(entry.name)) == session:
                    found.append(int(entry.name))
    return found


@contextlib.contextmanager
def start_ray_cluster(machines: int = 2) -> Iterator[RayCluster]:
    """A cluster for a while."""
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))  # a socket's path may have 107 bytes
    made = RayCluster(folder, start_head(folder, 0, os.environ))
    try:
        for _ in range(machines):
            made.start_worker()
        yield made
    finally:
        for node in (*made.workers, made.head):
            node.stop()
        shutil.rmtree(folder, ignore_errors=True)
