"""The table of ways to lead a fetcher astray (tests/data/fetch/ssrf.toml), each tried for real: as a URL, as a redirect, through a proxy,
by a name service that lies. A server that counts connections says whether one of them got through."""

from __future__ import annotations

import base64
import contextlib
import itertools
import tomllib
from collections import Counter
from ipaddress import ip_network

import pytest

from builders.places import DATA
from logoingest.fetch import Proxy
from logoingest.fetch.http import resolver
from logoingest.fetch.http.resolver import Resolver

TABLE = tomllib.loads((DATA / "fetch/ssrf.toml").read_text(encoding="utf-8"))
GROUPS = TABLE["urls"]
#: "door" is allowed and somebody listens there; "wall" is allowed and nobody does; "vault" is not, and counts.
DOOR, WALL, VAULT = "127.0.0.2", "127.0.0.3", "127.0.0.1"
ALLOWED = tuple(ip_network(address) for address in (DOOR, WALL))
STATUSES = ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent")

#: Where a Location ends that is no URL.
ASTRAY = {"redirect_refused", "private_address", "protocol", "http_4xx"}


def lead_inside(host, port):
    return [VAULT]


@pytest.fixture
def vault(server_loop, site):
    """A server on 127.0.0.1, and on ::1 where there is one, whose connections are counted; nothing may reach it."""
    with contextlib.suppress(OSError):  # no IPv6 here, or the port is taken there: the one on 127.0.0.1 counts
        server_loop.serve(site.serve, "::1", port=site.port)
    return site


@pytest.fixture
def door(server_loop, vault):
    """A site on another loopback address at the vault's port: what a public host would be."""
    made = type(vault)(port=vault.port)
    try:
        server_loop.serve(made.serve, DOOR, port=vault.port)
    except OSError:
        pytest.skip("127.0.0.2 is no address of this machine")
    return made


def write_urls(group, port):
    return [spelling.replace("PORT", str(port)) for spelling in group["spellings"]]


def test_the_table_is_as_long_as_it_says():
    """More than two hundred spellings, none twice."""
    spellings = [spelling for group in GROUPS for spelling in group["spellings"]]
    assert len(spellings) == len(set(spellings)) >= 200


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group["what"])
def test_no_spelling_gets_through(vault, fetch, group):
    """Each ends in the table's reason, in plain words; nobody connects."""
    rows = fetch(*write_urls(group, vault.port), allowed_networks=(), lookup=lead_inside)
    assert {row["url"]: row["reason"] for row in rows} == dict.fromkeys(write_urls(group, vault.port), group["reason"])
    assert all(row["detail"] and "literal" not in row["detail"] for row in rows)
    assert vault.connections == 0


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group["what"])
def test_no_redirect_gets_through(vault, door, fetch, group):
    """The same, by Location, with every status that redirects; what is relative or no URL leads nowhere else either."""
    statuses = itertools.cycle(STATUSES)
    targets = {}
    for number, url in enumerate(write_urls(group, vault.port)):
        targets[f"http://{DOOR}:{door.port}/leads/{number}"] = (next(statuses), url)

    def lead(request, rest):
        place = f"http://{DOOR}:{door.port}{request.path}"
        if place not in targets:  # a Location that is none, or a relative one, leads here
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        status, url = targets[place]
        return b"HTTP/1.1 %b\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (status.encode(), url.encode())

    door.on_leads = lead
    rows = fetch(*targets, allowed_networks=ALLOWED, lookup=lead_inside)
    for row in rows:
        # what is refused as a URL may, as a reference, stay at the door (404), or end at a line break (protocol, or private)
        allowed = {"private_address"} if group["reason"] == "private_address" and not group.get("is_repaired") else ASTRAY
        assert row["reason"] in allowed, (targets[row["url"]], row["reason"], row["detail"])
    assert vault.connections == 0


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group["what"])
def test_no_proxy_is_asked_for_an_address_inside(vault, start_proxy, fetch, group):
    """A proxy resolves names on its own side; whatever is an address, or a name of the local machine, it never hears of."""
    proxy = start_proxy()
    through = Proxy(f"http://127.0.0.1:{proxy.port}")
    urls = [url for url in write_urls(group, vault.port) if ".test:" not in url]
    rows = fetch(*urls, allowed_networks=(), http_proxy=through, https_proxy=through)
    assert {row["url"]: row["reason"] for row in rows} == dict.fromkeys(urls, group["reason"])
    assert proxy.requests == []
    assert vault.connections == 0


