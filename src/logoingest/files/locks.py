"""A lock between processes of one machine, given back by the system when its holder dies."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def hold_lock(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """One process at a time, by a file that stays there; elsewhere than on Unix nobody is kept out.

    Args:
        path: the file; its folder must be there.
        wait: until it is free; otherwise False is given where another process holds it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
    try:
        yield _take(handle, wait)
    finally:
        os.close(handle)


def _take(handle: int, wait: bool) -> bool:
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
