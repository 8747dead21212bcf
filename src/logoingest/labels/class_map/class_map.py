"""The class map: classes, their spellings, and what else decides, read from TOML and resolved over its includes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from logoingest.errors import ClassMapError, Problem, suggest_name
from logoingest.labels.class_map.map_file import AffixForm, MapForm, OverrideForm, Thresholds, place_alias, read_form
from logoingest.labels.class_map.word_lists import WordList, gather_words, list_words
from logoingest.labels.text.fold import fold
from logoingest.labels.text.words import SEPARATORS
from logoingest.named_files import explain_unreadable
from logoingest.named_maps import is_named, place_map

_MAX_INCLUDES = 8


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way a class is written."""

    text: str
    class_id: str
    """As declared, before merge, rename and drop."""
    is_alias: bool
    """A declared alias; else the class's display name."""
    language: str = "any"
    is_exact: bool = False
    """Counts only as the whole answer, never fuzzily."""


class OverrideKey(NamedTuple):
    """What an override is about: an annotation (or source) id, or a URL, perhaps of one worker."""

    annotation: str | None
    url: str | None
    worker: str | None


class _Layer(NamedTuple):
    """One file of a map and its includes; a later layer wins."""

    name: str
    form: MapForm
    listed: Sequence[str]
    """Class ids of its classes_file."""
    files: Sequence[Path] = ()
    """What was read of it: itself and that."""


@dataclass(frozen=True, eq=False)
class ClassMap:
    """A resolved class map. Equal meaning gives an equal ``hash``, whatever the comments and the order in the file."""

    title: str
    """The file's name, for messages."""
    path: Path | None
    names: Mapping[str, str]
    """Declared class id → display name, sorted by id."""
    spellings: Sequence[Spelling]
    """Every declared alias and display name, sorted."""
    noise_words: Sequence[str]
    no_label: Sequence[str]
    separators: Sequence[str]
    distinct_from: Sequence[tuple[str, str]]
    thresholds: Thresholds
    affixes: Sequence[AffixForm]
    overrides: Mapping[OverrideKey, OverrideForm]
    outputs: Mapping[str, str | None]
    """Declared class id → the id that comes out; None where the class is dropped."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Class → the class it is part of."""
    word_lists: Sequence[WordList] = ()
    """Where ``noise_words`` and ``no_label`` come from."""
    files: Sequence[Path] = ()
    """What it was read from: itself, what it includes, their lists of classes."""

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ClassMap:
        """Read a class map, by path or name (``logoingest:litw``), and what it includes.

        Raises:
            ClassMapError: a file cannot be read, or anything in it is wrong; all faults at once.
        """
        file = place_map(path, Path())
        problems: list[Problem] = []
        layers = _read_layers(file, problems, ())
        return _resolve(layers, file.name, file, problems)

    @classmethod
    def from_toml(cls, text: str, name: str = "class map", base_dir: str | os.PathLike[str] | None = None) -> ClassMap:
        """A class map from TOML text; ``include`` of a path and ``classes_file`` need ``base_dir``.

        Raises:
            ClassMapError: anything in it is wrong; all faults at once.
        """
        problems: list[Problem] = []
        layers = _read_text(text, name, None if base_dir is None else Path(base_dir), problems, ())
        return _resolve(layers, name, None, problems)

    @cached_property
    def class_ids(self) -> Sequence[str]:
        """The ids that can come out, sorted: merged and renamed, without the dropped ones."""
        return tuple(sorted({out for out in self.outputs.values() if out is not None}))

    @cached_property
    def sources(self) -> Mapping[str, str]:
        """Id that comes out → the class to declare its spellings of: of the same id where there is one."""
        pairs = sorted(self.outputs.items(), key=lambda pair: (pair[0] != pair[1], pair[0]), reverse=True)  # the last one counts
        return {out: declared for declared, out in pairs if out is not None}

    @cached_property
    def hash(self) -> str:
        """sha256 of the map's meaning: independent of comments, order in the file, and where aliases are included from."""
        meaning = {
            "names": sorted(self.names.items()),
            "spellings": [(s.text, s.class_id, s.is_alias, s.is_exact) for s in self.spellings],
            "noise_words": sorted(self.noise_words),
            "no_label": sorted(self.no_label),
            "separators": list(self.separators),
            "distinct_from": sorted(sorted(pair) for pair in self.distinct_from),
            "thresholds": self.thresholds.model_dump(),
            "affixes": [rule.model_dump() for rule in self.affixes],
            "overrides": sorted(
                (json.dumps(key), override.class_id or "", override.drop) for key, override in self.overrides.items()
            ),
            "outputs": sorted(self.outputs.items()),
            "parts": sorted(self.parts.items()),
        }
        return hashlib.sha256(json.dumps(meaning, sort_keys=True, ensure_ascii=True).encode()).hexdigest()

    def name(self, class_id: str) -> str:
        """Display name of a class that can come out; the id where a merge or rename made it up.

        Raises:
            KeyError: there is no such class.
        """
        if class_id in self.names:
            return self.names[class_id]
        if class_id not in self.class_ids:
            raise KeyError(class_id)
        sources = [declared for declared, out in self.outputs.items() if out == class_id]
        return self.names[sources[0]] if len(sources) == 1 else class_id


