"""What can befall a URL of the demo: how its host behaves, how many URLs do so, and where the route must put them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from logoingest.schemas import Reason


@dataclass(frozen=True)
class FaultKind:
    """A kind of URL. ``outcomes`` are the reasons it may end in; none means that its picture arrives whole."""

    count: int
    doc: str
    outcomes: frozenset[Reason] = frozenset()
    own_picture: bool = True
    """Whether a picture of its own is behind it; the others show nothing, or a copy."""


def _fail(count: int, doc: str, *outcomes: Reason) -> FaultKind:
    return FaultKind(count, doc, frozenset(outcomes), own_picture=False)


#: Every kind but "ok", which is what remains of the pictures.
KINDS: Mapping[str, FaultKind] = {
    # arrives, sooner or later
    "flaky_500": FaultKind(12, "500 at first, then the picture"),
    "busy_now": FaultKind(4, "503 with Retry-After: 0 at first, then the picture"),
    "busy_one_second": FaultKind(4, "503 with Retry-After: 1 at first, then the picture"),
    "slow": FaultKind(6, "the picture, after a second"),
    "redirect_chain": FaultKind(8, "three redirects, over two hosts, one of them relative, then the picture"),
    "chunked": FaultKind(6, "chunked transfer, no Content-Length"),
    "wrong_type": FaultKind(6, "a picture called text/plain"),
    "odd_path": FaultKind(6, "spaces, accents and a query in the URL"),
    # copies of other pictures
    "copy_exact": FaultKind(30, "the same bytes at another URL", own_picture=False),
    "copy_recoded": FaultKind(20, "the same picture encoded anew", own_picture=False),
    "copy_halved": FaultKind(20, "the same picture at half the size", own_picture=False),
    # never arrives
    "gone_404": _fail(40, "404", Reason.HTTP_4XX),
    "gone_410": _fail(16, "410", Reason.HTTP_4XX),
    "always_500": _fail(5, "500 for ever", Reason.HTTP_5XX),
    "slow_drip": _fail(3, "a few bytes a second, longer than the total deadline", Reason.TIMEOUT_TOTAL),
    "redirect_loop": _fail(4, "two pages that redirect to each other", Reason.REDIRECT_LOOP),
    "cut_short": _fail(5, "the connection ends before Content-Length is reached", Reason.TRUNCATED, Reason.PROTOCOL),
    "reset": _fail(4, "the connection is reset", Reason.CONNECT, Reason.PROTOCOL),
    "empty": _fail(4, "200 and no body", Reason.EMPTY),
    "unresolvable": _fail(
        4, "a host nobody knows: the proxy says 502", Reason.HTTP_5XX, Reason.PROXY, Reason.DNS, Reason.HOST_DOWN
    ),
    "private_address": _fail(3, "an address inside somebody's network", Reason.PRIVATE_ADDRESS),
    "file_url": _fail(1, "file:///etc/passwd", Reason.BAD_URL),
    "malformed_url": _fail(2, "not a URL at all", Reason.BAD_URL),
    # arrives, but is no picture to learn from
    "cut_jpeg": _fail(6, "a JPEG that ends half-way, with the Content-Length to match", Reason.TRUNCATED, Reason.DECODE_ERROR),
    "html": _fail(8, "a web page called photo.jpg", Reason.NOT_IMAGE),
    "svg": _fail(3, "a vector drawing", Reason.NOT_IMAGE),
    "bomb": _fail(1, "a small PNG of 20,000 × 20,000 pixels", Reason.BOMB),
    "tiny": _fail(2, "4 × 4 pixels", Reason.TOO_SMALL),
    "placeholder": _fail(48, "the host's 'photo unavailable' picture instead of the photo", Reason.PLACEHOLDER),
}

#: Kinds without a page: their URLs never reach the site, or name a host it does not know.
PAGELESS = frozenset({"gone_404", "unresolvable", "private_address", "file_url", "malformed_url"})
