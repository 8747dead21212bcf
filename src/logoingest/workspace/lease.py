"""One writer per workspace: a lease with owner and expiry, renewed by a heartbeat, taken over when its owner is gone.

Where the owner's process can be seen (the same boot of the same machine, the same PID namespace: two containers share a host name, even
a workspace, and not their processes), the process decides, and no clock. Elsewhere the heartbeat does. Clocks may differ or jump, so
an expiry that has passed is only a suspicion: the lease is then watched, by the monotonic clock, for as long as its owner takes for
two renewals and a half. An expiry further ahead than any owner sets one is a suspicion, too.

Whoever loses the lease (paused, on a machine that slept, a disk out of reach) finds out before changing anything: each
change of the workspace asks first whose the lease is (``Workspace.guard``), in every process that works for that run. On a local
disk nobody can take it over between the question and the change: both sides lock the folder (flock), where the file system can.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import logging
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from logoingest.errors import LeaseLostError, Problem, WorkspaceError
from logoingest.workspace.folder import Workspace

logger = logging.getLogger("logoingest")

LEASE_FILE = "lease.json"
LEASE_TTL_S = 60.0
HEARTBEAT_S = 10.0
#: A lease under suspicion is watched for so many heartbeats of its owner.
WATCHED_BEATS = 2.5
#: How long a folder that another writer has locked is waited for: a change takes milliseconds.
LOCK_PATIENCE_S = 5.0


@dataclass(frozen=True)
class Lease:
    """The right to change a workspace: ``token`` is what others need to write under it, ``lost`` is set once it is found lost."""

    token: str = ""
    lost: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def hold_lease(workspace: Workspace, ttl_s: float = LEASE_TTL_S, heartbeat_s: float = HEARTBEAT_S) -> Iterator[Lease]:
    """Hold the workspace's only write lease; every change made through ``workspace`` is under it.

    A lease whose owner was a process that can be seen from here and no longer lives, or that has expired and is not renewed while
    it is watched, is taken over.

    Raises:
        WorkspaceError: another live run holds it.
        LeaseLostError: by whatever changes the workspace, and at the end: another run took it over meanwhile.
    """
    lease = Lease(uuid.uuid4().hex)
    plain = copy.copy(workspace)  # without a guard: for the lease itself
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    document = functools.partial(_write_document, lease.token, since, ttl_s, heartbeat_s)
    while not _try_create(plain, lease.token, document):
        holder = _read(plain)
        if holder is not None and _is_alive(plain, holder):
            raise WorkspaceError(_describe_use(plain, holder))
        _take_away(plain, holder)
    join_lease(workspace, lease.token)
    stop = threading.Event()
    beat = threading.Thread(target=_renew, args=(plain, lease, document, heartbeat_s, stop), name="lease", daemon=True)
    beat.start()
    try:
        yield lease
    finally:
        stop.set()
        beat.join()
        with contextlib.suppress(WorkspaceError), _allow_change(plain, lease.token):
            plain.remove(LEASE_FILE)
            workspace.guard = contextlib.nullcontext
    if workspace.guard is not contextlib.nullcontext:
        with workspace.guard():  # raises: the lease was not ours to remove
            pass


def join_lease(workspace: Workspace, token: str) -> None:
    """Write through ``workspace`` under a lease that another process holds, for as long as it does; "" is nobody's: no check."""
    if token:
        workspace.guard = functools.partial(_allow_change, copy.copy(workspace), token)


@contextlib.contextmanager
def _allow_change(plain: Workspace, token: str) -> Iterator[None]:
    """One change, if the lease is still whose ``token`` it is.

    Raises:
        LeaseLostError: it is not.
    """
    if plain.is_local and not os.path.isdir(plain.root):
        raise LeaseLostError(_describe_loss(plain, None))
    with _lock_folder(plain, exclusive=False):
        holder = _read(plain)
        if holder is None or holder.get("token") != token:
            raise LeaseLostError(_describe_loss(plain, holder))
        yield


def find_writer(workspace: Workspace) -> str | None:
    """Who holds the lease, in words; None where nobody does. It is only looked at."""
    holder = _read(workspace) if workspace.exists(LEASE_FILE) else None
    if holder is None or (_can_see(holder) and not _is_running(holder)):
        return None
    return f"process {holder['pid']} on {holder['host']} since {holder['since']}"


def _describe_use(workspace: Workspace, holder: dict[str, Any]) -> Problem:
    hint = ""
    if not _can_see(holder):
        left = max(1, round(min(holder["expires_at"] - time.time(), holder["ttl_s"])))
        hint = f"should that run be gone, its lease ends by itself in {left} s"
    return Problem(workspace.url, f"is in use by process {holder['pid']} on {holder['host']} since {holder['since']}", hint)


def _describe_loss(workspace: Workspace, holder: dict[str, Any] | None) -> Problem:
    if holder is None:
        what, hint = "the lease of this run is gone: another run took it over and has ended, or lease.json was removed", "run again"
    else:
        what = f"was taken over by process {holder['pid']} on {holder['host']} at {holder['since']}"
        hint = "let that one finish, then run again"
    return Problem(workspace.url, f"{what}; this run has stopped and writes nothing more", hint)


