"""The phases of a training: said when they begin, timed when they end. No torch here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Told (phase, facts); facts have ``done`` and ``total`` where that is known, and may have figures.
Tell = Callable[[str, dict[str, Any]], None]


class Phases:
    """Says how far a training is, and keeps how long each phase took."""

    def __init__(self, tell: Tell | None = None) -> None:
        self.tell: Tell = tell or (lambda _phase, _facts: None)
        self.timings_s: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Say that a phase begins, and time it; a phase that comes twice adds up."""
        self.tell(name, {"done": 0})
        started = time.perf_counter()
        yield
        self.timings_s[name] = round(self.timings_s.get(name, 0.0) + time.perf_counter() - started, 3)

    def count(self, name: str) -> Callable[[int, int], None]:
        """A counter that tells how far a phase is."""
        return lambda done, total: self.tell(name, {"done": done, "total": total})
