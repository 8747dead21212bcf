"""A release at a place where others read it, local or on object storage: whole or not at all.

    <target>/latest.json                   {"format": 1, "fingerprint": …, "path": "releases/<first 16 of it>"}
    <target>/releases/<first 16>/…         every release that was pushed there, as its folder is

A release goes into a folder of its own, its manifest last; every file is verified where it lies; ``latest.json``, one small file written
in one step, comes last of all. A push killed at any moment leaves the pointer on the release before, whole; pushed again it goes on
where it stopped. Nothing at the target is ever deleted: who opened the release before may still be reading it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from logoingest.errors import GateError, Problem, UsageError, quote_first_line
from logoingest.files.stores import list_store_errors
from logoingest.release.form.manifest import (
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
    ReleaseFile,
    ReleaseManifest,
    lies_inside,
    read_manifest,
)
from logoingest.release.laws.verification import verify_release
from logoingest.release.reading.loader import open_folder
from logoingest.workspace import FileRecord, Workspace, hash_file, hash_stream

POINTER_NAME = "latest.json"
_CHUNK_BYTES = 1 << 20
_MD5 = re.compile(r"[0-9a-f]{32}")

#: Told after every file: files done, files in all.
PushProgress = Callable[[int, int], None]


class Pointer(BaseModel):
    """``latest.json``: which release is the newest, and where it lies under the target."""

    format: Literal[1] = 1
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    path: Annotated[str, Field(pattern=r"^releases/[0-9a-f]{16}$")]


class PushSummary(NamedTuple):
    """What a push did: where the release lies, and how many files were sent and how many were there already."""

    target: str
    path: str
    fingerprint: str
    previous: str | None
    sent: int
    there: int
    bytes: int


def push_release(path: Path, target: str, progress: PushProgress | None = None) -> PushSummary:
    """Publish a release folder under ``target``, a folder or a URL that fsspec knows (s3://bucket/prefix …).

    Args:
        path: a release folder; its laws are checked first, but for the pictures themselves.
        target: credentials come from the environment, as fsspec's file systems read them.
        progress: called after each file.

    Raises:
        UsageError: there is no release, or the target cannot be reached or written.
        GateError: the release breaks a law, or a file at the target is not what was sent.
    """
    manifest = ReleaseManifest.model_validate(read_manifest(path))
    broken = verify_release(path, deep=False)
    if broken:
        raise GateError(
            [Problem(f"{path}: {entry.where}", f"{entry.law}: {entry.what}", "nothing was pushed") for entry in broken[:20]]
        )
    place = open_target(target)
    with explain_errors(target):
        return _push(path, manifest, place, progress or (lambda _done, _total: None))


def _push(path: Path, manifest: ReleaseManifest, place: Workspace, progress: PushProgress) -> PushSummary:
    folder = _name_folder(manifest.fingerprint)
    previous = read_pointer(place)
    names = [*sorted(manifest.files), MANIFEST_NAME]
    lying = place.filesystem.find(place.path(folder), detail=True)
    sent = 0
    for done, name in enumerate(names, 1):
        source, target, record = path / name, place.path(f"{folder}/{name}"), _record(path, name, manifest)
        if not _is_same(place, lying.get(target), source, record):
            _send(place, source, f"{folder}/{name}")
            sent += 1
            place.filesystem.invalidate_cache(target)
            if not _is_same(place, place.filesystem.info(target), source, record):
                what = "is not what was sent: another length, ETag or sha256"
                raise GateError(Problem(target, what, "push again; the release before stays the newest"))
        progress(done, len(names))
    pointer = Pointer(fingerprint=manifest.fingerprint, path=folder)
    if previous != pointer:
        place.write_bytes(POINTER_NAME, (json.dumps(pointer.model_dump(), indent=1) + "\n").encode())
    size = sum(record.bytes for record in manifest.files.values())
    before = None if previous is None else previous.fingerprint
    return PushSummary(place.url, folder, manifest.fingerprint, before, sent, len(names) - sent, size)


def pull_release(target: str, folder: Path) -> Path:
    """Bring the newest release under ``target`` into a new local folder, every file verified; returns the folder.

    Raises:
        UsageError: nothing was pushed there, it cannot be reached, or ``folder`` is there already.
        GateError: what lies there is damaged.
    """
    if folder.exists():
        raise UsageError(Problem(str(folder), "is there already", "name a new folder"))
    place = open_target(target)
    with explain_errors(target):
        pointer = read_pointer(place)
        if pointer is None:
            raise UsageError(Problem(target, "no release was pushed here", "push one with: logoingest push RELEASE TARGET"))
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".pull", dir=folder.absolute().parent))
        try:
            _pull(place, pointer, staging)
            staging.chmod(0o755)
            staging.rename(folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return folder


def read_pointer(place: Workspace) -> Pointer | None:
    """Which release is the newest at a target; None when none was pushed.

    Raises:
        GateError: the pointer is damaged.
        OSError: the target cannot be reached.
    """
    place.filesystem.invalidate_cache()
    try:
        text = place.filesystem.cat_file(place.path(POINTER_NAME))
    except FileNotFoundError:
        return None
    try:
        return Pointer.model_validate_json(text)
    except ValidationError as error:
        what = f"cannot be understood ({error.errors()[0]['msg']})"
        raise GateError(Problem(place.path(POINTER_NAME), what, "update logoingest, or remove it and push again")) from None


def _pull(place: Workspace, pointer: Pointer, staging: Path) -> None:
    receive_file(place, f"{pointer.path}/{MANIFEST_NAME}", staging / MANIFEST_NAME, MAX_MANIFEST_BYTES)
    if read_manifest(staging)["fingerprint"] != pointer.fingerprint:
        raise GateError(Problem(place.path(f"{pointer.path}/{MANIFEST_NAME}"), "is not the one that was pushed", "push again"))
    copy_release(place, pointer.path, staging)


def copy_release(place: Workspace, folder: str, staging: Path) -> None:
    """Bring the files of a release at a place into ``staging``, which holds its manifest; every file is verified.

    Raises:
        GateError: a file is missing or not what the manifest says, or the manifest names one outside the folder.
        OSError: the place cannot be reached.
    """
    for name, record in ReleaseManifest.model_validate(read_manifest(staging)).files.items():
        _check_name(name)
        source = f"{folder}/{name}".lstrip("/")
        receive_file(place, source, staging / name, record.bytes)
        if hash_file(staging / name) != (record.sha256, record.bytes):
            raise GateError(Problem(place.path(source), "is not what the manifest says", "push the release again"))
    open_folder(staging)


def receive_file(place: Workspace, name: str, target: Path, limit: int) -> None:
    """Copy one file from a place, up to ``limit`` bytes: what a stranger's manifest says is all that is taken.

    Raises:
        GateError: it is not there, or longer.
        OSError: the place cannot be reached.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    left = limit + 1
    try:
        with place.filesystem.open(place.path(name), "rb") as source, target.open("wb") as stream:
            while chunk := source.read(min(_CHUNK_BYTES, left)):
                left -= stream.write(chunk)
    except FileNotFoundError:
        raise GateError(Problem(place.path(name), "is missing", "push the release again")) from None
    if not left:
        raise GateError(Problem(place.path(name), f"is longer than {limit:,} bytes", "push the release again"))


def _check_name(name: str) -> None:
    """A manifest from elsewhere must not name a path outside its folder."""
    if not lies_inside(name):
        raise GateError(Problem(MANIFEST_NAME, f"names the file {name[:80]!r}", "it is no release of logoingest"))


def open_target(target: str) -> Workspace:
    """A place by its folder or URL.

    Raises:
        UsageError: fsspec does not know such URLs, or lacks what they need.
    """
    try:
        return Workspace(target)
    except (ImportError, ValueError) as error:
        hint = 'name a folder or a URL that fsspec knows; s3:// needs: pip install "logoingest[s3]"'
        raise UsageError(Problem(target, f"cannot be opened ({quote_first_line(error)})", hint)) from error


def _name_folder(fingerprint: str) -> str:
    return f"releases/{fingerprint[:16]}"


def _record(path: Path, name: str, manifest: ReleaseManifest) -> ReleaseFile:
    if name != MANIFEST_NAME:
        return manifest.files[name]
    found = hash_file(path / name)
    return ReleaseFile(sha256=found.sha256, bytes=found.size)


def _send(place: Workspace, source: Path, name: str) -> None:
    if not place.is_local:
        place.filesystem.put_file(str(source), place.path(name))
        return
    pending = place.start_file(name)
    try:
        with pending.explain_errors():
            shutil.copyfile(source, pending.path)
        pending.publish()
    finally:
        pending.discard()


def _is_same(place: Workspace, facts: Mapping[str, Any] | None, source: Path, record: ReleaseFile) -> bool:
    """Whether a file at the target has the record's length and content: by its ETag where that is an MD5, else read back.

    Args:
        place: the target.
        facts: what its file system says of the file; None when it is not there.
        source: the local file, which is as the record says.
        record: what the manifest says of it.
    """
    if facts is None or facts["size"] != record.bytes:
        return False
    etag = _read_etag(facts)
    if _MD5.fullmatch(etag) and etag == _hash_md5(source):
        return True
    return _hash_remote(place, str(facts["name"])) == (record.sha256, record.bytes)


def _read_etag(facts: Mapping[str, Any]) -> str:
    """An object's ETag: the MD5 of its bytes on S3, unless it was sent in parts or is encrypted by KMS (docs.aws.amazon.com, Object)."""
    return str(facts.get("ETag") or facts.get("etag") or "").strip('"').lower()


def _hash_md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _hash_remote(place: Workspace, path: str) -> FileRecord:
    with place.filesystem.open(path, "rb") as stream:
        return hash_stream(stream)


@contextlib.contextmanager
def explain_errors(target: str) -> Iterator[None]:
    """What a file system raises, as a ``UsageError`` that names the target."""
    try:
        yield
    except list_store_errors() as error:
        what = f"cannot be reached, read or written ({quote_first_line(error)})"
        raise UsageError(Problem(target, what, "check the address and its credentials")) from error
