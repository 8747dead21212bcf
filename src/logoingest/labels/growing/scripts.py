"""Which language a spelling is in, where its script alone tells."""

from __future__ import annotations

import unicodedata

from logoingest.labels.class_map.map_file import ANY_LANGUAGE

_LANGUAGES = {
    "HIRAGANA": "ja", "KATAKANA": "ja", "KATAKANA-HIRAGANA": "ja", "HANGUL": "ko", "THAI": "th", "LAO": "lo", "KHMER": "km", "MYANMAR": "my",
    "GREEK": "el", "HEBREW": "he", "ARMENIAN": "hy", "GEORGIAN": "ka", "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn",
    "MALAYALAM": "ml", "GUJARATI": "gu", "GURMUKHI": "pa", "SINHALA": "si", "ETHIOPIC": "am", "BOPOMOFO": "zh",
}  # fmt: skip
"""First word of a character's Unicode name → the language that (nearly) alone writes so; many share Latin, Cyrillic, Arabic, Han."""


def tell_language(text: str) -> str:
    """The language code, or ``any``. Kana beside Chinese characters are Japanese."""
    found = {_LANGUAGES.get(name_script(char)) for char in text if char.isalpha()}
    return next(iter(found - {None}), None) or ANY_LANGUAGE if len(found - {None}) == 1 and _is_whole(text) else ANY_LANGUAGE


def name_script(char: str) -> str:
    """The first word of a letter's Unicode name: LATIN, CJK, HANGUL …"""
    return unicodedata.name(char, "").partition(" ")[0]


def _is_whole(text: str) -> bool:
    """No letter is of a script that many languages share, but Chinese characters, which stand beside kana."""
    return all(_LANGUAGES.get(name_script(char)) or name_script(char) == "CJK" for char in text if char.isalpha())
