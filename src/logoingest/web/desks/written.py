"""What was written from the pages, and taking it back: one write at a time, whoever writes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

from logoingest.config import Config
from logoingest.errors import UsageError
from logoingest.pipeline.session import Run
from logoingest.plain_json import to_json
from logoingest.review import Journal
from logoingest.review.session import SessionStep
from logoingest.review.written import Write, list_writes, record_write, take_back
from logoingest.web.desks.gathering import GatheredDecisions

MOST_SHOWN = 200


class WrittenDesk:
    """The writes of a workspace."""

    def __init__(self, config: Config, gathered: GatheredDecisions) -> None:
        self._config, self._gathered, self._lock = config, gathered, threading.RLock()

    @contextlib.contextmanager
    def record(self, by: str, origin: str, what: str) -> Iterator[list[SessionStep]]:
        """Write files one at a time, and keep what was changed; the list takes the steps of a session that is written."""
        with self._lock, record_write(Run(self._config), by, origin, what) as steps:
            yield steps

    def list_writes(self) -> Sequence[Write]:
        """What was written and not taken back, the last first."""
        return list_writes(Run(self._config))[:MOST_SHOWN]

    def take_back(self, by: str, wanted: str) -> str:
        """Take back a write of this person: by its name, or the last of a desk (``gallery``). What it decided is in their session again.

        Returns:
            What was taken back, for people.

        Raises:
            UsageError: there is none, or its lines were changed since.
        """
        with self._lock:
            run = Run(self._config)
            own = (one for one in list_writes(run) if one.by == by)
            write = next((one for one in own if wanted in {one.name, one.origin}), None)
            if write is None:
                raise UsageError(
                    f"nothing is left that you wrote from the {wanted}" if wanted.isalpha() else "that is taken back already"
                )
            journal = Journal(run, by)
            later = [SessionStep.from_json(step) for step in journal.load()] if write.steps else []
            take_back(run, write)
            if write.steps:
                journal.save([to_json(step) for step in (*write.steps, *later)])
            if write.origin != "gallery":
                self._gathered.renew()
            return f"taken back: {write.what}"
