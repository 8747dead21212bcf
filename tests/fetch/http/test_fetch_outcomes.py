"""Every way a server can behave ends in its one documented reason."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import time

import pytest

from builders.places import ROOT
from logoingest.fetch import fetch_urls
from logoingest.images import inspect_image
from logoingest.schemas import DownloadRow, Reason

# route → (reason, detail, status, attempts); reason None is ok with the whole picture
ROUTES = {
    "/picture": (None, None, 200, 1),
    "/chunked": (None, None, 200, 1),
    "/chunked-to-the-letter": (None, None, 200, 1),
    "/no-length": (None, None, 200, 1),
    "/early-hints": (None, None, 200, 1),
    "/latin-headers": (None, None, 200, 1),
    "/many-headers/100": (None, None, 200, 1),
    "/many-headers/1900": (None, None, 200, 1),
    "/huge-header": (None, None, 200, 1),
    "/long-name": (None, None, 200, 1),
    "/chunks-and-length": (None, None, 200, 1),
    "/labelled": (None, None, 200, 1),
    "/coded/identity": (None, None, 200, 1),
    "/coded/utf-8": (None, None, 200, 1),
    "/coded/aws-chunked": (None, None, 200, 1),
    "/redirects/301": (None, None, 200, 1),
    "/redirects/302": (None, None, 200, 1),
    "/redirects/303": (None, None, 200, 1),
    "/redirects/307": (None, None, 200, 1),
    "/redirects/308": (None, None, 200, 1),
    "/odd-cookie": (None, None, 200, 1),
    "/gzip": (None, None, 200, 1),
    "/gzip-members": (None, None, 200, 1),
    "/deflate": (None, None, 200, 1),
    "/raw-deflate": (None, None, 200, 1),
    "/http10": (None, None, 200, 1),
    "/chain/5": (None, None, 200, 1),
    "/cookie-wall": (None, None, 200, 1),
    "/relative/x": (None, None, 200, 1),
    "/fails-then-ok/500/2/x": (None, None, 200, 3),
    "/fails-then-ok/503/1/x": (None, None, 200, 2),
    "/fails-then-ok/408/1/x": (None, None, 200, 2),
    "/fails-then-ok/425/1/x": (None, None, 200, 2),
    "/fails-then-ok/429/1/x": (None, None, 200, 2),
    "/fails-then-ok/522/1/x": (None, None, 200, 2),
    "/reset-then-ok": (None, None, 200, 2),
    "/content-md5/0": (None, None, 200, 1),
    "/content-md5/1": (None, None, 200, 2),
    "/content-md5/9": ("truncated", "the body is not the one its content-md5 header speaks of", 200, 3),
    "/fails-then-ok/500/3/x": ("http_5xx", "HTTP 500", 500, 3),
    "/status/400": ("http_4xx", "HTTP 400", 400, 1),
    "/status/401": ("http_4xx", "HTTP 401", 401, 1),
    "/status/403": ("http_4xx", "HTTP 403", 403, 1),
    "/status/404": ("http_4xx", "HTTP 404", 404, 1),
    "/words/latin": ("http_4xx", "HTTP 404", 404, 1),
    "/words/none": ("http_4xx", "HTTP 404", 404, 1),
    "/words/many": ("http_4xx", "HTTP 404", 404, 1),
    "/status/410": ("http_4xx", "HTTP 410", 410, 1),
    "/status/451": ("http_4xx", "HTTP 451", 451, 1),
    "/status/501": ("http_5xx", "HTTP 501", 501, 1),
    "/status/505": ("http_5xx", "HTTP 505", 505, 1),
    "/status/503": ("http_5xx", "HTTP 503", 503, 3),
    "/status/407": ("http_4xx", "HTTP 407", 407, 1),
    "/status/204": ("empty", "HTTP 204, no content", 204, 1),
    "/status/206": ("protocol", "HTTP 206 brings only a part, which was not asked for", 206, 1),
    "/status/202": ("protocol", "HTTP 202, it is not ready yet", 202, 3),
    "/status/304": ("protocol", "HTTP 304 is no answer to a plain GET", 304, 1),
    "/status/300": ("protocol", "HTTP 300 is no answer to a plain GET", 300, 1),
    "/status/777": ("protocol", "HTTP 777 is no answer to a plain GET", 777, 1),
    "/no-location": ("protocol", "HTTP 302 without a Location", 302, 1),
    "/empty": ("empty", "HTTP 200 with an empty body", 200, 1),
    "/chain/6": ("redirect_loop", "more than fetch.max_redirects = 5 redirects", 301, 1),
    "/circle/a": ("redirect_loop", "redirects go in a circle", 307, 1),
    "/cookie-maze": ("redirect_loop", "more than fetch.max_redirects = 5 redirects", 302, 1),
    "/claims-more": ("truncated", "the connection broke off in the body", 200, 3),
    "/chunked-broken": ("truncated", "the connection broke off in the body", 200, 3),
    "/chunk-size/7fffffff": ("truncated", "the connection broke off in the body", 200, 3),
    "/no-length-reset": ("truncated", "the connection broke off in the body", 200, 3),
    "/reset": ("truncated", "the connection broke off in the body", 200, 3),
    "/gzip-short": ("truncated", "the gzip stream ends early", 200, 3),
    "/not-gzip": ("protocol", "the body is not gzip as it says", 200, 1),
    "/coded/gzip+gzip": ("protocol", "the body is not gzip as it says", 200, 1),
    "/coded/compress": ("protocol", "the content encoding compress was not asked for", 200, 1),
    "/coded/deflate": ("protocol", "the body is not deflate as it says", 200, 1),
    "/bomb/gzip": ("too_large", "more than fetch.max_bytes = 200000 bytes", 200, 1),
    "/bomb/second-gzip": ("too_large", "more than fetch.max_bytes = 200000 bytes", 200, 1),
    "/bomb/deflate": ("too_large", "more than fetch.max_bytes = 200000 bytes", 200, 1),
    "/bomb/raw-deflate": ("too_large", "more than fetch.max_bytes = 200000 bytes", 200, 1),
    "/too-large": ("too_large", "more than fetch.max_bytes = 200000 bytes", 200, 1),
    "/endless": ("too_large", "more than fetch.max_bytes = 200000 bytes", 200, 1),
    "/hang-up": ("connect", "the server hung up before it answered", None, 3),
    "/head-breaks-off": ("connect", "the server hung up before it answered", None, 3),
    "/chunk-size/zz": ("protocol", "the answer is no valid HTTP", 200, 1),
    "/chunk-size/-5": ("protocol", "the answer is no valid HTTP", 200, 1),
    "/chunk-size/FFFFFFFFFFFFFFFFFFFF": ("protocol", "the answer is no valid HTTP", 200, 1),
    "/junk": ("protocol", "the answer is no valid HTTP", None, 1),
    "/many-headers/5000": ("protocol", "the answer is no valid HTTP", None, 1),
    "/bad-length": ("protocol", "the answer is no valid HTTP", None, 1),
    "/two-lengths": ("protocol", "the answer is no valid HTTP", None, 1),
}


def test_every_route_ends_in_its_reason(site, fetch, picture):
    """All routes at once, over shared connections: each URL has the outcome the table above says, and no other."""
    paths = list(ROUTES)
    random.Random(1).shuffle(paths)
    rows = {row["url"].removeprefix(site.url): row for row in fetch(*(site.url + path for path in paths))}
    found = {path: (row["reason"], row["detail"], row["http_status"], row["attempts"]) for path, row in rows.items()}
    assert found == ROUTES
    for path, (reason, *_) in ROUTES.items():
        assert rows[path]["outcome"] == ("failed" if reason else "ok")
        assert rows[path]["bytes"] == (None if reason else picture)


def test_every_reason_of_the_fetch_is_documented():
    """docs/fetching.md has a row for each that the code may give, says whether it is asked again, and has no others."""
    text = (ROOT / "docs/fetching.md").read_text(encoding="utf-8").partition("## How a URL ends")[2].partition("\n### ")[0]
    fetch_table, _, image_table = text.partition("| image_reason |")
    documented = re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", fetch_table, re.MULTILINE)
    used = {
        name
        for file in (ROOT / "src/logoingest/fetch").rglob("*.py")
        for name in re.findall(r"Reason\.([A-Z_0-9X]+)", file.read_text())
    }
    # the fetch knows these, and gives them to no row as its reason
    about_pictures = {Reason.NOT_IMAGE, Reason.DECODE_ERROR, Reason.PLACEHOLDER, Reason.TAKEN_DOWN}
    assert sorted(documented) == sorted({Reason[name].value for name in used} - about_pictures)
    assert re.findall(r"^\| `(\w+)` \|", image_table, re.MULTILINE) == ["not_image", "truncated", "decode_error", "bomb"]


def test_a_404_is_asked_for_once_and_a_503_as_often_as_allowed(site, fetch):
    """The server's own count proves what is retried and what is not."""
    once = ["404", "410", "403", "501"]
    fetch(*(f"{site.url}/status/{status}" for status in [*once, "503", "429"]), max_attempts=4)
    assert {status: site.hits[f"/status/{status}"] for status in once} == dict.fromkeys(once, 1)
    assert site.hits["/status/503"] == site.hits["/status/429"] == 4


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (b"/picture?q=pic ture", "/picture?q=pic%20ture"),
        ("/picture?q=é".encode(), "/picture?q=%C3%A9"),
        ("/picture?q=é".encode("latin-1"), "/picture?q=%E9"),
        (b"../picture#top", "/picture"),
        (b"\\picture", "/picture"),
        (b" /picture\t", "/picture"),
    ],
)
def test_locations_are_followed_byte_by_byte(site, fetch, location, path):
    """Spaces, UTF-8, Latin-1, dots, backslashes, fragments; of two Locations the first counts."""
    (row,) = fetch(f"{site.url}/redirect-bytes/{location.hex()}")
    assert (row["outcome"], row["final_url"]) == ("ok", f"{site.url}{path}")
    assert list(site.hits)[1:] == [path]


