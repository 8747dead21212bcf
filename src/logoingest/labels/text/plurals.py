"""One and many: the other number of an English noun, where the language's rules leave no choice.

"robins" is what several robins are called, not another name. Only words that the dictionary knows are inflected, and no plural
that means something else than several of its singular ("glasses", "news"). Brands differ by an s (Joker, Jokers): where the names
of a map are not words that people know, nothing is inflected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from logoingest.labels.text.known_names import is_known_name, is_rarer

_MIN_LETTERS = 3
_POWERS_RARER = 1.5
_MIN_NAMES, _MIN_SHARE = 3, 0.8
_HISSING = ("s", "x", "z", "ch", "sh")
_IRREGULAR = {
    "mouse": "mice", "louse": "lice", "goose": "geese", "foot": "feet", "tooth": "teeth", "man": "men", "woman": "women", "child": "children",
    "ox": "oxen", "person": "people", "die": "dice", "penny": "pence",
}  # fmt: skip
_SINGULARS = {many: one for one, many in _IRREGULAR.items()}
_LEARNED = {
    "is": "es",
    "us": "i",
    "um": "a",
    "a": "ae",
    "ex": "ices",
    "ix": "ices",
    "ax": "aces",
    "f": "ves",
    "fe": "ves",
    "man": "men",
    "eau": "eaux",
}
_OTHER_MEANING = frozenset(
    (
        "airs", "arms", "blues", "brains", "briefs", "clothes", "colors", "colours", "corps", "customs", "darts", "dice", "draughts", "flats", "forces",
        "glasses", "goods", "greens", "grounds", "guts", "headquarters", "jeans", "lens", "mains", "manners", "means", "news", "pains", "pants", "pence",
        "people", "physics", "politics", "premises", "quarters", "reds", "remains", "savings", "scales", "series", "shades", "shorts", "slacks", "species",
        "spectacles", "spirits", "sweets", "tights", "trunks", "whites", "woods", "yes",
    )
)  # fmt: skip
"""Plurals that mean something else than several of what their singular means."""


def are_words(classes: Sequence[Sequence[str]]) -> bool:
    """Four fifths of the classes have a spelling (in plain ASCII words) of words that people know; of one or two nobody can tell."""
    known = sum(any(_is_of_words(name) for name in names) for names in classes)
    return len(classes) >= _MIN_NAMES and known >= _MIN_SHARE * len(classes)


def _is_of_words(name: str) -> bool:
    return all(is_known_name(word) or len(word) < _MIN_LETTERS for word in name.split())


def list_other_numbers(plain: str) -> list[str]:
    """The plain ASCII words with the last one in the plural, or in the singular where it is one; none where it is not known.

    >>> list_other_numbers("red fox"), list_other_numbers("tacos"), list_other_numbers("news")
    (['red foxes'], ['taco'], [])
    """
    before, _, word = plain.rpartition(" ")
    if len(word) < _MIN_LETTERS or not (word.isascii() and word.isalpha()):
        return []
    return [f"{before} {other}".strip() for other in (*_list_plurals(word), *_find_singular(word))]


def _list_plurals(word: str) -> list[str]:
    if not is_known_name(word):
        return []
    if word in _IRREGULAR:
        return [_IRREGULAR[word]] if _IRREGULAR[word] not in _OTHER_MEANING else []
    return [many for many in dict.fromkeys(_inflect(word)) if many not in _OTHER_MEANING]


def _inflect(word: str) -> Iterator[str]:
    if word.endswith(_HISSING):
        yield f"{word}es"
    elif word.endswith("y") and word[-2] not in "aeiou":
        yield f"{word[:-1]}ies"
    elif word.endswith("o"):
        yield from (f"{word}es", f"{word}s")
    else:
        yield f"{word}s"
    regular = f"{word}s"
    for other in [word.removesuffix(ending) + many for ending, many in _LEARNED.items() if word.endswith(ending)]:
        if is_known_name(other) and (not is_known_name(regular) or is_rarer(regular, other, 1.0)):  # wolves, scarves; but beliefs
            yield other


def _find_singular(word: str) -> list[str]:
    """The one word that has it as a plural; of several the one that people use."""
    if word in _OTHER_MEANING or not is_known_name(word):
        return []
    cut = [
        word[: -len(many)] + one for one, many in (("", "s"), ("", "es"), ("y", "ies"), *_LEARNED.items()) if word.endswith(many)
    ]
    known = [
        one for one in dict.fromkeys((_SINGULARS.get(word, ""), *cut)) if len(one) >= _MIN_LETTERS and word in _list_plurals(one)
    ]
    return [one for one in known if not any(is_rarer(one, other, _POWERS_RARER) for other in known)][:2]
