"""One writer per workspace: a lease with owner and expiry, renewed by a heartbeat, taken over when its owner is gone.

On one machine the owner's process decides, and no clock. Between machines clocks may differ or jump, so an expiry that has passed is
only a suspicion: the lease is then watched, by the monotonic clock, for as long as its owner takes for two renewals and a half. An
expiry further ahead than any owner sets one is a suspicion, too. Whoever finds another's lease in place of his own stops renewing.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from logoingest.errors import Problem, WorkspaceError
from logoingest.workspace import Workspace

logger = logging.getLogger("logoingest")

LEASE_FILE = "lease.json"
LEASE_TTL_S = 60.0
HEARTBEAT_S = 10.0
#: A lease under suspicion is watched for so many heartbeats of its owner.
WATCHED_BEATS = 2.5


@contextlib.contextmanager
def hold_lease(workspace: Workspace, ttl_s: float = LEASE_TTL_S, heartbeat_s: float = HEARTBEAT_S) -> Iterator[None]:
    """Hold the workspace's only write lease.

    A lease whose owner was a process of this host that no longer lives, or that has expired and is not renewed while it is watched,
    is taken over.

    Raises:
        WorkspaceError: another live run holds it; or, at the end, it was taken over by another one meanwhile.
    """
    token = uuid.uuid4().hex
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    document = functools.partial(_write_document, token, since, ttl_s, heartbeat_s)
    while not _try_create(workspace, token, document):
        holder = _read(workspace)
        if holder is not None and _is_alive(workspace, holder):
            raise WorkspaceError(
                Problem(workspace.url, f"is in use by process {holder['pid']} on {holder['host']} since {holder['since']}"),
                "",
            )
        workspace.remove(LEASE_FILE)
    stop = threading.Event()
    beat = threading.Thread(target=_renew, args=(workspace, token, document, heartbeat_s, stop), name="lease", daemon=True)
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
    if holder is not None and holder.get("token") != token:
        raise WorkspaceError(_describe_loss(workspace, holder))


def _describe_loss(workspace: Workspace, holder: dict[str, Any]) -> Problem:
    what = f"was taken over by process {holder['pid']} on {holder['host']}, since this one had not renewed its lease"
    return Problem(workspace.url, what, "let that one finish, then run again")


def _write_document(token: str, since: str, ttl_s: float, heartbeat_s: float) -> bytes:
    pid = os.getpid()
    facts = {"token": token, "host": socket.gethostname(), "pid": pid, "started": _process_start(pid)}
    times = {"since": since, "expires_at": time.time() + ttl_s, "ttl_s": ttl_s, "heartbeat_s": heartbeat_s}
    return json.dumps({**facts, **times, "beat": uuid.uuid4().hex}).encode()


def _try_create(workspace: Workspace, token: str, document: Callable[[], bytes]) -> bool:
    if not workspace.is_local:
        return _create_remotely(workspace, token, document())
    path = Path(workspace.path(LEASE_FILE))
    workspace.write_bytes(f".lease-{token}", document())
    temporary = Path(workspace.path(f".lease-{token}"))
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _create_remotely(workspace: Workspace, token: str, data: bytes) -> bool:
    """Create-if-absent where the store has it (S3: ``If-None-Match: *``); a store that overwrites all the same shows whose it is."""
    if _read(workspace) is not None:
        return False
    try:
        workspace.filesystem.pipe_file(workspace.path(LEASE_FILE), data, mode="create")
    except FileExistsError:
        return False
    except OSError as error:
        raise WorkspaceError(Problem(workspace.path(LEASE_FILE), f"cannot be written ({error})")) from error
    holder = _read(workspace)
    return holder is not None and holder.get("token") == token


def _renew(workspace: Workspace, token: str, document: Callable[[], bytes], heartbeat_s: float, stop: threading.Event) -> None:
    while not stop.wait(heartbeat_s):
        holder = _read(workspace)
        if holder is not None and holder.get("token") != token:  # this machine slept, and somebody else goes on
            logger.error("%s", _describe_loss(workspace, holder))
            return
        with contextlib.suppress(OSError, WorkspaceError):  # a full disk must not end the run: the next beat tries again
            workspace.write_bytes(LEASE_FILE, document())


def _read(workspace: Workspace) -> dict[str, Any] | None:
    try:
        holder = json.loads(workspace.read_bytes(LEASE_FILE))
        times = {"ttl_s": LEASE_TTL_S, "heartbeat_s": HEARTBEAT_S}
        numbers = {name: float(holder.get(name, usual)) for name, usual in times.items()}
        numbers["expires_at"] = float(holder["expires_at"])
        return {**holder, **numbers, "pid": int(holder["pid"]), "host": str(holder["host"]), "since": str(holder["since"])}
    except (WorkspaceError, ValueError, TypeError, KeyError, AttributeError):
        return None  # cut short, or not ours: nobody's


def _is_alive(workspace: Workspace, holder: dict[str, Any]) -> bool:
    if holder["host"] == socket.gethostname():
        try:
            os.kill(int(holder["pid"]), 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return bool(holder.get("started") == _process_start(int(holder["pid"])))
    if 0 < holder["expires_at"] - time.time() <= holder["ttl_s"]:
        return True
    return _is_renewed(workspace, holder)


def _is_renewed(workspace: Workspace, holder: dict[str, Any]) -> bool:
    """Watch another machine's lease whose time seems to be up."""
    logger.warning(
        "%s: the lease of process %s on %s seems to have expired; making sure", workspace.url, holder["pid"], holder["host"]
    )
    beat_s = min(max(holder["heartbeat_s"], 0.01), LEASE_TTL_S)
    deadline = time.monotonic() + WATCHED_BEATS * beat_s
    while time.monotonic() < deadline:
        time.sleep(min(1.0, beat_s / 4))
        if _read(workspace) != holder:
            return _read(workspace) is not None
    return False


def _process_start(pid: int) -> str | None:
    """The process's start tick, which tells it from a later one with the same id; None where /proc does not say."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None
