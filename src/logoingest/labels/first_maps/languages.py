"""Which language a spelling is in, where its script alone tells."""

from __future__ import annotations

from logoingest.labels.class_map.map_file import ANY_LANGUAGE
from logoingest.labels.text.romanisation import find_script

_LANGUAGES = {
    "KANA": "ja", "HANGUL": "ko", "THAI": "th", "LAO": "lo", "KHMER": "km", "MYANMAR": "my", "GREEK": "el", "HEBREW": "he",
    "ARMENIAN": "hy", "GEORGIAN": "ka", "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn", "MALAYALAM": "ml", "GUJARATI": "gu",
    "GURMUKHI": "pa", "SINHALA": "si", "ETHIOPIC": "am", "BOPOMOFO": "zh",
}  # fmt: skip
"""Script → the language that (nearly) alone is written in it; many share Latin, Cyrillic, Arabic, Devanagari, Chinese characters."""


def tell_language(text: str) -> str:
    """The language code, or ``any``. Kana beside Chinese characters are Japanese."""
    scripts = {find_script(char) for char in text} - {""}
    found = {_LANGUAGES.get(script) for script in scripts - {"CJK"}}
    language = found.pop() if len(found) == 1 else None
    return language if language is not None and ("CJK" not in scripts or language == "ja") else ANY_LANGUAGE
