"""Whose turn it is: a fair queue over hosts that keeps to their pace, and a waiting room for retries. No I/O, no clock."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from logoingest.fetch.rules.pace import Pace

T = TypeVar("T")


@dataclass(slots=True)
class _Host(Generic[T]):
    again: deque[T] = field(default_factory=deque)
    """What has waited for its time, and is due: it goes before what was never asked for, so that what was begun is finished."""
    waiting: deque[T] = field(default_factory=deque)
    active: int = 0
    listed: bool = False
    """Whether it stands in the queue of hosts that may be served, or is parked until it may."""

    @property
    def has_items(self) -> bool:
        """Whether anything is queued."""
        return bool(self.again or self.waiting)

    def pop(self) -> T:
        """The next item."""
        return (self.again or self.waiting).popleft()

    def take_out(self, unwanted: Callable[[T], bool]) -> list[T]:
        """Take out the items that are unwanted."""
        removed = [item for queue in (self.again, self.waiting) for item in queue if unwanted(item)]
        if removed:
            self.again = deque(item for item in self.again if not unwanted(item))
            self.waiting = deque(item for item in self.waiting if not unwanted(item))
        return removed


class Schedule(Generic[T]):
    """Items by host. Hosts take turns, so that neither a long list nor a slow host holds the others back.

    Every operation costs O(1), delayed items and parked hosts O(log n); a host without items costs nothing.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._hosts: dict[str, _Host[T]] = {}
        self._servable: deque[str] = deque()
        self._parked: list[tuple[float, str]] = []
        """Hosts with items and slots whose pace lets them wait, by the time they may be served."""
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
        """Queue an item from the moment ``due`` on, before its host's others; until then it takes up no slot."""
        self._sequence += 1  # items are never compared
        heapq.heappush(self._delayed, (due, self._sequence, host, item))

    def take(self, now: float) -> tuple[str, T] | None:
        """The next item whose host may be asked, and its host; the slot is held until ``release``."""
        while self._delayed and self._delayed[0][0] <= now:
            _, _, host, item = heapq.heappop(self._delayed)
            state = self._hosts.setdefault(host, _Host())
            state.again.append(item)
            self._list(host, state)
        while self._parked and self._parked[0][0] <= now:
            self._servable.append(heapq.heappop(self._parked)[1])
        if self._pace.find_global_opening() > now:
            return None
        while self._servable:
            host = self._servable.popleft()
            state = self._hosts[host]
            if not state.has_items or state.active >= self._pace.count_slots(host):  # since it was listed
                self._unlist(host, state)
                continue
            opening = self._pace.find_opening(host)
            if opening > now:
                heapq.heappush(self._parked, (opening, host))
                continue
            state.listed = False
            item = state.pop()
            state.active += 1
            self._pace.note_start(host, now)
            self._list(host, state)
            return host, item
        return None

    def release(self, host: str) -> None:
        """Give a slot back."""
        state = self._hosts[host]
        state.active -= 1
        self._list(host, state)
        self._forget_idle(host, state)

    def is_waiting(self, host: str) -> bool:
        """Whether further items of this host are queued (delayed ones do not count)."""
        state = self._hosts.get(host)
        return state is not None and state.has_items

    def next_due(self) -> float | None:
        """When something that waits for its time may be taken; None when nothing does."""
        dues = [heap[0][0] for heap in (self._delayed, self._parked) if heap]
        if self._servable:
            dues.append(self._pace.find_global_opening())
        return min(dues, default=None)

    def is_held_back(self) -> bool:
        """Whether the global rate alone keeps the next item from being taken."""
        return bool(self._servable)

    def drain(self, host: str, unwanted: Callable[[T], bool]) -> list[T]:
        """Take out a host's queued items that are unwanted; delayed ones stay."""
        state = self._hosts.get(host)
        if state is None:
            return []
        removed = state.take_out(unwanted)
        self._forget_idle(host, state)
        return removed

    def remove(self, unwanted: Callable[[T], bool]) -> list[T]:
        """Take out all queued and delayed items that are unwanted."""
        removed = [entry[3] for entry in self._delayed if unwanted(entry[3])]
        self._delayed = [entry for entry in self._delayed if not unwanted(entry[3])]
        heapq.heapify(self._delayed)
        for state in self._hosts.values():
            removed += state.take_out(unwanted)
        self._hosts = {host: state for host, state in self._hosts.items() if state.active or state.has_items}
        self._servable = deque(host for host in self._servable if self._is_served(host))
        self._parked = [entry for entry in self._parked if self._is_served(entry[1])]
        heapq.heapify(self._parked)
        for state in self._hosts.values():
            state.listed = False
        for host in (*self._servable, *(host for _, host in self._parked)):
            self._hosts[host].listed = True
        return removed

    def _list(self, host: str, state: _Host[T]) -> None:
        if state.has_items and not state.listed and state.active < self._pace.count_slots(host):
            state.listed = True
            self._servable.append(host)

    def _unlist(self, host: str, state: _Host[T]) -> None:
        state.listed = False
        self._forget_idle(host, state)

    def _forget_idle(self, host: str, state: _Host[T]) -> None:
        if not (state.active or state.has_items or state.listed):
            del self._hosts[host]

    def _is_served(self, host: str) -> bool:
        return host in self._hosts and self._hosts[host].has_items
