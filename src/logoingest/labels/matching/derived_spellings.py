"""Spellings that a map's names are also known by, where all of its names are built alike, so that nothing is guessed.

"111 Continuous urban fabric" is *111* and *Continuous urban fabric* where every name begins with a code of its own, as in a table of
land covers or diagnoses. "Amanita muscaria" is *A. muscaria* where most classes have a name of Latin form (ICN, article 60; ICZN, recommendation 25A).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from logoingest.labels.text.fold import fold

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import Spelling

_CODED = re.compile(r"(?P<code>[A-Za-z]{0,3}\d+(?:[.-]\d+)*[A-Za-z]?)(?: ?[:.)–-] ?| )(?P<rest>[^\W\d_]{3}.*)")
_BINOMIAL = re.compile(r"(?P<genus>[A-Z])[a-z]{2,} (?P<epithet>[a-z]{2,}(?:us|um|is|a|ae|i|e|ens|ans|or|ax|ops|as|es|on))")
_MIN_CODES = 5
_MIN_BINOMIALS, _MIN_SHARE = 3, 0.5


def derive_spellings(spellings: Sequence[Spelling]) -> list[Spelling]:
    """The halves of names with codes, and abbreviated Latin names; what two classes share decides nothing, as with other spellings."""
    return [*_part_codes([one for one in spellings if not one.is_alias]), *_abbreviate_genera(spellings)]


def is_binomial(name: str) -> bool:
    """Whether a name has the form of a species' Latin one, as it is written: "Amanita muscaria"."""
    return _BINOMIAL.fullmatch(name.strip()) is not None


def _part_codes(names: Sequence[Spelling]) -> Iterator[Spelling]:
    parted = [(one, found) for one in names if (found := _CODED.fullmatch(one.text.strip()))]
    if not _MIN_CODES <= len(names) == len(parted):
        return
    for half in ("code", "rest"):
        if len({fold(found[half]).text for _, found in parted}) < len(parted):
            return
    for one, found in parted:
        yield replace(one, text=found["code"], is_alias=True, is_exact=True)
        yield replace(one, text=found["rest"])


def _abbreviate_genera(spellings: Sequence[Spelling]) -> Iterator[Spelling]:
    latin = [(one, found) for one in spellings if (found := _BINOMIAL.fullmatch(one.text.strip()))]
    classes = {one.class_id for one, _ in latin}
    if len(classes) < max(_MIN_BINOMIALS, _MIN_SHARE * len({one.class_id for one in spellings})):
        return
    for one, found in latin:
        yield replace(one, text=f"{found['genus']}. {found['epithet']}", is_alias=True, is_exact=True)
