"""Every promise of a release, checked on the files themselves. What is damaged is a ``Violation``, never a traceback.

A stranger's folder is safe to look at: no file outside it is named or read but through its own links, sizes are looked at before
anything is read whole, no code in it runs, and no request is made.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from logoingest.errors import GateError, Problem, UsageError
from logoingest.release.form.manifest import MANIFEST_NAME, ReleaseManifest, read_manifest
from logoingest.release.laws.data_files import Census, check_data
from logoingest.release.laws.descriptions import check_card, check_croissant
from logoingest.release.laws.folder import check_folder
from logoingest.release.laws.manifest_laws import check_manifest, check_rejected
from logoingest.release.laws.readers import check_readers
from logoingest.release.laws.violations import Law, Violation
from logoingest.release.reading.loader import Release, open_folder


def verify_release(
    path: str | os.PathLike[str], deep: bool = True, find_leaks: Callable[[Release], list[Violation]] | None = None
) -> list[Violation]:
    """Check every ``Law`` of a release; an empty list means that all hold. docs/release.md says what each asks for.

    Args:
        path: the release folder.
        deep: also decode every picture, and reopen the release with every reader that is installed.
        find_leaks: a further check, given the opened release (near-duplicates across splits, towards other releases …).

    Raises:
        UsageError: there is no such folder, or the release is of a newer form than this logoingest knows.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UsageError(Problem(str(folder), "there is no such folder", "name a release folder, usually <workspace>/release"))
    try:
        raw = read_manifest(folder)
    except GateError as error:
        return [Violation(Law.MANIFEST, MANIFEST_NAME, problem.what) for problem in error.problems]
    except UsageError as error:
        if (folder / MANIFEST_NAME).is_file():
            raise  # a newer form: nothing can be said of it
        return [Violation(Law.MANIFEST, MANIFEST_NAME, "is missing") for _ in error.problems]
    manifest = ReleaseManifest.model_validate(raw)
    found = [*check_manifest(folder, raw, manifest), *_check_files(folder, manifest, deep)]
    return [*found, *_reopen(folder, deep, find_leaks, is_sound=not found)]


def _check_files(folder: Path, manifest: ReleaseManifest, deep: bool) -> Iterator[Violation]:
    yield from check_folder(folder, manifest)
    yield from check_rejected(folder, manifest)
    census = Census()
    yield from check_data(folder, manifest, deep, census)
    sizes = {split: census.sizes[split] for split in manifest.splits if split in census.sizes}
    yield from check_card(folder, manifest, sizes if census.complete else None)
    yield from check_croissant(folder, manifest)


def _reopen(
    folder: Path, deep: bool, find_leaks: Callable[[Release], list[Violation]] | None, *, is_sound: bool
) -> Iterator[Violation]:
    try:
        release = open_folder(folder)
    except (GateError, UsageError):
        return  # a file is missing or cut: said above
    if deep:
        yield from check_readers(release, is_sound=is_sound)
    if find_leaks is not None:
        yield from find_leaks(release)