@pytest.mark.parametrize("case", TABLE["names"], ids=lambda case: case["what"])
def test_no_answer_of_a_name_service_gets_through(vault, door, fetch, monkeypatch, case):
    """Each connection is judged by the answer it is made from; one URL after the other, each looking the name up anew."""
    monkeypatch.setattr(resolver, "FOUND_TTL_S", 0.0)
    places = {"door": DOOR, "wall": WALL, "vault": VAULT}
    answers = iter([[places.get(address, address) for address in answer] for answer in case["answers"]])
    last: list[str] = []

    def look_up(host, port):
        last[:] = next(answers, last)
        return list(last)

    urls = [f"http://rebind.test:{vault.port}/closes-kept-connection/{number}" for number in range(len(case["ends"]))]
    rows = fetch(*urls, allowed_networks=ALLOWED, lookup=look_up, per_host=1, concurrency=1, max_attempts=1)
    assert [row["reason"] or "ok" for row in rows] == case["ends"]
    assert vault.connections == 0
    assert door.connections == case["ends"].count("ok")


def test_a_name_keeps_its_answer_for_a_while(vault, door, fetch):
    """Rebinding gains nothing by haste either: what was looked up is remembered, and every connection is judged all the same."""
    calls: Counter[str] = Counter()

    def look_up(host, port):
        calls[host] += 1
        return [DOOR if calls[host] == 1 else VAULT]

    urls = [f"http://rebind.test:{vault.port}/closes-kept-connection/{number}" for number in range(5)]
    rows = fetch(*urls, allowed_networks=ALLOWED, lookup=look_up, per_host=1)
    assert [row["outcome"] for row in rows] == ["ok"] * 5
    assert calls["rebind.test"] == 1
    assert vault.connections == 0


def test_the_socket_refuses_what_the_look_up_let_pass(vault, fetch, monkeypatch):
    """Between look-up and connect nothing can be swapped: the very address of the socket is judged again."""
    monkeypatch.setattr(Resolver, "_leave_out_refused", lambda _, addresses: list(addresses))
    (row,) = fetch(f"http://swapped.test:{vault.port}/picture", allowed_networks=(), lookup=lead_inside)
    assert (row["reason"], row["detail"]) == (
        "private_address",
        "the name leads to a loopback address, which fetch.allowed_networks does not allow",
    )
    assert vault.connections == 0


def test_only_location_redirects(vault, door, fetch):
    """Refresh headers, meta elements and scripts are a browser's business: the body is kept as it came, and nobody follows it."""
    page = f'<meta http-equiv="refresh" content="0; url=http://127.0.0.1:{vault.port}/"><script>location="http://127.1:{vault.port}/"</script>'
    headers = f"Refresh: 0; url=http://127.0.0.1:{vault.port}/\r\nContent-Location: http://127.0.0.1:{vault.port}/\r\n"
    head = f"HTTP/1.1 200 OK\r\n{headers}Link: <http://127.0.0.1:{vault.port}/>; rel=preload\r\nContent-Length: {len(page)}\r\n\r\n"
    door.on_page = lambda request, rest: (head + page).encode()
    (row,) = fetch(f"http://{DOOR}:{door.port}/page/1", allowed_networks=ALLOWED)
    assert (row["outcome"], row["bytes"]) == ("ok", page.encode())
    assert vault.connections == 0


def test_a_chain_of_redirects_is_judged_at_every_hop(vault, door, fetch):
    """The last of five hops leads inside; by then the door has been seen five times and the vault never."""
    inside = base64.urlsafe_b64encode(f"http://0x7f.1:{vault.port}/".encode()).decode()
    url = f"http://{DOOR}:{door.port}/redirect-encoded/{inside}"
    for _ in range(3):
        url = f"http://{DOOR}:{door.port}/redirect-encoded/{base64.urlsafe_b64encode(url.encode()).decode()}"
    (row,) = fetch(url, allowed_networks=ALLOWED)
    assert row["reason"] == "private_address"
    assert door.hits.total() == 4
    assert vault.connections == 0
