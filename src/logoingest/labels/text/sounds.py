"""How Latin letters sound, roughly: spellings and romanisations that say the same become the same string.

A Soundex for names of any language: coarser than one for English alone (no word's language is known), finer than Soundex itself.
"""

from __future__ import annotations

import re

_RULES = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("&", " and "),
        ("[^a-z0-9 ]", ""),
        ("shch|tsch|tch|sch|dzh|zh|sh|ch|cz|ts|tz|dz|dg(?=e)|sc(?=[eiy])|c(?=[eiy])", "s"),
        (r"\bx(?=[aeiouy])", "s"),
        ("[zj]", "s"),
        ("ph", "f"),
        ("kh|gh", "h"),
        ("x", "ks"),
        ("qu", "kw"),
        ("[cq]", "k"),
        ("th", "t"),
        (r"(?<=[a-z]{2})e\b", ""),  # a last e that English and French don't say
        ("ou|oo|eu|ue|w(?![aeiouy])", "u"),  # eu: also the vowel Korean puts between consonants
        ("ee|ea|ie|y", "i"),
        ("ae|ai|ei", "e"),
        ("au|oa|ow", "o"),
        (r"(?<=[aeiou])r(?![aeiou])", ""),  # many languages don't say it, or write it as a long vowel
        (r"\Bh", ""),
        ("n(?=[pb])", "m"),
        ("ng", "n"),
        (r"(\D)\1+", r"\1"),
    )
)
_FIRST = str.maketrans("bfvdglaeiouy", "ppptkraaaaaa")
_LATER = str.maketrans("bfvdgl", "ppptkr", "aeiouywh")
_TWICE = re.compile(r"(\D)\1+")


def sound_out(latin: str) -> str:
    """Lower-case ASCII → rough sounds, vowels and words kept: ``coffee`` → ``kofi``, ``schwarz`` → ``swas``."""
    for pattern, sound in _RULES:
        latin = pattern.sub(sound, latin)
    return latin


def make_skeleton(sounds: str) -> str:
    """Sounds → consonants by where in the mouth they are made: b f v as p, d as t, g as k, l as r; no vowels but a word's first.

    What is left is what scripts without vowels write, and what Japanese and Korean keep of a foreign word.
    """
    words = (word[:1].translate(_FIRST) + word[1:].translate(_LATER) for word in sounds.split())
    return _TWICE.sub(r"\1", " ".join(words))
