"""Memory that nobody needs any more goes back to the machine: a server stands for days after what it gathered in its first minute."""

from __future__ import annotations

import pyarrow as pa

from logoingest.heap import trim_heap


def release_memory() -> None:
    """Give back what Arrow and the C library keep for later."""
    pa.default_memory_pool().release_unused()
    trim_heap()
