"""The guard at the door: every request is looked at before the pages see it, and every answer gets its headers.

Refused are other hosts (DNS rebinding), other origins, pages of other sites, what is too long, too slow or too often, methods the pages
do not use, and whoever has not come in; a change needs the page's own token besides (CSRF).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple, TypeAlias

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from logoingest.web.access.connections import VISITORS
from logoingest.web.access.entrance import Entrance
from logoingest.web.access.headers import secure_headers
from logoingest.web.access.rates import RateLimit
from logoingest.web.access.visits import Visit, Visits

MOST_BODY_BYTES = 64 * 1024
MOST_TARGET_BYTES = 8 * 1024
BODY_PATIENCE_S = 10.0
"""A body that has not come whole by then is given up."""

VISIT = "logoingest.visit"
"""Where a request's scope holds its ``Visit``."""

BODY = "logoingest.body"
"""Where it holds the body of a POST, whole."""

_METHODS = frozenset({"GET", "HEAD", "POST"})
_CSRF = b"x-csrf-token"
_JSON = b"application/json"
#: Of requests by nobody who is in: a little, so that garbage costs little.
_STRANGERS_PER_S, _STRANGERS_BURST = 20.0, 60.0

_Headers: TypeAlias = "Sequence[tuple[bytes, bytes]]"


class Turned(NamedTuple):
    """Why a request is refused."""

    status: int
    why: str


class Guard:
    """An ASGI application around the pages."""

    def __init__(
        self, app: ASGIApp, entrance: Entrance, visits: Visits, open_paths: Sequence[str], sign_in: str | None = None
    ) -> None:
        """``open_paths`` are for everybody; one that ends in a slash stands for all below it. Strangers are led to ``sign_in``."""
        self._sign_in = sign_in
        self._app, self._entrance, self._visits, self._open = app, entrance, visits, tuple(open_paths)
        self._strangers = RateLimit(_STRANGERS_PER_S, _STRANGERS_BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        secured = self._secure(send)
        visit = self._find_visit(scope)
        turned = self._refuse(scope, visit)
        body = b""
        if turned is None and scope["method"] == "POST":
            body, turned = await _read_body(scope, receive)
        if turned is not None:
            is_led = turned.status == 401 and self._sign_in is not None and scope["method"] == "GET"
            answer = RedirectResponse(str(self._sign_in), 303) if is_led else _answer(turned)
            await answer(scope, receive, secured)
            return
        if visit is not None and scope.get("client"):
            VISITORS.remember(tuple(scope["client"]))
        scope[VISIT], scope[BODY] = visit, body
        await self._app(scope, receive, secured)

    def _secure(self, send: Send) -> Send:
        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {
                    **message,
                    "headers": secure_headers(
                        message.get("headers", ()), is_secure=self._entrance.is_secure and not self._entrance.is_local
                    ),
                }
            await send(message)

        return secured

    def _find_visit(self, scope: Scope) -> Visit | None:
        cookies: SimpleCookie = SimpleCookie()
        try:
            for value in _list_values(scope["headers"], b"cookie"):
                cookies.load(value.decode("latin-1"))
        except CookieError:
            return None
        morsel = cookies.get(self._entrance.cookie)
        return None if morsel is None else self._visits.find(morsel.value)

    def _refuse(self, scope: Scope, visit: Visit | None) -> Turned | None:
        headers: _Headers = scope["headers"]
        if not (self._strangers if visit is None else visit.rate).take():
            return Turned(429, "too many requests")
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MOST_TARGET_BYTES:
            return Turned(414, "the address is too long")
        if [value.decode("latin-1").lower() for value in _list_values(headers, b"host")] not in [
            [host] for host in self._entrance.hosts
        ]:
            return Turned(421, "this server has another name")
        if scope["method"] not in _METHODS:
            return Turned(405, "only GET, HEAD and POST are answered")
        if _comes_from_elsewhere(scope["method"], headers):
            return Turned(403, "another site's page may not ask this")
        if visit is None and not self._is_open(scope["path"]):
            return Turned(401, "nobody is in here: open the link that logoingest web printed")
        return self._refuse_change(headers, visit) if scope["method"] == "POST" else None

    def _refuse_change(self, headers: _Headers, visit: Visit | None) -> Turned | None:
        origins = [value.decode("latin-1").lower() for value in _list_values(headers, b"origin")]
        if len(origins) != 1 or origins[0] not in self._entrance.origins:
            return Turned(403, "a change must come from a page of this server")
        kinds = [value.partition(b";")[0].strip().lower() for value in _list_values(headers, b"content-type")]
        if kinds != [_JSON]:
            return Turned(415, "a change is sent as application/json")
        tokens = [value.decode("latin-1") for value in _list_values(headers, _CSRF)]
        if visit is not None and (len(tokens) != 1 or not visit.is_own(tokens[0])):
            return Turned(403, "the page's token is missing or old: load the page again")
        return None

    def _is_open(self, path: str) -> bool:
        return any(path.startswith(one) if one.endswith("/") else path == one for one in self._open)


def _list_values(headers: _Headers, name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]


def _comes_from_elsewhere(method: str, headers: _Headers) -> bool:
    """By what browsers say of where a request comes from (Fetch Metadata); following a link to a page is fine."""
    sites = _list_values(headers, b"sec-fetch-site")
    is_link = (
        method == "GET"
        and _list_values(headers, b"sec-fetch-mode") == [b"navigate"]
        and b"document" in _list_values(headers, b"sec-fetch-dest")
    )
    return any(site not in {b"same-origin", b"none"} for site in sites) and not is_link


async def _read_body(scope: Scope, receive: Receive) -> tuple[bytes, Turned | None]:
    """The whole body within the bounds; else why not."""
    too_long = Turned(413, f"more than {MOST_BODY_BYTES} bytes are not taken")
    lengths = _list_values(scope["headers"], b"content-length")
    if any(not length.isdigit() or int(length) > MOST_BODY_BYTES for length in lengths):
        return b"", too_long
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_PATIENCE_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return b"", Turned(400, "the sender went away")
                body += message.get("body", b"")
                if len(body) > MOST_BODY_BYTES:
                    return b"", too_long
                if not message.get("more_body", False):
                    return bytes(body), None
    except TimeoutError:
        return b"", Turned(408, "the body did not come")


def _answer(turned: Turned) -> Response:
    headers = {"connection": "close"} if turned.status in {408, 413, 421} else {}
    return PlainTextResponse(f"{turned.why}\n", turned.status, headers)
