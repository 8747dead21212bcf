"""Memory that nobody needs any more goes back to the machine: a server stands for days after what it gathered in its first minute."""

from __future__ import annotations

import gc

import pyarrow as pa

from logoingest.heap import trim_heap


def release_memory() -> None:
    """Give back what Arrow and the C library keep for later."""
    pa.default_memory_pool().release_unused()
    trim_heap()


def keep_objects() -> None:
    """Let the collector leave alone what is there: looking through a million open answers holds everybody up for a second, each time.

    What was kept before is looked at once more, and freed where nobody holds it.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
