"""Which release is meant, wherever it lies: a folder, a dataset's newest or an earlier one, a place others pushed to, object storage.

A release that is not on a local disk is copied once, every file verified, into a cache under its fingerprint: opened again, only its
manifest is read.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from logoingest.config import Config, load_config
from logoingest.errors import GateError, Problem, UsageError
from logoingest.release.form.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES, compute_fingerprint, read_manifest
from logoingest.release.keeping.publishing import copy_release, explain_errors, open_target, read_pointer, receive_file
from logoingest.release.keeping.versions import RELEASE_FOLDER, name_version
from logoingest.release.reading.loader import Release, open_folder
from logoingest.workspace import Workspace

#: What a caller may name a release by.
AnyRelease = Release | Config | str | os.PathLike[str]

_REFERENCE = re.compile(r"(?P<place>.+?)(?:@v(?P<version>\d{1,9}))?", re.DOTALL)


class _Place(NamedTuple):
    """A folder under a place; ``fingerprint`` is what its release must have, None where anything will do."""

    place: Workspace
    name: str
    fingerprint: str | None = None


def open_release(release: AnyRelease, *, cache: Path | None = None) -> Release:
    """Open a release; its files are looked for, not read (``verify_release`` reads them).

    Args:
        release: a release folder; a ``dataset.toml``, its ``Config`` or its workspace (the newest release), with ``@v2`` behind it an
            earlier one; a place that releases were pushed to (the newest there). Folders may be URLs that fsspec knows: ``s3://…``.
        cache: where a release that is on no local disk is copied to; ``$XDG_CACHE_HOME/logoingest`` when left out.

    Raises:
        UsageError: there is no release, it cannot be reached, or it is of a newer form than this logoingest knows.
        GateError: the manifest is damaged, or a file is missing or of another length than it says (copied: of another hash).
    """
    return release if isinstance(release, Release) else open_folder(find_folder(release, cache))


def find_folder(release: Config | str | os.PathLike[str], cache: Path | None = None) -> Path:
    """The local folder of a release, copied into the cache where it is on no local disk; see ``open_release``.

    Raises:
        UsageError: it cannot be reached, or there is no such version.
        GateError: what is copied is damaged.
    """
    if isinstance(release, Config):
        return _find_in(_Place(Workspace(release.workspace_url), RELEASE_FOLDER), cache)
    text = os.fspath(release)
    match = _REFERENCE.fullmatch(text)
    if match is None or Path(text).is_dir():
        return _find_in(_find_newest(text), cache)
    version = None if match["version"] is None else int(match["version"])
    if match["place"].endswith(".toml"):
        workspace = Workspace(load_config(match["place"]).workspace_url)
        with explain_errors(workspace.url):
            name = RELEASE_FOLDER if version is None else name_version(workspace, version)
        return _find_in(_Place(workspace, name), cache)
    return _find_in(_find_newest(text) if version is None else _find_version(match["place"], version), cache)


def _find_newest(text: str) -> _Place:
    """A pushed release, a workspace's, or the folder itself."""
    place = open_target(text)
    if place.is_local and not Path(place.root).is_dir():
        return _Place(place, "")
    with explain_errors(text):
        pointer = read_pointer(place)
        if pointer is not None:
            return _Place(place, pointer.path, pointer.fingerprint)
        return _Place(place, RELEASE_FOLDER if place.exists(f"{RELEASE_FOLDER}/{MANIFEST_NAME}") else "")


def _find_version(text: str, version: int) -> _Place:
    """An earlier release of a workspace, which may be named by its folder ``release``."""
    root, _, last = text.rstrip("/").rpartition("/")
    place = open_target(root or "." if last == RELEASE_FOLDER else text)
    with explain_errors(text):
        return _Place(place, name_version(place, version))


def _find_in(found: _Place, cache: Path | None) -> Path:
    place, name, fingerprint = found
    if not place.is_local:
        return _keep_copy(found, _find_cache() if cache is None else cache)
    folder = Path(place.root if "://" in place.url else place.url) / name
    if fingerprint is not None and read_manifest(folder)["fingerprint"] != fingerprint:
        raise GateError(Problem(str(folder), "is not the release that was pushed", "push it again"))
    return folder


def _keep_copy(found: _Place, cache: Path) -> Path:
    """A release's folder in the cache, made unless it is there. Two processes that open it at once end with one copy."""
    place, name, fingerprint = found
    cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".", suffix=".copy", dir=cache) as temporary, explain_errors(place.url):
        staging = Path(temporary, "release")
        staging.mkdir()
        manifest = _read_manifest(place, name, staging)
        if compute_fingerprint(manifest) != manifest["fingerprint"] or fingerprint not in {None, manifest["fingerprint"]}:
            what = "was edited: its fingerprint is not that of what it says"
            raise GateError(Problem(place.path(f"{name}/{MANIFEST_NAME}"), what, "push the release again"))
        kept = cache / "releases" / str(manifest["fingerprint"])
        if not kept.is_dir():
            copy_release(place, name, staging)
            kept.parent.mkdir(exist_ok=True)
            _take_name(staging, kept)
    return kept


def _read_manifest(place: Workspace, name: str, staging: Path) -> dict[str, object]:
    try:
        receive_file(place, f"{name}/{MANIFEST_NAME}" if name else MANIFEST_NAME, staging / MANIFEST_NAME, MAX_MANIFEST_BYTES)
    except GateError:
        hint = "name a release folder, a workspace, or a place that releases were pushed to"
        raise UsageError(Problem(place.url, "there is no release here", hint)) from None
    return read_manifest(staging)


def _take_name(staging: Path, kept: Path) -> None:
    try:
        staging.rename(kept)
    except OSError:
        if not kept.is_dir():
            raise


def _find_cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME", "")
    return Path(home if os.path.isabs(home) else Path.home() / ".cache") / "logoingest"
