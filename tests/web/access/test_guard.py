"""What strangers, other sites and broken programs send ends at the door; a table of requests, over the wire."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import json
import socket
import tomllib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from starlette.responses import PlainTextResponse

from builders.places import DATA
from builders.web.served_pages import PICTURES, Pages, add_pictures, name_picture, open_pages, write_dataset
from logoingest.errors import UsageError
from logoingest.review.suggestions import make_label_id
from logoingest.web.access import connections, guard
from logoingest.web.access.entrance import make_entrance
from logoingest.web.access.headers import CONTENT_SECURITY_POLICY
from logoingest.web.access.rates import RateLimit
from logoingest.web.access.visits import Visits

REQUESTS: list[dict[str, Any]] = tomllib.loads((DATA / "web/requests.toml").read_text())["requests"]


def make_picture_with_a_script() -> bytes:
    """A JPEG whose EXIF, comment and ICC profile are markup."""
    exif, buffer, words = Image.Exif(), io.BytesIO(), "<script>alert(1)</script>"
    exif[0x010E], exif[0x9286] = words, words
    Image.new("RGB", (40, 30)).save(buffer, "JPEG", exif=exif, comment=words.encode(), icc_profile=words.encode())
    return buffer.getvalue()


#: A GIF that is also a script, an SVG that says it is a PNG, a page, and nothing.
HOSTILE_BYTES = [
    *PICTURES[:2],
    make_picture_with_a_script(),
    b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>',
    b"<!doctype html><script>alert(1)</script>",
    b"GIF89a/*<script>alert(1)</script>*/=1;",
    b"",
]
DRAWN = 3
"""So many of them are pictures."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    folder = tmp_path_factory.mktemp("pages")
    config = write_dataset(
        folder,
        [
            ("<script>alert(1)</script>", "<b>w</b>"),
            ("pmua", "w2"),
            ('"><img src=x onerror=alert(1)>', "w3"),
            ("\u202egnp.exe", "w4"),
            ("puma", "w5"),
            ("puma", "w1"),
        ],
    )
    add_pictures(config, HOSTILE_BYTES, ["puma", "citroen", "puma"])
    with open_pages(config) as served:
        yield served


def send_raw(pages: Pages, request: dict[str, Any]) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers of a request that no client mends."""
    host = pages.base.removeprefix("http://")
    image_id = name_picture(0)
    facts = {
        "base": pages.base,
        "host": host,
        "port": host.partition(":")[2],
        "csrf": pages.csrf,
        "id": image_id,
        "upper": image_id.replace("1", "A"),
    }
    connection = http.client.HTTPConnection(host, timeout=20)
    path = request["path"]
    for name, value in facts.items():
        path = path.replace(f"{{{name}}}", value)
    headers = {name: value.format(**facts) for name, value in request.get("headers", {}).items()}
    if request.get("in", True):
        headers.setdefault("cookie", "; ".join(f"{name}={value}" for name, value in pages.client.cookies.items()))
    body = request.get("body") or "[" * request.get("body_nested", 0) or " " * request.get("body_bytes", 0) or None
    connection.request(request.get("method", "GET"), path + "x" * request.get("path_bytes", 0), body, headers)
    answer = connection.getresponse()
    found = answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    connection.close()
    return found


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request["name"])
def test_what_is_not_ours_ends_at_the_door(pages: Pages, request_: dict[str, Any]) -> None:
    """With the status that says why, and the headers that keep browsers from making anything of it."""
    status, body, headers = send_raw(pages, request_)
    assert status >= 400
    assert status == request_.get("status", status)
    assert b"root:" not in body
    assert b"Traceback" not in body
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"


def test_every_answer_carries_the_headers(pages: Pages) -> None:
    """Pages, parts, pictures, files and faults."""
    for path in (
        "/queue",
        "/queue/lines",
        "/gallery",
        f"/view/{name_picture(0)}/160",
        "/static/page.js",
        "/nothing",
        f"/picture/{name_picture(0)}",
    ):
        headers = pages.get(path).headers
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY, path
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers
    assert "unsafe" not in CONTENT_SECURITY_POLICY


def test_the_cookie_is_out_of_reach(pages: Pages) -> None:
    """Of scripts, and of other sites' requests."""
    status, _, headers = send_raw(pages, {"path": pages.links[-1].removeprefix(pages.base), "in": False})
    assert status == 303
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip().lower() for part in headers["set-cookie"].split(";")}


def test_a_link_lets_one_browser_in(pages: Pages) -> None:
    """Used once, it is of no use; the next one is announced."""
    link = {"path": pages.links[-1].removeprefix(pages.base), "in": False}
    assert send_raw(pages, link)[0] == 303
    assert send_raw(pages, link)[0] == 403
    assert pages.links[-1].removeprefix(pages.base) != link["path"]


def test_words_of_strangers_are_text(pages: Pages) -> None:
    """Markup is escaped, what turns the direction of writing is shown."""
    text = pages.get("/queue").text + pages.get(f"/queue/card?key={make_label_id('<script>alert(1)</script>')}").text
    text += pages.get("/label", params={"raw": "<script>alert(1)</script>"}).text
    text += pages.get(f"/picture/{name_picture(0)}/votes").text + pages.get("/nothing/<script>alert(1)</script>").text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "<b>w</b>" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize("number", range(len(HOSTILE_BYTES)))
