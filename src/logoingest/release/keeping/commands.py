"""What the command line does with releases, to be called: each takes whatever ``open_release`` takes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from logoingest.release.exports import ExportOptions, ExportSummary, export_release
from logoingest.release.keeping.comparison import ReleaseDiff, compare_releases
from logoingest.release.keeping.opening import AnyRelease, open_release
from logoingest.release.keeping.publishing import PushProgress, PushSummary, pull_release, push_release
from logoingest.release.reading.loader import Release


def export(release: AnyRelease, form: str, folder: str | os.PathLike[str], *, force: bool = False, **options: Any) -> ExportSummary:
    """Write a release as COCO, Pascal VOC, YOLO, ImageFolder or WebDataset; see ``export_release``.

    Args:
        release: whatever ``open_release`` takes.
        form: coco, voc, yolo, imagefolder or webdataset.
        folder: the folder to make.
        force: replace an earlier export that stands there.
        options: the fields of ``ExportOptions``.
    """
    return export_release(open_release(release), form, Path(folder), force, ExportOptions(**options))


def push(release: AnyRelease, target: str, progress: PushProgress | None = None) -> PushSummary:
    """Publish a release at a folder or ``s3://bucket/prefix``, whole or not at all; see ``push_release``."""
    return push_release(open_release(release).path, target, progress)


def pull(target: str, folder: str | os.PathLike[str]) -> Release:
    """Bring the release that was last pushed to a target into a new folder, verified, and open it; see ``pull_release``."""
    return open_release(pull_release(target, Path(folder)))


def diff(before: AnyRelease, after: AnyRelease) -> ReleaseDiff:
    """What changed from one release to another; see ``compare_releases``."""
    return compare_releases(open_release(before), open_release(after))
