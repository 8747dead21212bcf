"""Hosts that browsers and curl accept, byte for byte as they are found: heads out of order, bytes behind the body, kept connections."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass, field, replace

import pytest

from logoingest.fetch import fetch_urls

BODY = b"a body of 24 bytes it is"
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
WHOLE = OK + LENGTH + b"\r\n" + BODY
GZIPPED = gzip.compress(BODY)
TWICE = gzip.compress(GZIPPED)
CHUNKS = b"Transfer-Encoding: chunked\r\n"


def head(*lines: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + LENGTH + b"\r\n" + BODY


# what the host sends → whether it is served, or the reason
ANSWERS: dict[str, tuple[bytes, str]] = {
    "a header of 64 kB": (head(b"Content-Security-Policy: " + b"x" * 65_536), "ok"),
    "500 headers": (head(*(b"X-%d: v" % number for number in range(500))), "ok"),
    "100 cookies": (head(*(b"Set-Cookie: c%d=v" % number for number in range(100))), "ok"),
    "a head of 300 kB": (head(*(b"X-%d: %b" % (number, b"x" * 10_000) for number in range(30))), "protocol"),
    "a blank in a header's name": (head(b'X-Echo set JSON: "x"'), "ok"),
    "a line without a colon": (head(b"this is no header"), "ok"),
    "a header without a name": (head(b": x"), "ok"),
    "a blank before the colon": (head(b"X-A : x"), "ok"),
    "a folded header": (head(b"X-A: a", b"  b"), "ok"),
    "equal lengths": (head(LENGTH.strip()), "ok"),
    "equal lengths in one line": (OK + b"Content-Length: 24, 24\r\n\r\n" + BODY, "ok"),
    "different lengths": (head(b"Content-Length: 23"), "protocol"),
    "chunks and a length": (OK + LENGTH + CHUNKS + b"\r\n" + CHUNKED, "ok"),
    "transfer encoding identity": (head(b"Transfer-Encoding: identity"), "ok"),
    "HTTP/2 in the status line": (b"HTTP/2 200\r\n" + LENGTH + b"\r\n" + BODY, "ok"),
    "ICY": (b"ICY 200 OK\r\n" + LENGTH + b"\r\n" + BODY, "ok"),
    "line feeds alone": (WHOLE.replace(b"\r\n", b"\n"), "ok"),
    "an empty line first": (b"\r\n" + WHOLE, "ok"),
    "early hints": (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + WHOLE, "ok"),
    "203": (head(status=b"203 Other"), "ok"),
    "226": (head(status=b"226 IM Used"), "ok"),
    "299": (head(status=b"299"), "ok"),
    "206, the whole": (head(b"Content-Range: bytes 0-23/24", status=b"206 Partial Content"), "ok"),
    "206, a part": (head(b"Content-Range: bytes 0-23/25", status=b"206 Partial Content"), "protocol"),
    "a body behind the body": (WHOLE + b"<!-- cache 7 -->", "ok"),
    "zeros behind the body": (WHOLE + bytes(16), "ok"),
    "a line end behind the body": (WHOLE + b"\r\n", "ok"),
    "another answer behind the body": (WHOLE + WHOLE, "ok"),
    "something behind the chunks": (OK + CHUNKS + b"\r\n" + CHUNKED + b"garbage", "ok"),
    "chunks that are none": (OK + CHUNKS + b"\r\nzz\r\nabc", "protocol"),
    "a line feed behind the body": (WHOLE + b"\n", "ok"),
    "a length that is too short": (OK + b"Content-Length: 20\r\n\r\n" + BODY, "short"),
    "a length that is none": (OK + b"Content-Length: abc\r\n\r\n" + BODY, "protocol"),
    "a negative length": (OK + b"Content-Length: -1\r\n\r\n" + BODY, "protocol"),
    "a length with a sign": (OK + b"Content-Length: +24\r\n\r\n" + BODY, "ok"),
    "chunks with extensions": (OK + CHUNKS + b"\r\n18;foo=bar\r\n" + BODY + b"\r\n0;last\r\n\r\n", "ok"),
    "chunks with blanks behind their sizes": (OK + CHUNKS + b"\r\n18  \r\n" + BODY + b"\r\n0\r\n\r\n", "ok"),
    "trailers": (OK + CHUNKS + b"\r\n18\r\n" + BODY + b"\r\n0\r\nX-Sum: 1\r\n\r\n", "ok"),
    "compressed in transfer": (
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(GZIPPED), GZIPPED),
        "ok",
    ),
    "gzip under gzip": (
        OK + b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(TWICE), TWICE),
        "ok",
    ),
    "content codings that are none": (head(b"Content-Encoding: UTF-8", b"Content-Encoding: binary", b"Content-Encoding:"), "ok"),
    "control characters in a header": (head(b"Set-Cookie: a=\x01b", b"X-A: \xe9"), "ok"),
    "no words beside the status": (b"HTTP/1.1 200\r\n" + LENGTH + b"\r\n" + BODY, "ok"),
    "100 before it": (b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE, "ok"),
    "102 three times before it": (b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + WHOLE, "ok"),
    "a picture beside 404": (head(status=b"404 Not Found"), "http_4xx"),
    "300 with a choice": (head(b"Location: /x", status=b"300 Multiple Choices"), "protocol"),
    "302 to nowhere": (head(status=b"302 Found"), "protocol"),
    "nothing in it but a Refresh": (OK + b"Refresh: 0; url=/x\r\nContent-Length: 0\r\n\r\n", "empty"),
    "a chunk that is shorter than its size": (OK + CHUNKS + b"\r\n18\r\nshort\r\n" + CHUNKED, "protocol"),
    "a chunk that is longer than its size": (OK + CHUNKS + b"\r\n3\r\n" + BODY + b"\r\n0\r\n\r\n", "protocol"),
    "HTTP/0.9": (BODY, "protocol"),
    "HTTP/2": (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80", "protocol"),
}


CUT = [
    "a blank in a header's name", "early hints", "a body behind the body", "something behind the chunks", "chunks that are none",
    "a chunk that is longer than its size", "trailers", "HTTP/2",
]  # fmt: skip


@dataclass
class Host:
    """Sends ``answer`` in pieces of ``size`` to every request and keeps its connections; books connections and requests."""

    answer: bytes = WHOLE
    size: int = 1 << 20
    pause_s: float = 0.0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    by_connection: dict[tuple[int, int], bytes | None] = field(default_factory=dict)
    """(connection, request on it), from 1 → what it gets instead; None hangs up."""

    async def serve(self, reader, writer):
        self.connections += 1
        connection, count = self.connections, 0
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                count += 1
                answer = self.by_connection.get((connection, count), self.answer)
                if answer is None:
                    break
                for begin in range(0, len(answer), self.size):
                    writer.write(answer[begin : begin + self.size])
                    await writer.drain()
                    if self.pause_s:
                        await asyncio.sleep(self.pause_s)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@pytest.fixture
def get(settings, server_loop):
    """Fetches so many URLs of a host, one after the other."""

    def run(host, count=1, **changes):
        url = f"http://127.0.0.1:{server_loop.serve(host.serve)}/"
        changed = replace(settings, **{"per_host": 1, "concurrency": 1, **changes})
        return asyncio.run(fetch_urls([f"{url}{number}" for number in range(count)], changed, None)).to_pylist()

    return run


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_taken_as_browsers_take_it(get, name):
    """Whole, to the byte, at the first attempt, and so twice in a row on whatever connection."""
    answer, outcome = ANSWERS[name]
    rows = get(Host(answer), count=2)
    assert [row["reason"] or row["outcome"] for row in rows] == [outcome.replace("short", "ok")] * 2
    assert {row["attempts"] for row in rows} == {1}
    if outcome in ("ok", "short"):
        assert [row["bytes"] for row in rows] == [BODY if outcome == "ok" else BODY[:20]] * 2


@pytest.mark.parametrize("size", [1, 7, 40])
@pytest.mark.parametrize(
    "name", ["a blank in a header's name", "early hints", "a body behind the body", "something behind the chunks"]
)
def test_packets_may_end_anywhere(get, name, size):
    """The same, however it is cut up."""
    rows = get(Host(ANSWERS[name][0], size=size), count=2)
    assert [row["bytes"] for row in rows] == [BODY] * 2


def test_bytes_that_come_later_end_the_connection(get):
    """They belong to no answer: the next URL is asked for on a new connection."""
    host = Host(WHOLE + b"late garbage", size=len(WHOLE), pause_s=0.03)
    rows = get(host, count=3)
    assert [row["bytes"] for row in rows] == [BODY] * 3
    assert host.connections == 3
    assert {row["attempts"] for row in rows} == {1}


def test_whole_answers_keep_their_connection(get):
    """A line end behind the body is no reason to close it."""
    host = Host(WHOLE + b"\r\n")
    get(host, count=4)
    assert host.connections == 1


@pytest.mark.parametrize("nonsense", [b"garbage\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n", b"\xff\xd8\xff\xe0 a picture", None])
def test_a_kept_connection_that_brings_nonsense_is_tried_once_more_on_a_new_one(get, nonsense):
    """It says nothing about the URL: one more request, and no attempt counted."""
    host = Host(by_connection={(1, 2): nonsense})
    rows = get(host, count=3)
    assert [(row["outcome"], row["attempts"]) for row in rows] == [("ok", 1)] * 3
    assert len(host.requests) == 4


def test_nonsense_on_a_new_connection_is_the_hosts_answer(get):
    """It is not asked for again."""
    host = Host(b"garbage\r\n\r\n")
    (row,) = get(host)
    assert (row["reason"], row["detail"], len(host.requests)) == ("protocol", "the answer is no valid HTTP", 1)


def test_a_host_that_speaks_http2_only_is_named(get):
    """Whether it begins before or after it is asked."""
    (row,) = get(Host(ANSWERS["HTTP/2"][0]))
    assert row["detail"] == "the host speaks HTTP/2 only, which is not spoken here"


def test_202_is_asked_for_again(get):
    """Like 503: it is not ready yet."""
    host = Host(by_connection={(1, 1): head(status=b"202 Accepted")})
    (row,) = get(host)
    assert (row["outcome"], row["http_status"], row["attempts"]) == ("ok", 200, 2)


def test_headers_for_all_hosts_are_sent(get):
    """fetch.accept in place of the usual Accept, fetch.headers beside it."""
    host = Host()
    get(host, accept="image/jpeg", headers=(("referer", "https://example.com/"),))
    sent = host.requests[0].lower()
    assert b"\r\naccept: image/jpeg\r\n" in sent
    assert b"\r\nreferer: https://example.com/\r\n" in sent
