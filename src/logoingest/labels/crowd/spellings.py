"""The key under which the crowd's evidence for a word is gathered: folded, without noise words, spaces and punctuation."""

from __future__ import annotations

import re

from logoingest.labels.matching.spelling_index import SpellingIndex
from logoingest.labels.text.fold import fold

#: Signs that make another word of one ("F" and "F#", "10" and "10%", "-5" and "5").
_TELLING = re.compile(r"[#%°*/=<>$€£¥^~|\\]|(?:^|\s)[-−]\d|\d[.,:]\d")
_MIN_GLUED_REST = 2


def make_key(raw_label: str, index: SpellingIndex) -> str:
    """The key of an answer; equal for "VW", "v.w." and, where "logo" is a noise word, "the VW logo".

    Letters keep their accents and their script. What has neither letters nor digits, or signs that tell it apart, is its own key.
    """
    folded = fold(raw_label)
    if not folded.plain or _TELLING.search(folded.text):
        return folded.text
    rests = index.noise.strip(folded)
    plain = rests[-1] if rests else folded.plain
    if not plain.isascii():
        glued = [rest for rest in index.noise.strip_glued(plain) if not rest.isascii() and len(rest) >= _MIN_GLUED_REST]
        plain = glued[0] if glued else plain
    return plain.replace(" ", "")
