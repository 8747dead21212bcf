"""A file of a workspace while it is written: under a temporary name, then whole under its own, or not there at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from logoingest.errors import OutOfSpaceError, Problem, WorkspaceError, quote_first_line
from logoingest.files.whole import sync_path
from logoingest.workspace.manifest import FileRecord, hash_file


class WritableFolder(Protocol):
    """What a pending file asks of the workspace it is for."""

    is_local: bool
    filesystem: Any
    guard: Callable[[], contextlib.AbstractContextManager[None]]

    def path(self, name: str) -> str:
        """The full path of a file."""


class PendingFile:
    """A file of a workspace under a temporary name: beside its target when that is local, so that renaming is atomic."""

    def __init__(self, workspace: WritableFolder, name: str) -> None:
        """See ``Workspace.start_file``."""
        self._workspace = workspace
        self._target = workspace.path(name)
        with self.explain_errors():
            folder = None
            if workspace.is_local:
                folder = os.path.dirname(self._target)
                Path(folder).mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=f".{os.path.basename(name)}.", suffix=".tmp", dir=folder)
        os.close(handle)
        self.path = Path(temporary)
        """Where to write."""

    def explain_errors(self) -> contextlib.AbstractContextManager[None]:
        """A full disk and the like become a ``WorkspaceError`` about the target."""
        return explain_os_error(self._target)

    def require_room(self, least: int) -> None:
        """Refuse to go on with less than so many bytes free where it is written: what is closed in time can be kept.

        Raises:
            OutOfSpaceError: the disk is full, all but.
        """
        with self.explain_errors():
            found = os.statvfs(self.path.parent)
        free = found.f_bavail * found.f_frsize
        if free < least:
            what = f"the disk is full but for {free / 1e6:,.0f} MB, and {least / 1e6:,.0f} MB stay free (retention.min_free_bytes)"
            raise OutOfSpaceError(Problem(self._target, what, _MAKE_ROOM))

    def publish(self) -> FileRecord:
        """Flush it to disk and give it its name in one step.

        Raises:
            WorkspaceError: it cannot be written.
        """
        with self.explain_errors():
            record = hash_file(self.path)
        self.put_in_place(self._target)
        return record

    def put_in_place(self, target: str) -> None:
        """The same under another path, without its hash.

        Raises:
            WorkspaceError: it cannot be written.
        """
        with self.explain_errors():
            if self._workspace.is_local:
                self.path.chmod(0o644)
                sync_path(self.path)
                with self._workspace.guard():
                    os.replace(self.path, target)
                sync_path(Path(target).parent)
            else:
                with self._workspace.guard():
                    self._workspace.filesystem.put_file(str(self.path), target)

    def discard(self) -> None:
        """Remove what was not published."""
        self.path.unlink(missing_ok=True)


_MAKE_ROOM = "free some space and run again: what is done is kept"
_HINTS = {
    errno.ENOSPC: ("the disk is full", _MAKE_ROOM),
    errno.EDQUOT: ("the disk quota is used up", _MAKE_ROOM),
    errno.EFBIG: ("a file may not become as large as this one", "raise the limit (ulimit -f) and run again: what is done is kept"),
    errno.EROFS: ("the file system is read-only", "choose another {place}"),
    errno.EACCES: ("permission denied", "make the folder writable or choose another {place}"),
    errno.EPERM: ("permission denied", "make the folder writable or choose another {place}"),
    errno.EEXIST: ("a file stands where a folder is needed", "choose another {place}"),
    errno.ENOTDIR: ("a file stands where a folder is needed", "choose another {place}"),
    errno.EISDIR: ("a folder stands where a file is needed", "choose another {place}"),
    errno.ENAMETOOLONG: ("the name is too long", "choose another {place}"),
}


@contextlib.contextmanager
def explain_os_error(path: str) -> Iterator[None]:
    """A full disk and the like become a ``WorkspaceError`` about the path; that nothing is there stays what it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        what = f"cannot be written ({error})"
        raise find_refusal(error, path) or WorkspaceError(Problem(path, what, "run again: what is done is kept")) from error


def find_refusal(error: OSError, path: str, place: str = "dataset.workspace") -> WorkspaceError | None:
    """What the system refused of a path and what to do about it, where that is known; ``place`` names what else can be chosen."""
    code = error.errno
    if code is None and "No space left" in str(error):
        code = errno.ENOSPC
    if code is None and isinstance(error, PermissionError):  # object stores have no numbers for their errors
        code = errno.EACCES
    if code not in _HINTS:
        return None
    what, hint = _HINTS[code]
    kind = OutOfSpaceError if hint == _MAKE_ROOM else WorkspaceError
    return kind(Problem(path, what, hint.format(place=place)))


def explain_system_error(error: Exception) -> WorkspaceError | None:
    """What a disk or an object store refused whoever gave a command, where that is known; ``list_store_errors`` are asked."""
    if not isinstance(error, OSError):
        return WorkspaceError(
            f"an object store cannot be used ({quote_first_line(error)})", "check the address and its credentials"
        )
    return None if error.filename is None else find_refusal(error, str(error.filename), place="path")
