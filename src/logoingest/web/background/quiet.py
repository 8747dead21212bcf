"""Whether somebody waits for a page: what is found out in the background, for later, lets people go first."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

#: Whoever has just got a page asks for its parts and pictures next.
_PAUSE_S = 0.3


class Quiet:
    """The requests that are being answered, counted."""

    def __init__(self) -> None:
        self._asked, self._answered_at, self._changed = 0, 0.0, threading.Condition()

    @contextlib.contextmanager
    def count(self) -> Iterator[None]:
        """While this lasts somebody waits."""
        with self._changed:
            self._asked += 1
        try:
            yield
        finally:
            with self._changed:
                self._asked -= 1
                self._answered_at = time.monotonic()
                self._changed.notify_all()

    def wait(self, patience_s: float = 5.0, pause_s: float = _PAUSE_S) -> None:
        """Until nobody has waited for ``pause_s``, or for so long."""
        ends = time.monotonic() + patience_s
        with self._changed:
            while (now := time.monotonic()) < ends and (self._asked or now - self._answered_at < pause_s):
                self._changed.wait(min(_PAUSE_S, ends - now))
