"""Connections that give up on whoever takes too long to ask, or is too many: uvicorn's HTTP/1.1 with bounds on both."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_PATIENCE_S = 10.0
"""From the first byte, or the connection's beginning, to a whole head."""

MOST_HEAD_BYTES = 16 * 1024

MOST_CONNECTIONS = 200
"""Of more the one that has been idle for longest is closed, so that whoever comes is let in."""


_MOST_VISITORS = 2_000


class Visitors:
    """The connections on which somebody who is in has asked last: they are not closed to make room."""

    def __init__(self) -> None:
        self._clients: OrderedDict[tuple[str, int], None] = OrderedDict()

    def remember(self, client: tuple[str, int]) -> None:
        """Somebody who is in asks on it."""
        self._clients[client] = None
        self._clients.move_to_end(client)
        while len(self._clients) > _MOST_VISITORS:
            self._clients.popitem(last=False)

    def holds(self, client: tuple[str, int] | None) -> bool:
        """Whether a connection, by the other side's address and port, is one."""
        return client in self._clients

    def forget(self, client: tuple[str, int] | None) -> None:
        """It is closed."""
        if client is not None:
            self._clients.pop(client, None)


VISITORS = Visitors()
"""Of this process."""


class BoundedProtocol(H11Protocol):
    """Closes a connection on which no request is under way and none comes whole in time, or another one needs its place."""

    _patience: asyncio.TimerHandle | None = None
    used_at = 0.0

    def connection_made(self, transport: Any) -> None:
        """Wait for a first request."""
        super().connection_made(transport)
        self.used_at = self.loop.time()
        self._watch()
        if len(self.connections) > MOST_CONNECTIONS:
            others = [one for one in self.connections if isinstance(one, BoundedProtocol) and one is not self and one.may_go()]
            if others:
                min(others, key=lambda one: one.used_at).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Some of a request came: the rest of its head is awaited."""
        self.used_at = self.loop.time()
        super().data_received(data)
        if self.is_idle() and self._patience is None and not self.transport.is_closing():
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for."""
        if self._patience is not None:
            self._patience.cancel()
        VISITORS.forget(self.client)
        super().connection_lost(exc)

    def may_go(self) -> bool:
        """No request of it is under way, and nobody who is in asked on it."""
        return self.is_idle() and not VISITORS.holds(self.client)

    def is_idle(self) -> bool:
        """No request is under way."""
        return self.cycle is None or self.cycle.response_complete

    def _watch(self) -> None:
        self._patience = self.loop.call_later(HEAD_PATIENCE_S, self._give_up, self.cycle)

    def _give_up(self, earlier: object) -> None:
        """Close, unless a request came whole since."""
        self._patience = None
        if self.cycle is earlier and self.is_idle():
            self.transport.close()
