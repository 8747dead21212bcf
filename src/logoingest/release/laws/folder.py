"""The laws of the folder: what lies there is what the manifest names, whole, and nothing is hidden that a reader would take."""

from __future__ import annotations

import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from logoingest.config import find_name_fault
from logoingest.release.form.manifest import CARD_NAME, CROISSANT_NAME, DATA_FOLDER, MANIFEST_NAME, REJECTED_NAME, ReleaseManifest
from logoingest.release.laws.violations import Law, Violation
from logoingest.workspace import hash_file

_DATA_NAME = re.compile(rf"{DATA_FOLDER}/(?P<split>[a-z][a-z0-9_]*)-(?P<number>\d{{5}})-of-(?P<count>\d{{5}})\.parquet", re.ASCII)
_DESCRIPTIONS = (CARD_NAME, CROISSANT_NAME, REJECTED_NAME)

#: Hidden files in the release folder itself by which a reader decides what to load or run, by their endings: ``datasets`` reads
#: ``.huggingface.yaml`` and, before 4, runs ``<folder's name>.py``.
_DECIDING = (".py", ".yaml", ".yml")

#: Strangers may put any number of files there; so many are named.
MAX_NAMED = 50


def check_folder(folder: Path, manifest: ReleaseManifest) -> Iterator[Violation]:
    """Every file of the manifest is there with its hash, none is beside it, and the data files' names are complete.

    Hidden files (.gitattributes, .cache/ …) are no part of a release: readers pass them over, but for some (``hidden_files``). A file,
    and ``data`` itself, may be a link: what it leads to counts.
    """
    there, strange = _list_entries(folder)
    extra = [
        Violation(Law.FILES, name, "is not in the manifest") for name in sorted(there - manifest.files.keys() - {MANIFEST_NAME})
    ]
    yield from _shorten([*(one for one in strange if one.where not in manifest.files), *extra])
    for name in sorted(set(_DESCRIPTIONS) - manifest.files.keys()):
        yield Violation(Law.FILES, name, "is not in the manifest")
    for name in sorted(manifest.files):
        if not is_release_file(name):
            yield Violation(Law.FILES, name[:200], "is no file that a release has")
        elif (fault := _check_file(folder / name, name, manifest)) is not None:
            yield fault
        if not name.endswith(".parquet") and manifest.files[name].rows is not None:
            yield Violation(Law.ROWS, name[:200], "is no table, and the manifest gives it rows")
    yield from _check_names(manifest)


def is_release_file(name: str) -> bool:
    """Whether a release may have a file of this name: a description, or a plain name in the data folder."""
    parts = name.split("/")
    return name in _DESCRIPTIONS or (
        len(parts) == 2 and parts[0] == DATA_FOLDER and re.fullmatch(r"[A-Za-z0-9_][\w.-]*", parts[1], re.ASCII) is not None
    )


def list_data_files(manifest: ReleaseManifest) -> dict[str, list[str]]:
    """Split → its data files, in order, by the manifest; names of another form are left out."""
    files: dict[str, list[str]] = {split: [] for split in manifest.splits}
    for name in sorted(manifest.files):
        match = _DATA_NAME.fullmatch(name)
        if match and match["split"] in files:
            files[match["split"]].append(name)
    return files


def _list_entries(folder: Path) -> tuple[set[str], list[Violation]]:
    """The visible files by name, and what should not be there whatever the manifest says."""
    there: set[str] = set()
    strange: list[Violation] = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            if entry.name.startswith("."):
                strange += _find_hidden(folder, Path(entry.name))
            elif entry.name == DATA_FOLDER and os.path.isdir(entry):
                there |= _list_data(folder, strange)
            elif os.path.isdir(entry):
                strange.append(Violation(Law.FILES, entry.name, "is a folder that is no part of a release"))
            elif entry.name == DATA_FOLDER:
                strange.append(Violation(Law.FILES, entry.name, "is no folder, and leads to none"))
            else:
                there.add(entry.name)
    return there, strange


def _list_data(folder: Path, strange: list[Violation]) -> set[str]:
    there = set()
    with os.scandir(folder / DATA_FOLDER) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            name = f"{DATA_FOLDER}/{entry.name}"
            if entry.name.startswith("."):
                strange += _find_hidden(folder, Path(name))
            elif os.path.isdir(entry):
                strange.append(Violation(Law.FILES, name, "is a folder that is no part of a release"))
            else:
                there.add(name)
    return there


def _find_hidden(folder: Path, hidden: Path) -> list[Violation]:
    """What of a hidden file or folder a reader would take: patterns such as ``**/*.parquet`` find it in many of them."""
    names = [hidden]
    if (folder / hidden).is_dir() and not (folder / hidden).is_symlink():
        names = [Path(place, name).relative_to(folder) for place, _, files in os.walk(folder / hidden) for name in files]
    found = [
        name for name in names if name.suffix.lower() == ".parquet" or (len(name.parts) == 1 and name.suffix.lower() in _DECIDING)
    ]
    return [
        Violation(Law.HIDDEN_FILES, name.as_posix(), "is hidden, and readers may take it for a part of the release")
        for name in found
    ]


def _shorten(violations: list[Violation]) -> list[Violation]:
    more = len(violations) - MAX_NAMED
    return (
        violations
        if more <= 0
        else [*violations[:MAX_NAMED], Violation(Law.FILES, ".", f"and {more:,} more that are no part of it")]
    )


def _check_file(path: Path, name: str, manifest: ReleaseManifest) -> Violation | None:
    record = manifest.files[name]
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return Violation(Law.FILES, name, "is no plain file")
        same = status.st_size == record.bytes and hash_file(path) == (record.sha256, record.bytes)
    except FileNotFoundError:
        return Violation(Law.FILES, name, "is missing")
    except OSError as error:
        return Violation(Law.FILES, name, f"cannot be read ({error.strerror})")
    return None if same else Violation(Law.FILES, name, "was changed: its sha256 or length is not what the manifest says")


def _check_names(manifest: ReleaseManifest) -> Iterator[Violation]:
    numbers: dict[tuple[str, int], list[int]] = defaultdict(list)
    for name in sorted(manifest.files):
        match = _DATA_NAME.fullmatch(name)
        if match and match["split"] in manifest.splits:
            numbers[match["split"], int(match["count"])].append(int(match["number"]))
        elif name.startswith(f"{DATA_FOLDER}/"):
            yield Violation(Law.FILE_NAMES, name[:200], "is no name of a data file")
    for (split, count), found in sorted(numbers.items()):
        if len(found) != count or sorted(found) != list(range(count)):
            yield Violation(Law.FILE_NAMES, f"{DATA_FOLDER}/{split}-*", f"has {len(found)} of {count} files")
    for split, rows in manifest.splits.items():
        if find_name_fault(split):
            yield Violation(Law.SPLIT_NAMES, MANIFEST_NAME, f"{split[:60]!r} cannot name a split")
        counts = [count for name, count in numbers if name == split]
        if len(counts) > 1 or bool(counts) != bool(rows):
            yield Violation(Law.FILE_NAMES, f"{DATA_FOLDER}/{split[:60]}-*", f"does not fit {rows:,} pictures of this split")
