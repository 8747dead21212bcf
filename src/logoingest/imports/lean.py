"""What a process of ours does without: modules that libraries load if they are there, and that cost it memory and time for nothing;
threads that wait awake.

Only for processes that are ours alone, the command line's, a flow's and a fetch lane's: in a caller's own, pandas is the caller's
business.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

#: OpenBLAS's threads spin for 2^n ticks before they sleep; it takes 4 to 30.
_SHORTEST_WAIT = "4"


class _Refusal(MetaPathFinder):
    """Says that some modules are not installed; leaves everything else to the finders behind."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:  # noqa: ARG002  its signature
        """Refuse a module by its full name."""
        if name in self._names:
            raise ModuleNotFoundError(f"this process does without {name}", name=name)


def refuse_imports(*names: str) -> None:
    """From now on these modules, and all below them, cannot be imported for the first time."""
    sys.meta_path.insert(0, _Refusal(names))


def hold_pandas_back() -> None:
    """Load pyarrow so that the first list it converts does not load pandas: 300 ms and 45 MB.

    pyarrow asks once whether pandas is there. Told no, it takes pandas objects for plain sequences until something needs pandas
    itself (``to_pandas``, ``from_pandas``), which then loads it as ever. Nothing happens where pandas is loaded already.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    refusal = _Refusal(["pandas"])
    sys.meta_path.insert(0, refusal)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(refusal)


def let_threads_sleep() -> None:
    """Have the threads of OpenMP and OpenBLAS sleep while they wait for each other; to be said before numpy or torch is loaded.

    They spin otherwise, also while the one they wait for is not running. On two busy cores MobileNetV2 at 96 px, batch 32, two threads,
    takes 4.6 CPU seconds a step, or 0.9 if they sleep; 1,500 products of 745 × 256 by 256 × 27 take 7.4 CPU seconds, or 1.0. What the
    environment says already stays, and child processes inherit it.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", _SHORTEST_WAIT)


def take_pages_as_needed() -> None:
    """Have pyarrow's allocator (mimalloc) take memory in small pages as it fills; to be said before pyarrow is loaded.

    It takes huge pages of 2 MB for each of its threads otherwise: 18 MB where .6 are in use. Reading, sorting and joining 2,000,000 rows is no
    slower (3.1 against 3.7 CPU seconds). What the environment says already stays, and child processes inherit it.
    """
    os.environ.setdefault("MIMALLOC_ARENA_EAGER_COMMIT", "0")
