"""The open decisions, gathered in the background, and anew when something was written; those of a large workspace by another process."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from logoingest.config import Config
from logoingest.errors import LogoingestError, Problem, UsageError
from logoingest.labels.matching.touched import AnswerKeys
from logoingest.pipeline.session import Run
from logoingest.review import Review, gather_open_pictures, gather_review
from logoingest.review.candidates import Candidate
from logoingest.review.conflicts import OpenPictures
from logoingest.review.rounds import list_known_answers
from logoingest.web.aside import is_large, work_aside
from logoingest.web.background.memory import keep_objects, release_memory
from logoingest.web.background.quiet import Quiet
from logoingest.web.desks.open_decisions import OpenDecisions, describe_decisions

logger = logging.getLogger("logoingest")

Weighed: TypeAlias = "Mapping[int, Sequence[Candidate]]"
Further: TypeAlias = "Weighed | AnswerKeys"


class GatheredDecisions:
    """The open decisions of a workspace."""

    def __init__(self, config: Config, quiet: Quiet | None = None) -> None:
        """``quiet``: who goes first."""
        self._config, self._lock, self.quiet = config, threading.Lock(), quiet or Quiet()
        self._found: OpenDecisions | None = None
        self._thread: threading.Thread | None = None
        self._ready, self._turn = threading.Event(), 0
        self.trouble: Sequence[str] = ()
        """Why they could not be."""

    def start(self) -> None:
        """Gather in the background, unless that is under way."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._ready.clear()
                self._thread = threading.Thread(target=self._gather, name="gather", daemon=True)
                self._thread.start()

    def read(self) -> OpenDecisions | None:
        """What was gathered; None where it is not ready, or could not be."""
        return self._found

    def require(self) -> OpenDecisions:
        """What was gathered.

        Raises:
            UsageError: it is not ready, or could not be.
        """
        found = self._found
        if found is None:
            raise UsageError([Problem("", text) for text in self.trouble] or "the open decisions are being gathered")
        return found

    def renew(self) -> None:
        """Forget what was gathered, and gather anew; what is being gathered meanwhile is thrown away."""
        with self._lock:
            self._found, self._turn = None, self._turn + 1
        self.start()

    def wait(self, patience_s: float) -> None:
        """Until it is gathered, or for so long."""
        self._ready.wait(patience_s)

    def _gather(self) -> None:
        while True:
            turn = self._turn
            with contextlib.closing(self._open_parts()) as parts:
                found, trouble = self._try(parts)
                if self._is_large():
                    keep_objects()
                with self._lock:
                    is_wanted = turn == self._turn
                    if is_wanted:
                        self._found, self.trouble, self._thread = found, trouble, None
                        self._ready.set()
                release_memory()
                if is_wanted and found is not None:
                    logger.info("gathered %d open decisions", len(found.clusters) + len(found.others))
                    self._take_further(found, parts)
            if is_wanted:
                return

    def _is_large(self) -> bool:
        return is_large(Run(self._config).workspace, "annotations")

    def _open_parts(self) -> Generator[Any]:
        """``gather_parts``: of a large workspace by another process, else whenever nobody waits for a page."""
        if self._is_large():
            yield from work_aside(gather_parts, self._config)
            return
        for part in gather_parts(self._config):
            yield part
            self.quiet.wait()

    def _try(self, parts: Iterator[Any]) -> tuple[OpenDecisions | None, Sequence[str]]:
        try:
            review, pictures = next(parts)
        except LogoingestError as error:
            return None, [str(problem) for problem in error.problems]
        found = describe_decisions(Run(self._config), review, pictures)
        _ = found.lines, found.cluster_of  # what the first page of the queue needs
        return found, ()

    def _take_further(self, found: OpenDecisions, parts: Iterator[Further]) -> None:
        """Take the keys of all answers and the candidates of all clusters, before somebody asks, as long as nothing newer is gathered."""
        with contextlib.suppress(LogoingestError):  # whoever asks for a cluster has them found
            while self._found is found:
                part = next(parts, None)
                if part is None:
                    return
                if isinstance(part, AnswerKeys):
                    found.effects.keys = part
                else:
                    found.review.clusters[0].weighed.take(part)


def gather_parts(config: Config) -> Iterator[tuple[Review, OpenPictures] | Further]:
    """A review with the candidates of its first clusters, and what is open of pictures; then all answers' keys and all candidates, bit by bit.

    Raises:
        UsageError: the labels stage has not run.
    """
    run = Run(config)
    review = gather_review(run)
    weighed = review.clusters[0].weighed if review.clusters else None
    if weighed is not None:
        weighed.read(0)
    release_memory()
    yield review, gather_open_pictures(run)
    yield AnswerKeys.collect(list_known_answers(review), review.class_map)
    if weighed is not None:
        yield from weighed.weigh_all()
