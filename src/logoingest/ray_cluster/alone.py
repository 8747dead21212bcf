"""A cluster of this machine alone: on loopback, with a token of its own, in a folder of its own; nothing of it stays.

A local ``ray.init()`` of Ray 2.60 writes a token into the user's home, and from then on who is started with ``RAY_AUTH_MODE`` set and
who without do not understand each other. So neither is left to Ray: the mode is set, and the token stands in the environment.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from logoingest.ray_cluster.node import start_head

AUTH_MODE, AUTH_TOKEN = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"
#: One a process: Ray keeps the token that it has seen first.
_TOKEN = secrets.token_hex(32)


@contextlib.contextmanager
def start_alone(cpus: int | None = None) -> Iterator[str]:
    """Start a cluster of this machine and end it in the end; its address. Its token stands in the environment from then on.

    Args:
        cpus: that tasks may take; None counts the cores.

    Raises:
        LogoingestError: it does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="ray", dir=_find_short_folder()))
    try:
        settle_authentication()
        head = start_head(folder, cpus, os.environ)
        try:
            yield head.address
        finally:
            head.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def settle_authentication() -> None:
    """Say in the environment who may join a new cluster: who has this process's token, unless something else stands there.

    Ray reads the mode when it is imported; where that was before the mode was set, it has to stay what it was then.
    """
    mode = os.environ.setdefault(AUTH_MODE, "disabled" if "ray" in sys.modules else "token")
    if mode == "token" and "RAY_AUTH_TOKEN_PATH" not in os.environ:
        os.environ.setdefault(AUTH_TOKEN, _TOKEN)


def _find_short_folder() -> str:
    """Where Ray would put it: a socket's path may have 107 bytes, which TMPDIR may use up."""
    return os.environ.get("RAY_TMPDIR") or ("/tmp" if sys.platform != "win32" else tempfile.gettempdir())  # noqa: S108  mkdtemp in it
