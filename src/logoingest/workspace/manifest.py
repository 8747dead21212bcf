"""``manifest.json`` of a workspace: what each stage made, from what, and the hashes of its files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO, NamedTuple

from pydantic import BaseModel, ConfigDict


class FileRecord(NamedTuple):
    """A file's content: sha256 (hex) and length in bytes."""

    sha256: str
    size: int


class StageRecord(BaseModel):
    """What a stage made, and of what: it is stale when any of ``inputs`` (name → hash) differs today."""

    model_config = ConfigDict(frozen=True)

    inputs: dict[str, str]
    outputs: dict[str, FileRecord]
    counts: dict[str, int]
    finished_at: str
    elapsed_s: float


class Manifest(BaseModel):
    """``manifest.json`` of a workspace: stage name → StageRecord."""

    format: int = 1
    stages: dict[str, StageRecord] = {}


def hash_file(path: Path) -> FileRecord:
    """sha256 and length of a file."""
    with path.open("rb") as file:
        return hash_stream(file)


def hash_stream(file: IO[bytes]) -> FileRecord:
    """sha256 and length of what an open file holds from here on, read a piece at a time."""
    start = file.tell()
    digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]  # fsspec's files are as good as the builtin's
    return FileRecord(digest.hexdigest(), file.seek(0, os.SEEK_END) - start)
