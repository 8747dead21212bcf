"""Ray's answers within a deadline: with the head gone they would be waited for without end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from logoingest.errors import LogoingestError, Problem

_Found = TypeVar("_Found")


def ask(question: Callable[[], _Found], deadline_s: float) -> _Found:
    """Ray's answer, waited for no longer than ``deadline_s``.

    Raises:
        LogoingestError: there was none; and whatever ``question`` raises.
    """
    found: list[_Found] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            found.append(question())
        except BaseException as error:  # noqa: BLE001  raised again where it was asked
            failed.append(error)

    thread = threading.Thread(target=work, name="ray", daemon=True)
    thread.start()
    thread.join(deadline_s)
    if failed:
        raise failed[0]
    if not found:
        hint = "see to the cluster and run again: what is finished is kept"
        raise LogoingestError(Problem("ray", f"does not answer within {deadline_s:g} s", hint))
    return found[0]


def list_machines() -> frozenset[str]:
    """Machines that are alive and could take a task."""
    import ray

    return frozenset(node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1)


def count_resource(name: str) -> float:
    """What all machines have of a resource together: "CPU", "GPU"."""
    import ray

    return float(ray.cluster_resources().get(name, 0))
