"""What the crowd tells of every word of a workspace: found out in the background when somebody asks, anew where a table changed."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from logoingest.config import Config
from logoingest.errors import LogoingestError
from logoingest.labels.crowd.contradictions import CrowdFindings
from logoingest.pipeline.crowd.findings import ask_crowd, read_crowd_answers
from logoingest.pipeline.session import Run
from logoingest.web.aside import work_by_size
from logoingest.web.background.memory import release_memory
from logoingest.web.indexes.pictures import Stamp, stamp_tables

_TABLES = ("annotations", "images", "labels")


class HeardCrowd:
    """The findings, as the tables are now."""

    def __init__(self, config: Config) -> None:
        self._config, self._lock = config, threading.Lock()
        self._stamp: Stamp | None = None
        self._found: CrowdFindings | None = None
        self._thread: threading.Thread | None = None

    def read(self, patience_s: float) -> CrowdFindings | None:
        """What it tells of all words; None where that is still found out after so long, or cannot be."""
        run = Run(self._config)
        with self._lock:
            stamp, thread = stamp_tables(run.workspace, _TABLES), self._thread
            if stamp != self._stamp and (thread is None or not thread.is_alive()):
                self._stamp, self._found = stamp, None
                thread = self._thread = threading.Thread(target=self._ask, args=(run,), name="crowd", daemon=True)
                thread.start()
        if thread is not None:
            thread.join(patience_s)
        return self._found

    def _ask(self, run: Run) -> None:
        with contextlib.suppress(LogoingestError):
            [self._found] = work_by_size(run.workspace, "annotations", hear_all, self._config)
        release_memory()

    @property
    def is_asking(self) -> bool:
        """Whether it is worth to ask again."""
        return self._thread is not None and self._thread.is_alive()


def hear_all(config: Config) -> Iterator[CrowdFindings]:
    """What it tells of all words, once.

    Raises:
        UsageError: nothing was run yet.
    """
    run = Run(config)
    yield ask_crowd(run, read_crowd_answers(run), open_only=False)
