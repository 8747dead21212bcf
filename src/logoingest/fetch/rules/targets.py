r"""From a URL as strangers write it to the one request we are willing to make: what is fetched, and whether it may be.

Pure. A URL is read as browsers read it (``rules.urls``: the WHATWG URL Standard) and asked for as it was written: every percent-escape
stays. ``//host/x`` without a page to be relative to means https; the fragment is dropped. Refused is what cannot lead to a picture
whatever a browser makes of it: schemes other than http and https, port 0, host names that DNS cannot hold.
"""

from __future__ import annotations

import base64
import re
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from logoingest.fetch.rules.addresses import Address
from logoingest.fetch.rules.urls import ParsedUrl, begins_with_host, clean_ends, find_scheme, read_url, resolve_reference

MAX_URL_BYTES = 8192
DEFAULT_PORTS = {"http": 80, "https": 443}

_IPV4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_NAME = re.compile(r"[^.]{1,63}(\.[^.]{1,63})*\.?")
_PORT = re.compile(r"0*[0-9]{0,5}")
_NUMERIC_END = re.compile(r"(^|\.)(0[xX][0-9a-fA-F]*|[0-9]+)\.?$")
_AUTHORITY = re.compile(r"[^:]*:[/\\]*([^/\\?#]*)")
_SCHEME_SHOWN = 20
_MAX_NAME = 253


class Target(NamedTuple):
    """One request: ``url`` is ASCII and holds neither credentials nor fragment."""

    url: str
    scheme: str
    host: str
    port: int
    address: Address | None
    """The host itself, when it is an address and not a name."""
    authorization: str | None = None
    """Value of the Authorization header, from credentials in the URL; never shown."""

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: credentials go nowhere else."""
        return self.scheme, self.host, self.port

    @property
    def netloc(self) -> str:
        """Host and port as the URL has them, for the Host header."""
        return self.url.partition("://")[2].partition("/")[0]

    @property
    def path(self) -> str:
        """Path and query as they stand in the request line, to the byte: an empty query keeps its question mark."""
        return self.url[self.url.index("/", len(self.scheme) + 3) :]


class UrlFault(NamedTuple):
    """Why a URL cannot be requested: one line, without the URL itself (it may hold credentials)."""

    detail: str
    scheme_refused: bool = False


def parse_target(url: str) -> Target | UrlFault:
    """Read a URL; nothing is looked up and addresses are not judged here."""
    if len(url) > MAX_URL_BYTES:
        return UrlFault(f"is longer than {MAX_URL_BYTES} bytes")
    text = f"https:{clean_ends(url)}" if begins_with_host(url) else url
    scheme = find_scheme(text)
    if scheme not in DEFAULT_PORTS:
        return _explain_scheme(text, scheme)
    found = read_url(text)
    return _explain_failure(text) if found is None else _make_target(found)


def decode_location(raw: bytes) -> str:
    """A Location header as text: UTF-8, or with its bytes escaped one by one, as browsers do, where it is none."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)


def join_target(base: Target, location: str) -> Target | UrlFault:
    """Where a Location header leads, seen from ``base``; credentials of ``base`` stay with its own origin."""
    target = parse_target(resolve_reference(base.url, location))
    if isinstance(target, Target) and target.authorization is None and target.origin == base.origin:
        return target._replace(authorization=base.authorization)
    return target


def _make_target(found: ParsedUrl) -> Target | UrlFault:
    if len(found.href) > MAX_URL_BYTES:
        return UrlFault(f"is longer than {MAX_URL_BYTES} bytes")
    if found.port == 0:
        return UrlFault("the port is no number from 1 to 65535")
    address: Address | None = None
    if found.is_ipv6:
        address = IPv6Address(found.host)
    elif _IPV4.fullmatch(found.host):
        address = IPv4Address(found.host)
    elif not _NAME.fullmatch(found.host) or len(found.host.removesuffix(".")) > _MAX_NAME:
        return UrlFault("the host is no valid name")
    port = found.port or DEFAULT_PORTS[found.scheme]
    return Target(found.href, found.scheme, found.host, port, address, _make_authorization(found.username, found.password))


def _explain_scheme(text: str, scheme: str | None) -> UrlFault:
    if not clean_ends(text):
        return UrlFault("is empty")
    rest = clean_ends(text)[len(scheme or "") + 1 :]
    if scheme is None or "." in scheme or rest.split("/")[0].isdigit():  # "example.com:8080/x"
        return UrlFault("does not begin with http:// or https://")
    return UrlFault(f'the scheme "{scheme[:_SCHEME_SHOWN]}" is not http or https', scheme_refused=True)


def _explain_failure(text: str) -> UrlFault:
    """Which part of an http or https URL the standard stumbles at."""
    match = _AUTHORITY.match(clean_ends(text))
    host_port = match[1].rpartition("@")[2] if match else ""
    host, _, port = host_port.partition(":")
    if not host:
        return UrlFault("has no host")
    if host.startswith("["):
        return UrlFault("the host is no IPv6 address")
    if not _PORT.fullmatch(port) or int(port or 0) > 65535:
        return UrlFault("the port is no number from 1 to 65535")
    if _NUMERIC_END.search(host):
        return UrlFault("the host is no address, though it ends in a number")
    return UrlFault("the host is no valid name" if host.isascii() else "the host is no valid international domain name")


def _make_authorization(username: str, password: str) -> str | None:
    if not (username or password):
        return None
    pair = unquote_to_bytes(username) + b":" + unquote_to_bytes(password)
    return "Basic " + base64.b64encode(pair).decode("ascii")
