"""A class map and what it includes, as files with line numbers; faulty entries are told and left out, the rest is still read."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from logoingest.errors import ClassMapError, Problem
from logoingest.labels.class_map.map_file import ANY_LANGUAGE, MapForm, read_form
from logoingest.labels.lint.findings import Finding
from logoingest.labels.lint.lines import Spot, find_lines, find_place, list_line_numbers
from logoingest.labels.text.fold import Folded, fold
from logoingest.named_files import explain_unreadable
from logoingest.named_maps import place_map

_MAX_DEPTH = 8
_MAX_FILES = 200
_TOML_LINE = re.compile(r"\(at line (\d+)")
_SUBSTRING_KEYS = frozenset(
    (
        "contains", "contain", "substring", "substrings", "substitute", "substitutions", "replace", "replacements", "regex", "regexes", "regexp", "pattern",
        "patterns", "match", "matches", "glob", "globs", "wildcard", "wildcards", "starts_with", "startswith", "ends_with", "endswith", "includes", "rules",
        "if", "when", "partial",
    )
)  # fmt: skip
_NO_SUBSTRINGS = "list whole spellings as aliases, or declare an ending as [[affixes]]"


@dataclass(slots=True)
class MapLayer:
    """One file of a chain of includes."""

    name: str
    """Its path as people would write it."""
    short: str
    """As the class map's own messages call it."""
    root: Spot
    form: MapForm
    places: Mapping[str, int] = field(default_factory=dict)
    listed: Sequence[tuple[str, int]] = ()
    """Class ids of its classes_file, each with its line there."""
    listed_name: str = ""

    def line(self, *path: str | int) -> int:
        """The line of the longest beginning of a path that is there."""
        for length in range(len(path), 0, -1):
            if (spot := self.root.find(*path[:length])) is not None:
                return spot.line
        return 1

    def find_word(self, path: Sequence[str], language: str, index: int) -> int:
        """The line of an item of a list that may be one list or one per language."""
        spot = self.root.find(*path)
        is_list = spot is not None and isinstance(spot.inside, list)
        return self.line(*path, *(() if is_list else (language,)), index)


@dataclass(frozen=True)
class Claim:
    """A spelling of a class, and where it is declared."""

    text: str
    class_id: str
    folded: Folded
    file: str
    line: int
    depth: int
    """Which layer; a later one wins."""
    is_alias: bool
    language: str = ANY_LANGUAGE
    is_exact: bool = False

    @property
    def where(self) -> str:
        """``map.toml:12``."""
        return f"{self.file}:{self.line}"

    @property
    def key(self) -> str:
        """What it is compared by once spaces and punctuation are left out."""
        return self.folded.joined if self.folded.is_latin else self.folded.plain.replace(" ", "")


@dataclass(slots=True)
class Chain:
    """A class map with its includes, in the order in which they win; and what is wrong with the files themselves."""

    layers: list[MapLayer] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def list_aliases(self) -> Iterator[Claim]:
        """Every alias of every file."""
        for depth, layer in enumerate(self.layers):
            for class_id, form in layer.form.classes.items():
                for language, aliases in form.aliases.items():
                    for index, alias in enumerate(aliases):
                        line = layer.find_word(("classes", class_id, "aliases"), language, index)
                        yield Claim(alias.text, class_id, fold(alias.text), layer.name, line, depth, True, language, alias.exact)

    def list_names(self) -> list[Claim]:
        """The display name of every class, where it was said last."""
        names: dict[str, Claim] = {}
        for depth, layer in enumerate(self.layers):
            for class_id, line in layer.listed:
                names.setdefault(class_id, Claim(class_id, class_id, fold(class_id), layer.listed_name, line, depth, False))
            for class_id, form in layer.form.classes.items():
                if form.name is not None or class_id not in names:
                    name = form.name or class_id
                    line = layer.line("classes", class_id, "name")
                    names[class_id] = Claim(name, class_id, fold(name), layer.name, line, depth, False)
        return [names[class_id] for class_id in sorted(names)]

    def locate(self, problem: Problem) -> Finding:
        """A fault the class map itself found, with file and line."""
        short, _, place = problem.where.partition(": ")
        layers = sorted(self.layers, key=lambda layer: layer.short != short)
        for layer in layers:
            if (line := find_place(layer.places, place)) is not None:
                return Finding("form", layer.name, line, f"{place}: {problem.what}", problem.hint)
        name = layers[0].name if layers else short
        return Finding("form", name, 1, str(Problem(place, problem.what)), problem.hint)


def read_chain(path: str | os.PathLike[str]) -> Chain:
    """Read a map and its includes; raises nothing, every fault is a finding."""
    chain = Chain()
    _read_placed(path, Path(), chain, (), (os.fspath(path), 1))
    chain.findings = list(dict.fromkeys(chain.findings))
    return chain


