"""Connections that give up on whoever takes too long to ask: uvicorn's HTTP/1.1 with a bound on the head of a request."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_PATIENCE_S = 10.0
"""From the first byte, or the connection's beginning, to a whole head."""

MOST_HEAD_BYTES = 16 * 1024


class BoundedProtocol(H11Protocol):
    """Closes a connection on which no request is under way and none comes whole in time."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for a first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Some of a request came: the rest of its head is awaited."""
        super().data_received(data)
        if self._is_idle() and self._patience is None and not self.transport.is_closing():
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for."""
        if self._patience is not None:
            self._patience.cancel()
        super().connection_lost(exc)

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _watch(self) -> None:
        self._patience = self.loop.call_later(HEAD_PATIENCE_S, self._give_up, self.cycle)

    def _give_up(self, earlier: object) -> None:
        """Close, unless a request came whole since."""
        self._patience = None
        if self.cycle is earlier and self._is_idle():
            self.transport.close()
