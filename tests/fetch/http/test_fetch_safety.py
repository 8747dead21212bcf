"""No request to where strangers' URLs must not lead, and nothing of them in logs or tables; the long table is in test_ssrf.py."""

from __future__ import annotations

import base64
import logging
import socket
from ipaddress import ip_address, ip_network
from urllib.parse import quote

import pytest

from logoingest.fetch.http.client import open_guarded_socket
from logoingest.fetch.http.failures import RefusedAddressError
from logoingest.fetch.rules.addresses import explain_refusal


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "172.32.0.1", "100.128.0.1", "::ffff:8.8.8.8"])
def test_public_addresses_are_not_refused(address):
    """The table refuses no more than it should."""
    assert explain_refusal(ip_address(address)) is None


def test_allowed_networks_open_exactly_themselves():
    """A network named in config may be fetched from; its neighbours may not. A form that embeds an address counts as it."""
    allowed = (ip_network("10.1.0.0/16"),)
    assert explain_refusal(ip_address("10.1.2.3"), allowed) is None
    assert explain_refusal(ip_address("::ffff:10.1.2.3"), allowed) is None
    assert explain_refusal(ip_address("10.2.2.3"), allowed) == "private"
    assert explain_refusal(ip_address("::1"), allowed) == "loopback"


def test_a_name_that_leads_to_a_private_address_is_refused(site, fetch):
    """Nothing reaches the server; the detail does not give the address away."""
    rows = fetch(
        f"http://evil.test:{site.port}/picture",
        f"http://localhost:{site.port}/picture",
        allowed_networks=(),
        lookup=lambda host, port: ["127.0.0.1"] if host == "evil.test" else ["::1", "127.0.0.1"],
    )
    assert [(row["reason"], row["detail"], row["attempts"]) for row in rows] == [
        ("private_address", "the name leads to a loopback address, which fetch.allowed_networks does not allow", 1)
    ] * 2
    assert site.connections == 0


def test_the_socket_itself_refuses(settings):
    """Whatever the look-up said, the very address about to be connected to is judged once more."""
    info = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("169.254.169.254", 80))
    with pytest.raises(RefusedAddressError):
        open_guarded_socket(settings, info)
    mapped = (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("::ffff:10.0.0.1", 80, 0, 0))
    with pytest.raises(RefusedAddressError):
        open_guarded_socket(settings, mapped)


def test_a_name_with_good_and_bad_addresses_uses_the_good(site, fetch):
    """The private one is left out."""
    (row,) = fetch(f"http://both.test:{site.port}/picture", lookup=lambda host, port: ["10.0.0.1", "127.0.0.1"])
    assert row["outcome"] == "ok"


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://10.0.0.1/", "private_address"),
        ("http://169.254.169.254/latest/meta-data/", "private_address"),
        ("http://[::ffff:10.0.0.1]/", "private_address"),
        ("http://2852039166/", "private_address"),
        ("//10.0.0.1/", "private_address"),
        ("http://inside.test/", "private_address"),
        ("file:///etc/passwd", "redirect_refused"),
        ("ftp://example.com/x", "redirect_refused"),
        ("gopher://127.0.0.1:70/_x", "redirect_refused"),
        ("data:image/png;base64,AAAA", "redirect_refused"),
        ("javascript:alert(1)", "redirect_refused"),
        ("http://", "redirect_refused"),
        ("http://exa mple.test/", "redirect_refused"),
        ("http://[::1", "redirect_refused"),
        ("h\tttp://10.0.0.1/", "private_address"),
    ],
)
def test_a_redirect_is_judged_like_a_url(site, fetch, location, reason):
    """Every hop: scheme, address, name."""
    encoded = base64.urlsafe_b64encode(location.encode()).decode()
    (row,) = fetch(f"{site.url}/redirect-encoded/{encoded}", lookup=lambda host, port: ["10.9.9.9"])
    assert (row["reason"], row["outcome"]) == (reason, "failed")
    assert row["detail"].startswith(("redirect", "the name leads to"))


