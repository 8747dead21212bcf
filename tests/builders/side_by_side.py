"""How the tests share the machine's cores: a file is the unit of work; what takes the whole machine is never done twice at once."""

from __future__ import annotations

import os

import pytest
from xdist.scheduler import LoadFileScheduling

#: Whose tests start servers and clusters of their own: Prefect, Ray.
WHOLE_MACHINE = ("tests/flows/", "tests/pipeline/test_ray.py", "tests/experiments/test_sweep_on_ray.py")


class FileByFile(LoadFileScheduling):
    """``--dist loadfile``, with those that take the whole machine as one unit: one worker tests them one after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return "the whole machine" if nodeid.startswith(WHOLE_MACHINE) else super()._split_scope(nodeid)


def put_long_ones_first(items: list[pytest.Item]) -> None:
    """The units that take longest begin, so that no worker is left alone with one at the end."""
    slow = {item.path for item in items if any(item.get_closest_marker(name) for name in ("deploy", "ray", "slow"))}
    items.sort(key=lambda item: (not item.nodeid.startswith(WHOLE_MACHINE), item.path not in slow))


def hold_threads() -> None:
    """One thread a process for what computes in parallel (OpenMP, OpenBLAS, torch, Arrow), before any of them is loaded.

    The workers have the cores already, and threads that wait for each other awake cost several times the work:
    2.0 CPU seconds instead of 6.2 for a route over 30 pictures, on two busy cores.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
