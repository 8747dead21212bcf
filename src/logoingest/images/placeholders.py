"""Placeholders that are known beforehand: the pictures some hosts serve where a photo is gone, listed by their hash.

A hash is the sha256 of the file's bytes (``image_id``) or of its pixels (``pixel_hash``, which stays the same when a host wraps the
same JPEG anew). Placeholders that nobody listed are found by ``labels.placeholders``, once the answers are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import ConfigError, Problem
from logoingest.files.whole import replace_file
from logoingest.named_files import explain_unreadable
from logoingest.schemas import ListedPlaceholderRow

#: Lines of a list that are read; nobody knows so many placeholders.
MAX_LINES = 1_000_000
_MAX_NOTE_CHARS = 100
_HASH = re.compile(r"[0-9a-f]{64}")


def read_listed(hashes: Iterable[str], path: Path | None) -> dict[str, str]:
    """Hash → where it is listed, with the note that stands beside it.

    Args:
        hashes: ``images.placeholder_sha256``.
        path: ``images.placeholders``: a hash a line; what follows # is a note.

    Raises:
        ConfigError: the file cannot be read, or has lines that are no hash; all of them at once.
    """
    listed = {value.lower(): "listed in images.placeholder_sha256" for value in hashes}
    if path is None:
        return listed
    try:
        lines = path.read_bytes().decode("utf-8-sig").splitlines()[:MAX_LINES]
    except (OSError, ValueError) as error:
        hint = "images.placeholders names a text file: one sha256 or pixel_hash a line, # begins a comment"
        raise ConfigError(explain_unreadable(path, error, hint)) from None
    problems = []
    for number, line in enumerate(lines, start=1):
        value, _, note = (part.strip() for part in line.partition("#"))
        if not value:
            continue
        if not _HASH.fullmatch(value.lower()):
            problems.append(Problem(f"{path}:{number}", f"{value[:80]!r} is no hash", "64 hex digits: a sha256 or a pixel_hash"))
            continue
        listed.setdefault(value.lower(), f"listed in {path.name}" + (f": {note[:_MAX_NOTE_CHARS]}" if note else ""))
    if problems:
        raise ConfigError(problems)
    return listed


def add_listed(path: Path, hashes: Sequence[str], note: str) -> None:
    """Append pictures to the list, each with a note; those that stand there stay as they are.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    known = read_listed((), path) if path.exists() else {}
    lines = [f"{value}  # {note}\n" for value in hashes if value not in known]
    try:
        before = path.read_bytes() if path.exists() else b""
        joint = b"\n" if before and not before.endswith(b"\n") else b""
        with replace_file(path) as temporary:
            temporary.write_bytes(before + joint + "".join(lines).encode())
    except OSError as error:
        raise ConfigError(Problem(str(path), f"cannot be written ({error.strerror or error})")) from None


def find_listed(picture: Mapping[str, Any], listed: Mapping[str, str]) -> str | None:
    """Where a picture (columns sha256, pixel_hash) is listed; None when it is not."""
    return listed.get(picture["sha256"].lower()) or listed.get(picture["pixel_hash"] or "")


def tabulate_listed(pictures: pa.Table, listed: Mapping[str, str]) -> pa.Table:
    """``ListedPlaceholderRow`` of those of the pictures (``find_distinct``) that are listed, in their order."""
    keys = pa.array(list(listed), pa.string())
    is_listed = pc.or_(*(pc.is_in(pc.utf8_lower(pictures.column(name)), value_set=keys) for name in ("sha256", "pixel_hash")))
    rows = (
        {**row, "image_id": row["sha256"], "evidence": find_listed(row, listed)} for row in pictures.filter(is_listed).to_pylist()
    )
    return ListedPlaceholderRow.table(row for row in rows if row["evidence"] is not None)
