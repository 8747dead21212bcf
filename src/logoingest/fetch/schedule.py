"""Whose turn it is: a fair queue over hosts with a limit per host, and a waiting room for retries. No I/O, no clock."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Host(Generic[T]):
    waiting: deque[T] = field(default_factory=deque)
    active: int = 0
    listed: bool = False
    """Whether it stands in the queue of hosts that may be served."""


class Schedule(Generic[T]):
    """Items by host. Hosts take turns, so that neither a long list nor a slow host holds the others back.

    Every operation costs O(1), delayed ones O(log n); a host without items costs nothing.
    """

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._hosts: dict[str, _Host[T]] = {}
        self._servable: deque[str] = deque()
        self._delayed: list[tuple[float, int, str, T]] = []
        self._sequence = 0

    def push(self, host: str, item: T, *, first: bool = False) -> None:
        """Queue an item; ``first`` puts it before its host's others."""
        state = self._hosts.setdefault(host, _Host())
        if first:
            state.waiting.appendleft(item)
        else:
            state.waiting.append(item)
        self._list(host, state)

    def push_later(self, due: float, host: str, item: T) -> None:
        """Queue an item from the moment ``due`` on; until then it takes up no slot."""
        self._sequence += 1  # items are never compared
        heapq.heappush(self._delayed, (due, self._sequence, host, item))

    def take(self, now: float) -> tuple[str, T] | None:
        """The next item whose host has a free slot, and its host; the slot is held until ``release``."""
        while self._delayed and self._delayed[0][0] <= now:
            _, _, host, item = heapq.heappop(self._delayed)
            self.push(host, item)
        if not self._servable:
            return None
        host = self._servable.popleft()
        state = self._hosts[host]
        state.listed = False
        item = state.waiting.popleft()
        state.active += 1
        self._list(host, state)
        return host, item

    def release(self, host: str) -> None:
        """Give a slot back."""
        state = self._hosts[host]
        state.active -= 1
        self._list(host, state)
        if not state.active and not state.waiting:
            del self._hosts[host]

    def is_waiting(self, host: str) -> bool:
        """Whether further items of this host are queued (delayed ones do not count)."""
        state = self._hosts.get(host)
        return state is not None and bool(state.waiting)

    def next_due(self) -> float | None:
        """When the first delayed item is due."""
        return self._delayed[0][0] if self._delayed else None

    def remove(self, unwanted: Callable[[T], bool]) -> list[T]:
        """Take out all queued and delayed items that are unwanted."""
        removed = [entry[3] for entry in self._delayed if unwanted(entry[3])]
        self._delayed = [entry for entry in self._delayed if not unwanted(entry[3])]
        heapq.heapify(self._delayed)
        for state in self._hosts.values():
            removed += [item for item in state.waiting if unwanted(item)]
            state.waiting = deque(item for item in state.waiting if not unwanted(item))
        self._hosts = {host: state for host, state in self._hosts.items() if state.active or state.waiting}
        self._servable = deque(host for host in self._servable if host in self._hosts and self._hosts[host].waiting)
        for state in self._hosts.values():
            state.listed = False
        for host in self._servable:
            self._hosts[host].listed = True
        return removed

    def _list(self, host: str, state: _Host[T]) -> None:
        if state.waiting and state.active < self._per_host and not state.listed:
            state.listed = True
            self._servable.append(host)
