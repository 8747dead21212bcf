"""Which exception of the network stack is which Reason. The causes of an exception are looked at, too: the most telling one decides."""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from logoingest.errors import LogoingestError
from logoingest.fetch.http.connection import BrokenBodyError, Http2OnlyError, StaleConnectionError
from logoingest.fetch.rules.addresses import explain_refusal, parse_socket_address
from logoingest.fetch.rules.policy import NOT_ALLOWED, FetchFault
from logoingest.fetch.rules.settings import FetchSettings, Proxy
from logoingest.schemas import Reason


class RefusedAddressError(OSError):
    """Raised at the moment of connecting: the address is not one we connect to."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"a {kind} address")
        self.kind = kind


class LookupFailedError(OSError):
    """A name has no address; ``permanent`` when the name service said so."""

    def __init__(self, *, permanent: bool) -> None:
        super().__init__("no address")
        self.permanent = permanent


#: What may be raised by an exchange and is the network's doing.
NETWORK_ERRORS = (aiohttp.ClientError, HttpProcessingError, OSError)

_PERMANENT_LOOKUPS = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


def is_permanent(error: OSError) -> bool:
    """Whether a failed look-up will fail again."""
    return isinstance(error, socket.gaierror) and error.errno in _PERMANENT_LOOKUPS


def check_address(address: str, settings: FetchSettings) -> None:
    """Raise unless the address may be connected to.

    Raises:
        RefusedAddressError: it may not.
    """
    kind = explain_refusal(parse_socket_address(address), settings.allowed_networks)
    if kind is not None:
        raise RefusedAddressError(kind)


_TLS_WORDS = re.compile(r"\[SSL[^\]]*\] ([^()]+) \(_ssl")


class _Scene(NamedTuple):
    """Where an exception struck."""

    settings: FetchSettings
    reading: bool
    proxy: Proxy | None


def judge_error(error: BaseException, settings: FetchSettings, *, reading: bool, proxy: Proxy | None = None) -> FetchFault:
    """The verdict on an exception of an exchange.

    Args:
        error: what was raised.
        settings: for the limits named in details.
        reading: whether the head of the answer had come, so that the body broke off.
        proxy: the one in between, if any. Where it or the host behind it may have hung up, it is taken for the host.

    Raises:
        LogoingestError: it was this machine's fault.
    """
    scene = _Scene(settings, reading, proxy)
    chain = list(_iterate_causes(error))
    for kinds, judge in _RULES:
        for cause in chain:
            if isinstance(cause, kinds):
                return judge(cause, scene)
    return _BROKEN_OFF if reading else _NO_HTTP


def _iterate_causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    for _ in range(10):
        if current is None:
            return
        yield current
        inner = getattr(current, "os_error", None) if isinstance(current, aiohttp.ClientConnectorError) else None
        current = inner or current.__cause__


_HUNG_UP = "the server hung up before it answered"
_HTTP2_ONLY = FetchFault(Reason.PROTOCOL, "the host speaks HTTP/2 only, which is not spoken here")
_NO_HTTP = FetchFault(Reason.PROTOCOL, "the answer is no valid HTTP")
_BROKEN_OFF = FetchFault(Reason.TRUNCATED, "the connection broke off in the body", can_heal=True)


def _judge_refused(error: Any, _: _Scene) -> FetchFault:
    article = "an" if error.kind[0] in "aeiou" else "a"
    return FetchFault(Reason.PRIVATE_ADDRESS, f"the name leads to {article} {error.kind} address, {NOT_ALLOWED}")


def _judge_lookup(error: Any, scene: _Scene) -> FetchFault:
    permanent = isinstance(error, LookupFailedError) and error.permanent
    if scene.proxy is not None:
        return FetchFault(Reason.PROXY, "the proxy's name cannot be looked up", can_heal=not permanent)
    detail = "there is no such host name" if permanent else "the host name cannot be looked up"
    return FetchFault(Reason.DNS, detail, can_heal=not permanent)


def _judge_tls(error: Any, scene: _Scene) -> FetchFault:
    if scene.reading:
        return _BROKEN_OFF
    place = getattr(error, "host", None), getattr(error, "port", None)
    error = getattr(error, "certificate_error", getattr(error, "os_error", error))  # aiohttp's own classes wrap ssl's
    told = _TLS_WORDS.search(str(error))  # ssl knows no reason for alerts that are younger than itself, but passes on the words
    if told is not None and "no application protocol" in told[1].lower():
        return _HTTP2_ONLY
    if isinstance(error, ssl.SSLCertVerificationError):
        detail = f"certificate is not valid: {error.verify_message.rstrip('.')}"
    else:
        reason = getattr(error, "reason", None) or (told[1] if told else "no TLS spoken here")
        detail = f"handshake failed: {str(reason).lower().replace('_', ' ')}"
    if scene.proxy is not None and place == (URL(scene.proxy.url).host, URL(scene.proxy.url).port):
        return FetchFault(Reason.PROXY, f"the proxy's {detail}")
    return FetchFault(Reason.TLS, f"the {detail}")


def _judge_tunnel(error: Any, _: _Scene) -> FetchFault:
    if error.status == 407:
        return FetchFault(Reason.PROXY, "the proxy asks for a user and password (407)")
    return FetchFault(Reason.PROXY, f"the proxy answered {error.status} to CONNECT", can_heal=error.status >= 500)


def _judge_proxy_connect(error: Any, _: _Scene) -> FetchFault:
    _refuse_own_fault(error.os_error)
    return FetchFault(Reason.PROXY, f"no connection to the proxy: {_describe_os_error(error.os_error)}", can_heal=True)


def _judge_read_timeout(_: Any, scene: _Scene) -> FetchFault:
    return FetchFault(
        Reason.TIMEOUT_READ, f"nothing came for fetch.read_timeout_s = {scene.settings.read_timeout_s:g} s", can_heal=True
    )


def _judge_connect_timeout(_: Any, scene: _Scene) -> FetchFault:
    return FetchFault(
        Reason.TIMEOUT_CONNECT,
        f"no connection within fetch.connect_timeout_s = {scene.settings.connect_timeout_s:g} s",
        can_heal=True,
    )


def _judge_connect(error: Any, _: _Scene) -> FetchFault:
    _refuse_own_fault(error.os_error)
    return FetchFault(Reason.CONNECT, _describe_os_error(error.os_error), can_heal=True)


def _judge_hang_up(_: Any, scene: _Scene) -> FetchFault:
    return _BROKEN_OFF if scene.reading else FetchFault(Reason.CONNECT, _HUNG_UP, can_heal=True)


def _refuse_own_fault(error: OSError) -> None:
    """This machine's limits are no fact about a URL."""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        raise LogoingestError("too many open files", "raise the limit (ulimit -n) or lower fetch.concurrency, and run again")


