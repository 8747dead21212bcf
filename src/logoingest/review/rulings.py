"""Rulings: what a person decides about an answer, as they write it in a cell or type it in a terminal.

Nike, class: Nike     the class, by id or by name
1 to 9                the candidate with that number
new: Fanta            a class that the map does not have yet
noise                 all of it is noise words; noise: WORD only that word of it
ignore                it means "no label"
drop                  it is worth nothing: never count it, here or in new data
override: Nike        only the annotations that are there today; override: drop throws only those away
not: Nike             it is not this class, however near (distinct_from); what it is stays open
skip, or nothing      left open
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from rapidfuzz import fuzz, process

from logoingest.errors import Problem
from logoingest.labels.class_map.class_map import ClassMap
from logoingest.labels.text.fold import fold
from logoingest.labels.text.quoting import shorten

_PREFIXED = re.compile(r"(class|new|noise|override|not)\s*[:：]\s*(.*)", re.IGNORECASE | re.DOTALL)
_NEAR_ENOUGH = 60.0
_MAX_NAME = 200
FORMS = "a class, 1 to 9, new: NAME, noise, ignore, drop, override: CLASS, not: CLASS, skip"
"""What can be written, for messages."""


class Action(StrEnum):
    """What becomes of an answer."""

    CLASS = "class"
    NEW = "new"
    NOISE = "noise"
    IGNORE = "ignore"
    DROP = "drop"
    OVERRIDE = "override"
    OVERRIDE_DROP = "override drop"
    NOT = "not"


class RuledMeaning(NamedTuple):
    """A ruling without its answer: what to do, and the class (declared id), new name or word it is about."""

    action: Action
    target: str = ""

    def __str__(self) -> str:
        """As it can be written again."""
        if self.action is Action.OVERRIDE_DROP:
            return "override: drop"
        if self.action is Action.OVERRIDE and self.target.casefold() == "drop":
            return f"override: class: {self.target}"
        return f"{self.action}: {self.target}" if self.target else str(self.action)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A person's decision on one answer."""

    raw_label: str
    meaning: RuledMeaning
    where: str = ""
    """The place it was written (``review.csv: row 7``), for messages."""


class Undoing(NamedTuple):
    """What is taken back of a class map before rulings are written."""

    aliases: Mapping[str, Sequence[str]] = {}
    """Class that comes out → answers whose aliases are not its."""
    merged: Mapping[str, str] = {}
    """Class → the class that it comes out as, both as declared."""


