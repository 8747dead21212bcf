"""Noise words: what people write beside a brand's name ("marca", "logo of", "标志"), stripped from either end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from logoingest.labels.text.fold import Folded, make_plain
from logoingest.labels.text.known_names import is_known_name
from logoingest.labels.text.words import ARTICLES

_MIN_GLUED_PHRASE = 4
_MIN_GLUED_REST = 3
_MAX_RESTS = 48
_DENYING_ARTICLE = "un"
_ENGLISH_ENDINGS = ("able", "ible", "ed", "ful")
_GERMAN_ENDINGS = ("ig", "lich", "bar", "isch")
_ARTICLES = frozenset(word for words in ARTICLES.values() for word in words)


@dataclass(frozen=True, eq=False)
class NoisePhrases:
    """Phrases as plain text, by their first and last word, and without spaces for those that are written glued on."""

    by_first: Mapping[str, Sequence[str]]
    by_last: Mapping[str, Sequence[str]]
    glued: frozenset[str]
    glued_lengths: Sequence[int]

    @classmethod
    def build(cls, words: Sequence[str]) -> NoisePhrases:
        """The phrases of folded noise words."""
        phrases = sorted({make_plain(word) for word in words} - {""}, key=lambda phrase: (-len(phrase), phrase))
        by_first: defaultdict[str, list[str]] = defaultdict(list)
        by_last: defaultdict[str, list[str]] = defaultdict(list)
        for phrase in phrases:
            by_first[phrase.split()[0]].append(f"{phrase} ")
            if phrase not in _ARTICLES:  # "hepatitis A"
                by_last[phrase.split()[-1]].append(f" {phrase}")
        joined = {phrase.replace(" ", "") for phrase in phrases} - _ARTICLES
        glued = frozenset(key for key in joined if not key.isascii() or len(key) >= _MIN_GLUED_PHRASE)
        return cls(by_first, by_last, glued, sorted({len(key) for key in glued}, reverse=True))

    def strip(self, folded: Folded) -> list[str]:
        """What is left when phrases at either end go, one after another: the longest rest first, never nothing."""
        queue = list(
            dict.fromkeys([_part_scripts(folded), *([folded.ascii] if folded.is_latin else []), *self._part_elided(folded)])
        )
        found: dict[str, None] = {}
        for text in queue:
            first, last = text.partition(" ")[0], text.rpartition(" ")[2]
            if first == text:
                continue
            rests = [text.removeprefix(phrase) for phrase in self.by_first.get(first, ()) if _is_set_off(phrase, text, folded)]
            rests += [text.removesuffix(phrase) for phrase in self.by_last.get(last, ())]
            for rest in rests:
                if rest != text and rest not in found and len(found) < _MAX_RESTS:
                    found[rest] = None
                    queue.append(rest)
        return sorted(found, key=lambda rest: -len(rest))

    def _part_elided(self, folded: Folded) -> list[str]:
        """``l'œuf`` → ``l œuf``, where that article counts; else nothing."""
        article, sign, rest = folded.text.partition("'")
        return [f"{article} {make_plain(rest)}"] if sign and article in _ARTICLES and article in self.by_first else []

    def strip_glued(self, plain: str) -> list[str]:
        """``marcanike`` → ``nike``, ``保时捷标志`` → ``保时捷``: one phrase written without a space, the longest first."""
        joined = plain.replace(" ", "")
        found: list[str] = []
        for length in self.glued_lengths:
            if joined[:length] in self.glued:
                found.append(joined[length:])
            if joined[-length:] in self.glued:
                found.append(joined[:-length])
        return [rest for rest in found if len(rest) >= (_MIN_GLUED_REST if rest.isascii() else 1)]


def _is_set_off(phrase: str, text: str, folded: Folded) -> bool:
    """Any phrase but an article always; that one where a space, or its apostrophe, follows: "un-edible" and "un edible" deny."""
    article = phrase.rstrip()
    if article not in _ARTICLES:
        return True
    if article == _DENYING_ARTICLE and _may_be_denied(text.removeprefix(phrase)):
        return False
    return phrase in folded.text or f"{article}'" in folded.text


def _may_be_denied(rest: str) -> bool:
    """A word with the ending of an adjective: English ones as far as people know them, for "un érable" is a maple."""
    return rest.endswith(_GERMAN_ENDINGS) or (rest.endswith(_ENGLISH_ENDINGS) and is_known_name(rest))


def as_folded(plain: str) -> Folded:
    """Plain text as if it had been the answer."""
    return Folded(raw=plain, text=plain, is_reversed=False, is_cut=False)


def _part_scripts(folded: Folded) -> str:
    """Plain text with a space wherever Latin meets another script: ``texaco标志`` → ``texaco 标志``."""
    plain = folded.plain
    if folded.is_latin:
        return plain
    kinds = [as_folded(char).is_latin if char.isalpha() else None for char in plain]
    parted = ""
    for index, char in enumerate(plain):
        if index and None not in (kinds[index], kinds[index - 1]) and kinds[index] != kinds[index - 1]:
            parted += " "
        parted += char
    return parted