def test_an_ok_row_says_what_came(site, fetch, picture):
    """Bytes, their sha256 and length, the final URL and the headers that matter are kept."""
    (row,) = fetch(f"{site.url}/redirect//picture?a=1#frag")
    assert row["final_url"] == f"{site.url}/picture"
    assert row["sha256"] == hashlib.sha256(picture).hexdigest()
    assert row["byte_count"] == len(picture)
    assert (row["content_type"], row["etag"]) == ("image/jpeg", '"v1"')
    assert row["last_modified"] == "Thu, 09 Oct 2025 07:30:20 GMT"
    assert row["fetched_at"].tzinfo is not None
    assert row["elapsed_ms"] > 0


def test_elapsed_is_the_requests_own_time(site, fetch):
    """Not that in the queue: what twelve took that were asked one after the other is no more than all; a second attempt counts, too."""
    began = time.monotonic()
    rows = fetch(*(f"{site.url}/slow/0.1/{number}" for number in range(12)), per_host=1)
    assert 1200 <= sum(row["elapsed_ms"] for row in rows) <= (time.monotonic() - began) * 1000
    (twice,) = fetch(f"{site.url}/silent", read_timeout_s=0.1, max_attempts=2)
    assert (twice["attempts"], twice["elapsed_ms"] >= 200) == (2, True)


