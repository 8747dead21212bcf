"""Be part of a cluster for a while, and why that was not possible."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator

from logoingest.errors import LogoingestError, Problem, UsageError, quote_first_line
from logoingest.ray_cluster.alone import AUTH_MODE, start_alone
from logoingest.ray_cluster.asking import ask

#: A cluster may be without an answer, or without a machine, for so long.
DEADLINE_S = 120.0
_INSTALL = "install it on every machine: pip install 'logoingest[ray]'"
_START = "start one with: ray start --head --port=6379, and see that this machine reaches it"
_HOW_TO_AGREE = (
    "set RAY_AUTH_MODE as its head does, here and on all its machines; in mode token, all need the head's token: "
    "what `ray get-auth-token` prints there, in ~/.ray/auth_token or RAY_AUTH_TOKEN (docs/scale.md)"
)
#: How Ray speaks of a token that is missing or wrong, somewhere in a chain of errors.
_REFUSED = ("InvalidAuthToken", "Unauthenticated", "AuthenticationError")


@contextlib.contextmanager
def join_cluster(section: str, address: str, deadline_s: float = DEADLINE_S) -> Iterator[None]:
    """Be part of a cluster, unless the caller is part of one already.

    Args:
        section: of the config that asks for it: "fetch", "sweep".
        address: of its head, host:port; "" is what RAY_ADDRESS says, else a cluster of this machine alone, started and ended here.
        deadline_s: until which leaving it must be done.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address, or it wants another token.
        LogoingestError: none could be started here.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if importlib.util.find_spec("ray") is None:
        raise UsageError(Problem(f"{section}.executor", '"ray" needs Ray, which is not installed here', _INSTALL))
    if _is_joined():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS", "")
    with start_alone() if address in {"", "local"} else contextlib.nullcontext(address) as known:
        _join(f"{section}.ray_address", known)
        try:
            yield
        finally:
            with contextlib.suppress(LogoingestError):
                ask(importlib.import_module("ray").shutdown, deadline_s)


def _is_joined() -> bool:
    """Asked without importing Ray, which looks at the environment once, and that may still be added to."""
    return "ray" in sys.modules and bool(sys.modules["ray"].is_initialized())


def _join(key: str, address: str) -> None:
    on_terminate = signal.getsignal(signal.SIGTERM)
    try:
        _knock(address)
        import ray

        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises all kinds, plain Exception among them
        raise UsageError(explain_no_cluster(key, address, error)) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_terminate)  # ray.init puts one in its place that ends without a word


def _knock(address: str) -> None:
    """Whether anybody is there at all: Ray itself takes minutes to say no.

    Raises:
        OSError: nobody.
    """
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "://" not in address:
        socket.create_connection((host, int(port)), timeout=10).close()


def explain_no_cluster(key: str, address: str, error: Exception) -> Problem:
    """Why no cluster could be joined, by the whole chain of errors: Ray names the cause far down in it."""
    chain = list(_list_chain(error))
    where = f"{key} = {address!r}"
    if any(word in f"{type(one).__name__} {one}" for one in chain for word in _REFUSED):
        mode = os.environ.get(AUTH_MODE, "")
        here = f"here RAY_AUTH_MODE is {mode!r}" if mode else "here RAY_AUTH_MODE is not set"
        return Problem(where, f"the cluster there wants a token, and this process has none or another one ({here})", _HOW_TO_AGREE)
    hint = _START if isinstance(error, OSError) else "it must be a Ray head, with the versions of Ray and Python that are here"
    return Problem(where, f"no cluster could be joined ({quote_first_line(error)})", hint)


def _list_chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
