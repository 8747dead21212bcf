"""Files that people name, and that cannot be read: what stands there instead, and what was expected, in one message."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from logoingest.errors import Problem, suggest_name

FOREIGN_KINDS = (
    (b"\xd0\xcf\x11\xe0", "is an old Excel or Word file"),
    (b"\x89PNG", "is a PNG picture"),
    (b"\xff\xd8\xff", "is a JPEG picture"),
    (b"GIF8", "is a GIF picture"),
    (b"RIFF", "is a WebP, WAV or AVI file"),
    (b"%PDF", "is a PDF"),
    (b"{\\rtf", "is an RTF document"),
    (b"ARROW1", "is an Arrow (Feather) file"),
    (b"\x89HDF", "is an HDF5 file"),
    (b"\x93NUMPY", "is a NumPy array"),
    (b"Obj\x01", "is an Avro file"),
    (b"\x80\x04\x95", "is a Python pickle, which is never opened"),
    (b"SQLite format 3", "is an SQLite database"),
    (b"BZh", "is compressed with bzip2"),
    (b"\xfd7zXZ", "is compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd"),
    (b"7z\xbc\xaf", "is a 7z archive"),
    (b"\x7fELF", "is a program"),
    (b"PAR1", "is a Parquet file"),
)
"""What a file begins with that is no text → what it is."""


def find_foreign_kind(head: bytes) -> str | None:
    """What a file is by its first bytes, where that is no text and is known."""
    return next((what for magic, what in FOREIGN_KINDS if head.startswith(magic)), None)


def explain_unreadable(path: str | os.PathLike[str], error: Exception, expected: str, missing: str = "") -> Problem:
    """What stands where a file was to be read.

    Args:
        path: as people named it.
        error: what reading it raised, or decoding what was read.
        expected: what it should be, a sentence.
        missing: the hint where nothing is there that is called nearly so; ``expected`` when left out.
    """
    if isinstance(error, UnicodeDecodeError):
        where = f"is not UTF-8 text (byte 0x{error.object[error.start]:02x} at offset {error.start})"
        return Problem(os.fspath(path), find_foreign_kind(error.object[:16]) or where, expected)
    if not isinstance(error, OSError):
        return Problem(os.fspath(path), "names no file" if "\0" in os.fspath(path) else f"cannot be read ({error})", expected)
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return Problem(os.fspath(path), *explain_missing(Path(path), missing or expected))
    what = {errno.EISDIR: "is a folder", errno.ELOOP: "is a link that leads back to itself"}.get(error.errno or 0)
    return Problem(os.fspath(path), what or f"cannot be read ({(error.strerror or str(error)).lower()})", expected)


def explain_missing(path: Path, otherwise: str) -> tuple[str, str]:
    """(what is missing of a path, a hint); ``otherwise`` is the hint where nothing near it has nearly that name."""
    if path.is_symlink():
        return f"is a link to {os.readlink(path)}, and nothing is there", otherwise
    there = next(folder for folder in path.parents if os.path.lexists(folder) or folder == folder.parent)
    if not there.is_dir():
        return "there is no such file", f"{there} is a file, no folder"
    try:
        names = os.listdir(there)
    except OSError:
        names = []
    if there == path.parent:
        return "there is no such file", suggest_name(path.name, names, otherwise)
    lacking = path.parents[path.parents.index(there) - 1]
    return "there is no such file", suggest_name(lacking.name, names, f"the folder {lacking} is not there either")
