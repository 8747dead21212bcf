"""Earlier releases of a workspace, kept under their numbers.

    <workspace>/release/                 the newest, as ever
    <workspace>/releases/v1/ v2/ …       those it replaced; the last ``release.keep_versions`` of them
    <workspace>/releases/versions.json   every version there was: number, fingerprint, its parent's fingerprint

A version is a release of other content than the one before; making the same again makes none. Numbers and parents are the workspace's
history and stand here alone: the release's own bytes depend on its inputs, not on what was released before.

Locally a kept version is the replaced release's own files (hard links made before the new release takes its name; copies where the
file system has none), so it costs what it holds and nothing more. On object storage its files are copied there, by the store.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from logoingest.errors import Problem, UsageError, WorkspaceError
from logoingest.release.form.manifest import MANIFEST_NAME
from logoingest.workspace import Workspace

#: The newest release, inside a workspace.
RELEASE_FOLDER = "release"
#: The earlier ones, and the list of all.
VERSIONS_FOLDER = "releases"
VERSIONS_NAME = f"{VERSIONS_FOLDER}/versions.json"
_FOLDER = re.compile(r"v([1-9]\d{0,8})")


class ReleaseVersion(BaseModel):
    """One version: its number (from 1), its fingerprint, the fingerprint of the one before, and its pictures per split."""

    model_config = ConfigDict(frozen=True)

    version: Annotated[int, Field(ge=1)]
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    parent: str | None = None
    splits: dict[str, int] = {}


class _VersionList(BaseModel):
    format: int = 1
    versions: list[ReleaseVersion] = []


def list_versions(workspace: Workspace) -> list[ReleaseVersion]:
    """Every version there was, oldest first; the last is ``release/``, unless a run was killed as it was published.

    A list that was removed is made again from the versions that were kept.

    Raises:
        WorkspaceError: the list is damaged.
    """
    if not workspace.exists(VERSIONS_NAME):
        return _list_kept(workspace)
    try:
        return _VersionList.model_validate_json(workspace.read_bytes(VERSIONS_NAME)).versions
    except ValidationError as error:
        what = f"is damaged ({error.errors()[0]['msg']})"
        raise WorkspaceError(
            Problem(workspace.path(VERSIONS_NAME), what, "remove it: it is made again from the versions that were kept")
        ) from None


def name_version(workspace: Workspace, number: int) -> str:
    """Where a version lies inside the workspace: ``release`` or ``releases/v<number>``.

    Raises:
        UsageError: there is none of that number, or it was not kept.
    """
    versions = list_versions(workspace)
    if versions and number == versions[-1].version:
        return RELEASE_FOLDER
    name = _name_folder(number)
    if not workspace.exists(f"{name}/{MANIFEST_NAME}"):
        kept = [
            f"v{entry.version}" for entry in versions[:-1] if workspace.exists(f"{_name_folder(entry.version)}/{MANIFEST_NAME}")
        ]
        there = ", ".join([*kept, *(f"v{entry.version}" for entry in versions[-1:])]) or "none"
        hint = f"there are: {there}; release.keep_versions says how many are kept"
        raise UsageError(Problem(f"{workspace.url}: v{number}", "is not there", hint))
    return name


class VersionPlace(NamedTuple):
    """One version, and where it lies."""

    version: int
    """From 1."""
    fingerprint: str
    parent: str | None
    """The fingerprint of the version before."""
    splits: Mapping[str, int]
    """Split → pictures."""
    folder: str | None
    """Inside the workspace; None where it was not kept."""


def locate_versions(workspace: Workspace) -> list[VersionPlace]:
    """Every version and its place, oldest first."""
    described = []
    versions = list_versions(workspace)
    for entry in versions:
        folder = RELEASE_FOLDER if entry == versions[-1] else _name_folder(entry.version)
        there = workspace.exists(f"{folder}/{MANIFEST_NAME}")
        described.append(VersionPlace(**entry.model_dump(), folder=folder if there else None))
    return described


def publish_release(workspace: Workspace, folder: Path, keep: int) -> ReleaseVersion:
    """Put the release in ``folder`` in place of ``release/``, which is kept as its version when it holds something else.

    Whatever moment a run is killed at, no version is lost and the next run sets the list right.

    Args:
        workspace: whose lease the caller holds.
        folder: a whole release on the local disk; it is used up.
        keep: how many earlier versions to keep; older ones are removed.

    Raises:
        WorkspaceError: the workspace cannot be written.
    """
    made = json.loads((folder / MANIFEST_NAME).read_bytes())
    workspace.filesystem.invalidate_cache()
    current = _read_fingerprint(workspace, RELEASE_FOLDER)
    versions = list_versions(workspace)
    if current is not None:  # it may be older than the list, or its run was killed before it was listed
        versions = _append(versions, *current)
        _write_list(workspace, versions)
        if keep and current[0] != made["fingerprint"]:
            _keep_current(workspace, versions[-1])
    workspace.replace_folder(RELEASE_FOLDER, folder)
    versions = _append(versions, made["fingerprint"], made["splits"])
    _write_list(workspace, versions)
    for surplus in list_surplus(workspace, keep):
        remove_release(workspace, surplus)
    return versions[-1]


def _read_fingerprint(workspace: Workspace, folder: str) -> tuple[str, dict[str, int]] | None:
    """Fingerprint and pictures per split of the release in a folder; None when there is none, or none worth keeping."""
    if not workspace.exists(f"{folder}/{MANIFEST_NAME}"):
        return None
    try:
        manifest = json.loads(workspace.read_bytes(f"{folder}/{MANIFEST_NAME}"))
        entry = ReleaseVersion(version=1, fingerprint=manifest["fingerprint"], splits=manifest["splits"])
    except (ValueError, KeyError, TypeError):
        return None
    return entry.fingerprint, entry.splits


def _list_kept(workspace: Workspace) -> list[ReleaseVersion]:
    root = workspace.path(VERSIONS_FOLDER)
    if not workspace.filesystem.exists(root):
        return []
    names = (os.path.basename(str(path)) for path in workspace.filesystem.ls(root, detail=False))
    numbers = sorted(int(match[1]) for name in names if (match := _FOLDER.fullmatch(name)))
    versions: list[ReleaseVersion] = []
    for number in numbers:
        if (found := _read_fingerprint(workspace, _name_folder(number))) is not None:
            parent = versions[-1].fingerprint if versions else None
            versions.append(ReleaseVersion(version=number, fingerprint=found[0], parent=parent, splits=found[1]))
    return versions


def _append(versions: list[ReleaseVersion], fingerprint: str, splits: dict[str, int]) -> list[ReleaseVersion]:
    if versions and versions[-1].fingerprint == fingerprint:
        return versions
    parent = versions[-1].fingerprint if versions else None
    number = versions[-1].version + 1 if versions else 1
    return [*versions, ReleaseVersion(version=number, fingerprint=fingerprint, parent=parent, splits=splits)]


def _write_list(workspace: Workspace, versions: list[ReleaseVersion]) -> None:
    text = json.dumps(_VersionList(versions=versions).model_dump(), indent=1)
    if not workspace.exists(VERSIONS_NAME) or workspace.read_bytes(VERSIONS_NAME) != text.encode():
        workspace.write_bytes(VERSIONS_NAME, text.encode())


def _keep_current(workspace: Workspace, version: ReleaseVersion) -> None:
    """``release/`` under its number as well; it appears whole (remotely: its manifest last)."""
    name = _name_folder(version.version)
    found = _read_fingerprint(workspace, name)
    if found is not None and found[0] == version.fingerprint:
        return  # a run was killed after this point
    workspace.remove(name)
    if workspace.is_local:
        _link_folder(workspace, Path(workspace.path(RELEASE_FOLDER)), Path(workspace.path(name)))
        return
    filesystem, source = workspace.filesystem, workspace.path(RELEASE_FOLDER)
    for path in sorted(filesystem.find(source), key=lambda path: (path == f"{source}/{MANIFEST_NAME}", path)):
        with workspace.guard():
            filesystem.cp_file(path, workspace.path(name) + path.removeprefix(source))


def _link_folder(workspace: Workspace, source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(".v*.staging"):
        shutil.rmtree(leftover, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".staging", dir=target.parent))
    staging.chmod(0o755)
    shutil.copytree(source, staging, copy_function=_link_file, dirs_exist_ok=True)
    with workspace.guard():
        os.rename(staging, target)


def _link_file(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def list_surplus(workspace: Workspace, keep: int) -> list[str]:
    """The folders of earlier versions that are there beyond the last ``keep``."""
    numbers = [entry.version for entry in list_versions(workspace)[:-1]]
    folders = (_name_folder(number) for number in numbers[: max(len(numbers) - keep, 0)])
    return [folder for folder in folders if workspace.exists(folder)]


def remove_release(workspace: Workspace, folder: str) -> None:
    """Remove a release that was kept or pushed; it loses its manifest's name first, so that no half of one is opened."""
    if workspace.exists(folder):
        workspace.remove(f"{folder}/{MANIFEST_NAME}")
        workspace.remove(folder)


def _name_folder(number: int) -> str:
    return f"{VERSIONS_FOLDER}/v{number}"
