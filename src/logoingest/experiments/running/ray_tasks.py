"""Trials as tasks of a Ray cluster: each task starts the same process on its machine and sends back what that wrote.

The release and the config's own files must lie under the same names on every machine. Ray's own retries are off: a machine that was
lost is a trial that died, and the coordinator asks for it again.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from logoingest.errors import Problem, UsageError, quote_first_line
from logoingest.experiments.running.processes import ProcessRunner, RunningTrial, TrialEnding
from logoingest.experiments.trials.orders import EPOCHS_FILE, LOG_FILE, PICTURES_FILE, RESULT_FILE, TrialOrder

#: What a task sends back; the result last, so that nobody takes the others for missing.
_SENT = (EPOCHS_FILE, LOG_FILE, PICTURES_FILE, RESULT_FILE)
_TICK_S = 0.05


class RayRunner:
    """Starts trials on a cluster."""

    def __init__(self, address: str, gpus: float) -> None:
        """Join the cluster at an address (host:port); "" is what RAY_ADDRESS says, else a cluster of this machine alone.

        Raises:
            UsageError: Ray is not installed, or there is no cluster.
        """
        if importlib.util.find_spec("ray") is None:
            raise UsageError(Problem("sweep.executor", '"ray" needs Ray', "install it: pip install 'logoingest[ray]'"))
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        if not ray.is_initialized():
            try:
                ray.init(address=address or os.environ.get("RAY_ADDRESS") or None, log_to_driver=False, include_dashboard=False)
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise UsageError(
                    Problem("sweep.ray_address", f"no cluster ({quote_first_line(error)})", "start one: ray start --head")
                ) from error
        self._gpus = gpus

    def start(self, order: TrialOrder, folder: Path) -> RunningTrial:
        """A task with the trial's threads as CPUs, and its share of a GPU."""
        import ray

        remote = ray.remote(num_cpus=order.threads, num_gpus=self._gpus, max_retries=0)(do_remotely)
        return _Task(remote.remote(order), folder)


class _Task:
    def __init__(self, reference: Any, folder: Path) -> None:
        self._reference, self._folder = reference, folder

    def poll(self) -> TrialEnding | None:
        import ray

        done, _ = ray.wait([self._reference], timeout=0)
        if not done:
            return None
        try:
            ending, files = ray.get(self._reference)
        except ray.exceptions.RayError as error:
            by_memory = isinstance(error, ray.exceptions.OutOfMemoryError)
            return TrialEnding(f"its task ended ({quote_first_line(error)})", by_memory)
        for name, data in files.items():
            (self._folder / name).write_bytes(data)
        return TrialEnding(*ending)

    def stop(self) -> None:
        import ray

        with contextlib.suppress(ray.exceptions.RayError):
            ray.cancel(self._reference, force=True)


def do_remotely(order: TrialOrder) -> tuple[tuple[str, bool], Mapping[str, bytes]]:
    """On some machine: the trial's process in a folder of its own; how it ended, and the files it left.

    Decoded pictures are shared by the trials of a machine, in its folder for temporary files.
    """
    shared = Path(tempfile.gettempdir()) / f"logoingest-decoded-{order.fingerprint[:16]}"
    with tempfile.TemporaryDirectory(prefix="logoingest-trial-") as name:
        folder = Path(name)
        replace(order, cache_dir=str(shared)).write(folder)
        trial = ProcessRunner().start(order, folder)
        try:
            ending = _await(trial)
        finally:
            trial.stop()
        return (ending.what, ending.by_memory), {part: (folder / part).read_bytes() for part in _SENT if (folder / part).exists()}


def _await(trial: RunningTrial) -> TrialEnding:
    waiting = threading.Event()
    while (ending := trial.poll()) is None:
        waiting.wait(_TICK_S)
    return ending
