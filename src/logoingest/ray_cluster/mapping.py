"""Many calls of one function on a cluster: their answers as they come."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from logoingest.errors import LogoingestError, Problem, quote_first_line
from logoingest.ray_cluster.asking import ask, count_resource
from logoingest.ray_cluster.joining import DEADLINE_S

_Task = TypeVar("_Task")
_Answer = TypeVar("_Answer")
#: So many a core are handed out at once: the next one waits where the last one ends.
_AHEAD = 2
#: What is lost with a machine is asked for again so often.
_RETRIES = 3
_TICK_S = 1.0


def map_on_cluster(
    function: Callable[[_Task], _Answer], tasks: Sequence[_Task], what: str, deadline_s: float = DEADLINE_S
) -> Iterator[_Answer]:
    """``function`` of each task, one core each, in no order; only within ``join_cluster``.

    Args:
        function: that can be imported there, and may be called again for the same task.
        tasks: plain values.
        what: a task is, for messages.
        deadline_s: how long the cluster may be without an answer.

    Raises:
        LogoingestError: what the function raised, or the cluster is gone, or a task's machines were lost too often.
    """
    import ray

    remote = ray.remote(num_cpus=1, max_retries=_RETRIES)(function)
    most = _AHEAD * max(1, int(ask(lambda: count_resource("CPU"), deadline_s)))
    waiting, running = list(reversed(tasks)), list[Any]()
    try:
        while waiting or running:
            while waiting and len(running) < most:
                running.append(remote.remote(waiting.pop()))
            done, running = ask(lambda: ray.wait(running, num_returns=1, timeout=_TICK_S), deadline_s)  # noqa: B023  asked at once
            for reference in done:
                yield ask(lambda: _fetch(reference, what), deadline_s)  # noqa: B023
    finally:
        with contextlib.suppress(LogoingestError):
            ask(lambda: [ray.cancel(reference, force=True) for reference in running], 3.0)


def _fetch(reference: Any, what: str) -> Any:
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, LogoingestError):
            raise error.cause from None
        raise LogoingestError(Problem(what, f"{type(error.cause).__name__}: {quote_first_line(error.cause)}")) from error
    except ray.exceptions.RayError as error:
        hint = "see to the cluster's machines and their memory, and run again"
        raise LogoingestError(Problem(what, f"was lost ({type(error).__name__})", hint)) from error
