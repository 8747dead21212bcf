"""One connection to a host, as forgiving as a browser's: heads are put in order, bytes behind a body are let go.

aiohttp's own parser is strict and offers no choice of it. What a host sends passes through ``rules.heads`` first: a picture is whole when
its length has come, whatever follows it; the connection is then closed, since nobody knows where the next answer would begin.

A connection that was kept from an earlier answer and now brings nothing, or nonsense, says nothing about the URL that was asked for on it
(RFC 9112 §9.3.1): ``StaleConnectionError``, and whoever asked asks once more on a new one.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import BadStatusLine, HttpProcessingError, LineTooLong

from logoingest.fetch.http.resumption import ResumingConnection
from logoingest.fetch.rules.heads import MAX_HEAD_BYTES, Head, find_head_end, is_head, is_http2, mend_head

#: aiohttp's limits, which ``MAX_HEAD_BYTES`` stands before; more header lines than these are no picture's.
MAX_HEADERS = 2000


class StaleConnectionError(aiohttp.ClientError):
    """A kept connection was closed, or brought no answer; another one may."""


class Http2OnlyError(BadStatusLine):
    """The host answers in HTTP/2, which it was not asked for."""


class BrokenBodyError(aiohttp.ClientPayloadError):
    """The chunks of a body are no valid HTTP."""


class ForgivingConnector(aiohttp.TCPConnector):
    """aiohttp's, with connections of ours."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(_Connection, loop=asyncio.get_running_loop())  # type: ignore[assignment]  # no public way to choose them


class _Connection(ResponseHandler):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._is_kept = False
        self._reader: _Reader | None = None
        self._encryption: object = None

    def set_response_params(self, **options: Any) -> None:
        self._is_kept = self._reader is not None
        limits = {"max_line_size": MAX_HEAD_BYTES, "max_field_size": MAX_HEAD_BYTES, "max_headers": MAX_HEADERS}
        early, self._tail = self._tail, b""  # what came before it was asked for goes the same way
        super().set_response_params(**options | limits)
        self._reader = _Reader(self._parser, self)
        self._parser = self._reader  # type: ignore[assignment]  # it has all that is used of one
        self._tail = early
        self._drain_tail()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._encryption = transport.get_extra_info("ssl_object")

    def connection_lost(self, exc: BaseException | None) -> None:
        if isinstance(self._encryption, ResumingConnection):
            self._encryption.keep_session()
        self._encryption = None  # with its buffers; this object may outlive the connection by some time
        super().connection_lost(exc)

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        is_no_answer = isinstance(exc, (HttpProcessingError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError))
        if is_no_answer and self._is_kept and self._reader is not None and not self._reader.has_answered:
            exc = StaleConnectionError("a kept connection brought no answer")
        super().set_exception(exc, *cause)


class _Reader:
    """Stands before aiohttp's parser: head, then as much body as it says, then nothing."""

    def __init__(self, parser: Any, connection: ResponseHandler) -> None:
        self._parser = parser
        self._connection = connection
        self._head = bytearray()
        self._searched = 0
        self._left: int | None = None
        """Bytes of the body still to come, if it says how many."""
        self._payload: Any = None
        self.has_answered = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)  # pausing is between aiohttp's protocol and its parser

    def feed_data(self, data: bytes) -> tuple[Any, bool, bytes]:
        """As aiohttp's; only what belongs to one answer is handed on."""
        if self.has_answered:
            return self._feed_body(data)
        self._head += data
        return self._read_heads()

    def feed_eof(self) -> Any:
        """As aiohttp's."""
        return self._parser.feed_eof()

    def _read_heads(self) -> tuple[Any, bool, bytes]:
        messages: list[Any] = []
        while (data := self._take_head()) is not None:
            head = mend_head(data)
            found, upgraded, tail = self._parser.feed_data(head.data)
            messages += found
            if not head.is_interim:
                return self._begin_body(head, messages, upgraded, tail)
        return messages, False, b""

    def _take_head(self) -> bytes | None:
        """A whole head from what has come; None while there is none."""
        if not self._searched:
            begin = len(self._head) - len(self._head.lstrip(b"\r\n"))
            del self._head[:begin]
            if not is_head(self._head):
                raise Http2OnlyError("HTTP/2") if is_http2(self._head) else BadStatusLine(bytes(self._head[:40]).decode("latin-1"))
        end = find_head_end(self._head, self._searched)
        if end > MAX_HEAD_BYTES or (end < 0 and len(self._head) > MAX_HEAD_BYTES):
            raise LineTooLong(bytes(self._head[:100]), MAX_HEAD_BYTES)
        if end < 0:
            self._searched = len(self._head)
            return None
        data = bytes(self._head[:end])
        del self._head[:end]
        self._searched = 0
        return data

    def _begin_body(self, head: Head, messages: list[Any], upgraded: bool, tail: bytes) -> tuple[Any, bool, bytes]:
        self.has_answered = True
        self._left = head.length
        if head.is_doubtful:
            self._connection.force_close()
        self._payload = messages[-1][1] if messages else None
        rest, self._head = bytes(self._head), bytearray()
        if upgraded or not rest:
            return messages, upgraded, tail + rest
        more, _, _ = self._feed_body(rest)
        return [*messages, *more], False, b""

    def _feed_body(self, data: bytes) -> tuple[Any, bool, bytes]:
        if self._left is None:
            return self._feed_unmeasured(data)
        body, surplus = data[: self._left], data[self._left :].strip(b"\r\n")
        if surplus:
            self._connection.force_close()  # before the body's end, at which the connection would be kept
        self._left -= len(body)
        if body or not data:
            return self._parser.feed_data(body)  # type: ignore[no-any-return]
        if surplus:
            raise BadStatusLine("bytes behind the body")
        return (), False, b""

    def _feed_unmeasured(self, data: bytes) -> tuple[Any, bool, bytes]:
        try:
            return self._parser.feed_data(data)  # type: ignore[no-any-return]
        except HttpProcessingError:
            if self._payload is not None and not self._payload.is_eof():
                # a little later: a reader that has just been woken by a chunk's end would go to sleep again over it
                asyncio.get_running_loop().call_soon(self._payload.set_exception, BrokenBodyError("the chunks are broken"))
            self._connection.force_close()  # behind the last chunk, what follows is nobody's
            if self._connection.transport is not None:
                self._connection.transport.close()
            return (), False, b""
