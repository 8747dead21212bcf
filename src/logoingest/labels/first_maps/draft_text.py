"""A first class map as TOML text: few lines, each with how often it was said, and comments on what a person should decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import tomlkit

from logoingest.labels.class_map.writing import make_entry
from logoingest.labels.first_maps.languages import tell_language
from logoingest.labels.first_maps.spellings import SpellingGroup, make_readable
from logoingest.labels.growing.alias_judgement import is_short
from logoingest.labels.matching.nearest import MAX_KEY_LENGTH
from logoingest.labels.text.fold import fold
from logoingest.labels.text.words import NOISE_WORDS
from logoingest.schemas import is_class_id
from logoingest.wording import cut_text, spell_count

MAX_COMMENTS = 200
_ID_LENGTH = 60


@dataclass(frozen=True)
class DraftClass:
    """A class of the draft."""

    name: str
    groups: Sequence[SpellingGroup]
    """Its spellings, the one it is called by first."""
    hint: str = ""
    """What a person should look at."""

    @property
    def count(self) -> int:
        """Answers that name it."""
        return sum(group.count for group in self.groups)


class DraftWords(NamedTuple):
    """The words that count in the draft."""

    is_closed: bool
    """The answers are a closed set."""
    built_in: Sequence[str]
    """Built-in lists that count."""
    noise_words: Mapping[str, Sequence[str]]
    """The map's own, per language."""

    def list_noise(self) -> list[str]:
        """Every noise word that counts, folded."""
        lists = [*(NOISE_WORDS.values() if "noise_words" in self.built_in else ()), *self.noise_words.values()]
        return [fold(word).text for words in lists for word in words]


def write_map(
    classes: Sequence[DraftClass], aliases: Mapping[str, Sequence[str]], words: DraftWords, name: str
) -> tomlkit.TOMLDocument:
    """The file: first comments, words, classes.

    Args:
        classes: what they are called and how often.
        aliases: name of a class → the spellings that need a line.
        words: what counts.
        name: what the map is for.
    """
    document = _write_head(words, name)
    add_classes(document, classes, aliases)
    return document


def list_ids(classes: Sequence[DraftClass]) -> dict[str, str]:
    """Name of a class → its id in the file."""
    return {one.name: class_id for class_id, one in add_classes(tomlkit.document(), classes, {}).items()}


def _write_head(words: DraftWords, name: str) -> tomlkit.TOMLDocument:
    document = tomlkit.document()
    kind = "The answers are a closed set, taken whole." if words.is_closed else "Please go over it."
    for line in (
        f"Class map of {make_readable(name)}: a first draft, made from the answers. {kind}",
        "",
        "An answer is compared without case, accents, punctuation and spaces, so an alias is only needed where letters differ.",
        'Aliases may be one list, or one per language: aliases.ja = ["ナイキ"].',
    ):
        document.add(tomlkit.comment(line))
    document.add(tomlkit.nl())
    document.add(tomlkit.comment("Built-in lists that count (`logoingest labels words` prints them); those left out here don't."))
    document.add("built_in", tomlkit.item(list(words.built_in)))
    if words.noise_words:
        table = tomlkit.table()
        for language, texts in sorted(words.noise_words.items()):
            table.add(language, list(texts))
        document.add(tomlkit.nl())
        document.add(tomlkit.comment("Words that stand beside many different names in these answers."))
        document.add("noise_words", table)
    document.add(tomlkit.nl())
    return document


def add_classes(
    document: tomlkit.TOMLDocument, classes: Sequence[DraftClass], aliases: Mapping[str, Sequence[str]]
) -> dict[str, DraftClass]:
    """The classes, sorted by their key; class id → class. Without any, an example.

    Args:
        document: changed in place.
        classes: what they are called and how often.
        aliases: name of a class → the spellings that need a line.
    """
    ids: dict[str, DraftClass] = {}
    holder = tomlkit.table(is_super_table=True)
    for one in sorted(classes, key=lambda one: (one.groups[0].key, one.name)):
        class_id = _make_id(one, ids)
        table = tomlkit.table()
        table.add("name", one.name)
        table["name"].comment(f"{spell_count(one.count, 'answer')}{one.hint}")
        for key, texts in _sort_aliases(aliases.get(one.name, ())):
            array = tomlkit.array()
            array.extend(make_entry(text, exact=is_short(text)) for text in texts)
            table.append(tomlkit.key(key), array)
        holder.add(class_id, table)
        ids[class_id] = one
    if not ids:
        holder.add("example", tomlkit.item({"name": "Example", "aliases": ["an example"]}))
    document.add("classes", holder)
    return ids


def _sort_aliases(texts: Sequence[str]) -> list[tuple[Sequence[str], list[str]]]:
    """Keys of the class's table → spellings: one list, or one per language where a script tells it."""
    languages: dict[str, list[str]] = {}
    for text in texts:
        languages.setdefault(tell_language(text), []).append(text)
    if set(languages) <= {"any"}:
        return [(["aliases"], languages["any"])] if languages else []
    return [(["aliases", language], languages[language]) for language in sorted(languages, key=lambda code: (code != "any", code))]


def _make_id(one: DraftClass, taken: Mapping[str, object]) -> str:
    folded = fold(one.name)
    words = "_".join("".join(char for char in word if char.isalnum()) for word in folded.ascii.split()).strip("_")
    has_signs = one.groups[0].key != "".join(one.groups[0].words)
    stem = one.name if has_signs and is_class_id(one.name) and len(one.name) <= _ID_LENGTH else words[:_ID_LENGTH] or "class"
    class_id, number = stem, 2
    while class_id in taken:
        class_id, number = f"{stem}_{number}", number + 1
    return class_id


def add_comments(document: tomlkit.TOMLDocument, head: str, counts: Sequence[tuple[str, int]]) -> None:
    """Answers with how often they were given, as comments."""
    if not counts:
        return
    document.add(tomlkit.nl())
    document.add(tomlkit.comment(head))
    for text, count in counts[:MAX_COMMENTS]:
        document.add(tomlkit.comment(f"{count:6} {cut_text(text, MAX_KEY_LENGTH)}"))
    if len(counts) > MAX_COMMENTS:
        document.add(tomlkit.comment(f"… and {len(counts) - MAX_COMMENTS:,} more"))
