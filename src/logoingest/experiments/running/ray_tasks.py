"""Trials as tasks of a Ray cluster: each task starts the same process on its machine and sends back what that wrote.

The release and the config's own files must lie under the same names on every machine. Ray's own retries are off: a machine that was
lost is a trial that died, and the coordinator asks for it again.
"""

from __future__ import annotations

import contextlib
import math
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from logoingest.errors import LogoingestError, quote_first_line
from logoingest.experiments.running.processes import ProcessRunner, RunningTrial, TrialEnding
from logoingest.experiments.trials.orders import EPOCHS_FILE, LOG_FILE, PICTURES_FILE, RESULT_FILE, TrialOrder
from logoingest.files.whole import replace_file
from logoingest.ray_cluster import DEADLINE_S, ask, count_resource, join_cluster

#: What a task sends back; the result last, so that nobody takes the others for missing.
_SENT = (EPOCHS_FILE, LOG_FILE, PICTURES_FILE, RESULT_FILE)
_TICK_S = 0.05
#: Ray is asked how a trial ended so often.
_LOOK_S = 0.5


class Places(NamedTuple):
    """How many trials a cluster has room for."""

    trials: int
    binds: str
    """cores or GPU."""
    reason: str
    """For people."""


@contextlib.contextmanager
def open_ray_runner(address: str, gpus: float, environment: Mapping[str, str]) -> Iterator[RayRunner]:
    """Be part of a cluster while a sweep runs.

    Args:
        address: of its head, host:port; "" is what RAY_ADDRESS says, else a cluster of this machine alone.
        gpus: of a trial; a fraction where several share one.
        environment: of the trials, in addition to what their machines have.

    Raises:
        UsageError: Ray is not installed, or there is no cluster.
    """
    with join_cluster("sweep", address):
        yield RayRunner(gpus, environment)


class RayRunner:
    """Starts trials on the cluster that this process is part of."""

    def __init__(self, gpus: float, environment: Mapping[str, str]) -> None:
        self._gpus, self._environment = gpus, environment

    def count_places(self, threads: int) -> Places:
        """How many trials of so many threads run at once: what the machines have, since each trial is given cores of its own.

        Raises:
            LogoingestError: the cluster does not answer.
        """
        cores = ask(lambda: count_resource("CPU"), DEADLINE_S)
        room = {"cores": cores / threads}
        said = f"the cluster has {cores:g} cores, and a trial takes {threads}"
        if self._gpus:
            gpus = ask(lambda: count_resource("GPU"), DEADLINE_S)
            room["GPU"] = gpus / self._gpus
            said += f"; {gpus:g} GPUs, and a trial takes {self._gpus:g}"
        binds = min(room, key=lambda name: room[name])
        return Places(max(1, math.floor(room[binds] + 1e-6)), binds, said)

    def start(self, order: TrialOrder, folder: Path) -> RunningTrial:
        """A task with the trial's threads as CPUs, and its share of a GPU."""
        import ray

        remote = ray.remote(num_cpus=order.threads, num_gpus=self._gpus, max_retries=0)(do_remotely)
        return _Task(remote.remote(order, self._environment), folder)


class _Task:
    def __init__(self, reference: Any, folder: Path) -> None:
        self._reference, self._folder, self._looked = reference, folder, 0.0

    def poll(self) -> TrialEnding | None:
        if time.monotonic() - self._looked < _LOOK_S:
            return None
        ended = ask(self._look, DEADLINE_S)
        self._looked = time.monotonic()
        if isinstance(ended, TrialEnding | None):
            return ended
        ending, files = ended
        for name, data in files.items():
            with replace_file(self._folder / name) as temporary:
                temporary.write_bytes(data)
        return TrialEnding(*ending)

    def _look(self) -> tuple[tuple[str, bool], Mapping[str, bytes]] | TrialEnding | None:
        import ray

        done, _ = ray.wait([self._reference], timeout=0)
        if not done:
            return None
        try:
            sent: tuple[tuple[str, bool], Mapping[str, bytes]] = ray.get(self._reference)
        except ray.exceptions.RayTaskError as error:
            return TrialEnding(f"its task failed ({type(error.cause).__name__}: {quote_first_line(error.cause)})")
        except ray.exceptions.RayError as error:
            by_memory = isinstance(error, ray.exceptions.OutOfMemoryError)
            return TrialEnding(f"its task was lost ({type(error).__name__})", by_memory)
        return sent

    def stop(self) -> None:
        import ray

        with contextlib.suppress(ray.exceptions.RayError, LogoingestError):
            ask(lambda: ray.cancel(self._reference, force=True), 3.0)


def do_remotely(order: TrialOrder, environment: Mapping[str, str]) -> tuple[tuple[str, bool], Mapping[str, bytes]]:
    """On some machine: the trial's process in a folder of its own; how it ended, and the files it left."""
    with tempfile.TemporaryDirectory(prefix="logoingest-trial-") as name:
        folder = Path(name)
        replace(order, cache_dir=str(_share_folder(order, folder))).write(folder)
        trial = ProcessRunner(environment).start(order, folder)
        try:
            ending = _await(trial)
        finally:
            trial.stop()
        return (ending.what, ending.by_memory), {part: (folder / part).read_bytes() for part in _SENT if (folder / part).exists()}


def _share_folder(order: TrialOrder, own: Path) -> Path:
    """Where trials of one machine share decoded pictures: in its folder for temporary files, of this user alone; else the trial's own."""
    shared = Path(tempfile.gettempdir()) / f"logoingest-decoded-{os.getuid()}-{order.fingerprint[:16]}"
    shared.mkdir(mode=0o700, exist_ok=True)
    found = shared.lstat()
    is_ours = not shared.is_symlink() and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return shared if is_ours else own


def _await(trial: RunningTrial) -> TrialEnding:
    waiting = threading.Event()
    while (ending := trial.poll()) is None:
        waiting.wait(_TICK_S)
    return ending
