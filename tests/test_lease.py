"""One writer: who holds the lease, who may take it over, and what becomes of who lost it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from logoingest import load_config, run
from logoingest.errors import LeaseLostError, WorkspaceError
from logoingest.schemas import Stage
from logoingest.workspace import Workspace
from logoingest.workspace.lease import LEASE_FILE, hold_lease, join_lease


def test_the_lease_admits_one_writer(tmp_path):
    """A second run is told who holds the workspace, and the lease goes with its holder."""
    workspace = Workspace(tmp_path)
    with hold_lease(workspace):
        with pytest.raises(WorkspaceError, match=f"in use by process {os.getpid()}"), hold_lease(workspace):
            pass
        assert workspace.exists(LEASE_FILE)
    assert not workspace.exists(LEASE_FILE)


def test_a_lease_whose_owner_was_killed_is_taken_over_at_once(tmp_path):
    """kill -9 must not lock a workspace."""
    code = f"import time\nfrom logoingest.workspace import Workspace\nfrom logoingest.workspace.lease import hold_lease\nwith hold_lease(Workspace({str(tmp_path)!r})):\n print('held', flush=True)\n time.sleep(60)\n"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(WorkspaceError, match="in use"), hold_lease(Workspace(tmp_path)):
            pass
        holder.kill()
        holder.wait()
    with hold_lease(Workspace(tmp_path)):
        pass


def write_foreign_lease(workspace, expires_in_s: float) -> None:
    facts = {"host": "elsewhere", "pid": 1, "since": "then", "ttl_s": 60, "heartbeat_s": 0.1, "token": "theirs"}
    workspace.write_bytes(
        LEASE_FILE, json.dumps({**facts, "expires_at": time.time() + expires_in_s, "beat": time.monotonic()}).encode()
    )


@pytest.mark.parametrize(
    ("expires_in_s", "renewed", "taken"),
    [
        (50, False, False),
        (-60, False, True),  # its owner vanished
        (-60, True, False),  # our clock is ahead of its owner's, or jumped
        (-1e9, True, False),
        (5000, False, True),  # its owner's clock was ahead when it vanished, or ours jumped back
        (1e9, True, False),
    ],
)
def test_another_machines_lease_is_taken_over_only_if_nobody_renews_it(tmp_path, expires_in_s, renewed, taken):
    """Whatever the clocks say: they differ between machines and jump. A plausible expiry ahead is believed at once."""
    workspace = Workspace(tmp_path)
    write_foreign_lease(workspace, expires_in_s)
    ended = threading.Event()

    def renew() -> None:
        while renewed and not ended.wait(0.02):
            write_foreign_lease(workspace, expires_in_s)

    owner = threading.Thread(target=renew)
    owner.start()
    try:
        if taken:
            with hold_lease(workspace):
                pass
        else:
            with pytest.raises(WorkspaceError, match="on elsewhere since then"), hold_lease(workspace):
                pass
    finally:
        ended.set()
        owner.join()


@pytest.mark.parametrize("content", [b"", b"{", b'{"pid": 1}', b'{"pid": "x", "host": 1, "since": 2, "expires_at": []}', b"[]"])
def test_a_lease_that_was_cut_short_is_nobodys(tmp_path, content):
    """A power failure must not lock a workspace."""
    (tmp_path / LEASE_FILE).write_bytes(content)
    with hold_lease(Workspace(tmp_path)):
        pass


def test_a_lease_that_was_lost_is_not_taken_back(tmp_path):
    """A machine that slept while another took its work over says so and leaves the other's lease alone."""
    workspace = Workspace(tmp_path)
    with pytest.raises(WorkspaceError, match="was taken over by process 1 on elsewhere"), hold_lease(workspace):
        write_foreign_lease(workspace, 50)
    assert json.loads(workspace.read_bytes(LEASE_FILE))["token"] == "theirs"


def test_who_lost_the_lease_changes_nothing_more(tmp_path):
    """Neither he nor anybody who works for him: the next change of any kind raises, and nothing has changed."""
    workspace, elsewhere = Workspace(tmp_path), Workspace(tmp_path)
    with pytest.raises(LeaseLostError) as raised, hold_lease(workspace) as lease:
        join_lease(elsewhere, lease.token)
        elsewhere.write_bytes("kept", b"1")
        with workspace.staging_folder("release") as folder:
            (folder / "x").write_text("1")
            write_foreign_lease(Workspace(tmp_path), 50)
            for writer in (workspace, elsewhere):
                for change in (
                    lambda: writer.write_bytes("kept", b"2"),  # noqa: B023  called at once
                    lambda: writer.remove("kept"),  # noqa: B023
                    lambda: writer.replace_folder("release", folder),  # noqa: B023
                ):
                    with pytest.raises(LeaseLostError, match="writes nothing more; let that one finish"):
                        change()
    assert raised.value.exit_code == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", LEASE_FILE]
    assert (tmp_path / "kept").read_bytes() == b"1"