def test_a_strangers_bytes_are_never_handed_on(pages: Pages, number: int) -> None:
    """A picture comes as a JPEG of ours, or not at all."""
    for side in (160, 480, 1600):
        answer = pages.get(f"/view/{name_picture(number)}/{side}")
        assert (answer.status_code == 200) == (number < DRAWN)
        if number < DRAWN:
            assert answer.headers["content-type"] == "image/jpeg"
            assert answer.content[:3] == b"\xff\xd8\xff"
        assert answer.content != HOSTILE_BYTES[number]
        assert b"alert" not in answer.content


def connect(pages: Pages) -> socket.socket:
    host, _, port = pages.base.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def test_who_takes_too_long_to_ask_is_hung_up_on(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a head, and a connection on which nothing comes."""
    monkeypatch.setattr(connections, "HEAD_PATIENCE_S", 0.2)
    for begun in (b"GET /queue HTTP/1.1\r\nhost: x\r\n", b""):
        with connect(pages) as silent:
            silent.sendall(begun)
            assert silent.recv(100) == b""


def test_idle_connections_make_room_for_who_comes(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that has been idle for longest is closed."""
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 4)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connect(pages)) for _ in range(8)]
        assert httpx.get(f"{pages.base}/enter").status_code == 403
        assert silent[0].recv(100) == b""


def test_a_body_that_does_not_come_is_given_up(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 408, and the connection is closed."""
    monkeypatch.setattr(guard, "BODY_PATIENCE_S", 0.2)
    cookie = "; ".join(f"{name}={value}" for name, value in pages.client.cookies.items())
    head = (
        f"POST /queue/decide HTTP/1.1\r\nhost: {pages.base.removeprefix('http://')}\r\norigin: {pages.base}\r\ncookie: {cookie}\r\n"
    )
    head += f"x-csrf-token: {pages.csrf}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n"
    with connect(pages) as slow:
        slow.sendall(head.encode() + b'{"key"')
        assert slow.recv(4000).startswith(b"HTTP/1.1 408")


def test_bytes_that_are_no_request_are_refused_and_heads_are_bounded(pages: Pages) -> None:
    """And nobody else is the worse for it."""
    for garbage in (
        b"\x00\xff" * 40 + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /queue HTTP/1.1\r\n" + b"x: " + b"y" * 40_000 + b"\r\n\r\n",
    ):
        with connect(pages) as broken:
            broken.sendall(garbage)
            assert broken.recv(100).startswith(b"HTTP/1.1 4")
    assert pages.get("/queue").status_code == 200


def test_a_flood_of_strangers_is_turned_away_and_who_is_in_works_on() -> None:
    """Garbage without a visit is bounded by itself; the clock stands still here."""
    visits = Visits(lambda _token: None, clock=lambda: 0.0)
    visit = visits.start("Ada", is_named=False)
    entrance = make_entrance("127.0.0.1", 80)
    guarded = guard.Guard(PlainTextResponse("in"), entrance, visits, ())
    guarded._strangers = RateLimit(20, 60, clock=lambda: 0.0)

    async def flood() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url="http://127.0.0.1") as client:
            strangers = [(await client.get(f"/{number}")).status_code for number in range(300)]
            assert strangers == [401] * 60 + [429] * 240
            return [(await client.get("/", headers={"cookie": f"{entrance.cookie}={visit.key}"})).status_code for _ in range(50)]

    assert asyncio.run(flood()) == [200] * 50


def test_a_rate_is_a_burst_and_so_many_a_second() -> None:
    """Counted by the clock that is given."""
    now = [0.0]
    limit = RateLimit(2, 3, clock=lambda: now[0])
    assert [limit.take() for _ in range(4)] == [True, True, True, False]
    now[0] = 0.6
    assert [limit.take() for _ in range(2)] == [True, False]


def test_a_visit_ends_when_somebody_has_been_away_for_long() -> None:
    """And there are not more of them than a server can hold."""
    now = [0.0]
    visits = Visits(lambda _token: None, clock=lambda: now[0])
    visit = visits.start("Ada", is_named=False)
    now[0] = 11 * 3600
    assert visits.find(visit.key) is visit
    now[0] += 13 * 3600
    assert visits.find(visit.key) is None


@pytest.mark.parametrize(
    ("behind", "is_right"),
    [("https://review.example.org", True), ("https://a@b", False), ("ftp://x", False), ("https://x/y", False), ("x", False)],
)
def test_behind_a_proxy_only_its_address_counts(behind: str, is_right: bool) -> None:
    """Cookies are then for https alone."""
    if not is_right:
        with pytest.raises(UsageError, match="no address of a proxy"):
            make_entrance("0.0.0.0", 80, behind)
        return
    entrance = make_entrance("0.0.0.0", 80, behind)
    assert entrance == (frozenset({"review.example.org"}), frozenset({behind}), True, False)
    assert entrance.cookie.startswith("__Host-")


def test_a_message_is_json_for_a_script_and_a_page_for_a_person(pages: Pages) -> None:
    """In the words of the command line."""
    said = pages.get("/queue/card?key=none", headers={"accept": "application/json"})
    assert "decided already" in json.loads(said.text)["message"]
    assert "<h1>" in pages.get("/queue/card?key=none", headers={"accept": "text/html"}).text
