"""A real web site that misbehaves by route: ``/drip`` drips, ``/circle`` redirects in one."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import functools
import gzip
import hashlib
import io
import socket
import ssl
import struct
import time
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from PIL import Image


def draw_picture(side: int = 40, colour: tuple[int, int, int] = (200, 30, 60)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(buffer, "JPEG")
    return buffer.getvalue()


PICTURE = draw_picture()


def compose(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body) if length is None else length}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    count: int
    """How often this path has been asked for, this time included."""


@dataclass
class Site:
    """The site and its books: ``hits`` by path, the most requests in flight by Host header, headers seen by path."""

    port: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    seen: dict[str, list[dict[str, str]]] = field(default_factory=lambda: defaultdict(list))
    active: Counter[str] = field(default_factory=Counter)
    peak: Counter[str] = field(default_factory=Counter)
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    connections: int = 0
    resumed: int = 0
    """Of these, how many took an earlier TLS session up again."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        encryption = writer.get_extra_info("ssl_object")
        self.resumed += encryption is not None and bool(encryption.session_reused)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.LimitOverrunError):
            while True:
                request = await self._read(reader)
                host = request.headers.get("host", "")
                self.active[host] += 1
                self.peak[host] = max(self.peak[host], self.active[host])
                try:
                    keep = await self._answer(request, writer)
                    await writer.drain()
                finally:
                    self.active[host] -= 1
                if not keep or request.headers.get("connection") == "close":
                    break
        with contextlib.suppress(Exception):
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        self.hits[path] += 1
        self.seen[path].append(headers)
        self.times[path].append(time.monotonic())
        return Request(method, path, headers, self.hits[path])

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """True keeps the connection."""
        route, _, rest = request.path.partition("?")[0].lstrip("/").partition("/")
        method = getattr(self, f"on_{route.replace('-', '_')}", None)
        if method is None:
            writer.write(compose("404 Not Found", b"no such route"))
            return True
        answer = method(request, rest)
        if asyncio.iscoroutine(answer):
            return await self._stream(answer, writer)
        if answer is None:
            return False
        writer.write(answer)
        return not answer.startswith(b"HTTP/1.0")

    async def _stream(self, coroutine, writer) -> bool:
        async def send(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        action = await coroutine
        with contextlib.suppress(ConnectionError):
            return bool(await action(send, writer))
        return False

    # -- routes --------------------------------------------------------------------------------------------------------

    def on_picture(self, request, rest):
        headers = ["Content-Type: image/jpeg", 'ETag: "v1"', "Last-Modified: Thu, 09 Oct 2025 07:30:20 GMT"]
        return compose("200 OK", PICTURE, *headers)

    def on_content_md5(self, request, rest):
        """Says what the body's MD5 is; the first ``rest`` times the body is another one."""
        digest = base64.b64encode(hashlib.md5(PICTURE).digest()).decode()
        body = PICTURE if request.count > int(rest.split("/")[0]) else PICTURE[:-1] + b"?"
        return compose("200 OK", body, f"Content-MD5: {digest}")

    def on_echo(self, request, rest):
        return compose("200 OK", f"{request.method} {request.path}".encode())

    def on_status(self, request, rest):
        return compose(f"{rest} Whatever", b"" if rest in ("204", "304") else b"sorry")

    def on_fails_then_ok(self, request, rest):
        status, failures, _ = rest.split("/", 2)
        return compose(f"{status} Later", b"") if request.count <= int(failures) else self.on_picture(request, rest)

    def on_retry_after(self, request, rest):
        seconds = rest.split("/")[0]
        return compose("429 Slow", b"", f"Retry-After: {seconds}") if request.count == 1 else self.on_picture(request, rest)

    def on_retry_after_date(self, request, rest):
        due = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1.5)
        text = due.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return compose("503 Slow", b"", f"Retry-After: {text}") if request.count == 1 else self.on_picture(request, rest)

    def on_redirect(self, request, rest):
        return compose("302 Found", b"", f"Location: {rest}")

    def on_redirect_encoded(self, request, rest):
        return compose("302 Found", b"", f"Location: {base64.urlsafe_b64decode(rest).decode('latin-1')}")

    def on_redirect_bytes(self, request, rest):
        """Location: whatever bytes, in hexadecimal digits; beside a header in Latin-1, and before a second Location."""
        lines = [b"HTTP/1.1 302 Found", b"X-Place: M\xfcnchen", b"Location: " + bytes.fromhex(rest), b"Location: /nowhere"]
        return b"\r\n".join([*lines, b"Content-Length: 0", b"", b""])

    def on_relative(self, request, rest):
        return compose("302 Found", b"", "Location: ../picture#part")

    def on_chain(self, request, rest):
        left = int(rest)
        return self.on_picture(request, rest) if left == 0 else compose("301 Moved", b"bye", f"Location: /chain/{left - 1}")

    def on_circle(self, request, rest):
        return compose("307 Moved", b"", f"Location: /circle/{'b' if rest == 'a' else 'a'}")

    def on_cookie_wall(self, request, rest):
        if "pass=1" in request.headers.get("cookie", ""):
            return self.on_picture(request, rest)
        return compose("302 Found", b"", "Set-Cookie: pass=1; Path=/", f"Location: {request.path}")

    def on_no_location(self, request, rest):
        return compose("302 Found", b"")

    def on_empty(self, request, rest):
        return compose("200 OK", b"")

    def on_html(self, request, rest):
        return compose("200 OK", b"<!doctype html><title>gone</title>", "Content-Type: image/jpeg")

    def on_claims_more(self, request, rest):
        async def send_part(send, writer):
            await send(compose("200 OK", PICTURE[:100], length=len(PICTURE)))
            return False

        return _later(send_part)

    def on_claims_less(self, request, rest):
        return compose("200 OK", PICTURE, length=100)

    def on_bad_length(self, request, rest):
        return b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nabc"

    def on_two_lengths(self, request, rest):
        return b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"

    def on_reset(self, request, rest):
        async def send_and_reset(send, writer):
            await send(compose("200 OK", PICTURE[:100], length=len(PICTURE)))
            _reset(writer)
            return False

        return _later(send_and_reset)

    def on_reset_then_ok(self, request, rest):
        return self.on_reset(request, rest) if request.count == 1 else self.on_picture(request, rest)

    def on_hang_up(self, request, rest):
        return None

    def on_closes_kept_connection(self, request, rest):
        """Promises keep-alive, then closes anyway."""

        async def send_and_close(send, writer):
            await send(self.on_picture(request, rest))
            return False

        return _later(send_and_close)

    def on_drip(self, request, rest):
        async def drip(send, writer):
            await send(compose("200 OK", b"", length=10_000))
            for _ in range(400):
                await send(b"x")
                await asyncio.sleep(0.03)

        return _later(drip)

    def on_drip_head(self, request, rest):
        """Header after header, and no end."""

        async def drip(send, writer):
            await send(b"HTTP/1.1 200 OK\r\n")
            for number in range(400):
                await send(f"X-{number % 10}: 1\r\n".encode() if number % 20 == 0 else b"")
                await asyncio.sleep(0.03)

        return _later(drip)

    def on_endless_hints(self, request, rest):
        """Always about to answer."""

        async def hint(send, writer):
            for _ in range(400):
                await send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
                await asyncio.sleep(0.03)

        return _later(hint)

    def on_silent(self, request, rest):
        async def be_silent(send, writer):
            await asyncio.sleep(float(rest or 5))

        return _later(be_silent)

    def on_stalls(self, request, rest):
        async def stall(send, writer):
            await send(compose("200 OK", b"abc", length=100))
            await asyncio.sleep(5)

        return _later(stall)

    def on_slow(self, request, rest):
        async def answer_late(send, writer):
            await asyncio.sleep(float(rest.split("/")[0]))
            await send(self.on_picture(request, rest))
            return True

        return _later(answer_late)

    def on_chunked(self, request, rest):
        halves = (PICTURE[:200], PICTURE[200:])
        body = b"".join(b"%x\r\n%s\r\n" % (len(half), half) for half in halves)
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"

    def on_chunked_broken(self, request, rest):
        async def send_part(send, writer):
            await send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n" + PICTURE[:100] + b"\r\n")
            return False

        return _later(send_part)

    def on_chunked_to_the_letter(self, request, rest):
        """Extensions, trailers, sizes with zeros and capitals."""
        body = b"0C8;name=value\r\n%b\r\n" % PICTURE[:200] + b"%X\r\n%b\r\n" % (len(PICTURE) - 200, PICTURE[200:])
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n" + body + b"0\r\nX-Trailer: 1\r\n\r\n"

    def on_chunk_size(self, request, rest):
        """Chunks whose size is ``rest``; then the connection is closed."""

        async def send_and_close(send, writer):
            await send(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{rest}\r\n".encode() + PICTURE)
            return False

        return _later(send_and_close)

    def on_chunks_and_length(self, request, rest):
        """Chunks count (RFC 9112 §6.3); the length beside them is a lie."""
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (
            len(PICTURE),
            PICTURE,
        )

    def on_no_length(self, request, rest):
        """The body ends where the connection does."""

        async def send_and_close(send, writer):
            await send(b"HTTP/1.1 200 OK\r\n\r\n" + PICTURE)
            return False

        return _later(send_and_close)

    def on_no_length_reset(self, request, rest):
        async def send_and_reset(send, writer):
            await send(b"HTTP/1.1 200 OK\r\n\r\n" + PICTURE[:100])
            _reset(writer)
            return False

        return _later(send_and_reset)

    def on_head_breaks_off(self, request, rest):
        async def send_part(send, writer):
            await send(b"HTTP/1.1 200 OK\r\nContent-Ty")
            return False

        return _later(send_part)

    def on_early_hints(self, request, rest):
        return b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + self.on_picture(request, rest)

    def on_words(self, request, rest):
        """Words beside the status in Latin-1, as servers far away have them; none at all; very many."""
        words = {"latin": "Non trouv\xe9", "none": "", "many": "x" * 2000}[rest]
        return f"HTTP/1.1 404 {words}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")

    def on_latin_headers(self, request, rest):
        """What no header should hold, in those that are kept."""
        headers = ("Content-Type: image/jp\xe9g", 'ETag: "\xff\xfe"', "Last-Modified: h\xe9", "Set-Cookie: \xe9=\xe9")
        return compose("200 OK", PICTURE, *headers)

    def on_many_headers(self, request, rest):
        return compose("200 OK", PICTURE, *(f"X-{number}: {number}" for number in range(int(rest))))

    def on_long_name(self, request, rest):
        return compose("200 OK", PICTURE, f"{'X' * 20_000}: 1")

    def on_cookie_maze(self, request, rest):
        """Another cookie each time, and never enough of them."""
        return compose("302 Found", b"", f"Set-Cookie: step={request.count}", f"Location: {request.path}")

    def on_odd_cookie(self, request, rest):
        """A cookie that cannot be sent back, and one that can."""
        if "pass=1" in request.headers.get("cookie", ""):
            return self.on_picture(request, rest)
        return compose("302 Found", b"", "Set-Cookie: \xe9=\xff; Path=/", "Set-Cookie: pass=1; Path=/", f"Location: {request.path}")

    def on_redirects(self, request, rest):
        """By the status in the path."""
        return compose(f"{rest} Moved", b"over there", "Location: /picture")

    def on_coded(self, request, rest):
        """Whatever the body is: its Content-Encoding is said to be ``rest``."""
        return compose("200 OK", PICTURE, f"Content-Encoding: {rest.replace('+', ', ')}")

    def on_bomb(self, request, rest):
        """8 MB of zeros as gzip, as gzip's second member, as deflate with and without its wrapper."""
        return compose("200 OK", _make_bomb(rest), f"Content-Encoding: {'deflate' if 'deflate' in rest else 'gzip'}")

    def on_labelled(self, request, rest):
        """The picture, called a page."""
        return compose("200 OK", PICTURE, "Content-Type: text/html; charset=utf-8")

    def on_page(self, request, rest):
        """What is no picture, called one."""
        return compose("200 OK", PAGES[rest], "Content-Type: image/jpeg")

    def on_gzip(self, request, rest):
        return compose("200 OK", gzip.compress(PICTURE), "Content-Encoding: gzip")

    def on_gzip_members(self, request, rest):
        return compose("200 OK", gzip.compress(PICTURE[:300]) + gzip.compress(PICTURE[300:]), "Content-Encoding: x-gzip")

    def on_deflate(self, request, rest):
        return compose("200 OK", zlib.compress(PICTURE), "Content-Encoding: deflate")

    def on_raw_deflate(self, request, rest):
        engine = zlib.compressobj(wbits=-15)
        return compose("200 OK", engine.compress(PICTURE) + engine.flush(), "Content-Encoding: deflate")

    def on_gzip_short(self, request, rest):
        return compose("200 OK", gzip.compress(PICTURE)[:-30], "Content-Encoding: gzip")

    def on_not_gzip(self, request, rest):
        return compose("200 OK", PICTURE, "Content-Encoding: gzip")

    def on_too_large(self, request, rest):
        return compose("200 OK", bytes(300_000))

    def on_endless(self, request, rest):
        async def send_forever(send, writer):
            await send(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                await send(bytes(50_000))

        return _later(send_forever)

    def on_http10(self, request, rest):
        return b"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + PICTURE

    def on_huge_header(self, request, rest):
        return compose("200 OK", PICTURE, f"X-Much: {'x' * 100_000}")

    def on_junk(self, request, rest):
        return b"SSH-2.0-OpenSSH_9.2\r\n\r\n"

    def on_private(self, request, rest):
        user = base64.b64encode(b"us er:p@ss").decode()
        ok = request.headers.get("authorization") == f"Basic {user}"
        return self.on_picture(request, rest) if ok else compose("401 Who", b"")


def _make_chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PAGES = {
    "html": b"<!DOCTYPE html><html><body>moved</body></html>",
    "late-html": b"\xef\xbb\xbf\n\n  <!-- x --><HTML><head></head></HTML>",
    "json": b'{"error": "not found"}',
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
    "pdf": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
    "text": b"Not found.\n",
    "half": PICTURE[: len(PICTURE) // 2],
    "zeros": bytes(5000),
    "many-pixels": b"\x89PNG\r\n\x1a\n"
    + _make_chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    + _make_chunk(b"IEND"),
    "header-alone": b"\x89PNG\r\n\x1a\n"
    + _make_chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 40, 8, 2, 0, 0, 0))
    + _make_chunk(b"IEND"),
}


@functools.cache
def _make_bomb(form: str) -> bytes:
    engine = zlib.compressobj(1, wbits={"deflate": 15, "raw-deflate": -15}.get(form, 31))
    zeros = b"".join(engine.compress(bytes(1 << 20)) for _ in range(8)) + engine.flush()
    return {"second-gzip": gzip.compress(b"x") + zeros}.get(form, zeros)


def _reset(writer) -> None:
    """End the connection with RST, not FIN."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _later(action):
    async def give():
        return action

    return give()
