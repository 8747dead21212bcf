"""The form of a class-map file: frozen pydantic models, and the walk from a pydantic fault back to a place in the TOML."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from logoingest.errors import Problem, suggest_name
from logoingest.labels.text.fold import MAX_LENGTH, fold
from logoingest.schemas import MAX_CLASS_ID_CHARS, is_class_id

ANY_LANGUAGE = "any"
"""The language key of words given as a plain list."""

_LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"


class Form(BaseModel):
    """A table of the file: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)


def _check_text(text: str) -> str:
    folded = fold(text)
    if folded.is_cut:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    if folded.is_reversed:
        raise ValueError("carries a character that reverses the writing direction")
    if not folded.text:
        raise ValueError("folds to nothing")
    return text


def _check_id(text: str) -> str:
    if not is_class_id(text):
        raise ValueError(f"a class id is printable text of 1 to {MAX_CLASS_ID_CHARS} characters without white space at its ends")
    return text


def _take_text(value: Any) -> Any:
    """A word may be a table that also says who declared it and when; only the word counts for matching."""
    return WordForm.model_validate(value).text if isinstance(value, Mapping) else value


def _spread_text(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


def _spread_languages(value: Any) -> Any:
    return {ANY_LANGUAGE: value} if isinstance(value, list) else value


Text = Annotated[str, AfterValidator(_check_text)]
ClassId = Annotated[str, AfterValidator(_check_id)]
Language = Annotated[str, Field(pattern=_LANGUAGE)]
Words = Annotated[Mapping[Language, tuple[Annotated[str, BeforeValidator(_take_text)], ...]], BeforeValidator(_spread_languages)]


class Provenance(Form):
    """Where an entry comes from; nothing is decided by it."""

    source: str = ""
    """The pack it was taken from."""
    by: str = ""
    """Who decided it."""
    on: date | None = None
    """When (a TOML date)."""


class WordForm(Provenance):
    """A noise word or an answer that means "no label", with its provenance."""

    text: str


class CrowdForm(Form):
    """What stood for a line of a crowd layer when it was written."""

    probability: Annotated[float, Field(ge=0, le=1)]
    pictures: Annotated[int, Field(ge=0)]
    workers: Annotated[int, Field(ge=0)]
    settled: Annotated[int, Field(ge=0)]
    """Pictures that others settled as the class."""
    next: str = ""
    """The next best class."""
    next_settled: Annotated[int, Field(ge=0)] = 0


class AliasForm(Provenance):
    """One spelling of a class: plain text, or a table."""

    text: Text
    evidence: CrowdForm | None = None
    """What the crowd showed, where it wrote the line; nothing is decided by it."""
    exact: bool = False
    """Counts only when the answer is this and nothing else: never fuzzily, never inside a longer answer."""


Alias = Annotated[AliasForm, BeforeValidator(_spread_text)]
Aliases = Annotated[Mapping[Language, tuple[Alias, ...]], BeforeValidator(_spread_languages)]


class ClassForm(Provenance):
    """``[classes.<id>]``."""

    name: Text | None = None
    """Display name; the id when left out."""
    aliases: Aliases = Field(default_factory=dict)
    """Spellings, as one list or one list per language (``aliases.ja = [...]``)."""
    part_of: ClassId | None = None
    """The class this one belongs to (Mini Cooper → Mini)."""
    wikidata: Annotated[str, Field(pattern=r"^Q[1-9][0-9]*$")] | None = None
    """Wikidata's id of the brand: packs are joined by it before they are joined by name."""


class OverrideForm(Provenance):
    """``[[overrides]]``: what single annotations mean, whatever they say. One entry may speak of many annotations."""

    annotation: str | None = None
    """An annotation_id, or the source's own id (source_id)."""
    annotations: tuple[str, ...] = ()
    """Or several of them …"""
    classes: Mapping[ClassId, tuple[str, ...]] = Field(default_factory=dict)
    """… or several for each of several classes, instead of ``class``: ``classes.nike = ["nike_img000012_3", …]``."""
    url: str | None = None
    """Or every annotation of this URL …"""
    worker: str | None = None
    """… by this worker."""
    class_id: ClassId | None = Field(default=None, alias="class")
    drop: bool = False
    reason: str = ""

    @model_validator(mode="after")
    def _is_one_thing(self) -> OverrideForm:
        named = [self.annotation is not None, bool(self.annotations), bool(self.classes), self.url is not None]
        if sum(named) != 1:
            raise ValueError("needs either annotation or url (or annotations, or classes)")
        if self.worker is not None and self.url is None:
            raise ValueError("worker needs a url")
        if self.classes and (self.class_id is not None or self.drop):
            raise ValueError("classes says the class of each annotation: leave out class and drop")
        if not self.classes and (self.class_id is None) != self.drop:
            raise ValueError("needs either class or drop = true")
        return self

    def list_single(self) -> Iterator[tuple[str, OverrideForm]]:
        """Yields (place within this entry, an override of one annotation, or of one URL): what the entry says, one by one."""
        listed = [(f".annotations[{index}]", name, self.class_id) for index, name in enumerate(self.annotations)]
        for class_id, names in self.classes.items():
            listed += [(f".classes.{class_id}[{index}]", name, class_id) for index, name in enumerate(names)]
        if not listed:
            yield "", self
        for place, name, wanted in listed:
            yield place, self.model_copy(update={"annotation": name, "annotations": (), "classes": {}, "class_id": wanted})


class AffixForm(Form):
    """``[[affixes]]``: an ending (or a beginning) that is stripped, and what it says about the answer.

    A separator at the inner edge (``-logo``) stands for any: a space, a dash, a dot, a slash, ``_`` or ``+``.
    """

    suffix: Text | None = None
    prefix: Text | None = None
    attributes: Mapping[str, bool | int | str] = Field(default_factory=dict)
    becomes: str = ""
    """What stands in its place when the class is looked up; the bare rest is tried next."""
    exact: bool = False
    """Stripped only where what is left is a spelling of the map: never with fuzzy matching on top."""

    @model_validator(mode="after")
    def _is_one_end(self) -> AffixForm:
        if (self.suffix is None) == (self.prefix is None):
            raise ValueError("needs either suffix or prefix")
        return self


class Thresholds(Form):
    """``[thresholds]``: how far a spelling may be from a class and still be accepted unasked.

    Letters are counted in the class's spelling and in the answer; the smaller number counts.
    """

    max_edits: Annotated[int, Field(ge=0, le=3)] = 3
    """0 accepts nothing fuzzily."""
    one_edit_letters: Annotated[int, Field(ge=4, le=100)] = 5
    two_edits_letters: Annotated[int, Field(ge=6, le=100)] = 7
    three_edits_letters: Annotated[int, Field(ge=9, le=100)] = 12
    evidence: Annotated[float, Field(ge=0, le=100)] = 5.2
    """Powers of ten by which a slip must be likelier than a name of its own; each further edit needs 2 more."""
    margin_edits: Annotated[int, Field(ge=1, le=10)] = 1
    """Edits the next class must be further away."""
    transliteration_letters: Annotated[int, Field(ge=2, le=100)] = 4
    """Fewest letters of another script's exact transliteration that is accepted."""
    review_score: Annotated[float, Field(ge=0, le=100)] = 65.0
    """Similarity (0 to 100) from which an answer is asked about rather than called unknown."""


class OutputForm(Form):
    """``[output]``: what a training run wants, without touching the aliases; in the order level, merge, rename, drop."""

    level: Literal["own", "top"] = "own"
    """top: a class that is part of another comes out as the outermost one."""
    merge: Mapping[ClassId, tuple[ClassId, ...]] = Field(default_factory=dict)
    """Class to come out = the classes that become it."""
    rename: Mapping[ClassId, ClassId] = Field(default_factory=dict)
    """Class as it is here = its id in the release."""
    drop: tuple[ClassId, ...] = ()
    """Classes whose annotations are dropped."""


class WithdrawnForm(AliasForm):
    """``[[withdrawn]]``: a line that the crowd once wrote."""

    class_id: Annotated[ClassId, Field(alias="class")]
    why: str = ""
    withdrawn_on: date | None = None


class MapForm(Form):
    """A whole class-map file."""

    include: tuple[str, ...] = ()
    """Maps this one stands on, relative to this file; what this one says wins."""
    classes_file: str | None = None
    """A plain list of class ids, one a line, relative to this file."""
    built_in: tuple[Literal["noise_words", "no_label"], ...] | None = None
    """Which built-in lists count beside the map's own; when left out, each where the map has none of its own."""
    noise_words: Words | None = None
    """Words beside a name ("logo", "marca")."""
    no_label: Words | None = None
    """Answers that mean "no label is there" or "I don't know"."""
    separators: tuple[str, ...] | None = None
    """What stands between several brands, strongest first; a built-in list when left out."""
    distinct_from: tuple[tuple[str, str], ...] = ()
    """Pairs (class ids or any text) between which fuzzy matching never decides."""
    thresholds: Thresholds = Thresholds()
    output: OutputForm = OutputForm()
    affixes: tuple[AffixForm, ...] = ()
    classes: Mapping[ClassId, ClassForm] = Field(default_factory=dict)
    overrides: tuple[OverrideForm, ...] = ()
    withdrawn: tuple[WithdrawnForm, ...] = ()
    """Lines of a crowd layer that newer answers contradict; nothing is decided by them."""


def read_form(text: str, name: str) -> tuple[MapForm | None, list[Problem]]:
    """The file's form, or every fault in it; ``name`` is the file's, for the messages."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return None, [Problem(name, f"is not valid TOML: {error}")]
    except RecursionError:
        return None, [Problem(name, "is nested too deeply")]
    if {"dataset", "sources"} <= data.keys():
        return None, [Problem(name, "is a dataset.toml, no class map", "name the file that its labels.class_map names")]
    try:
        return MapForm.model_validate(data), []
    except ValidationError as error:
        return None, [_describe(name, data, fault) for fault in error.errors()]


def place_alias(class_id: str, language: str, index: int) -> str:
    """``classes.nike.aliases[3]`` or ``classes.nike.aliases.ja[0]``."""
    return f"classes.{class_id}.aliases{'' if language == ANY_LANGUAGE else '.' + language}[{index}]"


def _describe(name: str, data: Any, fault: ErrorDetails) -> Problem:
    location, kind, message, value = fault["loc"], fault["type"], fault["msg"], fault.get("input")
    where = f"{name}: {_find_place(data, location)}"
    if kind == "extra_forbidden":
        known = [info.alias or key for key, info in _find_form(location[:-1]).model_fields.items()]
        return Problem(where, "unknown key", suggest_name(str(location[-1]), known, f"known here: {', '.join(known)}"))
    if kind == "missing":
        return Problem(where, "is missing")
    message = message.removeprefix("Value error, ")
    if isinstance(value, dict | list):
        return Problem(where, message)
    shown = json.dumps(value, ensure_ascii=True, default=str)[:80]
    return Problem(where, f"{message[:1].lower()}{message[1:]}: {shown}")


def _find_place(data: Any, location: Sequence[str | int]) -> str:
    """A dotted place, without the keys that spreading a list or a string put in."""
    place = ""
    node = data
    for part in location:
        if (isinstance(node, list) and part == ANY_LANGUAGE) or (isinstance(node, str) and part == "text"):
            continue
        if part == "[key]":
            continue
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
        node = _step_into(node, part)
    return place


def _step_into(node: Any, part: str | int) -> Any:
    if isinstance(node, Mapping):
        return node.get(part)
    if isinstance(node, list) and isinstance(part, int) and part < len(node):
        return node[part]
    return None


def _find_form(location: Sequence[str | int]) -> type[Form]:
    match location:
        case ("classes", _):
            return ClassForm
        case ("classes", _, "aliases", *_, "evidence") | ("withdrawn", _, "evidence"):
            return CrowdForm
        case ("classes", _, "aliases", *_):
            return AliasForm
        case ("withdrawn", _):
            return WithdrawnForm
        case ("overrides", _):
            return OverrideForm
        case ("affixes", _):
            return AffixForm
        case ("thresholds",):
            return Thresholds
        case ("output",):
            return OutputForm
    return MapForm
