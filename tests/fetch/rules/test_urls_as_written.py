"""URLs are read as the URL standard reads them and asked for as they are written (tests/data/fetch/urls_as_written.json)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from builders.places import DATA
from logoingest.fetch import Proxy, fetch_urls
from logoingest.fetch.rules.targets import Target, UrlFault, join_target, parse_target

CASES = json.loads((DATA / "fetch/urls_as_written.json").read_text(encoding="utf-8"))
#: As their makers signed them: any other spelling is answered with 403.
SIGNED = (DATA / "fetch/signed.txt").read_text(encoding="utf-8").split()


def read(case):
    if case["base"] is None:
        return parse_target(case["text"])
    return join_target(parse_target(case["base"]), case["text"])


def test_urls_are_read_as_the_standard_reads_them():
    """Every spelling, alone or as a Location: the href of Node's parser; a fault where that fails or the scheme is no http(s)."""
    assert len(CASES) >= 700
    wrong = []
    for case in CASES:
        found, href = read(case), case["href"]
        expected = href if href is not None and href.startswith(("http://", "https://")) and "named" not in case else None
        if (found.url if isinstance(found, Target) else None) != expected:
            wrong.append((case["text"], expected, found))
    assert wrong == []


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        ("", "is empty"),
        ("www.x.test/a.jpg", "does not begin with http:// or https://"),
        ("x.test:8080/a.jpg", "does not begin with http:// or https://"),
        ("ftp://x.test/a.jpg", 'the scheme "ftp" is not http or https'),
        ("https://", "has no host"),
        ("https://u:secret@/a", "has no host"),
        ("https://x.test:99999/", "the port is no number from 1 to 65535"),
        ("https://x.test:0/", "the port is no number from 1 to 65535"),
        ("https://u:secret@x.test:8o/", "the port is no number from 1 to 65535"),
        ("https://[::g]/", "the host is no IPv6 address"),
        ("https://1.2.3.4.5/", "the host is no address, though it ends in a number"),
        ("https://a b.test/", "the host is no valid name"),
        ("https://a..test/", "the host is no valid name"),
        ("https://xn--a.test/", "the host is no valid name"),
        ("https://é<.test/", "the host is no valid international domain name"),
        ("https://x.test/" + "a" * 8192, "is longer than 8192 bytes"),
    ],
)
def test_a_fault_says_what_is_wrong(url, detail):
    """In one line, without the URL."""
    assert parse_target(url) == UrlFault(detail, scheme_refused=url.startswith("ftp"))


class SignedHost:
    """Serves a request line that is one of ``SIGNED``, and nothing else; as a proxy, in absolute-form."""

    def __init__(self, prefix=""):
        self.prefix = prefix

    async def serve(self, reader, writer):
        try:
            while True:
                target = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode("latin-1")
                if target.startswith("/to/"):
                    answer = f"302 Found\r\nLocation: {SIGNED[int(target[4:])]}\r\nContent-Length: 0\r\n\r\n"
                elif target in [self.prefix + path for path in SIGNED]:
                    answer = "200 OK\r\nContent-Length: 2\r\n\r\nok"
                else:
                    answer = "403 Forbidden\r\nContent-Length: 0\r\n\r\n"
                writer.write(f"HTTP/1.1 {answer}".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.mark.parametrize("way", ["directly", "by a redirect", "through a proxy"])
def test_signed_urls_are_served(settings, server_loop, way):
    """To the byte: %2F, %40, %28, lower-case digits, a bare per cent sign, an empty query."""
    host = SignedHost("http://signed.test" if way == "through a proxy" else "")
    here = f"http://127.0.0.1:{server_loop.serve(host.serve)}"
    if way == "through a proxy":
        settings = replace(settings, http_proxy=Proxy(here))
        urls = [f"http://signed.test{path}" for path in SIGNED]
    else:
        urls = [f"{here}{path}" if way == "directly" else f"{here}/to/{number}" for number, path in enumerate(SIGNED)]
    rows = asyncio.run(fetch_urls(urls, settings, None)).to_pylist()
    assert [row["url"] for row in rows] == urls, "the table keeps the URL as the source wrote it"
    assert [row["outcome"] for row in rows] == ["ok"] * len(SIGNED)
    if way != "through a proxy":
        assert [row["final_url"] for row in rows] == [f"{here}{path}" for path in SIGNED]
