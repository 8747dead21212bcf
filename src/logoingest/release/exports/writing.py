"""One export: filled under a temporary name beside its target, renamed when it is whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from logoingest.errors import Problem, UsageError
from logoingest.release.exports.coco import write_coco
from logoingest.release.exports.folder import ACCOUNT_NAME, ExportFolder
from logoingest.release.exports.image_folder import write_image_folder
from logoingest.release.exports.options import DEFAULTS, ExportOptions, check_options
from logoingest.release.exports.voc import write_voc
from logoingest.release.exports.web_dataset import write_web_dataset
from logoingest.release.exports.yolo import write_yolo
from logoingest.release.reading.loader import Release

#: The forms there are → what writes them.
FORMATS: Mapping[str, Callable[[Release, ExportFolder], None]] = {
    "coco": write_coco,
    "voc": write_voc,
    "yolo": write_yolo,
    "imagefolder": write_image_folder,
    "webdataset": write_web_dataset,
}


class ExportSummary(NamedTuple):
    """What an export holds: split → pictures, reason → split → what was left out, split → pictures written anew, and how many are
    turned by their EXIF orientation alone.
    """

    format: str
    folder: Path
    pictures: dict[str, int]
    left_out: dict[str, dict[str, int]]
    rewritten: dict[str, int]
    turned: int


def export_release(
    release: Release, form: str, target: Path, force: bool = False, options: ExportOptions = DEFAULTS
) -> ExportSummary:
    """Write a release in another form. A killed export leaves nothing under ``target``'s name; memory holds one row group.

    Args:
        release: the opened release.
        form: a key of ``FORMATS``.
        target: the folder to make; its parent is made too. An empty folder may stand there.
        force: replace an earlier export that stands there (nothing else is ever replaced).
        options: what else is asked for.

    Raises:
        UsageError: there is no such form, it does not know an option, or something stands in the way.
        GateError: the release is damaged.
    """
    if form not in FORMATS:
        raise UsageError(Problem(f"format {form!r}", "is not known", f"there are {', '.join(FORMATS)}"))
    check_options(form, options)
    target = target.absolute()
    _check_target(release, target, force)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{target.name[:100]}.", suffix=".export", dir=target.parent))
    except OSError as error:
        raise UsageError(Problem(str(target), f"cannot be made ({error})", "name another folder")) from error
    try:
        staging.chmod(0o755)
        folder = ExportFolder(staging, release, options)
        FORMATS[form](release, folder)
        folder.write_accounts(release, form)
        _put_in_place(staging, target)
    except OSError as error:
        raise UsageError(Problem(str(target), f"cannot be written ({error})", "free space or name another folder")) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    left_out = {reason: dict(splits) for reason, splits in sorted(folder.left_out.items())}
    return ExportSummary(form, target, dict(folder.pictures), left_out, dict(folder.rewritten), folder.turned)


def _check_target(release: Release, target: Path, force: bool) -> None:
    if Path(os.path.realpath(target)).is_relative_to(os.path.realpath(release.path)):
        raise UsageError(
            Problem(str(target), "lies inside the release", "name a folder outside: a release holds its own files only")
        )
    if not os.path.lexists(target) or (target.is_dir() and not target.is_symlink() and not any(target.iterdir())):
        return
    if not force:
        raise UsageError(Problem(str(target), "is there already", "name another folder, or replace the export with --force"))
    if target.is_symlink() or not (target / ACCOUNT_NAME).is_file():
        raise UsageError(Problem(str(target), "is no export", "only an earlier export is replaced: name another folder"))


def _put_in_place(staging: Path, target: Path) -> None:
    """One rename where nothing or an empty folder stands; an earlier export is renamed away first and put back on failure."""
    if not (target / ACCOUNT_NAME).exists():
        os.rename(staging, target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name[:100]}.", suffix=".old", dir=target.parent))
    os.rename(target, old)  # onto the empty folder just made
    try:
        os.rename(staging, target)
    except OSError:
        os.rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)