def _read_layers(file: Path, problems: list[Problem], trail: Sequence[Path]) -> list[_Layer]:
    text = _read_file(file, problems, "a class map is a UTF-8 TOML file")
    if text is None:
        return []
    resolved = Path(os.path.realpath(file))
    if resolved in trail or len(trail) >= _MAX_INCLUDES:
        problems.append(
            Problem(str(file), "includes itself" if resolved in trail else f"is included more than {_MAX_INCLUDES} deep")
        )
        return []
    return _read_text(text, file.name, file.parent, problems, (*trail, resolved))


def _read_file(file: Path, problems: list[Problem], hint: str) -> str | None:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        problems.append(explain_unreadable(file, error, hint))
    return None


def _read_text(text: str, name: str, folder: Path | None, problems: list[Problem], trail: Sequence[Path]) -> list[_Layer]:
    form, faults = read_form(text, name)
    problems += faults
    if form is None:
        return []
    if folder is None and (form.classes_file is not None or not all(map(is_named, form.include))):
        problems.append(Problem(name, "include and classes_file need a folder to be relative to", "load the map from a file"))
        return []
    layers: list[_Layer] = []
    for included in form.include:
        try:
            layers += _read_layers(place_map(included, folder or Path()), problems, trail)
        except ClassMapError as error:
            problems += error.problems
    listed: list[str] = []
    files = list(trail[-1:])
    if folder is not None and form.classes_file is not None:
        files.append(folder / form.classes_file)
        lines = _read_file(files[-1], problems, "a classes file is UTF-8 text, a class id a line") or ""
        listed = [line.strip() for line in lines.splitlines() if line.strip()]
    return [*layers, _Layer(name, form, listed, files)]


def _resolve(layers: Sequence[_Layer], name: str, path: Path | None, problems: list[Problem]) -> ClassMap:
    if problems:
        raise ClassMapError(problems)
    names = _gather_names(layers)
    if not names:
        problems.append(Problem(name, "has no classes", 'for example: [classes.nike] name = "Nike", aliases = ["nike swoosh"]'))
    spellings = _gather_spellings(layers, names, problems)
    parts = _gather_parts(layers, names, problems)
    overrides = _gather_overrides(layers, names, problems)
    outputs = _resolve_outputs(layers, names, parts, problems)
    _check_no_label(layers, spellings, problems)
    if problems:
        raise ClassMapError(problems)
    separators = [layer.form.separators for layer in layers if layer.form.separators is not None]
    words = list_words([(layer.name, layer.form) for layer in layers], {fold(spelling.text).text for spelling in spellings})
    return ClassMap(
        title=name,
        path=path,
        names=names,
        spellings=_add_output_names(spellings, outputs),
        noise_words=gather_words(words, "noise_words"),
        no_label=gather_words(words, "no_label"),
        separators=separators[-1] if separators else tuple(SEPARATORS),
        distinct_from=tuple(dict.fromkeys(pair for layer in layers for pair in layer.form.distinct_from)),
        thresholds=Thresholds.model_validate(
            {key: value for layer in layers for key, value in layer.form.thresholds.model_dump(exclude_unset=True).items()}
        ),
        affixes=_gather_affixes(layers),
        overrides=overrides,
        outputs=outputs,
        parts=parts,
        word_lists=words,
        files=tuple(dict.fromkeys(file for layer in layers for file in layer.files)),
    )


