"""What else a decision would change, found out in the background: the answers that it touches are decided again, or all, which takes seconds."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillSeeking
from typing import NamedTuple, TypeAlias

from logoingest.labels.matching.touched import AnswerKeys
from logoingest.review.rounds import SideEffect

_KEPT = 64
_SHOWN = 20


class PreviewedEffects(NamedTuple):
    """Other answers that a decision would change."""

    effects: Sequence[SideEffect]
    """The first ones."""
    in_all: int


Seek: TypeAlias = "Callable[[Callable[[], None]], Sequence[SideEffect]]"


class _Abandoned(Exception):  # noqa: N818  no fault: nobody wants to know any more
    pass


class EffectSearch:
    """One search at a time; a person who turns to another decision no longer waits for the one before."""

    def __init__(self) -> None:
        self._lock, self._pool = threading.Lock(), ThreadPoolExecutor(1, "effects")
        self._kept: OrderedDict[Hashable, PreviewedEffects] = OrderedDict()
        self._jobs: dict[Hashable, Future[PreviewedEffects | None]] = {}
        self._wanted: dict[str, Hashable] = {}
        self.keys: AnswerKeys | None = None
        """What every answer is looked up by; None until that is known: then all of them are decided again."""

    def find(self, by: str, key: Hashable, seek: Seek, patience_s: float) -> PreviewedEffects | None:
        """What would change.

        Args:
            by: who wants to know.
            key: equal for equal decisions in an equal state.
            seek: finds it out; calls what it is given now and then, which raises where nobody wants to know any more.
            patience_s: how long to wait.

        Returns:
            None where it is still looked for: ask again.

        Raises:
            LogoingestError: what ``seek`` raises.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            self._wanted[by] = key
            job = self._jobs.get(key)
            if job is None:
                job = self._jobs[key] = self._pool.submit(self._seek, key, seek)
        try:
            return job.result(patience_s)
        except StillSeeking:
            return None

    def forget(self, by: str) -> None:
        """A person has turned to something else."""
        with self._lock:
            self._wanted.pop(by, None)

    def _seek(self, key: Hashable, seek: Seek) -> PreviewedEffects | None:
        def check() -> None:
            with self._lock:
                if key not in self._wanted.values():
                    raise _Abandoned

        try:
            check()
            effects = seek(check)
            found = PreviewedEffects(effects[:_SHOWN], len(effects))
            with self._lock:
                self._kept[key] = found
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        except _Abandoned:
            return None
        else:
            return found
        finally:
            with self._lock:
                self._jobs.pop(key, None)
