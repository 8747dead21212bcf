"""A server over the pages: bound to loopback unless told otherwise, until Ctrl-C."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import uvicorn

from logoingest.config import Config
from logoingest.errors import Problem, UsageError
from logoingest.web.access.connections import MOST_HEAD_BYTES, BoundedProtocol
from logoingest.web.access.entrance import LOOPBACK, is_loopback, make_entrance
from logoingest.web.access.passwords import read_passwords
from logoingest.web.desks.workplace import Workplace
from logoingest.web.pages.application import build_application

#: Of connections that wait, and of requests under way: more are answered 503.
_MOST_WAITING, _MOST_AT_ONCE = 256, 512
_KEPT_ALIVE_S = 30
#: Between what is found out in the background and who waits for a page: a fifth of Python's own.
_SWITCH_S = 0.001


class Serving(NamedTuple):
    """How the pages are served."""

    by: str
    """Who decides."""
    port: int = 0
    """0: one that is free."""
    is_read_only: bool = False
    command: Sequence[str] = ()
    """The config and its overrides, as the command line takes them: for runs that are started from the pages."""
    address: str = LOOPBACK
    behind: str | None = None
    """The address of the proxy that people come through."""
    password_file: Path | None = None
    """Who may come in, by name and password; by one-time links where it is None."""
    tls: tuple[Path, Path] | None = None
    """Certificate chain and key, PEM, where the server speaks TLS itself."""
    names: Sequence[str] = ()
    """Host names by which people reach it."""


def serve(config: Config, serving: Serving, announce: Callable[[str], None]) -> None:
    """Serve the pages of a workspace until the process is told to end.

    Args:
        config: the dataset's.
        serving: how.
        announce: told each one-time link; where people have passwords, the address.

    Raises:
        UsageError: the address cannot be bound, or must not be.
    """
    sys.setswitchinterval(_SWITCH_S)
    with open_server(config, serving, announce) as (server, bound):
        server.run([bound])


@contextlib.contextmanager
def open_server(
    config: Config, serving: Serving, announce: Callable[[str], None]
) -> Iterator[tuple[uvicorn.Server, socket.socket]]:
    """The server, bound and not yet running, and its socket.

    Raises:
        UsageError: the address cannot be bound, or must not be.
    """
    passwords = None if serving.password_file is None else read_passwords(serving.password_file)
    tls = None if serving.tls is None else _open_tls(*serving.tls)
    with _bind(serving) as bound:
        port = bound.getsockname()[1]
        scheme = "https" if serving.tls else "http"
        entrance = make_entrance(serving.address, port, serving.behind, has_tls=serving.tls is not None, names=serving.names)
        place = Workplace(config, serving.command, is_read_only=serving.is_read_only)
        name = next(iter(serving.names), f"[{serving.address}]" if ":" in serving.address else serving.address)
        home = serving.behind.rstrip("/") if serving.behind else f"{scheme}://{name}:{port}"
        app = build_application(place, entrance, lambda token: announce(f"{home}/enter?token={token}"), serving.by, passwords)
        if passwords is not None:
            announce(f"{home}/enter")
        place.prepare()
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        settings = uvicorn.Config(
            app, http=BoundedProtocol, ws="none", lifespan="off", loop="asyncio", log_config=None, access_log=False, server_header=False,
            proxy_headers=False, limit_concurrency=_MOST_AT_ONCE, timeout_keep_alive=_KEPT_ALIVE_S,
            h11_max_incomplete_event_size=MOST_HEAD_BYTES, timeout_graceful_shutdown=2,
        )  # fmt: skip
        settings.load()
        settings.ssl = tls
        yield uvicorn.Server(settings), bound


def _open_tls(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and newer, with the library's own choice of ciphers."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (OSError, ValueError) as error:
        hint = "both are PEM files, the key without a password"
        raise UsageError(Problem(f"--tls-cert {certificate} --tls-key {key}", f"cannot be used ({error})", hint)) from None
    return context


def _bind(serving: Serving) -> socket.socket:
    if not is_loopback(serving.address) and serving.behind is None and (serving.password_file is None or serving.tls is None):
        hint = "give --password-file with --tls-cert and --tls-key, or name the proxy that asks who they are: --behind URL"
        raise UsageError(Problem(f"--address {serving.address}", "others could reach it", hint))
    family = socket.AF_INET6 if ":" in serving.address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # said, as asyncio turns Nagle's 40 ms off for TCP alone
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((serving.address, serving.port))
        bound.listen(_MOST_WAITING)  # whoever comes before the server runs waits for it
    except OSError as error:
        bound.close()
        where = f"{serving.address} port {serving.port}"
        raise UsageError(Problem(where, f"cannot be bound ({error.strerror or error})", "choose another --port")) from None
    return bound
