"""A server over the pages: bound to loopback unless told otherwise, until Ctrl-C."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import uvicorn

from logoingest.config import Config
from logoingest.errors import Problem, UsageError
from logoingest.web.access.connections import MOST_HEAD_BYTES, BoundedProtocol
from logoingest.web.access.entrance import LOOPBACK, is_loopback, make_entrance
from logoingest.web.desks.workplace import Workplace
from logoingest.web.pages.application import build_application

_MOST_CONNECTIONS = 256
_KEPT_ALIVE_S = 30


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


def serve(config: Config, serving: Serving, announce: Callable[[str], None]) -> None:
    """Serve the pages of a workspace until the process is told to end.

    Args:
        config: the dataset's.
        serving: how.
        announce: told each one-time link.

    Raises:
        UsageError: the address cannot be bound, or must not be.
    """
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
    with _bind(serving) as bound:
        port = bound.getsockname()[1]
        entrance = make_entrance(serving.address, port, serving.behind)
        place = Workplace(config, serving.command, is_read_only=serving.is_read_only)
        home = serving.behind.rstrip("/") if serving.behind else f"http://{serving.address}:{port}"
        app = build_application(place, entrance, lambda token: announce(f"{home}/enter?token={token}"), serving.by)
        place.prepare()
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        settings = uvicorn.Config(
            app, http=BoundedProtocol, ws="none", lifespan="off", loop="asyncio", log_config=None, access_log=False, server_header=False,
            proxy_headers=False, limit_concurrency=_MOST_CONNECTIONS, timeout_keep_alive=_KEPT_ALIVE_S,
            h11_max_incomplete_event_size=MOST_HEAD_BYTES, timeout_graceful_shutdown=2,
        )  # fmt: skip
        yield uvicorn.Server(settings), bound


def _bind(serving: Serving) -> socket.socket:
    if not is_loopback(serving.address) and serving.behind is None:
        raise UsageError(
            Problem(f"--address {serving.address}", "others could reach it", "name the proxy that asks who they are: --behind URL")
        )
    family = socket.AF_INET6 if ":" in serving.address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((serving.address, serving.port))
    except OSError as error:
        bound.close()
        where = f"{serving.address} port {serving.port}"
        raise UsageError(Problem(where, f"cannot be bound ({error.strerror or error})", "choose another --port")) from None
    return bound
