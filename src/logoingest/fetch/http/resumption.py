"""TLS sessions taken up again: the second connection to a host need not verify the same certificate once more (RFC 8446 §2.2).

A session stands for a certificate that was verified under one name by one context, and is offered to no other name and by no other
context; for how long is bounded here, whatever a host says. Whether a host takes sessions is found out with one connection; one that
declines, or breaks off, is offered none from then on.
"""

from __future__ import annotations

import ssl
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

#: How long a verified certificate stands for the next connections.
MAX_AGE_S = 3600.0
#: Names remembered, the longest unused go first; sessions of one name, which is how many of its handshakes go on at a time.
MAX_NAMES = 1_000
MAX_SESSIONS = 8


class ResumptionRefusedError(ssl.SSLError):
    """A host that was offered a session broke the handshake off; without one it may not."""


@dataclass(slots=True)
class _Name:
    sessions: list[ssl.SSLSession] = field(default_factory=list)
    takes_sessions: bool | None = None
    """None: none was offered yet. False: one was, and was not taken (yet)."""


class ResumingContext(ssl.SSLContext):
    """A client's context that offers what it kept of earlier connections to the same name."""

    def __init__(self, *_: Any) -> None:
        self._names: OrderedDict[str, _Name] = OrderedDict()

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """As ssl's, with a session where one is at hand."""
        if session is None and isinstance(server_hostname, str):
            session = self._take(server_hostname)
        connection = super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)
        if isinstance(connection, ResumingConnection):
            connection.offered = session
        return connection

    def _take(self, host: str) -> ssl.SSLSession | None:
        name = self._names.get(host)
        if name is None or not name.sessions or name.takes_sessions is False:
            return None
        session = name.sessions.pop()
        if time.time() >= session.time + min(session.timeout, MAX_AGE_S):
            return None
        name.takes_sessions = name.takes_sessions or False
        return session

    def note_answer(self, host: str, offered: ssl.SSLSession, *, is_taken: bool) -> None:
        """What a host made of a session."""
        name = self._names.get(host)
        if name is None or not is_taken:
            return
        name.takes_sessions = True
        if len(name.sessions) < MAX_SESSIONS:
            name.sessions.append(offered)

    def keep(self, host: str, connection: ssl.SSLObject) -> None:
        """Keep the session of a verified connection that is over; of a name's first one the name alone, since most are asked once."""
        name = self._names.get(host)
        if name is None:
            self._names[host] = _Name()
            if len(self._names) > MAX_NAMES:
                self._names.popitem(last=False)
            return
        self._names.move_to_end(host)
        if name.takes_sessions is not False and len(name.sessions) < MAX_SESSIONS:
            session = connection.session  # copied by way of its serialization: half of what a handshake costs
            if session is not None and session.has_ticket:
                name.sessions.append(session)


class ResumingConnection(ssl.SSLObject):
    """ssl's, which tells its context how it went."""

    offered: ssl.SSLSession | None = None
    _is_verified = False

    def do_handshake(self) -> None:
        """As ssl's.

        Raises:
            ResumptionRefusedError: the host broke off, and had been offered a session.
        """
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLCertVerificationError):
            raise
        except ssl.SSLError as error:
            if self.offered is None:
                raise
            raise ResumptionRefusedError(*error.args) from error
        self._is_verified = True
        if self.offered is not None and isinstance(self.context, ResumingContext):
            self.context.note_answer(str(self.server_hostname), self.offered, is_taken=bool(self.session_reused))

    def keep_session(self) -> None:
        """The connection is over: what came on it, tickets among it, has been read."""
        if self._is_verified and not self.session_reused and isinstance(self.context, ResumingContext):
            self.context.keep(str(self.server_hostname), self)


ResumingContext.sslobject_class = ResumingConnection
