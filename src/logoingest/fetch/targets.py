r"""From a URL as strangers write it to the one request we are willing to make: what is fetched, and whether it may be.

Pure. A URL is read the way browsers read it (WHATWG URL Standard) where that is safe: spaces and non-ASCII characters are
percent-encoded, ``\`` counts as ``/``, host names go through IDNA (UTS 46), IPv4 addresses are understood in every spelling,
``//host/x`` means https, the fragment is dropped. What a browser would quietly repair to something else (control characters,
a missing host) is refused instead.
"""

from __future__ import annotations

import base64
import re
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple
from urllib.parse import unquote, unquote_to_bytes, urljoin

import idna
from yarl import URL

from logoingest.fetch.addresses import Address, parse_ipv4_number

MAX_URL_BYTES = 8192
DEFAULT_PORTS = {"http": 80, "https": 443}

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_SCHEME_SHOWN = 20


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
        """Host and port as the URL has them, for the Host header: httpx makes one of its own only for names it can decode."""
        return self.url.partition("://")[2].partition("/")[0]


class UrlFault(NamedTuple):
    """Why a URL cannot be requested: one line, without the URL itself (it may hold credentials)."""

    detail: str
    scheme_refused: bool = False


def parse_target(url: str) -> Target | UrlFault:
    """Read a URL; nothing is looked up and addresses are not judged here."""
    text = url.strip(" ")
    if len(text) > MAX_URL_BYTES or len(text.encode("utf-8", "replace")) > MAX_URL_BYTES:
        return UrlFault(f"is longer than {MAX_URL_BYTES} bytes")
    if _CONTROL.search(text):
        return UrlFault("has control characters")
    if not text:
        return UrlFault("is empty")
    if re.match(r"[/\\]{2}", text):
        text = f"https:{text}"
    match = _SCHEME.match(text)
    if match is None:
        return UrlFault("does not begin with http:// or https://")
    scheme = match[1].lower()
    if scheme not in DEFAULT_PORTS:
        if "." in scheme or text[match.end() :].split("/")[0].isdigit():  # "example.com:8080/x"
            return UrlFault("does not begin with http:// or https://")
        return UrlFault(f'the scheme "{scheme[:_SCHEME_SHOWN]}" is not http or https', scheme_refused=True)
    return _parse_rest(scheme, text[match.end() :])


def decode_location(raw: bytes) -> str:
    """A Location header as text: UTF-8, or with its bytes escaped one by one, as browsers do, where it is none."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)


def join_target(base: Target, location: str) -> Target | UrlFault:
    """Where a Location header leads, seen from ``base``; credentials of ``base`` stay with its own origin."""
    location = location.strip(" \t")
    if _CONTROL.search(location):
        return UrlFault("has control characters")
    joined = location
    if not _SCHEME.match(location):
        head, question, query = location.partition("?")
        head = head.replace("\\", "/")
        joined = f"{base.scheme}:{head}" if head.startswith("//") else urljoin(base.url, head)
        joined += question + query
    if location.startswith("?"):
        joined = base.url.partition("?")[0] + location
    target = parse_target(joined)
    if isinstance(target, Target) and target.authorization is None and target.origin == base.origin:
        return target._replace(authorization=base.authorization)
    return target


def _parse_rest(scheme: str, rest: str) -> Target | UrlFault:
    rest = rest.partition("#")[0]
    before, question, query = rest.partition("?")
    query = query.replace(" ", "%20")  # yarl would write +, browsers do not
    before = before.replace("\\", "/")
    if not before.startswith("//"):
        return UrlFault(f"{scheme}: is not followed by //")
    authority, _, path = before[2:].partition("/")
    userinfo, _, host_port = authority.rpartition("@")
    found = _parse_host_port(scheme, host_port)
    if isinstance(found, UrlFault):
        return found
    host, port, address = found
    shown = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORTS[scheme]:
        shown += f":{port}"
    try:
        # yarl is what aiohttp puts on the wire with: quoting once with it means nothing changes the URL afterwards
        quoted = str(URL(f"{scheme}://{shown}/{path}{question}{query}"))
    except ValueError:
        return UrlFault("is malformed")
    if len(quoted) > MAX_URL_BYTES:
        return UrlFault(f"is longer than {MAX_URL_BYTES} bytes")
    return Target(quoted, scheme, host, port, address, _make_authorization(userinfo))


def _parse_host_port(scheme: str, text: str) -> tuple[str, int, Address | None] | UrlFault:
    if text.startswith("["):
        inside, bracket, port_text = text[1:].partition("]")
        host: str | UrlFault = inside if bracket else UrlFault("the host is no IPv6 address")
        if port_text and not port_text.startswith(":"):
            return UrlFault("the port is no number from 1 to 65535")
        port_text = port_text.removeprefix(":")
        if isinstance(host, UrlFault):
            return host
        address: Address | None
        try:
            address = IPv6Address(inside)
        except AddressValueError:
            return UrlFault("the host is no IPv6 address")
        if address.scope_id:
            return UrlFault("the host is an IPv6 address with a zone")
        host = str(address)
    else:
        name, _, port_text = text.partition(":")
        host = _normalise_name(name)
        if isinstance(host, UrlFault):
            return host
        try:
            address = parse_ipv4_number(host)
        except ValueError as error:
            return UrlFault(f"the host {error}")
        host = host if address is None else str(address)
    if port_text and not (port_text.isascii() and port_text.isdigit() and len(port_text) <= 8 and 0 < int(port_text) < 65536):
        return UrlFault("the port is no number from 1 to 65535")
    return host, int(port_text) if port_text else DEFAULT_PORTS[scheme], address


def _normalise_name(name: str) -> str | UrlFault:
    try:
        decoded = unquote(name, errors="strict")
    except UnicodeDecodeError:
        return UrlFault("the host is not UTF-8")
    if not decoded:
        return UrlFault("has no host")
    host = decoded.lower()
    if not host.isascii():
        try:
            host = idna.uts46_remap(host, std3_rules=False, transitional=False)
            host = host if host.isascii() else idna.encode(host).decode("ascii")
        except (idna.IDNAError, UnicodeError, IndexError):
            return UrlFault("the host is no valid international domain name")
    if not _HOST.fullmatch(host) or len(host.removesuffix(".")) > 253:
        return UrlFault("the host is no valid name")
    return host


def _make_authorization(userinfo: str) -> str | None:
    if not userinfo.strip(":"):
        return None
    user, _, password = userinfo.partition(":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return "Basic " + base64.b64encode(pair).decode("ascii")
