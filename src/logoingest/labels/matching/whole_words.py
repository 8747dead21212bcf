"""What an answer's own words say against a slip: where people set spaces, they say which words they mean.

The letters alone do not tell "fried dice" from a misspelt "fried rice", nor "no pneumonia" from "pneumonia" with two letters
too many. A word that people know and that stands where the name has another is meant; so is a word more or less, and what is
written onto a number ("304L").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import ne

from logoingest.labels.matching.evidence import cut_like
from logoingest.labels.text.known_names import is_known_name, is_rarer
from logoingest.labels.text.words import ARTICLES, DENYING_WORDS

_SHORT_WORD = 2
_FRAGMENT = 3
_POWERS_RARER = 2.4
_POWERS_RARER_FRAGMENT = 0.5
_LINKING = frozenset({"&", "of", "and", "de", "del", "von", "van", *(word for words in ARTICLES.values() for word in words)})
_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"((?:[^\W\d_]|\+)?)\d+((?:[^\W\d_]|\+)?)")


def find_meant_word(answer: Sequence[str], spelling: Sequence[str]) -> str | None:
    """Why the words of an answer cannot be those of a spelling with letters slipped; None when they can.

    In order: a word that denies, on one side alone; a word more or less; another word that people know in the place of one,
    or another of one or two letters; a letter more or less at a number.
    """
    return (
        _find_denying(answer, spelling)
        or _find_further(answer, spelling)
        or next(_list_other_words(answer, spelling), None)
        or _find_at_number(answer, spelling)
    )


def _find_denying(answer: Sequence[str], spelling: Sequence[str]) -> str | None:
    denying = [word for word in (*answer, *spelling) if word in DENYING_WORDS and (word in answer) != (word in spelling)]
    return f"{denying[0]} denies" if denying else None


def _find_further(answer: Sequence[str], spelling: Sequence[str]) -> str | None:
    """A word that stands beside the whole name, or that the rest of the name lacks; articles within it may come and go."""
    if len(answer) == len(spelling):
        return None
    more, less = Counter(answer) - Counter(spelling), Counter(spelling) - Counter(answer)
    if more and less:
        return None
    longer = answer if more else spelling
    word = next((word for word in more or less if word not in _LINKING or word == longer[-1]), None)
    return None if word is None else f"{word} is a word more" if more else f"{word} is missing"


def _list_other_words(answer: Sequence[str], spelling: Sequence[str]) -> Iterator[str]:
    """Words of the answer where the spelling has another; letters in another order ("angle") or a plural are none."""
    if len(answer) == len(spelling) == 1:
        return
    for word, part in _pair_words(answer, spelling):
        if word == part or sorted(word) == sorted(part) or (part and f"{part}s" == word) or f"{word}s" == part:
            continue
        if not part and word not in _LINKING:
            yield f"{word} is a word more"
        is_word = len(spelling) > 1 and part in spelling
        if is_word and min(len(word), len(part)) <= _SHORT_WORD and part.isalpha() and word.upper() != word:
            yield f"{word} is a word of its own"
        if _is_meant(word, part, is_word=is_word):
            yield f"{word} is a word of its own"


def _pair_words(answer: Sequence[str], spelling: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each word of an answer with what the spelling has in its place; written together, it is parted as the spelling is."""
    changed = [pair for pair in zip(answer, spelling, strict=False) if ne(*pair)]
    if (
        len(answer) == len(spelling)
        and len(changed) == 1
        and all(len(word) > _FRAGMENT and is_known_name(word) for word in changed[0])
    ):
        return zip(answer, spelling, strict=True)
    if len(answer) == 1:
        return zip(cut_like(answer[0], "".join(spelling), spelling), spelling, strict=True)
    return zip(answer, cut_like("".join(spelling), "".join(answer), answer), strict=True)


def _is_meant(word: str, part: str, *, is_word: bool) -> bool:
    """People know it, and it is not so much rarer than what the spelling has there that a slip is likelier ("redd bull").

    One in sixteen strings of three letters is a word: what a longer word leaves when a letter is left out ("coca ola") is often one.
    """
    powers = _POWERS_RARER_FRAGMENT if len(word) <= _FRAGMENT < len(part) else _POWERS_RARER
    return is_known_name(word) and (is_word or is_known_name(part)) and not is_rarer(word, part, powers)


def _find_at_number(answer: Sequence[str], spelling: Sequence[str]) -> str | None:
    if not any(map(_DIGIT.search, answer)):
        return None
    for one, other in ((answer, spelling), (spelling, answer)):
        joined = _NUMBER.findall("".join(other))
        beside = _NUMBER.findall(" ".join(one))
        if len(joined) == len(beside) and any(
            letter and letter != there
            for letters, others in zip(beside, joined, strict=True)
            for letter, there in zip(letters, others, strict=True)
        ):
            return "what stands at the number differs"
    return None
