"""Whether somebody waits for a page: what is found out in the background, for later, lets people go first."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class Quiet:
    """The requests that are being answered, counted."""

    def __init__(self) -> None:
        self._asked, self._changed = 0, threading.Condition()

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
                self._changed.notify_all()

    def wait(self, patience_s: float = 5.0) -> None:
        """Until nobody waits, or for so long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._asked, patience_s)
