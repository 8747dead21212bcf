"""Whatever strangers write as a URL, and whatever their servers answer: a row with a reason of the closed set, never an exception.

Everything goes through a proxy of the test's own, so that no made-up host is ever asked for anything. EXPLORE=1 looks longer.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from logoingest.fetch import Fetcher, Proxy
from logoingest.schemas import DownloadRow, Reason

pytestmark = pytest.mark.timeout(3_600 if os.environ.get("EXPLORE") else 300)
EXAMPLES = 3_000 if os.environ.get("EXPLORE") else 60
thorough = hypothesis_settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

#: How a URL, a redirect, an answer may end here: nothing that takes robots.txt, a dead host or a stop.
ENDS = {None} | {
    Reason(name)
    for name in (
        "bad_url", "private_address", "dns", "connect", "tls", "proxy", "protocol", "timeout_read", "timeout_total", "http_4xx", "http_5xx",
        "redirect_loop", "redirect_refused", "too_large", "empty", "truncated", "opted_out",
    )
}  # fmt: skip

# -- URLs --------------------------------------------------------------------------------------------------------------

REAL = (
    "https://user:p%40ss@images.example.org:8443/a%20b/c.jpg?w=1&h=2#top",
    "http://bücher.example/ä/é.png;v=1?q=ü",
    "//cdn.example/x.webp",
    "http://[2606:4700::1111]:8080/p",
    "http://93.184.216.34/%7Euser/../x",
    "http://xn--bcher-kva.example./",
    "HTTP://EXAMPLE.ORG:80",
)
PIECES = st.sampled_from(
    [
        "http://", "https:", "//", "/", "\\", "@", ":", "?", "#", "%", "%2e", "%00", "%0d%0a", "..", "[", "]", "[::1]", "127.0.0.1", "0x7f.1",
        "a.test", "é", "。", "ß", "\u200d", "\u202e", "xn--", "xn--a", "٣", " ", ";", "\n", "\t", "\x00", "\x7f", "\ufeff", "😀", "-", "_", "*",
    ]
)  # fmt: skip


@st.composite
def mutate_urls(draw):
    """A real URL with a few places cut out, doubled, or written over."""
    text = draw(st.sampled_from(REAL))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        to = min(len(text), at + draw(st.integers(0, 3)))
        text = text[:at] + draw(st.one_of(PIECES, st.text(max_size=3), st.just(text[at:to] * 2))) + text[to:]
    return text


URLS = st.one_of(
    mutate_urls(),
    st.text(),
    st.text().map("http://{}".format),
    st.lists(PIECES, max_size=8).map("".join),
    st.text().map("http://a.test/{}".format),
)

# -- answers -----------------------------------------------------------------------------------------------------------

STATUS_LINES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK", b"HTTP/1.1 200", b"HTTP/1.0 200 OK", b"HTTP/1.1 301 Moved", b"HTTP/1.1 302 \xff\xfe", b"HTTP/1.1 404 Non trouv\xe9",
        b"HTTP/1.1 503 Busy", b"HTTP/1.1 429 x", b"HTTP/1.1 204 x", b"HTTP/1.1 206 x", b"HTTP/1.1 101 x", b"HTTP/1.1 999 x", b"HTTP/1.1 099 x",
        b"HTTP/2 200", b"ICY 200 OK", b"HTTP/1.1 200 \x00", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK",
    ]
)  # fmt: skip
NAMES = st.sampled_from(
    [
        b"Location", b"Set-Cookie", b"Retry-After", b"Content-Encoding", b"X-Robots-Tag", b"TDM-Reservation", b"Content-Type", b"ETag",
        b"Last-Modified", b"Content-Length", b"Transfer-Encoding", b"Content-MD5", b"Digest", b"Content-Digest", b"Repr-Digest", b"Connection",
    ]
)  # fmt: skip
VALUES = st.lists(
    st.sampled_from(
        [
            b"gzip", b"deflate", b"br", b"chunked", b"close", b"a=b", b"; Path=/", b"; Expires=Thu, 99 Oct", b"; Domain=.x", b"http://b.test/", b"//",
            b"http://[::1", b"http://10.0.0.1/", b"/", b":99999", b"\xff\xfe", b"\xc3\xa9", b"\xed\xa0\x80", b"%zz", b"sha-256=:AA=:", b"=", b"0",
            b"1", b"5", b"-1", b"9" * 30, b"; Max-Age=" + b"9" * 30, b" ", b"\t", b",", b";", b'"', b"noai", b"#", b"@", b"\\", b"x" * 9000,
            b"Thu, 09 Oct 2025 07:30:20 GMT", b"Thu, 09 Oct 99999 07:30:20 -9999", b"\x01", b"\x00", b"\r", b"\n",
        ]
    ),
    max_size=4,
).map(b"".join)  # fmt: skip
BODIES = st.one_of(
    st.sampled_from([b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"F" * 20 + b"\r\nx", b"\x1f\x8b\x08\x00"]),
    st.binary(max_size=60),
)
ANSWERS = st.one_of(
    st.builds(
        lambda line, headers, body: b"\r\n".join([line, *(name + b": " + value for name, value in headers), b"", b""]) + body,
        STATUS_LINES,
        st.lists(st.tuples(NAMES, VALUES), max_size=5),
        BODIES,
    ),
    st.binary(max_size=80),
)


class World:
    """A proxy behind which every host answers what it is told to; tunnels do not come about."""

    def __init__(self) -> None:
        self.answers: dict[bytes, bytes] = {}

    async def serve(self, reader, writer) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            line = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0]
            method, target, version = line.split(b" ")
            assert (method, version) in {(b"GET", b"HTTP/1.1"), (b"CONNECT", b"HTTP/1.1")}
            assert target.isascii()
            plain = b"HTTP/1.1 502 x" if method == b"CONNECT" else b"HTTP/1.1 200 OK"
            name = target.split(b"/")[2] if target.endswith(b"/robots.txt") else target.rpartition(b"/")[2]
            writer.write(self.answers.get(name, plain + b"\r\nContent-Length: 3\r\n\r\nabc"))
            await writer.drain()
        writer.close()


@pytest.fixture
def world(server_loop, settings):
    """The world, and what fetches from it through one engine: its rows, checked for what must hold of any."""
    yield from _open_world(server_loop, settings)


@pytest.fixture
def obeyed_world(server_loop, settings):
    """Likewise, and robots.txt is asked for."""
    yield from _open_world(server_loop, replace(settings, robots="obey"))


def _open_world(server_loop, settings):
    made = World()
    proxy = Proxy(f"http://127.0.0.1:{server_loop.serve(made.serve)}")
    own = replace(
        settings, http_proxy=proxy, https_proxy=proxy, allowed_networks=(), max_attempts=2, backoff_s=0.0, max_backoff_s=0.0, breaker_failures=0,
        read_timeout_s=20, total_timeout_s=30,
    )  # fmt: skip
    with asyncio.Runner() as runner:
        engine = Fetcher(own, None)
        runner.run(engine.__aenter__())

        def fetch(urls):
            table = runner.run(engine.fetch(urls))
            assert table.schema.equals(DownloadRow.arrow_schema())
            rows = table.to_pylist()
            assert [row["url"] for row in rows] == list(dict.fromkeys(urls))
            for row in rows:
                _check(row)
            return rows

        made.fetch = fetch
        yield made
        runner.run(engine.__aexit__(None, None, None))


def _check(row) -> None:
    assert row["reason"] in ENDS | {"robots"}, row
    assert (row["outcome"] == "ok") == (row["reason"] is None) == (row["detail"] is None)
    assert (row["bytes"] is None) == (row["reason"] is not None)
    if row["reason"]:
        assert row["detail"].isprintable()
        assert len(row["detail"]) < 200
    if row["final_url"]:
        assert row["final_url"].isascii()
        assert "@" not in row["final_url"].split("/")[2]
    assert row["attempts"] <= 2


def test_any_list_of_urls_becomes_rows(world):
    """Arbitrary text, pieces of URLs, and real URLs that were damaged, several at a time."""
    asked = []

    @thorough
    @given(st.lists(URLS, min_size=1, max_size=6))
    @example(["http://08.1/", "http://0x/", "http://xn--a/", "http://a\u200d.test/", "http://" + "9" * 50 + "/"])
    @example(["http://" + "a." * 126 + "a/", "http://" + "ü" * 63 + ".test/", "http://\u0627a.test/", "http://a:0x50/"])
    def check(urls):
        rows = world.fetch(urls)
        asked.extend(row["attempts"] for row in rows)

    check()
    assert any(asked), "some were asked for"
    assert not all(asked), "and some were not"


def test_any_answer_becomes_a_row(world):
    """Status lines, headers and bodies nobody should send, redirects to anywhere among them."""
    ends = set()
    numbers = itertools.count()

    @thorough
    @given(st.lists(ANSWERS, min_size=1, max_size=6))
    @example([b"HTTP/1.1 404 Non trouv\xe9\r\nContent-Length: 0\r\n\r\n"])
    @example([b"HTTP/1.1 302 x\r\nSet-Cookie: \xe9=\xff\r\nLocation: ?\r\n\r\n"])
    @example([b"HTTP/1.1 503 x\r\nRetry-After: Thu, 09 Oct 99999 07:30:20 -9999\r\n\r\n"])
    def check(answers):
        world.answers = {f"{index}".encode(): answer for index, answer in enumerate(answers)}
        # hosts of their own: one that says 429 is slowed down
        ends.update(
            row["reason"] for row in world.fetch([f"http://h{next(numbers)}.test/{index}" for index in range(len(answers))])
        )

    check()
    assert {None, "protocol"} <= ends


def test_any_location_is_followed_or_refused(world):
    """Whatever bytes stand in a Location: nothing goes where a URL would not have gone, and no row is lost."""

    @thorough
    @given(st.one_of(st.binary(max_size=60), URLS.map(lambda text: text.encode("utf-8", "replace"))))
    @example(b"http://user:secret@c.test/x")
    @example("http://é.test/\u0627".encode("latin-1", "replace"))
    def check(location):
        line = re.sub(rb"[\r\n\x00]", b"", location)
        world.answers = {b"first": b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + line + b"\r\n\r\n"}
        world.fetch(["http://me:mine@a.test/first"])

    check()


def test_any_robots_txt_lets_rows_come(obeyed_world):
    """Answers nobody should send, when robots.txt is asked for, and files of arbitrary text."""
    ends = set()
    numbers = itertools.count()
    files = st.lists(
        st.one_of(
            st.sampled_from(["User-agent: *", "Disallow: /", "Allow: /*a$", "Crawl-delay: nan", "\ufeffuser-agent:logoingest"]),
            st.text(),
        ),
        max_size=5,
    )
    answers = st.one_of(ANSWERS, files.map(lambda lines: b"HTTP/1.1 200 OK\r\n\r\n" + "\n".join(lines).encode("utf-8", "replace")))

    @thorough
    @given(st.lists(answers, min_size=1, max_size=4))
    @example([b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\nDisallow: /"])
    def check(answers):
        hosts = [f"h{next(numbers)}.test" for _ in answers]
        obeyed_world.answers = {host.encode(): answer for host, answer in zip(hosts, answers, strict=True)}
        ends.update(row["reason"] for row in obeyed_world.fetch([f"http://{host}/x" for host in hosts]))

    check()
    assert {None, "robots"} <= ends