def test_a_lease_taken_over_and_given_back_is_lost_all_the_same(tmp_path):
    """Who slept through another's whole run finds no lease, and must not make a new one of his own."""
    workspace = Workspace(tmp_path)
    with pytest.raises(LeaseLostError, match="is gone"), hold_lease(workspace, heartbeat_s=0.01) as lease:
        (tmp_path / LEASE_FILE).unlink()
        assert lease.lost.wait(10)
    assert list(tmp_path.iterdir()) == []


def test_a_paused_owner_is_seen_where_he_can_be(tmp_path):
    """Stopped for longer than his lease lasts, he lives: on the same machine his process decides."""
    code = f"import time\nfrom logoingest.workspace import Workspace\nfrom logoingest.workspace.lease import hold_lease\nwith hold_lease(Workspace({str(tmp_path)!r}), 0.2, 0.05):\n print('held', flush=True)\n time.sleep(60)\n"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        with pytest.raises(WorkspaceError, match="in use"), hold_lease(Workspace(tmp_path)):
            pass
        holder.kill()


NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def may_unshare() -> bool:
    try:
        return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


#: The command line, with a lease that is renewed ten times as often as usual, and lasts a second.
HASTY = """
import sys, functools
from logoingest.pipeline import session
session.hold_lease = functools.partial(session.hold_lease, ttl_s=1.0, heartbeat_s=0.1)
from logoingest.cli.main import main
sys.exit(main())
"""


def start_container(config: Path) -> subprocess.Popen[str]:
    """The fetch in a PID namespace of its own: the same host name, and processes that nobody else sees."""
    command = [*NAMESPACE, sys.executable, "-c", HASTY, "run", str(config), "--until", "fetch", "--quiet"]
    return subprocess.Popen(
        [*command, "--set", "fetch.processes=2", "--set", "fetch.concurrency=4"], stderr=subprocess.PIPE, text=True
    )


def family_of(pid: int) -> list[int]:
    """A process and its descendants, as they are called here."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family_of(int(child)))]


def pause(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


def pause_between_changes(pids: list[int], folder: Path) -> None:
    """Stop them at a moment when none is in the middle of a change: one that is keeps the folder's lock for as long as it is stopped."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        while True:
            pause(pids, signal.SIGSTOP)
            try:
                return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pause(pids, signal.SIGCONT)
                time.sleep(0.01)
    finally:
        os.close(handle)


def read_files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.skipif(not may_unshare(), reason="unshare is not there or not permitted")
def test_two_containers_never_write_at_once(make_dataset):
    """The second is refused while the first lives. Paused until it has taken over and ended, the first writes not a row more."""
    dataset = make_dataset(pictures=10)
    dataset.site.delay_s = 0.1
    run(load_config(dataset.config, environ={}), until=Stage.ANNOTATIONS)
    work = dataset.folder / "work"
    first = start_container(dataset.config)
    try:
        deadline = time.monotonic() + 60
        while not Workspace(work).shard_names():
            assert first.poll() is None, first.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        dataset.site.delay_s = 30  # what is asked for from now on is not answered while it matters
        refused = start_container(dataset.config)
        assert "is in use" in refused.communicate(timeout=60)[1]
        assert refused.returncode == 2
        assert first.poll() is None
        paused = family_of(first.pid)[1:]
        pause_between_changes(paused, work)
        dataset.site.delay_s = 0
        while (second := start_container(dataset.config)).wait(60) == 2:
            assert "is in use" in second.stderr.read()
            assert time.monotonic() < deadline
        assert second.returncode == 0, second.stderr.read()
        before = read_files(work)
        pause(paused, signal.SIGCONT)
        message = first.communicate(timeout=60)[1]
        assert first.returncode == 5, message
    finally:
        first.kill()
        first.wait()
    assert "this run has stopped and writes nothing more" in message
    assert "Traceback" not in message
    assert read_files(work) == before
