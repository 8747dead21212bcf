"""Scripts whose signs are words or syllables: a sign exchanged, left out or added there is another word, no slip of the finger.

An ideograph is a word (江西, 江苏). A syllable of Hangul is two or three keys, so that a slip changes one of its letters (Unicode
standard annex 15: canonical decomposition gives them). A kana is a syllable; what slips is its voicing, its size, a long or a
doubled sound. Of other syllabaries Ethiopic alone is laid out in rows of one consonant.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rapidfuzz.distance import OSA, Levenshtein

_SMALL = str.maketrans("ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ")
_UNSOUNDED = str.maketrans("", "", "ーッっ\u3099\u309a")
_KATAKANA_STEP = 0x60
_ETHIOPIC_ROW = 8
_KINDS = (
    ("CJK", "ideograph"), ("IDEOGRAPHIC", "ideograph"), ("HANGUL", "hangul"), ("HIRAGANA", "kana"), ("KATAKANA", "kana"), ("ETHIOPIC", "ethiopic"), ("CHEROKEE", "syllable"),
    ("YI SYLLABLE", "syllable"), ("CANADIAN SYLLABICS", "syllable"), ("VAI SYLLABLE", "syllable"), ("BAMUM", "syllable"), ("TANGUT", "ideograph"),
)  # fmt: skip


def find_other_sign(text: str, key: str) -> str | None:
    """The signs of ``text``, in a script of words or syllables, that stand where ``key`` has others and cannot be a slip for them."""
    if text.isascii() and key.isascii():
        return None
    for edit in Levenshtein.opcodes(key, text):
        was, now = key[edit.src_start : edit.src_end], text[edit.dest_start : edit.dest_end]
        if was != now and not _may_slip(was, now):
            return now or f"a text without {was}"
    return None


def _may_slip(was: str, now: str) -> bool:
    kinds = {kind for char in was + now if (kind := _tell_kind(char)) is not None}
    if not kinds:
        return True
    if kinds == {"hangul"}:
        return OSA.distance(unicodedata.normalize("NFD", was), unicodedata.normalize("NFD", now)) <= 1
    if kinds == {"kana"}:
        return _sound(was) == _sound(now)
    return kinds == {"ethiopic"} and [ord(char) // _ETHIOPIC_ROW for char in was] == [ord(char) // _ETHIOPIC_ROW for char in now]


def _sound(kana: str) -> str:
    """Katakana of full size, unvoiced, without long and doubled sounds."""
    raised = (chr(ord(char) + _KATAKANA_STEP) if "ぁ" <= char <= "ゖ" else char for char in kana)
    return unicodedata.normalize("NFD", "".join(raised)).translate(_UNSOUNDED).translate(_SMALL)


@lru_cache(maxsize=8192)
def _tell_kind(char: str) -> str | None:
    name = unicodedata.name(char, "")
    return next((kind for start, kind in _KINDS if name.startswith(start)), None)