def _gather_affixes(layers: Sequence[_Layer]) -> Sequence[AffixForm]:
    rules = {(rule.prefix, rule.suffix): rule for layer in layers for rule in layer.form.affixes}
    longest_first = sorted(rules, key=lambda key: (-len(key[0] or key[1] or ""), key[0] or "", key[1] or ""))
    return tuple(rules[key] for key in longest_first)


def _gather_names(layers: Sequence[_Layer]) -> dict[str, str]:
    names: dict[str, str] = {}
    for layer in layers:
        for class_id in layer.listed:
            names.setdefault(class_id, class_id)
        for class_id, form in layer.form.classes.items():
            names[class_id] = form.name or names.get(class_id, class_id)
    return dict(sorted(names.items()))


def _iterate_aliases(layer: _Layer) -> Iterator[tuple[str, Spelling]]:
    """Yields (place in the file, spelling)."""
    for class_id, form in layer.form.classes.items():
        for language, aliases in form.aliases.items():
            for index, alias in enumerate(aliases):
                yield place_alias(class_id, language, index), Spelling(alias.text, class_id, True, language, alias.exact)


def _gather_spellings(layers: Sequence[_Layer], names: Mapping[str, str], problems: list[Problem]) -> Sequence[Spelling]:
    claimed: dict[str, tuple[int, str, Spelling]] = {}
    texts: dict[str, Spelling] = {}
    for depth, layer in enumerate(layers):
        for place, spelling in _iterate_aliases(layer):
            key = fold(spelling.text).text
            earlier = claimed.get(key)
            if earlier and earlier[0] == depth and earlier[2].class_id != spelling.class_id:
                what = f"the alias {json.dumps(spelling.text, ensure_ascii=False)} is claimed by {earlier[1]} as well"
                problems.append(Problem(f"{layer.name}: {place}", what, "an alias means one class: take it out of one of them"))
                continue
            if earlier and earlier[2].class_id != spelling.class_id:  # a map on top takes the spelling over
                texts = {text: known for text, known in texts.items() if fold(known.text).text != key}
            claimed[key] = (depth, place, spelling)
            texts[spelling.text] = spelling
    own_names = [Spelling(name, class_id, False) for class_id, name in names.items()]
    return tuple(sorted([*texts.values(), *own_names], key=lambda s: (s.class_id, not s.is_alias, s.text)))


def _add_output_names(spellings: Sequence[Spelling], outputs: Mapping[str, str | None]) -> Sequence[Spelling]:
    """An id that merge or rename made up is a spelling too, unless something else is written so: what comes out goes in again."""
    taken = {fold(spelling.text).text for spelling in spellings}
    made_up = {out: declared for declared, out in sorted(outputs.items(), reverse=True) if out is not None and out not in outputs}
    own = [Spelling(out, declared, False) for out, declared in made_up.items() if fold(out).text not in taken]
    return tuple(sorted([*spellings, *own], key=lambda s: (s.class_id, not s.is_alias, s.text))) if own else spellings


def _gather_parts(layers: Sequence[_Layer], names: Mapping[str, str], problems: list[Problem]) -> dict[str, str]:
    parts: dict[str, str] = {}
    for layer in layers:
        for class_id, form in layer.form.classes.items():
            if form.part_of is not None:
                parts[class_id] = form.part_of
                _check_known(form.part_of, names, f"{layer.name}: classes.{class_id}.part_of", problems)
    for class_id in parts:
        seen = [class_id]
        while (above := parts.get(seen[-1])) is not None:
            if above in seen:
                problems.append(
                    Problem(
                        f"{layers[-1].name}: classes.{class_id}.part_of", f"goes round in a circle: {' → '.join([*seen, above])}"
                    )
                )
                return {}
            seen.append(above)
    return dict(sorted(parts.items()))


