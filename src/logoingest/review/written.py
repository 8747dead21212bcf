"""What people wrote from their desks, so that it can be taken back: of every write, what it changed in which file, kept in the workspace.

A file that nobody changed since gets the bytes back that it had. In one that was changed elsewhere since, what was written then is taken out
alone; where the very lines were changed since, nothing is, and that is said.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from logoingest.config import Config
from logoingest.errors import ClassMapError, Problem, UsageError, WorkspaceError
from logoingest.files.whole import replace_file
from logoingest.labels import ClassMap
from logoingest.named_files import explain_unreadable
from logoingest.named_maps import place_map
from logoingest.pipeline.session import Run
from logoingest.plain_json import to_json
from logoingest.review.session import SessionStep
from logoingest.samples.group_rulings import parse_group_rulings

_FOLDER = "review/written"
_NAME = re.compile(r"[0-9]{8}\.json")
_CONTEXT = 3
_FORMAT = 1


class Hunk(NamedTuple):
    """Lines that a write replaced."""

    at: int
    """The first of ``after``, from 0 on, in the file as it was left."""
    before: Sequence[str]
    after: Sequence[str]
    above: Sequence[str]
    """Lines around it, by which it is found again in a file that was changed elsewhere."""
    below: Sequence[str]


class FileChange(NamedTuple):
    """What a write changed in a file."""

    role: str
    """``class map``, ``rulings`` or ``placeholders``: the config says which file that is, so that no path is taken from a workspace."""
    is_new: bool
    """The file was made."""
    left: str
    """sha256 of the file as it was left."""
    hunks: Sequence[Hunk]


class Write(NamedTuple):
    """What a person wrote at once."""

    name: str
    by: str
    at: str
    origin: str
    """The desk it came from: queue, gallery, classes."""
    what: str
    """One line for people."""
    changes: Sequence[FileChange]
    steps: Sequence[SessionStep]
    """Of the session that was written."""


@contextlib.contextmanager
def record_write(run: Run, by: str, origin: str, what: str) -> Iterator[list[SessionStep]]:
    """Keep what the block changes in the class map, the rulings and the list of placeholders; one at a time, the caller sees to that.

    The block gets a list: of a session that it writes, the steps.
    """
    steps: list[SessionStep] = []
    files = _place_files(run.config)
    before = {role: _read(path) for role, path in files.items()}
    try:
        yield steps
    finally:
        after = {role: _read(path) for role, path in files.items()}
        changes = [_compare(role, before[role], after[role]) for role in files if before[role] != after[role]]
        if changes:
            _keep(run, {"format": _FORMAT, "by": by, "at": datetime.now(UTC).isoformat(timespec="seconds"), "origin": origin, "what": what,
                        "changes": [_dump(change) for change in changes], "steps": [to_json(step) for step in steps]})  # fmt: skip


def list_writes(run: Run) -> list[Write]:
    """What was written and not taken back, the last first; damaged records are passed over."""
    found = []
    for name in reversed(_list_names(run)):
        with contextlib.suppress(WorkspaceError, ValueError, LookupError, TypeError, AttributeError):
            found.append(_load(name, json.loads(run.workspace.read_bytes(f"{_FOLDER}/{name}"))))
    return found


def take_back(run: Run, write: Write) -> None:
    """Undo a write in its files, and forget it.

    Raises:
        UsageError: the same lines were changed since, or a file cannot be read or written; nothing is changed then.
        ClassMapError: the map would not be sound without it.
    """
    files = _place_files(run.config)
    made: dict[str, bytes | None] = {}
    for change in write.changes:
        path = files.get(change.role)
        if path is None:
            raise UsageError(Problem(f"the {change.role}", "is named by the config no more", "set it as it was, and try again"))
        made[change.role] = _revert(path, _read(path), change)
    _check(files, made)
    for role, content in made.items():
        _replace(files[role], content)
    run.workspace.remove(f"{_FOLDER}/{write.name}")


# -- files -------------------------------------------------------------------------------------------------------------


def _place_files(config: Config) -> dict[str, Path]:
    files = {"class map": place_map(config.class_map_path, Path()), "rulings": config.resolve(config.samples.rulings)}
    if config.images.placeholders is not None:
        files["placeholders"] = config.resolve(config.images.placeholders)
    return {role: Path(os.path.realpath(path)) for role, path in files.items()}


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(explain_unreadable(path, error, "a class map, rulings and placeholders are text files")) from None


def _replace(path: Path, content: bytes | None) -> None:
    try:
        if content is None:
            path.unlink(missing_ok=True)
            return
        with replace_file(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise UsageError(Problem(str(path), f"cannot be written ({error.strerror or error})")) from None


def _check(files: Mapping[str, Path], made: Mapping[str, bytes | None]) -> None:
    """Map and rulings, as they would be, are sound, and name no class that is gone."""
    held = {role: made[role] if role in made else _read(files[role]) for role in ("class map", "rulings")}
    path, content = files["class map"], held["class map"]
    if content is None:
        raise ClassMapError(Problem(str(path), "would be gone", "nothing was taken back"))
    class_map = ClassMap.from_toml(content.decode("utf-8-sig"), path.name, path.parent)
    if held["rulings"] is not None:
        parse_group_rulings(held["rulings"], str(files["rulings"]), class_map)


# -- changes -----------------------------------------------------------------------------------------------------------


def _hash(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()


def _split(content: bytes | None) -> list[str]:
    return [] if content is None else content.decode("utf-8", "surrogateescape").splitlines(keepends=True)


def _compare(role: str, before: bytes | None, after: bytes | None) -> FileChange:
    """What became of a file, in hunks from the top."""
    old, new = _split(before), _split(after)
    start = _count_equal(old, new)
    end = _count_equal(old[start:][::-1], new[start:][::-1])
    matcher = difflib.SequenceMatcher(None, old[start : len(old) - end], new[start : len(new) - end])
    hunks = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            first, last = start + c, start + d
            around = new[max(0, first - _CONTEXT) : first], new[last : last + _CONTEXT]
            hunks.append(Hunk(first, old[start + a : start + b], new[first:last], *around))
    return FileChange(role, before is None, _hash(after), hunks)


def _count_equal(old: Sequence[str], new: Sequence[str]) -> int:
    return next((place for place, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), min(len(old), len(new)))


def _revert(path: Path, content: bytes | None, change: FileChange) -> bytes | None:
    """The file without a change; None where it is gone again."""
    lines, is_as_left = _split(content), _hash(content) == change.left
    for hunk in reversed(change.hunks):
        place = hunk.at if is_as_left else _find(lines, hunk)
        if place is None:
            what = "was changed since, in the lines that would be taken back"
            raise UsageError(Problem(str(path), what, "take back what was written there later first, or mend it by hand"))
        lines[place : place + len(hunk.after)] = hunk.before
    made = "".join(lines).encode("utf-8", "surrogateescape")
    return None if change.is_new and not made.strip() else made


def _find(lines: Sequence[str], hunk: Hunk) -> int | None:
    """Where a hunk's lines are now: the place that is most like the one where they were, and of those the nearest."""
    size = len(hunk.after)
    places = [place for place in range(len(lines) - size + 1) if lines[place : place + size] == list(hunk.after)]
    rated = [(_rate(lines, place, hunk), -abs(place - hunk.at), place) for place in places]
    best = max(rated, default=(0, 0, None))
    is_sure = best[0] > 0 or (size >= _CONTEXT and len(places) == 1)
    return best[2] if is_sure else None