def test_only_http_and_https_and_only_clean_urls(fetch):
    """One line each, and no request."""
    faults = {
        "file:///etc/passwd": 'the scheme "file" is not http or https',
        "ftp://example.com/x": 'the scheme "ftp" is not http or https',
        "data:image/png;base64,AAAA": 'the scheme "data" is not http or https',
        "javascript:alert(1)": 'the scheme "javascript" is not http or https',
        "www.example.com/cat.jpg": "does not begin with http:// or https://",
        "example.com:8080/cat.jpg": "does not begin with http:// or https://",
        "localhost:8080": "does not begin with http:// or https://",
        "http://:80/": "has no host",
        "http://example.com/" + "a" * 9000: "is longer than 8192 bytes",
        "http://example.com/" + "é" * 3000: "is longer than 8192 bytes",
        "http://example.com:0/": "the port is no number from 1 to 65535",
        "http://example.com:99999/": "the port is no number from 1 to 65535",
        "http://example.com:8o/": "the port is no number from 1 to 65535",
        "http://exa mple.com/": "the host is no valid name",
        "http://exa%0d%0ample.com/": "the host is no valid name",
        "http://a..b/": "the host is no valid name",
        "http://xn--a.test/": "the host is no valid name",
        "http://1.2.3.4.5/": "the host is no address, though it ends in a number",
        "http://256.1.1.1/": "the host is no address, though it ends in a number",
        "http://[1:2]/": "the host is no IPv6 address",
        "http://[fe80::1%25eth0]/": "the host is no IPv6 address",
        "http:///": "has no host",
        "http://exam\x00ple.com/": "the host is no valid name",
        "http://\u00ad/": "the host is no valid international domain name",
        "": "is empty",
    }
    rows = fetch(*faults)
    assert {row["url"]: row["detail"] for row in rows} == faults
    assert {(row["reason"], row["attempts"], row["http_status"]) for row in rows} == {("bad_url", 0, None)}


def test_credentials_are_used_and_never_shown(site, fetch, caplog):
    """The server gets them; final_url, details and logs do not; another host does not get them either."""
    caplog.set_level(logging.DEBUG)
    secret = f"http://us%20er:p%40ss@127.0.0.1:{site.port}"
    elsewhere = f"http://other.test:{site.port}/picture/elsewhere"
    rows = fetch(
        f"{secret}/private",
        f"{secret}/redirect//private",
        f"{secret}/status/403",
        f"{secret}/redirect/{elsewhere}",
        lookup=lambda host, port: ["127.0.0.1"],
    )
    assert [row["outcome"] for row in rows] == ["ok", "ok", "failed", "ok"]
    assert "authorization" not in site.seen["/picture/elsewhere"][0]
    told = [str(row["final_url"]) + str(row["detail"]) for row in rows] + [record.getMessage() for record in caplog.records]
    token = base64.b64encode(b"us er:p@ss").decode()
    for text in told:
        assert not any(part in text for part in ("p@ss", "p%40ss", "us%20er", token))


def test_nothing_can_be_smuggled_into_the_request(site, fetch):
    """Encoded line breaks stay encoded; the request line holds one URL and the headers are ours."""
    (row,) = fetch(f'{site.url}/echo/%0d%0aX-Evil:%201/a b"<>|é%zz?q=%0A&x=ü#frag')
    assert row["outcome"] == "ok"
    (path,) = site.seen
    assert path == "/echo/%0d%0aX-Evil:%201/a%20b%22%3C%3E|%C3%A9%zz?q=%0A&x=%C3%BC"
    assert "x-evil" not in site.seen[path][0]


def test_international_names_go_out_as_punycode(site, fetch):
    """bücher.test is looked up and asked for as xn--bcher-kva.test."""
    asked = []

    def lookup(host, port):
        asked.append(host)
        return ["127.0.0.1"]

    (row,) = fetch(f"http://BÜCHER.test:{site.port}/{quote('é')}/../picture", lookup=lookup)
    assert row["outcome"] == "ok"
    assert asked == ["xn--bcher-kva.test"]
    assert row["final_url"] == f"http://xn--bcher-kva.test:{site.port}/picture"


@pytest.mark.parametrize("host", ["xn--ls8h.test", "i❤.test", "a_b.test", "-x-.test", "a!b.test"])
def test_odd_names_are_asked_for_as_they_are(site, fetch, host):
    """Names that are no valid IDNA 2008 (with an emoji, a low line, a hyphen at an end) exist: the name service decides."""
    rows = fetch(
        f"http://{host}:{site.port}/picture", f"http://{host}:{site.port}/cookie-wall", lookup=lambda host, port: ["127.0.0.1"]
    )
    assert [row["outcome"] for row in rows] == ["ok", "ok"]
    assert site.seen["/picture"][0]["host"] == f"{host.replace('i❤', 'xn--i-7iq')}:{site.port}"


def test_ipv6_works(server_loop, fetch, site):
    """A literal IPv6 URL reaches its server."""
    try:
        port = server_loop.serve(site.serve, "::1")
    except OSError:
        pytest.skip("no IPv6 loopback on this machine")
    (row,) = fetch(f"http://[::1]:{port}/picture")
    assert row["outcome"] == "ok"
    assert row["final_url"] == f"http://[::1]:{port}/picture"