def _read_placed(
    text: str | os.PathLike[str], folder: Path, chain: Chain, trail: Sequence[Path], asked_by: tuple[str, int]
) -> None:
    """A map by name or path."""
    try:
        _read_layer(place_map(text, folder), chain, trail, asked_by)
    except ClassMapError as error:
        chain.findings += [
            Finding("unreadable", *asked_by, f"{problem.where}: {problem.what}", problem.hint) for problem in error.problems
        ]


def _read_layer(file: Path, chain: Chain, trail: Sequence[Path], asked_by: tuple[str, int]) -> None:
    name, line = asked_by
    text = _read_text(file, chain, name, line)
    if text is None:
        return
    resolved = Path(os.path.realpath(file))
    if resolved in trail:
        circle = " → ".join(known.name for known in (*trail, resolved))
        chain.findings.append(Finding("unreadable", name, line, f"{file.name} includes itself: {circle}", "take one include out"))
        return
    if len(trail) >= _MAX_DEPTH or len(chain.layers) >= _MAX_FILES:
        chain.findings.append(Finding("unreadable", name, line, "includes are nested too deep", "include the packs directly"))
        return
    layer = _read_form(text, str(file), file.name, chain)
    if layer is None:
        return
    for index, included in enumerate(layer.form.include):
        _read_placed(included, file.parent, chain, (*trail, resolved), (layer.name, layer.line("include", index)))
    if layer.form.classes_file is not None:
        listed = file.parent / layer.form.classes_file
        lines = _read_text(listed, chain, layer.name, layer.line("classes_file")) or ""
        layer.listed = [(row.strip(), number) for number, row in enumerate(lines.splitlines(), 1) if row.strip()]
        layer.listed_name = str(listed)
    chain.layers.append(layer)


def _read_text(file: Path, chain: Chain, name: str, line: int) -> str | None:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        found = explain_unreadable(file, error, "a class map is a UTF-8 TOML file")
    what = found.what if name == found.where else f"{found.where}: {found.what}"
    chain.findings.append(Finding("unreadable", name, line, what, found.hint))
    return None


def _read_form(text: str, name: str, short: str, chain: Chain) -> MapLayer | None:
    """The file without its faulty entries, which are told."""
    form, problems = read_form(text, short)
    try:
        data = tomllib.loads(text)
        root = find_lines(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        chain.findings += [_describe_invalid(problem, name, text) for problem in problems]
        return None
    places = list_line_numbers(root)
    if form is None:
        layer = MapLayer(name, short, root, MapForm(), places)
        chain.findings += [_describe_fault(layer, problem) for problem in problems]
        form = _validate_rest(data, root)
    return MapLayer(name, short, root, form, places)


def _describe_invalid(problem: Problem, name: str, text: str) -> Finding:
    found = _TOML_LINE.search(problem.what)
    line = int(found.group(1)) if found else max(1, len(text.splitlines()))
    return Finding("unreadable", name, line, problem.what, problem.hint or "mend the TOML: see https://toml.io")


def _describe_fault(layer: MapLayer, problem: Problem) -> Finding:
    place = problem.where.partition(": ")[2]
    line = find_place(layer.places, place) or 1
    key = place.rpartition(".")[2]
    if problem.what == "unknown key" and key.lower() in _SUBSTRING_KEYS:
        return Finding("substring-rule", layer.name, line, f"{place}: there are no substring rules", _NO_SUBSTRINGS)
    return Finding("form", layer.name, line, f"{place}: {problem.what}", problem.hint or "see docs/class-maps.md")


def _validate_rest(data: dict[str, Any], root: Spot) -> MapForm:
    """The form of what is left when everything faulty is taken out, of the data and of the lines alike."""
    while True:
        try:
            return MapForm.model_validate(data)
        except ValidationError as error:
            paths = {_walk_as_far(data, fault["loc"]) for fault in error.errors()}
        taken = [_take_out(data, root, path) for path in sorted(paths, key=_order, reverse=True) if path]
        if not any(taken):
            return MapForm()


def _walk_as_far(data: Any, location: Sequence[str | int]) -> tuple[str | int, ...]:
    """The part of a fault's location that is there (pydantic adds keys that spreading a list put in)."""
    path: list[str | int] = []
    node = data
    for part in location:
        if _has(node, part):
            path.append(part)
            node = node[part]
    return tuple(path)


def _order(path: Sequence[str | int]) -> list[tuple[int, int, str]]:
    return [(0, part, "") if isinstance(part, int) else (1, 0, part) for part in path]


def _take_out(data: Any, root: Spot, path: Sequence[str | int]) -> bool:
    """Whether there was something to take out."""
    for part in path[:-1]:
        child = root.find(part)
        if child is None or not _has(data, part):
            return False  # taken out with what it stood in
        data, root = data[part], child
    if not _has(data, path[-1]) or root.inside is None:
        return False
    del data[path[-1]]
    del root.inside[path[-1]]  # type: ignore[arg-type]
    return True


def _has(data: Any, part: str | int) -> bool:
    return part in data if isinstance(data, dict) else isinstance(data, list) and isinstance(part, int) and part < len(data)
