"""Certificates and proxies: whom we trust, and through whom we go."""

from __future__ import annotations

import datetime as dt
import ssl
from dataclasses import replace
from ipaddress import ip_network

import pytest
import trustme

from logoingest.config import FetchConfig
from logoingest.errors import ConfigError
from logoingest.fetch import FetchSettings, Proxy
from logoingest.fetch.http.failures import judge_error
from logoingest.fetch.rules.targets import parse_target


def direct(host, port):
    return ["127.0.0.1"]


def test_a_custom_authority_is_trusted_when_named(start_tls_site, authority, fetch, picture):
    """With the CA file: the picture. Without: tls, once, with the reason in words."""
    site = start_tls_site(authority.ca.issue_cert("shop.test"))
    url = f"https://shop.test:{site.port}/picture"
    (row,) = fetch(url, ca_file=authority.file, lookup=direct)
    assert (row["outcome"], row["bytes"]) == ("ok", picture)
    (row,) = fetch(url, lookup=direct)
    assert (row["reason"], row["attempts"]) == ("tls", 1)
    assert row["detail"] == "the certificate is not valid: unable to get local issuer certificate"
    assert not site.hits["/picture?2"]


def test_bad_certificates_are_tls_failures_and_not_retried(start_tls_site, authority, fetch):
    """Expired, for another name, self-signed, and no TLS at all."""
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    expired = start_tls_site(authority.ca.issue_cert("shop.test", not_after=past))
    other = start_tls_site(authority.ca.issue_cert("other.test"))
    stranger = start_tls_site(trustme.CA().issue_cert("shop.test"))
    for site, words in ((expired, "certificate has expired"), (other, "Hostname mismatch"), (stranger, "unable to get")):
        (row,) = fetch(f"https://shop.test:{site.port}/picture", ca_file=authority.file, lookup=direct)
        assert (row["reason"], row["attempts"], row["http_status"]) == ("tls", 1, None)
        assert words in row["detail"]


def test_plain_http_on_a_tls_port_is_a_tls_failure(server_loop, fetch):
    """A server that speaks no TLS."""

    async def answer_plainly(reader, writer):
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    (row,) = fetch(f"https://127.0.0.1:{server_loop.serve(answer_plainly)}/picture")
    assert (row["reason"], row["attempts"]) == ("tls", 1)
    assert row["detail"].startswith("the handshake failed: ")


def test_redirects_cross_from_one_scheme_to_the_other(start_tls_site, site, authority, fetch):
    """http to https and back, as pictures on old pages do."""
    secure = start_tls_site(authority.ca.issue_cert("shop.test"))
    up = f"{site.url}/redirect/https://shop.test:{secure.port}/picture"
    down = f"https://shop.test:{secure.port}/redirect/{site.url}/picture"
    rows = fetch(up, down, ca_file=authority.file, lookup=direct)
    assert [row["outcome"] for row in rows] == ["ok", "ok"]


def through(proxy, user=None, password=""):
    made = Proxy(f"http://127.0.0.1:{proxy.port}", user, password)
    return {"http_proxy": made, "https_proxy": made, "allowed_networks": ()}


def test_http_and_https_go_through_the_proxy(site, start_tls_site, authority, start_proxy, fetch):
    """Names are the proxy's to resolve; its own loopback address is trusted though no network is allowed."""
    proxy = start_proxy()
    secure = start_tls_site(authority.ca.issue_cert("secure.test"))
    plain_url, secure_url = f"http://plain.test:{site.port}/picture", f"https://secure.test:{secure.port}/picture"
    rows = fetch(plain_url, secure_url, ca_file=authority.file, **through(proxy))
    assert [row["outcome"] for row in rows] == ["ok", "ok"]
    assert sorted(proxy.requests) == [f"CONNECT secure.test:{secure.port}", f"GET {plain_url}"]


def test_a_proxy_that_asks_for_a_password_gets_it(site, start_tls_site, authority, start_proxy, fetch):
    """With credentials: through. Without or with wrong ones: proxy, once. They never reach the site."""
    proxy = start_proxy("ann", "s3:cret/ü@")
    secure = start_tls_site(authority.ca.issue_cert("secure.test"))
    urls = [f"http://plain.test:{site.port}/picture", f"https://secure.test:{secure.port}/picture"]
    rows = fetch(*urls, ca_file=authority.file, **through(proxy, "ann", "s3:cret/ü@"))
    assert [row["outcome"] for row in rows] == ["ok", "ok"]
    assert not any("proxy-authorization" in headers for headers in site.seen["/picture"] + secure.seen["/picture"])
    for user in (None, "bob"):
        rows = fetch(*urls, ca_file=authority.file, **through(proxy, user))
        assert [(row["reason"], row["attempts"]) for row in rows] == [("proxy", 1)] * 2
        assert {row["detail"] for row in rows} == {"the proxy asks for a user and password (407)"}


