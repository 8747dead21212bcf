r"""URLs as the WHATWG URL Standard reads them (https://url.spec.whatwg.org), by Ada, the parser of Node.js.

What a URL says stays as it was written: percent-escapes keep their spelling (``%2F``, ``%2f``, ``%40``, ``%7E``), and so do a query
that is empty, semicolons, apostrophes in paths. Escaped is only what the standard escapes: blanks, quotes, what is not ASCII. A signed
URL (S3, CloudFront, Google Cloud Storage, imgix) is therefore asked for by the bytes that were signed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import can_ada

_SURROGATE = re.compile("[\ud800-\udfff]")
_DROPPED = re.compile(r"[\t\n\r]")
_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_TWO_SLASHES = re.compile(r"[/\\]{2}")


class ParsedUrl(NamedTuple):
    """An absolute URL as a request needs it."""

    href: str
    """ASCII, without userinfo and fragment."""
    scheme: str
    host: str
    """Lower-case ASCII; an IPv4 address in four decimal parts, an IPv6 address without brackets."""
    port: int | None
    """None where it is the scheme's own."""
    username: str
    """Percent-encoded, as the password is."""
    password: str
    is_ipv6: bool


def read_url(text: str) -> ParsedUrl | None:
    """What an absolute URL says; None where the standard sees a failure.

    Args:
        text: a stranger's; lone surrogates count as U+FFFD, as in a browser.
    """
    try:
        parsed = can_ada.parse(_SURROGATE.sub("\ufffd", text))
    except ValueError:
        return None
    href, host = parsed.href.partition("#")[0], parsed.hostname
    if parsed.username or parsed.password:
        scheme, _, rest = href.partition("//")
        href = f"{scheme}//{rest[rest.index('@') + 1 :]}"  # the userinfo's own are escaped
    is_ipv6 = host.startswith("[")
    port = int(parsed.port) if parsed.port else None
    return ParsedUrl(href, parsed.protocol[:-1], host[1:-1] if is_ipv6 else host, port, parsed.username, parsed.password, is_ipv6)


def find_scheme(text: str) -> str | None:
    """The scheme a URL begins with, in lower case; None for a relative one."""
    match = _SCHEME.match(clean_ends(text))
    return None if match is None else match[1].lower()


def clean_ends(text: str) -> str:
    """Without what the standard drops before it reads: control characters and blanks at the ends, tabs and line breaks everywhere."""
    return _DROPPED.sub("", text.strip(_C0_AND_SPACE))


def begins_with_host(text: str) -> bool:
    r"""Whether it is relative to a scheme only: ``//host/x``, with slashes of either kind."""
    return _TWO_SLASHES.match(clean_ends(text)) is not None


def resolve_reference(base: str, reference: str) -> str:
    """The absolute URL a reference means, not yet read ("basic URL parser" with a base).

    Args:
        base: an ``href`` of http or https.
        reference: a stranger's, for example a Location.
    """
    text = clean_ends(reference)
    scheme = base.partition(":")[0]
    match = _SCHEME.match(text)
    if match is not None:
        if match[1].lower() != scheme or _TWO_SLASHES.match(text, match.end()):
            return text
        text = text[match.end() :]  # "http:x" is relative where the base is http, too
    path = base.partition("?")[0]
    if _TWO_SLASHES.match(text):
        return f"{scheme}:{text}"
    if text[:1] in ("/", "\\"):
        return base[: base.index("/", len(scheme) + 3)] + text
    if text[:1] == "?":
        return path + text
    if text[:1] in ("", "#"):
        return base
    return path[: path.rindex("/") + 1] + text