def test_a_whole_body_is_ok_whatever_it_holds(site, fetch):
    """HTML under the name of a picture is no fault of the network: what it is, the inspection says."""
    facts = {"image_reason": "not_image", "image_detail": "HTML"}
    (row,) = fetch(f"{site.url}/html/cat.jpg", inspect=lambda _: facts)
    assert (row["outcome"], row["reason"], row["image_reason"], row["image_detail"]) == ("ok", None, "not_image", "HTML")


PAGES = {
    "html": ("not_image", "an HTML page"),
    "late-html": ("not_image", "an HTML page"),
    "json": ("not_image", "a JSON document"),
    "svg": ("not_image", "an SVG drawing"),
    "pdf": ("not_image", "a PDF document"),
    "text": ("not_image", "text"),
    "zeros": ("not_image", "bytes of no known format"),
    "half": ("truncated", "Truncated File Read"),
    "many-pixels": ("bomb", None),
    "header-alone": ("decode_error", None),
}


def test_what_is_no_picture_is_known_by_its_bytes(site, fetch):
    """Whatever the Content-Type says: pages, documents, half a picture, a decompression bomb; and a picture called a page is one."""
    rows = fetch(*(f"{site.url}/page/{name}" for name in PAGES), f"{site.url}/labelled", inspect=inspect_image)
    assert {row["outcome"] for row in rows} == {"ok"}
    found = {row["url"].rpartition("/")[2]: (row["image_reason"], row["image_detail"]) for row in rows}
    assert found.pop("labelled") == (None, None)
    assert {name: (reason, PAGES[name][1] and detail) for name, (reason, detail) in found.items()} == PAGES


def test_more_bytes_than_announced_are_never_taken(site, fetch):
    """What follows the announced length is refused, or left on the wire, as the packets fall."""
    (row,) = fetch(f"{site.url}/claims-less")
    assert (row["reason"], row["byte_count"]) in {("protocol", None), (None, 100)}


