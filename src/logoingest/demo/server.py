"""A forward proxy on loopback that is the whole web: it answers for every host of a set of pages and connects nowhere.

Because clients reach it as a proxy, the URLs are the same on every machine whatever the port, and so is the release.
Absolute-form requests (RFC 9112, 3.2.2) over HTTP/1.1 with keep-alive; every behaviour is a method named after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

_SLOW_S = 1.0
_DRIP_S = 0.25
_DRIP_BYTES = 24
_DRIPS = 240
_IDLE_S = 60.0
_PHRASES = {200: "OK", 302: "Found", 304: "Not Modified", 404: "Not Found", 405: "Method Not Allowed", 410: "Gone",
            500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}  # fmt: skip


class Page(NamedTuple):
    """What stands at one address: how the host behaves, and with what."""

    behaviour: str
    body: bytes = b""
    content_type: str = "image/jpeg"
    location: str = ""


class Request(NamedTuple):
    """One request: method, page key (see ``key_page``), headers with lower-case names."""

    method: str
    key: str
    headers: Mapping[str, str]


def key_page(url: str) -> str:
    """An http URL as a key of pages: host in lower case, path and query with percent-encoding undone."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{(parts.hostname or '').lower()}{unquote(parts.path or '/')}{unquote(query)}"


class _Site:
    def __init__(self, pages: Mapping[str, Page]) -> None:
        self.pages = pages
        self.hosts = {key.partition("/")[0] for key in pages}
        self.visits: Counter[str] = Counter()
        self.connections: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until its client leaves."""
        task = asyncio.current_task()
        assert task is not None
        self.connections.add(task)
        try:
            while (request := await _read_request(reader)) is not None:
                if not await self._answer(request, writer) or request.headers.get("connection", "").lower() == "close":
                    break
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # clients hang up, or do not speak HTTP: that is their affair
        except asyncio.CancelledError:
            pass  # the site closes
        finally:
            self.connections.discard(task)
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """True when the connection may be used again."""
        self.visits[request.key] += 1
        page = self.pages.get(request.key)
        if request.method not in {"GET", "HEAD"}:
            return await _send(
                writer, 405, b"this proxy answers GET and HEAD\n", {"Content-Type": "text/plain", "Connection": "close"}
            )
        if page is None:
            status = 404 if request.key.partition("/")[0] in self.hosts else 502
            return await _send(writer, status, b"nothing here\n", {"Content-Type": "text/plain"}, head=request.method == "HEAD")
        behave: Callable[[Page, Request, asyncio.StreamWriter], Awaitable[bool]]
        behave = getattr(self, f"_serve_{page.behaviour}", self._serve_ok)
        return await behave(page, request, writer)

    async def _serve_ok(self, page: Page, request: Request, writer: asyncio.StreamWriter) -> bool:
        tag = f'"{hashlib.sha256(page.body).hexdigest()[:16]}"'
        headers = {"Content-Type": page.content_type, "ETag": tag}
        if request.headers.get("if-none-match") == tag:
            return await _send(writer, 304, b"", headers)
        return await _send(writer, 200, page.body, headers, head=request.method == "HEAD")

    async def _serve_gone(self, page: Page, _: Request, writer: asyncio.StreamWriter) -> bool:
        return await _send(writer, 410, page.body, {"Content-Type": page.content_type})

    async def _serve_always_500(self, _: Page, __: Request, writer: asyncio.StreamWriter) -> bool:
        return await _send(writer, 500, b"out of order\n", {"Content-Type": "text/plain"})

    async def _serve_flaky_500(self, page: Page, request: Request, writer: asyncio.StreamWriter) -> bool:
        if self.visits[request.key] == 1:
            return await self._serve_always_500(page, request, writer)
        return await self._serve_ok(page, request, writer)

    async def _serve_busy_now(self, page: Page, request: Request, writer: asyncio.StreamWriter, after: str = "0") -> bool:
        if self.visits[request.key] == 1:
            return await _send(writer, 503, b"busy\n", {"Content-Type": "text/plain", "Retry-After": after})
        return await self._serve_ok(page, request, writer)

    async def _serve_busy_one_second(self, page: Page, request: Request, writer: asyncio.StreamWriter) -> bool:
        return await self._serve_busy_now(page, request, writer, after="1")

    async def _serve_slow(self, page: Page, request: Request, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(_SLOW_S)
        return await self._serve_ok(page, request, writer)

    async def _serve_redirect(self, page: Page, _: Request, writer: asyncio.StreamWriter) -> bool:
        return await _send(writer, 302, b"", {"Location": page.location})

    async def _serve_chunked(self, page: Page, _: Request, writer: asyncio.StreamWriter) -> bool:
        writer.write(_format_head(200, {"Content-Type": page.content_type, "Transfer-Encoding": "chunked"}))
        for start in range(0, len(page.body), 1000):
            chunk = page.body[start : start + 1000]
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _serve_slow_drip(self, page: Page, _: Request, writer: asyncio.StreamWriter) -> bool:
        writer.write(_format_head(200, {"Content-Type": page.content_type, "Content-Length": str(len(page.body))}))
        for start in range(0, min(len(page.body), _DRIPS * _DRIP_BYTES), _DRIP_BYTES):
            writer.write(page.body[start : start + _DRIP_BYTES])
            await writer.drain()
            await asyncio.sleep(_DRIP_S)
        return False

    async def _serve_cut_short(self, page: Page, _: Request, writer: asyncio.StreamWriter) -> bool:
        writer.write(_format_head(200, {"Content-Type": page.content_type, "Content-Length": str(len(page.body))}))
        writer.write(page.body[: len(page.body) // 2])
        await writer.drain()
        return False

    async def _serve_reset(self, _: Page, __: Request, writer: asyncio.StreamWriter) -> bool:
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() then sends RST
        writer.transport.abort()
        return False


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None when the client has left.

    Raises:
        ValueError: that is no HTTP.
    """
    try:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _IDLE_S)
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    url = f"http://{headers.get('host', '')}{target}" if target.startswith("/") else target
    return Request(method, key_page(url), headers)


def _format_head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_PHRASES[status]}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


async def _send(writer: asyncio.StreamWriter, status: int, body: bytes, headers: Mapping[str, str], *, head: bool = False) -> bool:
    length = {} if status == 304 else {"Content-Length": str(len(body))}
    writer.write(_format_head(status, {**headers, **length}) + (b"" if head else body))
    await writer.drain()
    return headers.get("Connection") != "close"


async def _run_site(pages: Mapping[str, Page], address: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    site, closing = _Site(pages), asyncio.Event()
    try:
        server = await asyncio.start_server(site.accept, "127.0.0.1", 0, backlog=512)
    except OSError as error:
        address.set_exception(error)
        return
    port = server.sockets[0].getsockname()[1]
    address.set_result((f"http://127.0.0.1:{port}", asyncio.get_running_loop(), closing))
    await closing.wait()
    server.close()
    open_connections = list(site.connections)
    for task in open_connections:
        task.cancel()
    await asyncio.gather(*open_connections, return_exceptions=True)


@contextlib.contextmanager
def serve_pages(pages: Mapping[str, Page]) -> Iterator[str]:
    """Serve pages (by ``key_page``) from a thread of this process; yields the proxy's URL, ``http://127.0.0.1:PORT``.

    An unknown path of a known host is 404, an unknown host 502, as a proxy says it that cannot resolve a name.

    Raises:
        OSError: loopback has no port to give.
    """
    address: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_run_site(pages, address)), name="demo-site", daemon=True)
    thread.start()
    url, loop, closing = address.result()
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(closing.set)
        thread.join()