def _rate(lines: Sequence[str], place: int, hunk: Hunk) -> int:
    """Lines around a place that are as they were around the hunk, from it outwards; the file's ends count as one."""
    above = _count_equal(lines[max(0, place - _CONTEXT) : place][::-1], hunk.above[::-1])
    end = place + len(hunk.after)
    below = _count_equal(lines[end : end + _CONTEXT], hunk.below)
    return above + below + (not hunk.above and place == 0) + (not hunk.below and end == len(lines))


# -- records -----------------------------------------------------------------------------------------------------------


def _list_names(run: Run) -> list[str]:
    workspace = run.workspace
    if not workspace.exists(_FOLDER):
        return []
    workspace.filesystem.invalidate_cache(workspace.path(_FOLDER))
    names = (os.path.basename(str(path)) for path in workspace.filesystem.ls(workspace.path(_FOLDER), detail=False))
    return sorted(name for name in names if _NAME.fullmatch(name))


def _keep(run: Run, record: Mapping[str, object]) -> None:
    names = _list_names(run)
    number = int(names[-1].partition(".")[0]) + 1 if names else 1
    run.workspace.write_bytes(f"{_FOLDER}/{number:08d}.json", json.dumps(record).encode())


def _load(name: str, data: Mapping[str, Any]) -> Write:
    if data["format"] != _FORMAT:
        raise ValueError(name)
    changes = [
        FileChange(str(one["role"]), bool(one["is_new"]), str(one["left"]), [_load_hunk(hunk) for hunk in one["hunks"]])
        for one in data["changes"]
    ]
    by, at, origin, what = (str(data[key]) for key in ("by", "at", "origin", "what"))
    return Write(name, by, at, origin, what, changes, [SessionStep.from_json(step) for step in data["steps"]])


def _load_hunk(data: Mapping[str, Any]) -> Hunk:
    return Hunk(int(data["at"]), *([str(line) for line in data[key]] for key in ("before", "after", "above", "below")))


def _dump(change: FileChange) -> dict[str, object]:
    return {"role": change.role, "is_new": change.is_new, "left": change.left, "hunks": [hunk._asdict() for hunk in change.hunks]}
