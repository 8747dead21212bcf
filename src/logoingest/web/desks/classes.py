"""The classes of the map: how many pictures each has, how it is written, what lint says; and editing them, with lint at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
import tomlkit

from logoingest.config import Config
from logoingest.errors import UsageError
from logoingest.labels import ClassMap
from logoingest.labels.class_map.class_map import Spelling
from logoingest.labels.class_map.entries import add_pair
from logoingest.labels.class_map.removing import merge_class, remove_aliases
from logoingest.labels.class_map.writing import add_alias, load_document, require_class, write_document
from logoingest.labels.lint.findings import Finding
from logoingest.labels.lint.rules import lint_class_map
from logoingest.named_maps import place_map
from logoingest.web.desks.class_facts import INCLUDED, ConfusedClasses, read_alias_sources
from logoingest.web.desks.written import WrittenDesk
from logoingest.web.indexes.pictures import IndexedPictures, PictureIndex
from logoingest.workspace import Workspace

_MOST_SPELLING = 200
_MOST_SHOWN = 80


_Counts: TypeAlias = "tuple[Mapping[str, int], Mapping[str, Mapping[str, int]]]"


class ShownClass(NamedTuple):
    """A class of the map."""

    class_id: str
    """As declared."""
    name: str
    output: str | None
    """As it comes out; None where it is dropped."""
    pictures: int
    splits: Mapping[str, int]
    """Split → pictures."""
    aliases: Sequence[Spelling]
    sources: Sequence[str]
    """Where each alias comes from."""
    distinct_from: Sequence[str]
    confused: Sequence[tuple[str, int]]
    """Classes that people name for the same pictures, and for how many URLs."""


class ClassesPage(NamedTuple):
    """The classes, and what is wrong with the map."""

    classes: Sequence[ShownClass]
    findings: Sequence[Finding]
    path: str


class EditedClass(NamedTuple):
    """What came of an edit."""

    message: str
    is_done: bool
    findings: Sequence[str]
    """What lint says now that it did not say before, a line each."""


class Classes:
    """The class map of a dataset."""

    def __init__(self, config: Config, pictures: IndexedPictures, written: WrittenDesk) -> None:
        self._path = config.class_map_path
        self._pictures, self._written = pictures, written
        self._linted: tuple[tuple[str, int], Sequence[Finding], Mapping[tuple[str, str], str]] | None = None
        self._counted: tuple[PictureIndex, _Counts] | None = None
        self.confused = ConfusedClasses(Workspace(config.workspace_url))

    def list_classes(self, text: str = "") -> ClassesPage:
        """The classes whose id, name or spelling holds a text, those with most pictures first.

        Raises:
            ClassMapError: the map cannot be read.
        """
        class_map = ClassMap.load(self._path)
        counts, by_split = self._count()
        spellings: dict[str, list[Spelling]] = {class_id: [] for class_id in class_map.names}
        for spelling in class_map.spellings:
            if spelling.is_alias:
                spellings[spelling.class_id].append(spelling)
        apart: dict[str, list[str]] = {class_id: [] for class_id in class_map.names}
        for one, other in class_map.distinct_from:
            for class_id, text_apart in ((one, other), (other, one)):
                apart.get(class_id, []).append(text_apart)
        findings, sources = self._lint(class_map)
        confused = self.confused.read()
        shown = [
            ShownClass(
                class_id, name, output := class_map.outputs[class_id], counts.get(output or "", 0), by_split.get(output or "", {}),
                spellings[class_id], [sources.get((class_id, spelling.text), INCLUDED) for spelling in spellings[class_id]],
                apart[class_id], confused.get(output or "", ()),
            )
            for class_id, name in class_map.names.items()
        ]  # fmt: skip
        wanted = text.casefold()
        chosen = [one for one in shown if not wanted or any(wanted in word.casefold() for word in _list_words(one))]
        return ClassesPage(sorted(chosen, key=lambda one: (-one.pictures, one.class_id)), findings, str(self._path))

    def _lint(self, class_map: ClassMap) -> tuple[Sequence[Finding], Mapping[tuple[str, str], str]]:
        """What lint says of the map, and where its aliases come from; looked for once, until the map's file changes."""
        path = place_map(self._path, Path())
        stamp = (class_map.hash, path.stat().st_mtime_ns)
        if self._linted is None or self._linted[0] != stamp:
            self._linted = stamp, lint_class_map(self._path, None).findings, read_alias_sources(path)
        return self._linted[1], self._linted[2]

    def _count(self) -> _Counts:
        """Class that comes out → pictures, and the same by split; counted once, until the pictures change."""
        index = self._pictures.read()
        if self._counted is not None and self._counted[0] is index:
            return self._counted[1]
        counts, by_split = Counter[str](), dict[str, dict[str, int]]()
        splits = [*index.splits, "none"]  # a place of -1 is the last one
        settled = index.class_of >= 0
        pairs = index.class_of[settled].astype(np.int64) * len(splits) + index.split_of[settled] % len(splits)
        numbers = np.bincount(pairs, minlength=len(index.classes) * len(splits)).reshape(-1, len(splits))
        for class_code, split_code in np.argwhere(numbers).tolist():
            class_id, number = index.classes[class_code], int(numbers[class_code, split_code])
            counts[class_id] += number
            by_split.setdefault(class_id, {})[splits[split_code]] = number
        self._counted = index, (counts, by_split)
        return counts, by_split

    def edit(self, by: str, class_id: str, text: str) -> EditedClass:
        """Change a class: ``alias: TEXT``, ``remove: ALIAS``, ``name: TEXT``, ``not: CLASS``, or ``merge: CLASS`` (it comes out as that one).

        Raises:
            ClassMapError: the map would not be sound; nothing is written.
            UsageError: the edit cannot be meant.
        """
        kind, _, said = (part.strip() for part in text.partition(":"))
        with self._written.record(by, "classes", f"{class_id}: {kind} {said[:_MOST_SHOWN]}"):
            class_map = ClassMap.load(self._path)
            if class_id not in class_map.names or not said or len(said) > _MOST_SPELLING:
                raise UsageError("an edit is about a class of the map, and says something")
            if kind in {"not", "merge"} and (said not in class_map.names or said == class_id):
                raise UsageError(f"{kind}: takes the id of another class")
            before = {_describe(finding) for finding in lint_class_map(self._path, None).findings}
            document = load_document(self._path)
            document = _edit(document, kind, class_id, said, by)
            write_document(self._path, document)
            after = [_describe(finding) for finding in lint_class_map(self._path, None).findings]
        return EditedClass(f"{class_id}: {kind} {said}", is_done=True, findings=[one for one in after if one not in before])


def _edit(document: tomlkit.TOMLDocument, kind: str, class_id: str, said: str, by: str) -> tomlkit.TOMLDocument:
    match kind:
        case "alias":
            if not add_alias(document, class_id, said, by=by, on=date.today()):  # noqa: DTZ011  the day where the person sits
                raise UsageError("the class has this alias")
        case "remove":
            if not remove_aliases(document, class_id, lambda text: text == said):
                raise UsageError("the class has no such alias in this file; what an include brings along stays there")
        case "name":
            require_class(document, class_id)["name"] = said
        case "not":
            return add_pair(document, class_id, said)
        case "merge":
            merge_class(document, class_id, said)
        case _:
            raise UsageError("an edit begins with alias:, remove:, name:, not: or merge:")
    return document


def _list_words(one: ShownClass) -> list[str]:
    return [one.class_id, one.name, *(spelling.text for spelling in one.aliases)]


def _describe(finding: Finding) -> str:
    return f"{finding.severity}: {finding.what}; {finding.suggestion}"
