"""What people ruled on pictures that show the same and were settled differently: a TOML file that is replayed with every run.

    [[groups]]
    images = ["<sha256>", "<sha256>"]
    ruling = "class: nike"     # or "both" (each is right as it is), or "drop" (leave the pictures out)
    by = "Ann"
    on = 2026-11-21

A ruling names pictures by the hash of their bytes, so it holds in every workspace that has them.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

import tomlkit

from logoingest.errors import ConfigError, Problem
from logoingest.files.whole import replace_file
from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.class_map.entries import Signature
from logoingest.labels.text.quoting import shorten

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CLASS = re.compile(r"class:\s*(.+)", re.DOTALL)
_HEAD = "# What people ruled on pictures that show the same and were settled as different classes (docs/duplicates.md).\n"
_ID_DIGITS = 10


class GroupDecision(StrEnum):
    """What a person makes of pictures that contradict each other."""

    CLASS = "class"
    """All show this class."""
    BOTH = "both"
    """Each is right as it is."""
    DROP = "drop"
    """They are left out."""


@dataclass(frozen=True, slots=True)
class GroupRuling:
    """A person's decision on some pictures."""

    images: tuple[str, ...]
    """Their image_ids, sorted."""
    decision: GroupDecision
    class_id: str | None = None
    """With ``CLASS``: as samples name it."""
    by: str = ""
    on: date | None = None

    def __str__(self) -> str:
        """As it is written."""
        return f"class: {self.class_id}" if self.decision == GroupDecision.CLASS else self.decision

    @property
    def signed(self) -> str:
        """Who and when, as far as it is known."""
        return f"{self.by or 'somebody'}{f' on {self.on}' if self.on else ''}"


def make_conflict_id(images: Sequence[str]) -> str:
    """A short name of a set of pictures, ``g`` and 10 hex digits."""
    return "g" + hashlib.sha256("\n".join(sorted(images)).encode()).hexdigest()[:_ID_DIGITS]


def read_group_rulings(path: Path, class_map: ClassMap) -> list[GroupRuling]:
    """The rulings of a file, in order; none where there is no file.

    Raises:
        ConfigError: the file is no TOML, or an entry cannot be meant; all faults at once.
    """
    try:
        entries = tomllib.loads(path.read_bytes().decode()).get("groups", [])
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise ConfigError(Problem(str(path), f"cannot be read ({error})", "it is TOML in UTF-8")) from None
    if not isinstance(entries, list):
        raise ConfigError(Problem(str(path), "groups is no list of tables", "an entry begins with [[groups]]"))
    found = [_read_entry(entry, f"{path}: groups[{number}]", class_map) for number, entry in enumerate(entries)]
    problems = [problem for problem in found if isinstance(problem, Problem)]
    if problems:
        raise ConfigError(problems)
    return [ruling for ruling in found if isinstance(ruling, GroupRuling)]


def _read_entry(entry: Any, where: str, class_map: ClassMap) -> GroupRuling | Problem:
    if not isinstance(entry, dict) or (unknown := sorted(entry.keys() - {"images", "ruling", "by", "on", "note"})):
        what = f"has unknown keys: {', '.join(map(shorten, unknown))}" if isinstance(entry, dict) else "is no table"
        return Problem(where, what, "known: images, ruling, by, on, note")
    images = entry.get("images")
    if not isinstance(images, list) or not images or not all(isinstance(one, str) and _SHA256.fullmatch(one) for one in images):
        return Problem(where, "images is no list of image_ids", "64 hex digits each")
    by, on = entry.get("by", ""), entry.get("on")
    if not isinstance(by, str) or not (on is None or isinstance(on, date)):
        return Problem(where, "by or on is wrong", 'by = "a name", on = 2026-11-21')
    text = entry.get("ruling")
    if text in {"both", "drop"}:
        return GroupRuling(tuple(sorted(set(images))), text, None, by, on)
    match = _CLASS.fullmatch(text) if isinstance(text, str) else None
    class_id = match.group(1).strip() if match else None
    if class_id is None or class_id not in set(class_map.class_ids):
        what = "ruling is missing or wrong" if class_id is None else f"there is no class {shorten(class_id)}"
        return Problem(where, what, '"class: <a class id of the map>", "both" or "drop"')
    return GroupRuling(tuple(sorted(set(images))), GroupDecision.CLASS, class_id, by, on)


def add_group_rulings(path: Path, rulings: Sequence[GroupRuling], signature: Signature) -> None:
    """Append rulings to the file, or make it; what stands there stays as it is.

    Raises:
        ConfigError: it cannot be read or written.
    """
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.parse(_HEAD)
        tables: Any = document.setdefault("groups", tomlkit.aot())
        for ruling in rulings:
            tables.append(_render(ruling, signature.list_facts()))
        with replace_file(Path(os.path.realpath(path))) as temporary:
            temporary.write_bytes(tomlkit.dumps(document).encode())
    except (OSError, ValueError) as error:
        raise ConfigError(Problem(str(path), f"cannot be written ({error})")) from None


def take_back_ruling(path: Path, by: str) -> tuple[str, ...]:
    """Take the last ruling of a person out of the file; what else stands there stays as it is.

    Returns:
        The pictures it was about; none where the person has no ruling there.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
        tables: Any = document.get("groups", [])
        places = [place for place, table in enumerate(tables) if table.get("by", "") == by]
        if not places:
            return ()
        images = tuple(map(str, tables[places[-1]].get("images", ())))
        del tables[places[-1]]
        with replace_file(Path(os.path.realpath(path))) as temporary:
            temporary.write_bytes(tomlkit.dumps(document).encode())
        return images
    except (OSError, ValueError) as error:
        raise ConfigError(Problem(str(path), f"cannot be written ({error})")) from None


def _render(ruling: GroupRuling, facts: Mapping[str, Any]) -> Any:
    table = tomlkit.table()
    images = tomlkit.array()
    images.extend(ruling.images)
    table.add("images", images.multiline(multiline=True))
    table.add("ruling", str(ruling))
    for key, value in facts.items():
        table.add(key, value)
    return table


def map_classes(rulings: Sequence[GroupRuling]) -> dict[str, str]:
    """Picture → the class that a person gave it; of several rulings about one picture the last counts."""
    last = {image_id: ruling for ruling in rulings for image_id in ruling.images}
    return {image_id: ruling.class_id for image_id, ruling in last.items() if ruling.class_id is not None}


def find_ruled(rulings: Sequence[GroupRuling], conflict_id: str) -> GroupRuling | None:
    """The last ruling on just the pictures a conflict was about."""
    return next((ruling for ruling in reversed(rulings) if make_conflict_id(ruling.images) == conflict_id), None)
