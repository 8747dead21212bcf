"""One request and its answer: httpx's requests on aiohttp's connections, each checked at the moment of connecting.

httpx-aiohttp's transport is called without ``httpx.AsyncClient`` around it: that client would keep cookies from one URL to the
next, write every URL to its log, and read the Location of redirects before we have judged it.

What guards against requests to private networks sits at the socket itself: every address, whatever name or redirect or
changing DNS answer led to it, passes ``check_address`` between look-up and connect, with nothing in between that could swap it.
A configured proxy's own address is trusted.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from logoingest.fetch.body import BodyFaultError, read_body
from logoingest.fetch.failures import NETWORK_ERRORS, check_address, judge_error
from logoingest.fetch.integrity import DIGEST_HEADERS, find_digest_fault
from logoingest.fetch.policy import Verdict, judge_opt_out
from logoingest.fetch.resolver import Lookup, Resolver, look_up_addresses
from logoingest.fetch.robots import MAX_ROBOTS_BYTES
from logoingest.fetch.settings import FetchSettings, Proxy, make_ssl_context
from logoingest.fetch.targets import Target
from logoingest.schemas import Reason

KEEPALIVE_S = 10.0
ACCEPT = "image/avif,image/webp,image/png,image/jpeg,image/*;q=0.9,*/*;q=0.5"


class Reply(NamedTuple):
    """An answer whose head, and body if the status is 200, came as they should."""

    status: int
    location: str | None
    retry_after: str | None
    content_type: str | None
    etag: str | None
    last_modified: str | None
    body: bytes | None
    cookies: httpx.Cookies | None


class Failure(NamedTuple):
    """An exchange that gave no usable answer; ``status`` when the head of one came."""

    verdict: Verdict
    status: int | None


class Client:
    """An async context manager; holds one connection pool for direct requests and one per proxy."""

    def __init__(self, settings: FetchSettings, lookup: Lookup | None = None) -> None:
        self._settings = settings
        self._timeout = httpx.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s, pool=settings.connect_timeout_s)
        self._timeout_extension = {"timeout": self._timeout.as_dict()}
        self._lookup = lookup or look_up_addresses
        self._ssl_context = make_ssl_context(settings.ca_file)
        self._headers = {"user-agent": settings.user_agent, "accept": ACCEPT, "accept-encoding": "identity"}
        self._transports: dict[Proxy | None, AiohttpTransport] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._stack.aclose()

    async def exchange(
        self, target: Target, cookies: httpx.Cookies | None = None, *, is_last: bool = False, is_robots: bool = False
    ) -> Reply | Failure:
        """Send one GET; redirects are not followed.

        Args:
            target: what to request; its literal address, if it is one, has been judged.
            cookies: cookies set earlier in the same chain of redirects.
            is_last: no further request to this host is in sight, so its connection need not be kept.
            is_robots: it is robots.txt: opt-out headers say nothing, and only the beginning of a long file is read.
        """
        proxy = self._settings.choose_proxy(target)
        transport = self._transports.get(proxy) or self._open_transport(proxy)
        request = self._make_request(target, cookies, proxy, close=is_last)
        status: int | None = None
        try:
            response = await transport.handle_async_request(request)
            status = response.status_code
            try:
                return await self._read_reply(response, cookies, is_robots=is_robots)
            finally:
                await response.aclose()
        except BodyFaultError as fault:
            return Failure(fault.verdict, status)
        except NETWORK_ERRORS as error:
            verdict = judge_error(error, self._settings, reading=status is not None, via_proxy=proxy is not None)
            return Failure(verdict, status)

    def _make_request(self, target: Target, cookies: httpx.Cookies | None, proxy: Proxy | None, *, close: bool) -> httpx.Request:
        request = httpx.Request("GET", target.url, headers=self._headers, extensions=self._timeout_extension)
        relayed = proxy is not None and target.scheme == "http"  # otherwise there is a connection to the host itself
        if close and not relayed:
            request.headers["connection"] = "close"
        if relayed and proxy is not None and proxy.authorization is not None:
            request.headers["proxy-authorization"] = proxy.authorization
        if target.authorization is not None:
            request.headers["authorization"] = target.authorization
        if cookies is not None:
            cookies.set_cookie_header(request)
        return request

    async def _read_reply(self, response: httpx.Response, cookies: httpx.Cookies | None, *, is_robots: bool) -> Reply:
        headers = response.headers
        body = None
        if response.status_code == 200:
            length, coding = headers.get("content-length"), headers.get("content-encoding")
            if is_robots:
                begin = _take_beginning(response.aiter_raw(), MAX_ROBOTS_BYTES + 1)
                body = await read_body(begin, None, coding, 8 * MAX_ROBOTS_BYTES)
            else:
                self._refuse_opted_out(headers)
                body = await read_body(response.aiter_raw(), length, coding, self._settings.max_bytes)
                _check_digests(headers, body, coding)
        elif response.has_redirect_location and "set-cookie" in headers:
            cookies = httpx.Cookies(cookies)
            cookies.extract_cookies(response)
        return Reply(
            response.status_code,
            headers.get("location"),
            headers.get("retry-after"),
            headers.get("content-type"),
            headers.get("etag"),
            headers.get("last-modified"),
            body,
            cookies,
        )

    def _refuse_opted_out(self, headers: httpx.Headers) -> None:
        reservation = headers.get("tdm-reservation")
        if reservation is None and "x-robots-tag" not in headers:
            return
        verdict = judge_opt_out(headers.get_list("x-robots-tag"), reservation, self._settings)
        if verdict is not None:
            raise BodyFaultError(verdict)

    def _open_transport(self, proxy: Proxy | None) -> AiohttpTransport:
        guarded = proxy is None
        connector = aiohttp.TCPConnector(
            limit=0,  # the schedule bounds what is in flight
            ssl=self._ssl_context,
            resolver=Resolver(self._lookup if guarded else look_up_addresses, self._settings, guarded=guarded),
            use_dns_cache=False,  # the resolver has its own
            keepalive_timeout=KEEPALIVE_S,
            socket_factory=partial(open_guarded_socket, self._settings) if guarded else None,
        )
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        transport = AiohttpTransport(
            verify=self._ssl_context,
            trust_env=False,
            client=session,
            proxy=None if proxy is None else _make_httpx_proxy(proxy),
        )
        self._transports[proxy] = transport
        self._stack.push_async_callback(transport.aclose)
        return transport


def _check_digests(headers: httpx.Headers, body: bytes, coding: str | None) -> None:
    if any(name in headers for name in DIGEST_HEADERS):
        fault = find_digest_fault(headers, body, coding)
        if fault is not None:
            raise BodyFaultError(Verdict(Reason.TRUNCATED, fault, can_heal=True))


async def _take_beginning(chunks: AsyncIterator[bytes], length: int) -> AsyncIterator[bytes]:
    """The first ``length`` bytes; the rest is not read."""
    async for chunk in chunks:
        yield chunk[:length]
        length -= len(chunk)
        if length <= 0:
            return


def open_guarded_socket(settings: FetchSettings, address_info: tuple[Any, ...]) -> socket.socket:
    """A socket for the very address that is about to be connected to.

    Raises:
        RefusedAddressError: the address is not one to connect to.
    """
    family, kind, protocol, _, address = address_info
    check_address(address[0], settings)
    return socket.socket(family=family, type=kind, proto=protocol)


def _make_httpx_proxy(proxy: Proxy) -> httpx.Proxy:
    """For tunnels the credentials go with CONNECT; for relayed requests with the request itself."""
    return httpx.Proxy(proxy.url, headers=None if proxy.authorization is None else {"Proxy-Authorization": proxy.authorization})