def _describe_os_error(error: OSError) -> str:
    if error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno).lower()
    return _HUNG_UP if isinstance(error, ConnectionError) else "the connection failed"  # during the handshake of TLS


#: The first rule that fits any link of the chain of causes decides, so the more telling ones come first.
_RULES: Sequence[tuple[type[BaseException] | tuple[type[BaseException], ...], Callable[[Any, _Scene], FetchFault]]] = (
    (RefusedAddressError, _judge_refused),
    (LookupFailedError, _judge_lookup),
    (Http2OnlyError, lambda _error, _scene: _HTTP2_ONLY),
    (aiohttp.ClientConnectorDNSError, _judge_lookup),
    (ssl.SSLError, _judge_tls),
    (aiohttp.ClientHttpProxyError, _judge_tunnel),
    (aiohttp.ClientProxyConnectionError, _judge_proxy_connect),
    (aiohttp.SocketTimeoutError, _judge_read_timeout),
    ((aiohttp.ServerTimeoutError, TimeoutError), _judge_connect_timeout),
    (BrokenBodyError, lambda _error, _scene: _NO_HTTP),
    (aiohttp.ClientPayloadError, lambda _error, _scene: _BROKEN_OFF),
    ((aiohttp.ServerDisconnectedError, StaleConnectionError), _judge_hang_up),
    (aiohttp.ClientConnectorError, _judge_connect),
    ((ConnectionError, aiohttp.ClientOSError), _judge_hang_up),
    (aiohttp.InvalidURL, lambda _error, _scene: FetchFault(Reason.BAD_URL, "is malformed")),
)
