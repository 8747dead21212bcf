"""The way to the web for weights: through the proxy and with the certificate authorities that ``[fetch]`` names."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import httpx

from logoingest.config import FetchConfig
from logoingest.errors import ConfigError, Problem, quote_first_line
from logoingest.fetch.rules.settings import FetchSettings, Proxy, make_ssl_context
from logoingest.fetch.rules.targets import Target, parse_target
from logoingest.files.whole import replace_file

_SETTINGS: ContextVar[FetchSettings | None] = ContextVar("settings", default=None)
_TIMEOUT_S = 20.0
#: More is no weights file of a classifier (torchvision's largest has 2.6 GB).
_MOST_BYTES = 8_000_000_000
#: torchvision's files have the beginning of their sha256 in their name.
_HASHED = re.compile(r"-([0-9a-f]{8,64})\.")


@contextmanager
def reach_web(settings: FetchSettings) -> Iterator[None]:
    """Inside, weights are asked for by these settings; elsewhere by those of the environment alone (HTTPS_PROXY, SSL_CERT_FILE …)."""
    token = _SETTINGS.set(settings)
    try:
        yield
    finally:
        _SETTINGS.reset(token)


def download_file(url: str, path: Path, what: str, way_out: str) -> None:
    """Fetch a file as a whole or not at all, checked against the hash in its name where there is one.

    Args:
        url: https.
        path: where it is kept.
        what: is asked for, for the message.
        way_out: what can be done without it, for the message.

    Raises:
        ConfigError: it cannot be had; names host, proxy and what else can be done.
    """
    settings, target = _find_settings(), _parse(url)
    proxy = settings.choose_proxy(target)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replace_file(path) as temporary, _open_client(settings, proxy) as client:
            _stream(client, url, temporary)
    except (httpx.HTTPError, OSError, ValueError) as error:
        raise ConfigError(explain_download_failure(what, target.host, proxy, error, way_out)) from error


def explain_download_failure(what: str, host: str, proxy: Proxy | None, error: Exception, way_out: str) -> Problem:
    """One message that names the host, the proxy in between, and the ways out."""
    way = f"through the proxy {proxy.url}" if proxy is not None else "with no proxy in between"
    line = quote_first_line(error, 160)
    hint = f"{way_out}; or look at fetch.proxy and fetch.ca_bundle, which are used for weights too"
    return Problem("train.weights", f"{what} needs a download from {host} {way}, which failed ({line})", hint)


def choose_proxy(url: str) -> Proxy | None:
    """The proxy that a URL would be asked through."""
    return _find_settings().choose_proxy(_parse(url))


@contextmanager
def speak_for_others() -> Iterator[None]:
    """Inside, libraries that go by the environment find the same proxies and authorities in it."""
    told = write_environment(_find_settings())
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def write_environment(settings: FetchSettings) -> dict[str, str]:
    """The variables by which another process finds the same proxies and authorities; "" takes one back that is set."""
    told = {}
    for name, proxy in (("http_proxy", settings.http_proxy), ("https_proxy", settings.https_proxy)):
        told[name] = told[name.upper()] = "" if proxy is None else _write_url(proxy)
    told["all_proxy"] = told["ALL_PROXY"] = ""
    told["no_proxy"] = told["NO_PROXY"] = settings.no_proxy
    if settings.ca_file is not None:
        told["SSL_CERT_FILE"] = told["REQUESTS_CA_BUNDLE"] = settings.ca_file
    return told


def _find_settings() -> FetchSettings:
    return _SETTINGS.get() or FetchSettings.from_config(FetchConfig(), Path(), os.environ)


def _parse(url: str) -> Target:
    target = parse_target(url)
    assert isinstance(target, Target)
    return target


def _open_client(settings: FetchSettings, proxy: Proxy | None) -> httpx.Client:
    headers = {} if proxy is None or proxy.authorization is None else {"Proxy-Authorization": proxy.authorization}
    through = None if proxy is None else httpx.Proxy(proxy.url, headers=headers)
    context = make_ssl_context(settings.ca_file)
    return httpx.Client(proxy=through, verify=context, trust_env=False, timeout=_TIMEOUT_S, follow_redirects=True)


def _stream(client: httpx.Client, url: str, path: Path) -> None:
    """The body into a file; raises a ValueError where it is too long or not what its name says."""
    digest, length = hashlib.sha256(), 0
    with client.stream("GET", url) as answer, path.open("wb") as file:
        answer.raise_for_status()
        for part in answer.iter_bytes():
            length += len(part)
            if length > _MOST_BYTES:
                raise ValueError(f"longer than {_MOST_BYTES:,} bytes")
            digest.update(part)
            file.write(part)
    named = _HASHED.search(url.rpartition("/")[2])
    if named is not None and not digest.hexdigest().startswith(named[1]):
        raise ValueError(f"what came has the sha256 {digest.hexdigest()[:12]}…, not {named[1]}…: something in between changed it")


def _write_url(proxy: Proxy) -> str:
    if proxy.user is None:
        return proxy.url
    from urllib.parse import quote

    scheme, _, rest = proxy.url.partition("://")
    return f"{scheme}://{quote(proxy.user, safe='')}:{quote(proxy.password, safe='')}@{rest}"
