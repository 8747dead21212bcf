"""Sites, TLS sites and proxies, fresh for each test, and a fetch that may call them."""

from __future__ import annotations

import asyncio
import base64
import ssl
from ipaddress import ip_network

import pytest
import trustme

from builders.faulty_site import PICTURE, Site
from builders.servers import Authority, ForwardProxy, Loop
from logoingest.fetch import FetchSettings, fetch_urls

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.fixture(scope="session")
def server_loop():
    made = Loop()
    yield made
    made.call(made.close())
    made.loop.call_soon_threadsafe(made.loop.stop)
    made.thread.join(5)


@pytest.fixture
def site(server_loop) -> Site:
    """A fresh site for the test, books at zero."""
    made = Site()
    made.port = server_loop.serve(made.serve)
    return made


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    ca = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    return Authority(ca, str(file))


@pytest.fixture
def start_tls_site(server_loop):
    """Starts a site with the certificate it is given; returns it with its port."""

    def start(certificate: trustme.LeafCert, version: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED) -> Site:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = version
        certificate.configure_cert(context)
        made = Site()
        made.port = server_loop.serve(made.serve, context=context)
        return made

    return start


@pytest.fixture
def start_proxy(server_loop):
    def start(user: str | None = None, password: str = "", context: ssl.SSLContext | None = None) -> ForwardProxy:
        credentials = None if user is None else base64.b64encode(f"{user}:{password}".encode()).decode()
        made = ForwardProxy(credentials)
        made.port = server_loop.serve(made.serve, context=context)
        return made

    return start


@pytest.fixture
def settings() -> FetchSettings:
    """Loopback allowed, short waits, small bodies."""
    return FetchSettings(
        allowed_networks=LOOPBACK,
        backoff_s=0.01,
        connect_timeout_s=3,
        read_timeout_s=2,
        total_timeout_s=4,
        max_backoff_s=5,
        max_bytes=200_000,
        user_agent="logoingest/test",
        robots="ignore",  # tests of robots.txt say so
    )


@pytest.fixture
def fetch(settings):
    """Fetches URLs and returns the rows as dictionaries."""

    def run(*urls: str, inspect=None, **changes):
        from dataclasses import replace

        lookup = changes.pop("lookup", None)
        table = asyncio.run(fetch_urls(urls, replace(settings, **changes), inspect, lookup=lookup))
        return table.to_pylist()

    return run


@pytest.fixture
def picture() -> bytes:
    """The body of the ``/picture`` route."""
    return PICTURE