def test_a_proxy_that_is_away_is_a_proxy_failure(fetch):
    """Not the site's fault; tried again, since proxies come back."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = Proxy(f"http://127.0.0.1:{free.getsockname()[1]}")
        (row,) = fetch("http://plain.test/", http_proxy=gone)
    assert (row["reason"], row["detail"], row["attempts"]) == ("proxy", "no connection to the proxy: connection refused", 3)


def test_a_tunnel_that_fails_is_a_proxy_failure(start_proxy, fetch):
    """The proxy cannot reach the site."""
    (row,) = fetch("https://secure.test:1/", **through(start_proxy()))
    assert (row["reason"], row["detail"]) == ("proxy", "the proxy answered 502 to CONNECT")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.1", "[::1]", "localhost", "a.localhost", "metadata.google.internal", "2130706433"]
)
def test_a_proxy_is_not_asked_for_private_places(start_proxy, fetch, host):
    """Literal addresses and names of the local machine are refused before the proxy hears of them."""
    proxy = start_proxy()
    rows = fetch(f"http://{host}/latest", f"https://{host}/latest", **through(proxy))
    assert [row["reason"] for row in rows] == ["private_address"] * 2
    assert proxy.requests == []


def test_a_redirect_through_a_proxy_is_judged_too(site, start_proxy, fetch):
    """The proxy is not asked for where a page sends us, if that is private."""
    proxy = start_proxy()
    (row,) = fetch(f"http://plain.test:{site.port}/redirect/http://169.254.169.254/", **through(proxy))
    assert row["reason"] == "private_address"
    assert len(proxy.requests) == 1


def from_config(tmp_path, environ=(), **keys) -> FetchSettings:
    return FetchSettings.from_config(FetchConfig(**keys), tmp_path, dict(environ))


def test_proxies_come_from_config_or_environment(tmp_path):
    """Config first; then the variables, in lower case first; trust_env = false shuts the environment out."""
    both = {"HTTP_PROXY": "http://upper:1", "http_proxy": "lower:2", "HTTPS_PROXY": "http://u:p%40w@secure:3", "NO_PROXY": "a.test"}
    settings = from_config(tmp_path, both)
    assert settings.http_proxy == Proxy("http://lower:2")
    assert settings.https_proxy == Proxy("http://secure:3", "u", "p@w")
    assert from_config(tmp_path, both, trust_env=False).http_proxy is None
    configured = from_config(tmp_path, both, proxy="http://own:9")
    assert configured.http_proxy == configured.https_proxy == Proxy("http://own:9")
    assert configured.no_proxy == ""
    assert from_config(tmp_path, {"HTTP_PROXY": "http://x:1", "REQUEST_METHOD": "GET"}).http_proxy is None
    rest = from_config(tmp_path, {"ALL_PROXY": "http://all:4", "https_proxy": "http://secure:3", "NO_PROXY": "a.test"})
    assert (rest.http_proxy, rest.https_proxy, rest.no_proxy) == (Proxy("http://all:4"), Proxy("http://secure:3"), "a.test")
    assert from_config(tmp_path, {"all_proxy": "http://l:1", "ALL_PROXY": "http://u:1"}).http_proxy == Proxy("http://l:1")
    assert "p@w" not in repr(settings)


def test_a_proxy_that_is_not_spoken_to_is_named(tmp_path):
    """Once, with the way round it: going without the proxy unasked would betray whoever set it."""
    with pytest.raises(ConfigError) as caught:
        from_config(tmp_path, {"ALL_PROXY": "socks5h://u:secret@127.0.0.1:1080"})
    (problem,) = caught.value.problems
    assert problem.where == "ALL_PROXY"
    assert "SOCKS is not supported; fetch.trust_env = false does without" in problem.hint
    assert "secret" not in str(caught.value)


def test_a_host_that_refuses_http1_in_its_handshake_is_named(settings):
    """ALPN (RFC 7301 §3.2): it speaks HTTP/2 only; other alerts keep their words."""
    error = ssl.SSLError(1, "[SSL] tlsv1 alert no application protocol (_ssl.c:1006)")
    assert judge_error(error, settings, reading=False).detail == "the host speaks HTTP/2 only, which is not spoken here"
    error = ssl.SSLError(1, "[SSL] tlsv13 alert certificate required (_ssl.c:2576)")
    assert judge_error(error, settings, reading=False).detail == "the handshake failed: tlsv13 alert certificate required"


def test_headers_for_every_host_come_from_config(tmp_path):
    """Referer and the like; what is a secret, another key's or the connection's is refused, without its value."""
    settings = from_config(tmp_path, accept="image/jpeg", headers={"Referer": "https://example.com/", "X-A": "b"})
    assert settings.accept == "image/jpeg"
    assert settings.headers == (("referer", "https://example.com/"), ("x-a", "b"))
    assert from_config(tmp_path).accept.startswith("image/avif,")
    wrong = {
        "Authorization": "Bearer s3cret",
        "Cookie": "a=s3cret",
        "Accept": "s3cret",
        "Host": "x",
        "X B": "s3cret",
        "X-C": "s3cret\n",
    }
    with pytest.raises(ConfigError) as caught:
        from_config(tmp_path, accept="é", headers=wrong)
    assert {problem.where for problem in caught.value.problems} == {
        "fetch.accept", "fetch.headers.accept", "fetch.headers.authorization", "fetch.headers.Cookie", "fetch.headers.Host",
        "fetch.headers.…", "fetch.headers.X-C",
    }  # fmt: skip
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "direct"),
    [
        ("http://a.test/", True),
        ("http://sub.a.test/", True),
        ("http://nota.test/", False),
        ("http://b.test/", True),
        ("http://c.test:8080/", True),
        ("http://c.test/", False),
        ("http://10.1.2.3/", True),
        ("http://10.2.2.3/", False),
        ("http://[2a00::1]/", True),
    ],
)
def test_no_proxy_is_honoured(url, direct):
    """Names, names below them, ports, networks."""
    settings = FetchSettings(http_proxy=Proxy("http://proxy:1"), no_proxy="a.test, .b.test,c.test:8080,10.1.0.0/16,2a00::/16")
    assert (settings.choose_proxy(parse_target(url)) is None) == direct
    assert replace(settings, no_proxy="*").choose_proxy(parse_target(url)) is None


def test_all_faults_of_the_settings_are_told_at_once(tmp_path):
    """A proxy that is none, a CA file that is none, networks and header values that cannot be; no password is shown."""
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(ConfigError) as caught:
        from_config(
            tmp_path,
            proxy="socks5://user:hunter2@host:1",
            ca_bundle="empty.pem",
            allowed_networks=("10.0.0.0/8", "10.0.0.1/8", "x"),
            contact="me\r\nX: y",
        )
    places = [problem.where for problem in caught.value.problems]
    assert sorted(places) == [
        "fetch.allowed_networks[1]",
        "fetch.allowed_networks[2]",
        "fetch.ca_bundle",
        "fetch.contact",
        "fetch.proxy",
    ]
    assert "hunter2" not in str(caught.value)
    with pytest.raises(ConfigError, match="there is no file"):
        from_config(tmp_path, ca_bundle="missing.pem")


def test_the_user_agent_carries_version_and_contact(tmp_path):
    """So that a host can ask us to stop."""
    agent = from_config(tmp_path, contact="mailto:a@example.org").user_agent
    assert agent.startswith("logoingest/")
    assert agent.endswith(" (+mailto:a@example.org)")
    assert from_config(tmp_path, user_agent="mine/1").user_agent == "mine/1"


def test_a_self_signed_certificate_is_a_tls_failure(server_loop, site, tmp_path, fetch, picture):
    """Named as such; trusted when it is the file that config names."""
    own = trustme.CA(organization_name="shop.test")  # signs itself, as every root does
    folder = tmp_path / "own"
    folder.mkdir()
    own.cert_pem.write_to_path(str(folder / "cert.pem"))
    own.private_key_pem.write_to_path(str(folder / "key.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    port = server_loop.serve(site.serve, context=context)
    (row,) = fetch(f"https://shop.test:{port}/picture", lookup=direct)
    assert (row["reason"], row["attempts"]) == ("tls", 1)
    assert row["detail"] == "the certificate is not valid: self-signed certificate"
    assert not site.hits


@pytest.mark.parametrize(
    ("behaviour", "reason", "detail"),
    [
        ("hangs up", "connect", "the server hung up before it answered"),
        ("is silent", "timeout_connect", "no connection within fetch.connect_timeout_s = 0.5 s"),
        ("sends an alert", "tls", "the handshake failed: sslv3 alert handshake failure"),
    ],
)
def test_handshakes_that_fail(server_loop, fetch, behaviour, reason, detail):
    """The connection stands, and TLS does not come about."""

    async def misbehave(reader, writer):
        await reader.read(10)
        if behaviour == "sends an alert":
            writer.write(bytes.fromhex("15030300020228"))
        if behaviour == "is silent":
            await reader.read()
        writer.close()

    (row,) = fetch(f"https://127.0.0.1:{server_loop.serve(misbehave)}/", connect_timeout_s=0.5, max_attempts=1)
    assert (row["reason"], row["detail"]) == (reason, detail)


def test_a_url_without_scheme_goes_out_as_https(start_tls_site, authority, fetch, picture):
    """``//host/x`` as pages write it, with its fragment left out, over a real connection."""
    site = start_tls_site(authority.ca.issue_cert("shop.test"))
    (row,) = fetch(f"//shop.test:{site.port}/picture#top", ca_file=authority.file, lookup=direct)
    assert (row["outcome"], row["final_url"]) == ("ok", f"https://shop.test:{site.port}/picture")
    assert list(site.hits) == ["/picture"]