def _gather_overrides(
    layers: Sequence[_Layer], names: Mapping[str, str], problems: list[Problem]
) -> dict[OverrideKey, OverrideForm]:
    overrides: dict[OverrideKey, OverrideForm] = {}
    for layer in layers:
        own: dict[OverrideKey, str] = {}
        for place, form in _iterate_overrides(layer):
            key = OverrideKey(form.annotation, form.url, form.worker)
            if key in own:
                problems.append(Problem(f"{layer.name}: {place}", f"says again what {own[key]} says"))
            own[key] = place
            overrides[key] = form
        for place, class_id in _iterate_override_classes(layer):
            _check_known(class_id, names, f"{layer.name}: {place}", problems)
    return overrides


def _iterate_overrides(layer: _Layer) -> Iterator[tuple[str, OverrideForm]]:
    """Yields (place in the file, an override of one annotation or URL)."""
    for index, form in enumerate(layer.form.overrides):
        for place, single in form.list_single():
            yield f"overrides[{index}]{place}", single


def _iterate_override_classes(layer: _Layer) -> Iterator[tuple[str, str]]:
    """Yields (place in the file, class id)."""
    for index, form in enumerate(layer.form.overrides):
        if form.class_id is not None:
            yield f"overrides[{index}].class", form.class_id
        for class_id in form.classes:
            yield f"overrides[{index}].classes.{class_id}", class_id


def _resolve_outputs(
    layers: Sequence[_Layer], names: Mapping[str, str], parts: Mapping[str, str], problems: list[Problem]
) -> dict[str, str | None]:
    level = "own"
    merge: dict[str, str] = {}
    rename: dict[str, str] = {}
    drop: set[str] = set()
    for layer in layers:
        output = layer.form.output
        level = output.level if "level" in output.model_fields_set else level
        for target, sources in output.merge.items():
            for index, source in enumerate(sources):
                place = f"{layer.name}: output.merge.{target}[{index}]"
                _check_known(source, names, place, problems)
                if merge.get(source, target) != target:
                    problems.append(Problem(place, f"{source!r} is merged into {merge[source]!r} already"))
                merge[source] = target
        known = {*names, *merge.values()}
        for source in (*output.rename, *output.drop):
            place = f"{layer.name}: output.{'rename' if source in output.rename else 'drop'}"
            _check_known(source, dict.fromkeys(known, ""), place, problems)
        rename.update(output.rename)
        drop.update(output.drop)
    outputs: dict[str, str | None] = {}
    for declared in names:
        class_id = declared
        while level == "top" and class_id in parts:
            class_id = parts[class_id]
        merged = merge.get(class_id, class_id)
        dropped = declared in drop or class_id in drop or merged in drop
        outputs[declared] = None if dropped else rename.get(merged, merged)
    return outputs


def _check_no_label(layers: Sequence[_Layer], spellings: Sequence[Spelling], problems: list[Problem]) -> None:
    aliases = {fold(spelling.text).text: spelling for spelling in spellings if spelling.is_alias}
    for layer in layers:
        for language, words in (layer.form.no_label or {}).items():
            for index, word in enumerate(words):
                taken = aliases.get(fold(word).text)
                if taken is not None:
                    place = f"{layer.name}: no_label{'' if language == 'any' else '.' + language}[{index}]"
                    problems.append(
                        Problem(place, f"{json.dumps(word, ensure_ascii=False)} is an alias of {taken.class_id!r} as well")
                    )


def _check_known(class_id: str, names: Mapping[str, str], place: str, problems: list[Problem]) -> None:
    if class_id in names:
        return
    problems.append(Problem(place, f"there is no class {class_id!r}", suggest_name(class_id, names)))
