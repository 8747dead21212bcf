"""What people ruled on pictures that show the same and were settled differently: a TOML file that is replayed with every run.

    [[groups]]
    images = ["<sha256>", "<sha256>"]
    ruling = "class: nike"     # or "both" (each is right as it is), "drop" (leave the pictures out), "same", "not same"
    by = "Ann"
    on = 2026-11-21

A ruling names pictures by the hash of their bytes, so it holds in every workspace that has them.
"""

from __future__ import annotations

import hashlib
import itertools
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
from logoingest.named_files import explain_unreadable

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CLASS = re.compile(r"class:\s*(.+)", re.DOTALL)
_HEAD = "# What people ruled on pictures that show the same and were settled as different classes (docs/duplicates.md).\n"
_ID_DIGITS = 10
MOST_TOGETHER = 64
"""Pictures of which it can be said at once whether they show the same: each with each."""


class GroupDecision(StrEnum):
    """What a person makes of pictures that contradict each other."""

    CLASS = "class"
    """All show this class."""
    BOTH = "both"
    """Each is right as it is."""
    DROP = "drop"
    """They are left out."""
    SAME = "same"
    """They show the same: one group, whatever was found."""
    NOT_SAME = "not same"
    """No two of them show the same, however near: a group each. What each is labelled is right as it is."""


ABOUT_COPIES = frozenset({GroupDecision.SAME, GroupDecision.NOT_SAME})
"""Decisions on what belongs together; the others are on labels. Of each kind the last about some pictures counts."""


_PLAIN = frozenset(GroupDecision) - {GroupDecision.CLASS}


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
    def is_about_copies(self) -> bool:
        """It says what belongs together, not what is shown."""
        return self.decision in ABOUT_COPIES

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
        return parse_group_rulings(path.read_bytes(), str(path), class_map)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(explain_unreadable(path, error, "it is TOML in UTF-8")) from None


def parse_group_rulings(data: bytes, name: str, class_map: ClassMap) -> list[GroupRuling]:
    """The rulings of a file's content.

    Raises:
        ConfigError: it is no TOML, or an entry cannot be meant; all faults at once.
    """
    try:
        entries = tomllib.loads(data.decode()).get("groups", [])
    except ValueError as error:
        raise ConfigError(Problem(name, f"cannot be read ({error})", "it is TOML in UTF-8")) from None
    if not isinstance(entries, list):
        raise ConfigError(Problem(name, "groups is no list of tables", "an entry begins with [[groups]]"))
    found = [_read_entry(entry, f"{name}: groups[{number}]", class_map) for number, entry in enumerate(entries)]
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
    if isinstance(text, str) and text in _PLAIN:
        if text in ABOUT_COPIES and not 2 <= len(set(images)) <= MOST_TOGETHER:
            return Problem(where, f'"{text}" is about {len(set(images))} pictures', f"about 2 to {MOST_TOGETHER} it can be said")
        return GroupRuling(tuple(sorted(set(images))), GroupDecision(text), None, by, on)
    match = _CLASS.fullmatch(text) if isinstance(text, str) else None
    class_id = match.group(1).strip() if match else None
    if class_id is None or class_id not in set(class_map.class_ids):
        what = "ruling is missing or wrong" if class_id is None else f"there is no class {shorten(class_id)}"
        return Problem(where, what, '"class: <a class id of the map>", "both", "drop", "same" or "not same"')
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


def _render(ruling: GroupRuling, facts: Mapping[str, Any]) -> Any:
    table = tomlkit.table()
    images = tomlkit.array()
    images.extend(ruling.images)
    table.add("images", images.multiline(multiline=True))
    table.add("ruling", str(ruling))
    for key, value in facts.items():
        table.add(key, value)
    return table


def map_labels(rulings: Sequence[GroupRuling]) -> dict[str, GroupRuling]:
    """Picture → the last ruling on what it shows."""
    return {image_id: ruling for ruling in rulings if not ruling.is_about_copies for image_id in ruling.images}


def map_classes(rulings: Sequence[GroupRuling]) -> dict[str, str]:
    """Picture → the class that a person gave it; of several rulings about one picture the last counts."""
    return {image_id: ruling.class_id for image_id, ruling in map_labels(rulings).items() if ruling.class_id is not None}


def list_allowed(rulings: Sequence[GroupRuling]) -> list[GroupRuling]:
    """Rulings that each of their pictures is right as it is."""
    return [ruling for ruling in rulings if ruling.decision in {GroupDecision.BOTH, GroupDecision.NOT_SAME}]


def list_settled(rulings: Sequence[GroupRuling]) -> set[str]:
    """The pictures that a person gave a class or left out."""
    chosen = (ruling for ruling in rulings if ruling.decision in {GroupDecision.CLASS, GroupDecision.DROP})
    return {image_id for ruling in chosen for image_id in ruling.images}


def map_pairs(rulings: Sequence[GroupRuling]) -> dict[tuple[str, str], bool]:
    """Two pictures, the smaller id first → whether a person said that they show the same; the last who spoke of them counts."""
    return {
        pair: ruling.decision == GroupDecision.SAME
        for ruling in rulings
        if ruling.is_about_copies
        for pair in itertools.combinations(ruling.images, 2)
    }


def find_ruled(rulings: Sequence[GroupRuling], conflict_id: str, *, about_copies: bool = False) -> GroupRuling | None:
    """The last ruling on just the pictures a conflict was about: on what they show, or on whether they show the same."""
    chosen = (ruling for ruling in reversed(rulings) if ruling.is_about_copies == about_copies)
    return next((ruling for ruling in chosen if make_conflict_id(ruling.images) == conflict_id), None)
