"""Memory that nobody needs any more goes back to the machine: a server stands for days after what it gathered in its first minute."""

from __future__ import annotations

import contextlib
import ctypes

import pyarrow as pa


def release_memory() -> None:
    """Give back what Arrow and the C library keep for later; the latter where it is glibc (``malloc_trim(3)``)."""
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
