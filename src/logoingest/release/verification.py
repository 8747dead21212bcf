"""Every promise of a release, checked on the files themselves. What is damaged is a ``Violation``, never a traceback."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from logoingest.errors import GateError, Problem, UsageError
from logoingest.release.data_laws import check_data
from logoingest.release.file_laws import check_card, check_counts, check_croissant, check_files, check_fingerprint, check_rejected
from logoingest.release.loader import Release, open_folder
from logoingest.release.manifest import MANIFEST_NAME, ReleaseManifest, read_manifest
from logoingest.release.readers import check_readers
from logoingest.release.violations import Violation


def verify_release(
    path: str | os.PathLike[str], deep: bool = True, find_leaks: Callable[[Release], list[Violation]] | None = None
) -> list[Violation]:
    """Check every law of a release; an empty list means that all hold.

    Laws: manifest, fingerprint, files, file_names, readable, schema, features, class_names, rows, no_nulls, labels_in_range,
    labels_match_classes, boxes, image_ids, image_paths, urls, ranges, order, row_groups, pictures_once, groups_undivided,
    class_counts, conservation, rejected, card, croissant; and when ``deep``: image_bytes, pictures_decode, picture_size, stored_form,
    reopens.

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
        return [Violation("manifest", MANIFEST_NAME, problem.what) for problem in error.problems]
    except UsageError as error:
        if (folder / MANIFEST_NAME).is_file():
            raise  # a newer form: nothing can be said of it
        return [Violation("manifest", MANIFEST_NAME, "is missing") for _ in error.problems]
    return list(_check(folder, raw, deep, find_leaks))


def _check(
    folder: Path, raw: dict[str, object], deep: bool, find_leaks: Callable[[Release], list[Violation]] | None
) -> Iterator[Violation]:
    manifest = ReleaseManifest.model_validate(raw)
    yield from check_fingerprint(raw)
    yield from check_files(folder, manifest)
    yield from check_counts(manifest)
    yield from check_rejected(folder, manifest)
    yield from check_card(folder, manifest)
    yield from check_croissant(folder, manifest)
    yield from check_data(folder, manifest, deep)
    try:
        release = open_folder(folder)
    except GateError:
        return  # a file is missing or cut: said above, by check_files
    if deep:
        yield from check_readers(release)
    if find_leaks is not None:
        yield from find_leaks(release)
