"""Work in a process of its own, so that neither its memory nor its share of the interpreter is this one's."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, Pipe
from typing import Any, TypeVar

from logoingest.errors import LogoingestError, Problem, WorkspaceError
from logoingest.workspace import Workspace
from logoingest.workspace.rows import count_rows

_T = TypeVar("_T")

_CODE = "import sys\nfrom logoingest.web.aside import main\nmain(int(sys.argv[1]))\n"
_GRACE_S = 5.0
#: What is freed goes back at once: of a million answers a third less at most (784 MB for 1,227), and no slower.
_LEAN = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_MMAP_THRESHOLD_": "131072"}


LARGE_ROWS = 200_000
"""From so many rows on a table is read through in a process of its own."""


def is_large(workspace: Workspace, table: str) -> bool:
    """Whether a table is read by a process of its own."""
    return workspace.has_table(table) and count_rows(workspace, table) >= LARGE_ROWS


def work_by_size(workspace: Workspace, table: str, work: Callable[..., Iterable[_T]], *told: Any) -> Iterable[_T]:
    """What a module's function yields that reads a table: aside where that is large, else here.

    Raises:
        LogoingestError: as ``work_aside``.
    """
    return work_aside(work, *told) if is_large(workspace, table) else work(*told)


def work_aside(work: Callable[..., Iterable[_T]], *told: Any) -> Iterator[_T]:
    """What a module's function yields, one by one as it comes, from an interpreter started for it; closed early, that ends.

    Raises:
        LogoingestError: what ``work`` raises; the process died.
    """
    ours, theirs = Pipe()
    with theirs:
        process = subprocess.Popen(  # noqa: S603  our own interpreter, our own text
            [sys.executable, "-P", "-c", _CODE, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env={**_LEAN, **os.environ, "PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path)},
            start_new_session=True,  # Ctrl-C goes to the parent alone
        )
    try:
        with ours:
            ours.send((work, told))
            yield from _hear(ours)
    except (EOFError, OSError):
        raise WorkspaceError(Problem("", "a process that reads the workspace died", "is there memory left? see its log")) from None
    finally:
        process.terminate()
        process.wait(_GRACE_S)


def _hear(pipe: Connection[Any, Any]) -> Iterator[Any]:
    while True:
        match pipe.recv():
            case "made", value:
                yield value
            case "failed", kind, problems:
                raise kind(problems)
            case _:
                return


def main(descriptor: int) -> None:
    """What the process runs; ``descriptor`` is its end of the pipe. It ends when that closes: nobody wants to know any more."""
    pipe: Connection[Any, Any] = Connection(descriptor)
    with contextlib.suppress(EOFError, ConnectionError):
        work, told = pipe.recv()
        try:
            for value in work(*told):
                pipe.send(("made", value))
            pipe.send(("ended",))
        except LogoingestError as error:
            pipe.send(("failed", type(error), tuple(error.problems)))