@dataclass(frozen=True, eq=False)
class ClassFinder:
    """The classes of a map by what people call them."""

    class_map: ClassMap

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[str]]:
        """Folded id, name or id that comes out → declared classes."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for class_id, name in self.class_map.names.items():
            for text in (class_id, name, self.class_map.outputs[class_id]):
                if text:
                    found[fold(text).text][class_id] = None
        return {text: list(class_ids) for text, class_ids in found.items()}

    @cached_property
    def _by_key(self) -> Mapping[str, Sequence[str]]:
        """Folded spelling of any kind → declared classes, for the search."""
        found: dict[str, dict[str, None]] = defaultdict(dict)
        for text, class_ids in self._by_name.items():
            found[text].update(dict.fromkeys(class_ids))
        for spelling in self.class_map.spellings:
            found[fold(spelling.text).text][spelling.class_id] = None
        return {text: list(class_ids) for text, class_ids in found.items()}

    def find(self, text: str) -> str | Problem:
        """The declared id of a class given by id or name (case and accents apart); else what is wrong, with "did you mean"."""
        text = text.strip()
        if text in self.class_map.names:
            return text
        found = self._by_name.get(fold(text).text, ())
        if len(found) == 1:
            return found[0]
        if found:
            return Problem("", f"{shorten(text)} may be {' or '.join(map(shorten, sorted(found)))}", "write the class id")
        near = [self.class_map.names[class_id] for class_id in self.search(text, 3)]
        hint = f"did you mean {' or '.join(map(shorten, near))}? " if near else ""
        return Problem("", f"there is no class {shorten(text)}", f"{hint}a new class is written new: NAME")

    def knows(self, text: str) -> bool:
        """Some class is called so."""
        return fold(text).text in self._by_name

    def search(self, query: str, limit: int = 9) -> list[str]:
        """Declared classes for what was typed so far: those that begin so, then those that contain it, then those that are near."""
        wanted = fold(query).text
        if not wanted:
            return list(self.class_map.names)[:limit]
        begins = [key for key in self._by_key if key.startswith(wanted)]
        contains = [key for key in self._by_key if wanted in key and not key.startswith(wanted)]
        ranked = [*sorted(begins, key=lambda key: (len(key), key)), *sorted(contains, key=lambda key: (len(key), key))]
        if len(ranked) < limit:
            near = process.extract(wanted, list(self._by_key), scorer=fuzz.ratio, limit=4 * limit, score_cutoff=_NEAR_ENOUGH)
            ranked += [key for key, _, _ in near]
        return list(dict.fromkeys(class_id for key in ranked for class_id in self._by_key[key]))[:limit]


def read_meaning(
    text: str, candidates: Sequence[str], finder: ClassFinder, made: Mapping[str, str] | None = None
) -> RuledMeaning | Problem | None:
    """What a person wrote; None where the answer is left open.

    Args:
        text: a cell, or a line.
        candidates: class ids that 1, 2, 3 … stand for.
        finder: the classes there are.
        made: classes that other rulings make: folded name → name.

    Returns:
        The meaning, or what is wrong with the text (its place is the caller's to add).
    """
    text, made = text.strip(), made or {}
    word = " ".join(text.casefold().split())
    if word in {"", "skip"}:
        return None
    if word in {"noise", "ignore", "drop"}:
        return RuledMeaning(Action(word))
    if word.isdecimal():
        return _pick_candidate(int(word[:9]), candidates, finder)
    prefixed = _PREFIXED.fullmatch(text)
    if prefixed is None:
        return _with_class(Action.CLASS, text, finder, made)
    kind, rest = prefixed.group(1).lower(), prefixed.group(2).strip()
    if not rest:
        return Problem("", f"{kind}: names nothing", f"known: {FORMS}")
    if kind == "new":
        return _name_class(rest, finder, made)
    if kind == "noise":
        return RuledMeaning(Action.NOISE, rest) if fold(rest).plain else Problem("", f"{shorten(rest)} is no word")
    if kind == "override" and rest.casefold() == "drop":
        return RuledMeaning(Action.OVERRIDE_DROP)
    if kind == "override" and rest.isdecimal():
        picked = _pick_candidate(int(rest[:9]), candidates, finder)
        return picked if isinstance(picked, Problem) else RuledMeaning(Action.OVERRIDE, picked.target)
    if kind == "override" and (inner := _PREFIXED.fullmatch(rest)) and inner.group(1).lower() == "class":
        rest = inner.group(2)
    return _with_class(Action(kind), rest, finder, made)


def list_made(texts: Iterable[str]) -> dict[str, str]:
    """Classes that texts make (``new: Fanta``): folded name → name, the first spelling of each."""
    made: dict[str, str] = {}
    for text in texts:
        prefixed = _PREFIXED.fullmatch(text.strip())
        if prefixed and prefixed.group(1).lower() == "new":
            name = " ".join(prefixed.group(2).split())
            made.setdefault(fold(name).text, name)
    return made


def _pick_candidate(number: int, candidates: Sequence[str], finder: ClassFinder) -> RuledMeaning | Problem:
    if not 1 <= number <= len(candidates):
        there = f"there are {len(candidates)}" if candidates else "there is none"
        return Problem(
            "", f"there is no candidate {number}", f"{there}; a class that is called {number} is written class: {number}"
        )
    found = finder.find(candidates[number - 1])
    return found if isinstance(found, Problem) else RuledMeaning(Action.CLASS, found)


def _with_class(action: Action, text: str, finder: ClassFinder, made: Mapping[str, str]) -> RuledMeaning | Problem:
    found = finder.find(text)
    if isinstance(found, Problem) and action is Action.CLASS and fold(text).text in made:
        return _name_class(made[fold(text).text], finder, made)
    return found if isinstance(found, Problem) else RuledMeaning(action, found)


def _name_class(name: str, finder: ClassFinder, made: Mapping[str, str]) -> RuledMeaning | Problem:
    """A new class; the one that is there where somebody made it meanwhile."""
    found = finder.find(name)
    if not isinstance(found, Problem):
        return RuledMeaning(Action.CLASS, found)
    if finder.knows(name):
        return found  # more than one class is called so
    name, folded = " ".join(name.split()), fold(name)
    if not name.isprintable() or len(name) > _MAX_NAME or folded.is_cut or folded.is_reversed or not folded.plain:
        rule = f"1 to {_MAX_NAME} printable characters, a letter or digit among them"
        return Problem("", f"{shorten(name)} cannot be a class's name", rule)
    return RuledMeaning(Action.NEW, made.get(folded.text, name))
