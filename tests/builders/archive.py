"""A stand-in for the Internet Archive on loopback that speaks its two APIs (the Wayback availability look-up and ``id_`` copies), and what tests of fallbacks share."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit


def name_of(url: str) -> str:
    """What the archive files a URL under: no scheme, no www, no letter case."""
    return re.sub(r"^(https?://)?(www\.)?", "", url.lower()).rstrip("/")


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body


@dataclass
class Copy:
    """One capture: when, with which status, headers and bytes."""

    timestamp: str
    body: bytes
    status: str = "200"
    headers: tuple[str, ...] = ()


@dataclass
class Archive:
    """Copies by URL; raw answers that are given instead, by the name looked up; and the books of what was asked."""

    port: int = 0
    host: str = "archive.test"
    copies: dict[str, Copy] = field(default_factory=dict)
    lookups_instead: dict[str, list[bytes]] = field(default_factory=dict)
    """Answers to the look-up of a URL, in turn; the last one stays."""
    copies_instead: dict[str, bytes] = field(default_factory=dict)
    """The answer to a request for the copy of a URL."""
    robots: bytes | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    """(url, timestamp) of every look-up."""
    fetched: list[str] = field(default_factory=list)
    """Path of every other request."""
    times: list[float] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, object]:
        """What of FetchSettings names it."""
        base = f"http://{self.host}:{self.port}"
        return {"archive_url": f"{base}/wayback/available", "archive_content_url": f"{base}/web", "archive_delay_s": 0.0}

    def keep(self, url: str, copy: Copy) -> None:
        self.copies[name_of(url)] = copy

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                writer.write(self._answer(head.split(" ")[1]))
                await writer.drain()
                if "connection: close" in head.lower():
                    break
        writer.close()

    def _answer(self, path: str) -> bytes:
        if path.startswith("/robots.txt"):
            return answer("404 Not Found") if self.robots is None else answer("200 OK", self.robots)
        self.times.append(time.monotonic())
        if path.startswith("/wayback/available?"):
            return self._look_up(parse_qs(urlsplit(path).query))
        self.fetched.append(path)
        match = re.fullmatch(r"/web/(\d{4,14})(id_)?/(.+)", path)
        return answer("404 Not Found") if match is None else self._give(match[1], match[2] == "id_", match[3])

    def _look_up(self, query: dict[str, list[str]]) -> bytes:
        url, timestamp = query["url"][0], query.get("timestamp", [""])[0]
        self.asked.append((url, timestamp))
        name = name_of(unquote(url))
        if name in self.lookups_instead:
            answers = self.lookups_instead[name]
            return answers.pop(0) if len(answers) > 1 else answers[0]
        copy = self.copies.get(name)
        found = {"url": url, "archived_snapshots": {}, "timestamp": timestamp}
        if copy is not None:
            found["archived_snapshots"] = {"closest": self.describe(copy, f"http://{url}")}
        return answer("200 OK", json.dumps(found).encode(), "Content-Type: application/json")

    def describe(self, copy: Copy, url: str) -> dict[str, object]:
        where = f"http://{self.host}:{self.port}/web/{copy.timestamp}/{url}"
        return {"status": copy.status, "available": True, "url": where, "timestamp": copy.timestamp}

    def _give(self, timestamp: str, is_original: bool, url: str) -> bytes:
        name = name_of(unquote(url))
        if name in self.copies_instead:
            return self.copies_instead[name]
        copy = self.copies.get(name)
        if copy is None:
            return answer("404 Not Found", b"<html>The Wayback Machine has not archived that URL.</html>")
        if timestamp != copy.timestamp:
            return answer("302 Found", b"", f"Location: /web/{copy.timestamp}{'id_' if is_original else ''}/{url}")
        body = copy.body if is_original else b"<html>the archive's toolbar</html>" + copy.body
        return answer(f"{copy.status} Archived", body, *copy.headers)


# -- what tests of fallbacks share ---------------------------------------------------------------------------------------

HTML = b"<!doctype html><title>parked</title>"


def at_home(host: str, port: int) -> list[str]:
    """Every name is at home on loopback."""
    return ["127.0.0.1"]


def look(body: bytes) -> dict[str, object]:
    """An inspection that knows HTML when it sees it."""
    return {"image_reason": "not_image", "image_detail": "HTML"} if body.startswith(b"<!doctype") else {"format": "JPEG"}


def tell(row: dict) -> tuple:
    return row["outcome"], row["fallback"], row["first_reason"], row["fallback_detail"]


def where_is(archive: Archive) -> dict[str, object]:
    return {name: value for name, value in archive.settings.items() if name != "archive_delay_s"}
