"""A picture of this machine read as an answer of the network is: within its bounds, and to a verdict where there is none."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor

from logoingest.errors import LogoingestError
from logoingest.fetch.rules.policy import FetchFault
from logoingest.fetch.rules.settings import FetchSettings
from logoingest.fetch.turns.pursuit import Batch, Pursuit
from logoingest.files.local import FileInRoot, find_file
from logoingest.schemas import Reason

_OUTSIDE = FetchFault(Reason.FILE_REFUSED, "a link leads out of sources.local_root")
_NO_FILE = FetchFault(Reason.FILE_REFUSED, "is no regular file")
_MISSING = FetchFault(Reason.FILE_MISSING, "there is no such file in sources.local_root")
_MISSING_ERRORS = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)

#: Files of one process that are read, or looked at, at once.
_AT_ONCE = 8


class LocalFiles:
    """The files that a fetcher reads, beside its requests: a few at a time, none while what was read waits for the disk."""

    def __init__(
        self,
        settings: FetchSettings,
        executor: Executor | None,
        *,
        may_start: Callable[[], bool],
        finish: Callable[[Pursuit, bytes | FetchFault], Awaitable[None]],
    ) -> None:
        """``executor`` reads; ``finish`` takes what was read, on the event loop."""
        self._settings = settings
        self._executor = executor
        self._may_start = may_start
        self._finish = finish
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._room = asyncio.Event()
        self._tasks: dict[asyncio.Task[None], Batch] = {}

    def begin(self, pursuit: Pursuit) -> None:
        """Have a file read."""
        task = asyncio.create_task(self._read(pursuit))
        self._tasks[task] = pursuit.batch
        task.add_done_callback(self._end)

    def resume(self) -> None:
        """Look again whether more may be read."""
        self._room.set()

    async def leave(self, batch: Batch) -> None:
        """Drop what is not read yet of a batch."""
        tasks = [task for task, owner in self._tasks.items() if owner is batch]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, pursuit: Pursuit) -> None:
        async with self._slots:
            while not self._may_start():
                self._room.clear()
                await self._room.wait()
            pursuit.attempts, began = 1, time.monotonic()
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._executor, read_local_file, pursuit.url, self._settings)
            pursuit.took_s += time.monotonic() - began
            await self._finish(pursuit, found)

    def _end(self, task: asyncio.Task[None]) -> None:
        batch = self._tasks.pop(task)
        if not task.cancelled() and (error := task.exception()) is not None and not batch.done.done():
            batch.done.set_exception(error)


def read_local_file(url: str, settings: FetchSettings) -> bytes | FetchFault:
    """The bytes of a file in one of ``settings.local_roots``, or why they are not read.

    Links are resolved first; then every folder on the way is opened from the one above it and no link is followed any more, so that
    nobody can put one there meanwhile.

    Raises:
        LogoingestError: this machine has no file handles left.
    """
    found = find_file(url, settings.local_roots)
    if found is None:
        return FetchFault(Reason.BAD_URL, "is a local file, and in no source's local_root")
    try:
        return _read(found, settings.max_bytes)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise LogoingestError("too many open files", "raise the limit (ulimit -n), and run again") from None
        if error.errno in _MISSING_ERRORS:
            return _MISSING
        return FetchFault(Reason.FILE_REFUSED, f"cannot be read: {os.strerror(error.errno or errno.EIO).lower()}")
    except ValueError:
        return _MISSING


def _read(found: FileInRoot, max_bytes: int) -> bytes | FetchFault:
    root = os.path.realpath(found.folder)
    real = os.path.realpath(os.path.join(root, found.path))
    if os.path.commonpath([root, real]) != root or real == root:
        return _OUTSIDE if real != root else _NO_FILE
    handle = _open_below(root, os.path.relpath(real, root).split(os.sep))
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return _NO_FILE
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        return FetchFault(Reason.TOO_LARGE, f"more than fetch.max_bytes = {max_bytes} bytes")
    return data or FetchFault(Reason.EMPTY, "the file is empty")


def _open_below(root: str, parts: list[str]) -> int:
    """A handle of the file, opened part by part; a pipe does not keep anybody waiting."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
