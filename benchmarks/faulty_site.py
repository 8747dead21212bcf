"""The site of ``faulty_list.py``: behaves by the first part of the path, and fails once where its name says that it heals.

Prints three ports as JSON (plain, with a certificate nobody knows, and one where nobody listens) and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
import socket
import ssl
import sys
from collections import Counter

import numpy as np
import trustme
from PIL import Image

MAX_BYTES = 1_000_000
"""What the client takes at most."""
ROBOTS = b"User-agent: *\nDisallow: /forbidden/\n"
#: A host that sulks is asked once in so many seconds, so that exactly one URL hears it; the others are then not asked.
SULKING_ROBOTS = b"User-agent: *\nCrawl-delay: 9\n"


def compose(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body) if length is None else length}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def draw_pictures(count: int = 40) -> list[bytes]:
    """JPEGs of a few kilobytes."""
    made = []
    for number in range(count):
        blocks = np.random.default_rng(number).integers(0, 256, (12, 16, 3), np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(blocks).resize((160, 120), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=85)
        made.append(buffer.getvalue())
    return made


class Site:
    """Behaves by the first part of the path; a second time otherwise than the first, where the name of the kind says so."""

    def __init__(self) -> None:
        self._pictures = draw_pictures()
        self._bomb = gzip.compress(bytes(20 * MAX_BYTES))
        self._asked: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            while await self._answer((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"), reader, writer):
                await writer.drain()
        with contextlib.suppress(Exception):
            writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """False ends the connection."""
        path = head.split(" ", 2)[1]
        if path == "/robots.txt":
            writer.write(compose("200 OK", SULKING_ROBOTS if "\nhost: sulk" in head.lower() else ROBOTS))
            return True
        self._asked[path] += 1
        is_first = self._asked[path] == 1
        _, kind, index = path.split("/")
        picture = self._pictures[int(index) % len(self._pictures)]
        ok = compose("200 OK", picture, "Content-Type: image/jpeg")
        plain = {
            "good": ok,
            "moved": compose("301 Moved", b"", f"Location: /good/{index}"),
            "gzipped": compose("200 OK", gzip.compress(picture, 1), "Content-Encoding: gzip"),
            "500-heals": compose("500 Not yet") if is_first else ok,
            "503-heals": compose("503 Busy", b"", "Retry-After: 1") if is_first else ok,
            "404": compose("404 Not Found", b"gone"),
            "410": compose("410 Gone"),
            "403": compose("403 Forbidden"),
            "500": compose("500 Broken", b"broken"),
            "html": compose("200 OK", b"<!doctype html><title>gone</title>", "Content-Type: image/jpeg"),
            "half": compose("200 OK", picture[: len(picture) // 2]),
            "circle": compose("302 Found", b"", f"Location: /circle/{index}"),
            "inside": compose("302 Found", b"", "Location: http://169.254.169.254/latest/meta-data/"),
            "to-file": compose("302 Found", b"", "Location: file:///etc/passwd"),
            "large": compose("200 OK", b"", length=10 * MAX_BYTES),
            "bomb": compose("200 OK", self._bomb, "Content-Encoding: gzip"),
            "empty": compose("200 OK"),
            "junk": b"220 mail.test ESMTP\r\n\r\n",
            "opted-out": compose("200 OK", picture, "X-Robots-Tag: noai"),
            "sulk": compose("503 Busy", b"", "Retry-After: 9999"),
        }.get(kind)
        if kind == "reset-heals" and not is_first:
            plain = ok
        if plain is not None:
            writer.write(plain)
            return kind not in ("junk", "large") and "\r\nconnection: close" not in head.lower()
        await self._break_off(kind, picture, reader, writer)
        return False

    async def _break_off(self, kind: str, picture: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers that do not come to their end."""
        if kind == "hang-up":
            return
        writer.write(compose("200 OK", picture[:500], length=len(picture)))
        await writer.drain()
        if kind in ("reset", "reset-heals"):
            writer.transport.abort()
        while kind == "drip" and not reader.at_eof():
            await asyncio.sleep(0.1)
            writer.write(b"\0")
            await writer.drain()
        if kind == "stall":
            await reader.read()  # until the other side has had enough


async def serve_site() -> None:
    """Print the ports and serve until the standard input is closed."""
    site = Site()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("elsewhere.test").configure_cert(context)
    plain = await asyncio.start_server(site.serve, "127.0.0.1", 0, backlog=1000)
    secure = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=context)
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))  # and never listens
        sockets = (plain.sockets[0], secure.sockets[0], dead)
        print(json.dumps([one.getsockname()[1] for one in sockets]), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve_site())
