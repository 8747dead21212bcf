"""Answers by their key: what differs only by case, accents, punctuation, spaces and noise words is one spelling."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from logoingest.choices import read_choices
from logoingest.labels.matching.nearest import MAX_KEY_LENGTH
from logoingest.labels.matching.spelling_index import join_key
from logoingest.labels.text.fold import Folded, fold
from logoingest.labels.text.noise import NoisePhrases, as_folded

_SURE_SEPARATORS = re.compile(r"[\n;；|]| / ")
"""No name holds them."""
_CODE_LETTERS = 2


@dataclass(slots=True)
class SpellingGroup:
    """Answers with one key."""

    key: str
    words: Sequence[str]
    is_latin: bool
    spellings: Counter[str] = field(default_factory=Counter)
    """Readable spelling → how often."""
    answers: Counter[str] = field(default_factory=Counter)
    """The answers as given, those with noise words too → how often."""

    @property
    def count(self) -> int:
        """How often it was said."""
        return self.spellings.total()

    @property
    def name(self) -> str:
        """The most frequent spelling; one without capitals counts half, so that it reads as a name."""
        return min(
            self.spellings, key=lambda text: (-self.spellings[text] * (2 - text.islower()), -sum(map(str.isupper, text)), text)
        )


def read_values(answers: Iterable[str]) -> dict[str, list[str]]:
    """What each distinct answer says, by itself or as one of several.

    A typed text ("nike / puma") is several where one of its parts is an answer by itself.
    """
    choices = {answer: read_choices(answer) or [answer] for answer in answers}
    known = {fold(value).text for values in choices.values() for value in values}
    return {answer: [said for value in values for said in _part(value, known)] for answer, values in choices.items()}


def _part(value: str, known: set[str]) -> list[str]:
    parts = [part for part in map(str.strip, _SURE_SEPARATORS.split(value)) if part]
    return parts if len(parts) > 1 and any(fold(part).text in known for part in parts) else [value]


def count_values(labels_with_counts: Sequence[tuple[str, int]], values: Mapping[str, Sequence[str]]) -> list[tuple[str, int]]:
    """Distinct values, sorted, and how often each was said."""
    counts: Counter[str] = Counter()
    for answer, count in labels_with_counts:
        for value in values[answer]:
            counts[value] += count
    return sorted(counts.items())


def group_spellings(
    counted: Sequence[tuple[str, int]], noise: NoisePhrases, *, is_closed: bool
) -> tuple[list[SpellingGroup], list[str]]:
    """Groups by key, and the values that have none: nothing to read, too long, or made to be read backwards.

    Args:
        counted: distinct values and how often each was said.
        noise: words that are stripped.
        is_closed: the answers are a closed set, where every sign counts in what has digits or is very short ("-5", "A+").
    """
    groups: dict[str, SpellingGroup] = {}
    left: list[str] = []
    for value, count in counted:
        folded = fold(value)
        rests = noise.strip(folded)
        bare = as_folded(rests[-1]) if rests else folded
        readable = make_readable(value)
        key = key_spelling(bare, is_closed=is_closed)
        if folded.is_reversed or folded.is_cut or not fold(readable).text or not 0 < len(key) <= MAX_KEY_LENGTH:
            left.append(value)
            continue
        words = bare.ascii.split() if bare.is_latin else bare.plain.split()
        group = groups.setdefault(key, SpellingGroup(key, words, bare.is_latin))
        group.spellings[bare.text if rests else readable] += count
        group.answers[value] += count
    return list(groups.values()), left


def key_spelling(folded: Folded, *, is_closed: bool) -> str:
    """The letters and digits; of a bare number, and of what is like a code in a closed set, every sign."""
    letters = folded.plain.replace(" ", "")
    is_number = bool(letters) and not any(char.isalpha() for char in letters)
    is_code = is_closed and (len(letters) <= _CODE_LETTERS or any(char.isdigit() for char in letters))
    return folded.text.replace(" ", "") if is_number or is_code else join_key(folded)


def make_readable(text: str) -> str:
    """One line of printable characters, white space squeezed; nothing that TOML or a terminal would act upon."""
    return "".join(char for char in " ".join(text[: 4 * MAX_KEY_LENGTH].split()) if char.isprintable()).strip()
