"""Cookies within one chain of redirects, by the rules of Python's ``http.cookiejar`` as httpx applies them.

httpx is loaded with the first of them: of a hundred hosts, few set one on the way to a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from logoingest.fetch.rules.targets import Target

if TYPE_CHECKING:
    import httpx

REDIRECTS = frozenset({301, 302, 303, 307, 308})


def keep_cookies(
    known: httpx.Cookies | None, target: Target, status: int, fields: Sequence[tuple[bytes, bytes]]
) -> httpx.Cookies | None:
    """What is known after an answer with these fields, as they were sent: redirects may add cookies, other answers say nothing."""
    names = {name.lower() for name, _ in fields} if status in REDIRECTS else set()
    if not names >= {b"location", b"set-cookie"}:
        return known
    import httpx

    cookies = httpx.Cookies(known)
    cookies.extract_cookies(httpx.Response(status, headers=list(fields), request=_describe_request(target)))
    _drop_unsendable(cookies)
    return cookies


def write_cookies(cookies: httpx.Cookies | None, target: Target) -> str:
    """The value of the Cookie header for a target; "" for none."""
    if cookies is None:
        return ""
    request = _describe_request(target)
    cookies.set_cookie_header(request)
    return str(request.headers.get("cookie", ""))


def _describe_request(target: Target) -> httpx.Request:
    import httpx

    return httpx.Request("GET", target.url, headers={"host": target.netloc})


def _drop_unsendable(cookies: httpx.Cookies) -> None:
    """Cookies that cannot go back as a header are as good as none."""
    for cookie in list(cookies.jar):
        text = f"{cookie.name}{cookie.value or ''}"
        if not (text.isascii() and text.isprintable()):
            cookies.jar.clear(cookie.domain, cookie.path, cookie.name)