def _write_document(token: str, since: str, ttl_s: float, heartbeat_s: float) -> bytes:
    owner = {"token": token, "host": socket.gethostname(), "pid": os.getpid()}
    seen = {"machine": _name_machine(), "started": _process_start("self")}
    times = {"since": since, "expires_at": time.time() + ttl_s, "ttl_s": ttl_s, "heartbeat_s": heartbeat_s}
    return json.dumps({**owner, **seen, **times, "beat": uuid.uuid4().hex}).encode()


# -- the file ----------------------------------------------------------------------------------------------------------


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


def _take_away(workspace: Workspace, judged: dict[str, Any] | None) -> None:
    """Remove a lease whose owner was found to be gone, unless it was renewed since."""
    with _lock_folder(workspace, exclusive=True):
        if _read(workspace) == judged:
            workspace.remove(LEASE_FILE)


def _renew(workspace: Workspace, lease: Lease, document: Callable[[], bytes], heartbeat_s: float, stop: threading.Event) -> None:
    while not stop.wait(heartbeat_s):
        try:
            with _allow_change(workspace, lease.token):
                workspace.write_bytes(LEASE_FILE, document())
        except LeaseLostError as error:
            logger.error("%s", error)  # noqa: TRY400  a message for people, without a traceback
            lease.lost.set()
            return
        except (OSError, WorkspaceError):
            continue  # a full disk must not end the run: the next beat tries again


def _read(workspace: Workspace) -> dict[str, Any] | None:
    """Who holds the lease; None when nobody does: it is not there, cut short, or no lease at all.

    Raises:
        WorkspaceError: it cannot be read.
    """
    try:
        holder = json.loads(workspace.read_bytes(LEASE_FILE))
        times = {"ttl_s": LEASE_TTL_S, "heartbeat_s": HEARTBEAT_S}
        numbers = {name: float(holder.get(name, usual)) for name, usual in times.items()}
        numbers["expires_at"] = float(holder["expires_at"])
        return {**holder, **numbers, "pid": int(holder["pid"]), "host": str(holder["host"]), "since": str(holder["since"])}
    except WorkspaceError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


@contextlib.contextmanager
def _lock_folder(workspace: Workspace, *, exclusive: bool) -> Iterator[None]:
    """Keep others from changing the lease meanwhile; without effect remotely, and where the file system has no locks.

    Raises:
        WorkspaceError: it stays locked: a run that was paused in the middle of a change still holds it.
    """
    if not workspace.is_local:
        yield
        return
    handle = os.open(workspace.root, os.O_RDONLY)
    try:
        deadline = time.monotonic() + LOCK_PATIENCE_S
        while not _try_lock(handle, exclusive=exclusive):
            if exclusive and time.monotonic() > deadline:
                raise WorkspaceError(Problem(workspace.url, "is in use: a run holds its lock", "end that run, or wait for it"))
            time.sleep(0.01)
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int, *, exclusive: bool) -> bool:
    """Whether the lock is held now, or there can be none."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a network's file system without locks
    return True


# -- its owner ---------------------------------------------------------------------------------------------------------


def _is_alive(workspace: Workspace, holder: dict[str, Any]) -> bool:
    if _can_see(holder):
        return _is_running(holder)
    if 0 < holder["expires_at"] - time.time() <= holder["ttl_s"]:
        return True
    return _is_renewed(workspace, holder)


def _can_see(holder: dict[str, Any]) -> bool:
    """Whether the owner's process id means here what it meant to the owner."""
    machine = _name_machine()
    return machine is not None and holder.get("machine") == machine


def _is_running(holder: dict[str, Any]) -> bool:
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(holder["pid"]) and bool(holder.get("started") == _process_start(holder["pid"]))


def _is_renewed(workspace: Workspace, holder: dict[str, Any]) -> bool:
    """Watch a lease whose time seems to be up, and whose owner cannot be seen."""
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


def _name_machine() -> str | None:
    """The boot of this machine and the PID namespace within which a process id names a process; None where neither can be told.

    In some container ``/proc`` may be another namespace's: what it says of a process id would be about another process.
    """
    if not sys.platform.startswith("linux"):
        return f"host {socket.gethostname()}"  # no PID namespaces
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink("/proc/self/ns/pid")
        own = int(Path("/proc/self/stat").read_text().partition(" ")[0])
    except (OSError, ValueError):
        return None
    return f"{boot} {namespace}" if own == os.getpid() else None


def _process_start(pid: int | str) -> str | None:
    """The process's start tick, which tells it from a later one with the same id; None where /proc does not say."""
    return dict(enumerate(_read_stat(pid))).get(19)


def _is_zombie(pid: int) -> bool:
    """Whether it has ended, and nobody has asked how: a container's first process may never do so."""
    return _read_stat(pid)[:1] == ["Z"]


def _read_stat(pid: int | str) -> list[str]:
    """What /proc says of a process, from its state on (proc_pid_stat(5), field 3); empty where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
