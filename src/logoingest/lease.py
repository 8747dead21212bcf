"""One writer per workspace: a lease with owner and expiry, renewed by a heartbeat, taken over when its owner is gone."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from logoingest.errors import Problem, WorkspaceError
from logoingest.workspace import Workspace

LEASE_FILE = "lease.json"
LEASE_TTL_S = 60.0
HEARTBEAT_S = 10.0


@contextlib.contextmanager
def hold_lease(workspace: Workspace, ttl_s: float = LEASE_TTL_S, heartbeat_s: float = HEARTBEAT_S) -> Iterator[None]:
    """Hold the workspace's only write lease.

    A lease whose owner was a process of this host that no longer lives, or that has not been renewed for ``ttl_s``, is taken over.

    Raises:
        WorkspaceError: another live run holds it.
    """
    token = uuid.uuid4().hex
    while not _try_create(workspace, token, ttl_s):
        holder = _read(workspace)
        if holder is not None and _is_alive(holder):
            raise WorkspaceError(
                Problem(workspace.url, f"is in use by process {holder['pid']} on {holder['host']} since {holder['since']}"),
                "",
            )
        workspace.remove(LEASE_FILE)
    stop = threading.Event()
    beat = threading.Thread(target=_renew, args=(workspace, token, ttl_s, heartbeat_s, stop), name="lease", daemon=True)
    beat.start()
    try:
        yield
    finally:
        stop.set()
        beat.join()
        holder = _read(workspace)
        if holder is not None and holder.get("token") == token:
            with contextlib.suppress(OSError, WorkspaceError):
                workspace.remove(LEASE_FILE)


def _document(token: str, ttl_s: float) -> bytes:
    now = time.time()
    pid = os.getpid()
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    facts = {"token": token, "host": socket.gethostname(), "pid": pid, "started": _process_start(pid)}
    return json.dumps({**facts, "since": since, "expires_at": now + ttl_s}).encode()


def _try_create(workspace: Workspace, token: str, ttl_s: float) -> bool:
    if not workspace.is_local:  # object stores here have no create-if-absent: write, then see whose it is
        holder = _read(workspace)
        if holder is not None and _is_alive(holder):
            return False
        workspace.write_bytes(LEASE_FILE, _document(token, ttl_s))
        holder = _read(workspace)
        return holder is not None and holder.get("token") == token
    path = Path(workspace.path(LEASE_FILE))
    workspace.write_bytes(f".lease-{token}", _document(token, ttl_s))
    temporary = Path(workspace.path(f".lease-{token}"))
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _renew(workspace: Workspace, token: str, ttl_s: float, heartbeat_s: float, stop: threading.Event) -> None:
    while not stop.wait(heartbeat_s):
        with contextlib.suppress(OSError, WorkspaceError):  # a full disk must not end the run: the next beat tries again
            workspace.write_bytes(LEASE_FILE, _document(token, ttl_s))


def _read(workspace: Workspace) -> dict[str, Any] | None:
    try:
        holder = json.loads(workspace.read_bytes(LEASE_FILE))
        return holder if isinstance(holder, dict) and {"pid", "host", "expires_at", "since"} <= holder.keys() else None
    except (WorkspaceError, ValueError):
        return None


def _is_alive(holder: dict[str, Any]) -> bool:
    if holder["host"] == socket.gethostname():
        try:
            os.kill(int(holder["pid"]), 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return bool(holder.get("started") == _process_start(int(holder["pid"])))
    return bool(time.time() < holder["expires_at"])


def _process_start(pid: int) -> str | None:
    """The process's start tick, which tells it from a later one with the same id; None where /proc does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None