def test_an_inspection_that_raises_is_a_decode_error(site, fetch):
    """The body is kept, and the row says that no picture could be made of it."""
    (row,) = fetch(f"{site.url}/picture", inspect=lambda _: 1 // 0)
    assert (row["outcome"], row["image_reason"]) == ("ok", "decode_error")
    assert row["image_detail"] == "inspection failed: ZeroDivisionError"


def test_each_body_is_inspected_once_and_off_the_event_loop(site, fetch):
    """Decoding never holds the network up."""
    import threading

    calls = []
    fetch(
        *(f"{site.url}/picture?{index}" for index in range(20)), inspect=lambda body: calls.append(threading.current_thread()) or {}
    )
    assert len(calls) == 20
    assert threading.main_thread() not in calls


def test_rows_come_one_per_distinct_url_in_the_order_given(site, fetch):
    """Repeats are one row; slow ones keep their place."""
    urls = [f"{site.url}/slow/0.3/a", f"{site.url}/picture", "nonsense", f"{site.url}/slow/0.1/b", f"{site.url}/status/404"]
    rows = fetch(*urls, *urls)
    assert [row["url"] for row in rows] == urls


def test_no_urls_give_an_empty_table(settings):
    """Nothing in, nothing out, with the right columns."""
    table = asyncio.run(fetch_urls([], settings, None))
    assert table.schema.equals(DownloadRow.arrow_schema())
    assert len(table) == 0


@pytest.mark.parametrize(
    ("path", "reason", "detail", "changes"),
    [
        ("/drip", "timeout_total", "not complete within fetch.total_timeout_s = 0.5 s", {"total_timeout_s": 0.5}),
        ("/drip-head", "timeout_total", "not complete within fetch.total_timeout_s = 0.9 s", {"total_timeout_s": 0.9}),
        ("/endless-hints", "timeout_total", "not complete within fetch.total_timeout_s = 0.5 s", {"total_timeout_s": 0.5}),
        ("/silent", "timeout_read", "nothing came for fetch.read_timeout_s = 0.3 s", {"read_timeout_s": 0.3}),
        ("/stalls", "timeout_read", "nothing came for fetch.read_timeout_s = 0.3 s", {"read_timeout_s": 0.3}),
        ("/silent", "timeout_total", "not complete within fetch.total_timeout_s = 0.4 s", {"total_timeout_s": 0.4}),
    ],
)
def test_time_runs_out(site, fetch, path, reason, detail, changes):
    """A silence ends by the read deadline, a slow drip by the total one."""
    (row,) = fetch(site.url + path, max_attempts=1, **changes)
    assert (row["reason"], row["detail"]) == (reason, detail)


def test_the_total_deadline_covers_redirects(site, fetch):
    """Many slow hops add up."""
    hops = f"{site.url}/redirect//slow/0.3/../../redirect//slow/5"
    (row,) = fetch(hops, total_timeout_s=0.5, max_attempts=1)
    assert row["reason"] == "timeout_total"


def test_no_connection_is_a_connect_failure(fetch, server_loop):
    """A port where nobody listens; the detail names no port."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        (row,) = fetch(f"http://127.0.0.1:{free.getsockname()[1]}/")
    assert (row["reason"], row["detail"], row["attempts"]) == ("connect", "connection refused", 3)


def test_a_connection_that_never_stands_times_out(fetch):
    """A listener whose queue is full lets connects hang."""
    import socket

    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = []
        for _ in range(3):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(address)
            waiting.append(one)
        (row,) = fetch(f"http://127.0.0.1:{address[1]}/", connect_timeout_s=0.4, max_attempts=1)
        for one in waiting:
            one.close()
    assert (row["reason"], row["detail"]) == ("timeout_connect", "no connection within fetch.connect_timeout_s = 0.4 s")


def test_running_out_of_files_is_no_fault_of_the_url(settings):
    """The machine's own limit stops the work with a message, instead of failing URLs."""
    import errno

    import aiohttp

    from logoingest.errors import LogoingestError
    from logoingest.fetch.http.failures import judge_error

    error = aiohttp.ClientConnectorError(None, OSError(errno.EMFILE, "Too many open files"))
    with pytest.raises(LogoingestError, match="ulimit -n"):
        judge_error(error, settings, reading=False)


def test_a_name_without_address_is_a_dns_failure(fetch):
    """What the name service says for good is not asked again."""
    import socket

    def lookup(host, port):
        raise socket.gaierror(socket.EAI_NONAME if host == "gone.test" else socket.EAI_AGAIN, "")

    gone, later = fetch("http://gone.test/", "http://later.test/", lookup=lookup)
    assert (gone["reason"], gone["detail"], gone["attempts"]) == ("dns", "there is no such host name", 1)
    assert (later["reason"], later["detail"], later["attempts"]) == ("dns", "the host name cannot be looked up", 3)


def test_details_are_equal_in_every_run(site, fetch):
    """The same faults give the same words, so that tables can be compared."""
    urls = [f"{site.url}{path}" for path in ("/reset", "/junk", "/hang-up", "/status/500", "/bomb/gzip")]
    columns = ("url", "reason", "detail", "http_status", "attempts", "final_url")
    first, second = ([[row[name] for name in columns] for row in fetch(*urls)] for _ in range(2))
    assert first == second
