"""The noise words and "no label" answers that count for a map: its own, those of the maps it includes, and the built-in ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from logoingest.labels.class_map.map_file import MapForm
from logoingest.labels.text.fold import fold
from logoingest.labels.text.words import NO_LABEL, NOISE_WORDS

BUILT_IN_LISTS: Mapping[str, Mapping[str, Sequence[str]]] = {"noise_words": NOISE_WORDS, "no_label": NO_LABEL}
"""Key of the map → language → words."""


class WordList(NamedTuple):
    """Words of one language that count, and where they come from."""

    key: str
    """noise_words or no_label."""
    language: str
    words: Sequence[str]
    file: str | None
    """The map that lists them; None for a built-in list."""


def list_words(layers: Sequence[tuple[str, MapForm]], spellings: Collection[str]) -> list[WordList]:
    """Every list that counts, the layers' in their order, then the built-in ones.

    A built-in list counts where ``built_in`` of the topmost map that has it says so; where none has it, if no map lists words
    of that kind. Asked for by name it counts without what a class is called: in a map of "yes" and "no", "no" is an answer. A single
    sign that is a word of a class ("digit 0", "Model X") never counts: who types it may mean the class.

    Args:
        layers: name and form of a map's files, what is included first.
        spellings: folded names and aliases of the classes.
    """
    asked = [form.built_in for _, form in layers if form.built_in is not None]
    found: list[WordList] = []
    for key, defaults in BUILT_IN_LISTS.items():
        own = [(name, words) for name, form in layers if (words := getattr(form, key)) is not None]
        found += [WordList(key, language, words, name) for name, lists in own for language, words in lists.items()]
        if key in asked[-1] if asked else not own:
            signs = {word for text in spellings for word in text.split() if len(word) == 1}
            taken = signs | {*spellings} if asked else signs
            kept = {language: [word for word in words if fold(word).text not in taken] for language, words in defaults.items()}
            found += [WordList(key, language, words, None) for language, words in kept.items() if words]
    return found


def gather_words(lists: Iterable[WordList], key: str) -> Sequence[str]:
    """The folded words of one kind, each once, sorted."""
    return tuple(sorted({fold(word).text for one in lists if one.key == key for word in one.words}))
