"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` to be filled; it takes the name in one step, unless the block raises.

    A file that is there keeps its permissions; a new one may be read by everybody.

    Raises:
        OSError: it cannot be written; ``path`` is as it was.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        sync_path(temporary)
        temporary.replace(path)
        sync_path(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_path(path: Path) -> None:
    """Flush a file or folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_bounded(path: Path, limit: int) -> bytes:
    """The bytes of a plain file that somebody else made.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no plain file (a pipe would never end), or longer than ``limit`` bytes.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("is no plain file")
    with path.open("rb") as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"is longer than {limit:,} bytes")
    return content
