"""One request and its answer, on aiohttp's connections, each checked at the moment of connecting.

aiohttp is told to leave alone what is judged here: it follows no redirect, keeps no cookie, decodes no body and reads no environment.

What guards against requests to private networks sits at the socket itself: every address, whatever name or redirect or
changing DNS answer led to it, passes ``check_address`` between look-up and connect, with nothing in between that could swap it.
A configured proxy's own address is trusted.

Credentials are looked up anew for every request, by where it goes: a redirect takes none along. A proxy that relays plain http
would read them, so it is sent none; through a tunnel they reach the host alone.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from functools import partial
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import aiohttp
from aiohttp.connector import Connection

from logoingest.fetch.http.body import BodyFaultError, read_body
from logoingest.fetch.http.connection import ForgivingConnector, StaleConnectionError
from logoingest.fetch.http.cookies import keep_cookies, write_cookies
from logoingest.fetch.http.failures import NETWORK_ERRORS, check_address, judge_error
from logoingest.fetch.http.resolver import Lookup, Resolver, look_up_addresses
from logoingest.fetch.http.resumption import ResumingContext, ResumptionRefusedError
from logoingest.fetch.http.wire import Fields, list_field_values, make_wire_url, pick_fields, read_field
from logoingest.fetch.rules.credentials import Credentials, add_cookies, read_credentials
from logoingest.fetch.rules.integrity import DIGEST_HEADERS, find_digest_fault
from logoingest.fetch.rules.policy import DELIVERIES, FetchFault, judge_opt_out, judge_range
from logoingest.fetch.rules.robots import MAX_ROBOTS_BYTES
from logoingest.fetch.rules.settings import FetchSettings, Proxy, make_ssl_context
from logoingest.fetch.rules.targets import Target, decode_location
from logoingest.schemas import Reason

if TYPE_CHECKING:
    import httpx

KEEPALIVE_S = 10.0
#: Headers that say how a picture may be used: its host's, and the same as the Wayback Machine hands them on.
_OPT_OUTS = ("x-robots-tag", "tdm-reservation")
_ARCHIVED_OPT_OUTS = ("x-archive-orig-x-robots-tag", "x-archive-orig-tdm-reservation")
_NONE: Mapping[str, str] = MappingProxyType({})


class Reply(NamedTuple):
    """An answer whose head, and body if the status is one that brings it, came as they should."""

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

    verdict: FetchFault
    status: int | None


class _Response(aiohttp.ClientResponse):
    """aiohttp's, but for two things.

    It has no words beside the status, which nobody reads. And where the end of the body is that of the connection, a connection that was
    reset is not taken for one that ended.
    """

    _lost: asyncio.Future[None] | None = None

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        await super().start(connection)
        self.reason = None
        is_bounded = "content-length" in self.headers or "transfer-encoding" in self.headers
        if self.status in DELIVERIES and not is_bounded and connection.protocol is not None:
            self._lost = connection.protocol.closed
            if self._lost is not None:
                self._lost.add_done_callback(_is_broken)  # an exception nobody looks at would be logged
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await super().__aexit__(kind, error, trace)
        if self._lost is not None and self._lost.done() and self.content.at_eof() and _is_broken(self._lost):
            raise aiohttp.ClientPayloadError("the connection was reset")


def _is_broken(lost: asyncio.Future[None]) -> bool:
    return not lost.cancelled() and lost.exception() is not None


class _Route(NamedTuple):
    """A pool of connections and what is told a proxy on them."""

    session: aiohttp.ClientSession
    proxy_url: str | None
    proxy_headers: Mapping[str, str]


class Client:
    """An async context manager; holds one connection pool for direct requests and one per proxy."""

    def __init__(self, settings: FetchSettings, lookup: Lookup | None = None) -> None:
        """Read what files the settings name.

        Raises:
            ConfigError: the credentials cannot be used (any more).
        """
        self._settings = settings
        self._credentials = Credentials() if settings.credentials is None else read_credentials(settings.credentials)
        connect_s = settings.connect_timeout_s
        self._timeout = aiohttp.ClientTimeout(sock_connect=connect_s, sock_read=settings.read_timeout_s, connect=connect_s)
        self._lookup = lookup or look_up_addresses
        self._ssl_context = make_ssl_context(settings.ca_file, ResumingContext)
        common = {"user-agent": settings.user_agent, "accept": settings.accept, "accept-encoding": "identity"}
        self._headers = common | dict(settings.headers)
        self._routes: dict[tuple[Proxy | None, bool], _Route] = {}
        self._resolvers: dict[bool, Resolver] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._stack.aclose()

    async def exchange(
        self,
        target: Target,
        cookies: httpx.Cookies | None = None,
        *,
        is_last: bool = False,
        is_text: bool = False,
        is_archived: bool = False,
        conditions: Mapping[str, str] = _NONE,
    ) -> Reply | Failure:
        """Send one GET; redirects are not followed.

        Args:
            target: what to request; its literal address, if it is one, has been judged.
            cookies: cookies set earlier in the same chain of redirects.
            is_last: no further request to this host is in sight, so its connection need not be kept.
            is_text: it is robots.txt, or another answer about pictures: opt-out headers say nothing, and only the beginning of a
                long one is read.
            is_archived: the answer may be an archive's: what the picture's own host said of opting out stands in other headers.
            conditions: headers that allow 304 as an answer; see ``refresh``.
        """
        proxy = self._settings.choose_proxy(target)
        headers = {**self._compose_headers(target, cookies, proxy, close=is_last), **conditions}
        status: int | None = None
        try:
            response = await self._send(target, headers, proxy)
            status = response.status
            async with response:
                kept = keep_cookies(cookies, target, status, response.raw_headers)
                body = await self._read_body(response, is_text=is_text, is_archived=is_archived)
        except BodyFaultError as fault:
            return Failure(fault.verdict, status)
        except NETWORK_ERRORS as error:
            verdict = judge_error(error, self._settings, reading=status is not None, proxy=proxy)
            return Failure(verdict, status)
        return _make_reply(response, body, kept)

    async def _send(self, target: Target, headers: Mapping[str, str], proxy: Proxy | None) -> aiohttp.ClientResponse:
        """The head of the answer; what a kept connection, or a kept session, does not bring is asked for once more without."""
        try:
            return await self._ask(target, headers, self._find_route(proxy, is_fresh=False))
        except StaleConnectionError:
            pass
        except aiohttp.ClientConnectorSSLError as error:
            if not isinstance(error.os_error, ResumptionRefusedError):
                raise
        return await self._ask(target, headers, self._find_route(proxy, is_fresh=True))

    async def _ask(self, target: Target, headers: Mapping[str, str], route: _Route) -> aiohttp.ClientResponse:
        url = make_wire_url(target)
        return await route.session.get(
            url, headers=headers, allow_redirects=False, proxy=route.proxy_url, proxy_headers=route.proxy_headers
        )

    def _find_route(self, proxy: Proxy | None, *, is_fresh: bool) -> _Route:
        return self._routes.get((proxy, is_fresh)) or self._open_route(proxy, is_fresh=is_fresh)

    def _compose_headers(
        self, target: Target, cookies: httpx.Cookies | None, proxy: Proxy | None, *, close: bool
    ) -> dict[str, str]:
        headers = {"host": target.netloc, **self._headers}
        relayed = proxy is not None and target.scheme == "http"  # otherwise there is a connection to the host itself
        if close and not relayed:
            headers["connection"] = "close"
        if relayed and proxy is not None and proxy.authorization is not None:
            headers["proxy-authorization"] = proxy.authorization
        if text := write_cookies(cookies, target):
            headers["cookie"] = text
        if not relayed:
            self._add_credentials(headers, target)
        if target.authorization is not None:  # the URL's own come before those of the file
            headers["authorization"] = target.authorization
        return headers

    def _add_credentials(self, headers: dict[str, str], target: Target) -> None:
        grant = self._credentials.find_grant(target)
        if grant is None:
            return
        headers.update(grant.headers)
        if grant.cookies:
            headers["cookie"] = add_cookies(headers.get("cookie", ""), grant.cookies)

    async def _read_body(self, response: aiohttp.ClientResponse, *, is_text: bool, is_archived: bool) -> bytes | None:
        """The body of an answer that brings one and may be used; None of others."""
        fields = response.headers
        if response.status == 304:
            self._refuse_opted_out(fields)
        if response.status not in DELIVERIES:
            return None
        coding = read_field(fields, "content-encoding")
        chunks = response.content.iter_any()
        if is_text:
            begin = _take_beginning(chunks, MAX_ROBOTS_BYTES + 1)
            return await read_body(begin, None, coding, 8 * MAX_ROBOTS_BYTES)
        if response.status == 206 and (fault := judge_range(read_field(fields, "content-range"))) is not None:
            raise BodyFaultError(fault)
        self._refuse_opted_out(fields)
        if is_archived:
            self._refuse_opted_out(fields, _ARCHIVED_OPT_OUTS)
        body = await read_body(chunks, read_field(fields, "content-length"), coding, self._settings.max_bytes)
        _check_digests(fields, body, coding)
        return body

    def _refuse_opted_out(self, fields: Fields, names: tuple[str, str] = _OPT_OUTS) -> None:
        reservation = read_field(fields, names[1])
        if reservation is None and names[0] not in fields:
            return
        verdict = judge_opt_out(list_field_values(fields, names[0]), reservation, self._settings)
        if verdict is not None:
            raise BodyFaultError(verdict)

    def _open_route(self, proxy: Proxy | None, *, is_fresh: bool) -> _Route:
        guarded = proxy is None
        keeping: dict[str, Any] = {"force_close": True} if is_fresh else {"keepalive_timeout": KEEPALIVE_S}
        connector = ForgivingConnector(
            limit=0,  # the schedule bounds what is in flight
            ssl=self._ssl_context,
            resolver=self._find_resolver(guarded=guarded),
            use_dns_cache=False,  # the resolver has its own
            **keeping,
            socket_factory=partial(open_guarded_socket, self._settings) if guarded else None,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=self._timeout,
            response_class=_Response,
        )
        self._stack.push_async_callback(session.close)
        self._routes[proxy, is_fresh] = route = _Route(session, None if proxy is None else proxy.url, _introduce(proxy))
        return route

    def _find_resolver(self, *, guarded: bool) -> Resolver:
        """One for all connections of a kind: what a name was found to mean holds for those that are made anew, too."""
        if guarded not in self._resolvers:
            lookup = self._lookup if guarded else look_up_addresses
            self._resolvers[guarded] = Resolver(lookup, self._settings, guarded=guarded)
        return self._resolvers[guarded]


def _make_reply(response: aiohttp.ClientResponse, body: bytes | None, cookies: httpx.Cookies | None) -> Reply:
    fields = response.headers
    return Reply(
        response.status,
        _find_location(response),
        read_field(fields, "retry-after"),
        read_field(fields, "content-type"),
        read_field(fields, "etag"),
        read_field(fields, "last-modified"),
        body,
        cookies,
    )


def _check_digests(fields: Fields, body: bytes, coding: str | None) -> None:
    digests = pick_fields(fields, DIGEST_HEADERS)
    fault = find_digest_fault(digests, body, coding) if digests else None
    if fault is not None:
        raise BodyFaultError(FetchFault(Reason.TRUNCATED, fault, can_heal=True))


def _find_location(response: aiohttp.ClientResponse) -> str | None:
    """The first Location, from its bytes: their encoding is the standard's matter."""
    if "location" not in response.headers:
        return None
    return decode_location(next(value for name, value in response.raw_headers if name.lower() == b"location"))


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


def _introduce(proxy: Proxy | None) -> Mapping[str, str]:
    """For tunnels the credentials go with CONNECT; for relayed requests with the request itself."""
    return _NONE if proxy is None or proxy.authorization is None else {"Proxy-Authorization": proxy.authorization}