def test_a_proxy_may_be_spoken_to_over_tls(site, start_tls_site, start_proxy, authority, fetch):
    """``https://proxy``: relayed requests and tunnels go inside its TLS, credentials too; its certificate is checked like any other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.ca.issue_cert("127.0.0.1").configure_cert(context)
    proxy = start_proxy("ann", "s3cret", context)
    secure = start_tls_site(authority.ca.issue_cert("secure.test"))
    urls = [f"http://plain.test:{site.port}/picture", f"https://secure.test:{secure.port}/picture"]
    made = Proxy(f"https://127.0.0.1:{proxy.port}", "ann", "s3cret")
    rows = fetch(*urls, ca_file=authority.file, http_proxy=made, https_proxy=made, allowed_networks=())
    assert [row["outcome"] for row in rows] == ["ok", "ok"], rows
    rows = fetch(*urls, http_proxy=made, https_proxy=made, allowed_networks=())
    detail = "the proxy's certificate is not valid: unable to get local issuer certificate"
    assert [(row["reason"], row["detail"]) for row in rows] == [("proxy", detail)] * 2


def test_hosts_named_in_no_proxy_are_asked_directly(site, start_proxy, fetch):
    """The proxy hears of the others alone; a direct connection is judged by its address again."""
    proxy = start_proxy()
    through_it = through(proxy) | {"no_proxy": ".inside.test"}
    urls = [f"http://{host}.test:{site.port}/picture" for host in ("a.inside", "outside")]
    rows = fetch(*urls, **through_it, lookup=direct)
    assert [row["reason"] for row in rows] == ["private_address", None]
    rows = fetch(*urls, **through_it | {"allowed_networks": (ip_network("127.0.0.0/8"),)}, lookup=direct)
    assert [row["outcome"] for row in rows] == ["ok", "ok"]
    assert proxy.requests == [f"GET {urls[1]}"] * 2


@pytest.mark.parametrize(
    ("answer", "reason", "detail", "attempts"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "proxy", "the proxy answered 403 to CONNECT", 1),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "proxy", "the proxy answered 503 to CONNECT", 3),
        (b"HTTP/1.1 407 Exig\xe9\r\nContent-Length: 0\r\n\r\n", "proxy", "the proxy asks for a user and password (407)", 1),
        (b"", "connect", "the server hung up before it answered", 3),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "protocol", "the answer is no valid HTTP", 1),
    ],
)
def test_proxies_that_misbehave(server_loop, fetch, answer, reason, detail, attempts):
    """What only a proxy says is its fault; where it or the site behind it may have hung up or spoken nonsense, it counts as the site."""

    async def misbehave(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    made = Proxy(f"http://127.0.0.1:{server_loop.serve(misbehave)}")
    (row,) = fetch("https://secure.test/", https_proxy=made)
    assert (row["reason"], row["detail"], row["attempts"]) == (reason, detail, attempts)
