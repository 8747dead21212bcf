"""How a word of another script would be written in Latin letters: one table a script, and what each script leaves unsaid.

Sources, all simplified to plain letters: Cyrillic: BGN/PCGN; Greek: ELOT 743; Armenian and Georgian: BGN/PCGN and the
national system of 2002; Hebrew and Arabic: ALA-LC without the vowels nobody writes; Persian and Urdu letters: ALA-LC; Hangul:
Revised Romanization (2000), letter by letter; kana: modified Hepburn; Thai: RTGS, foreign endings kept; the scripts of India:
ISO 15919 (their Unicode blocks share one layout). Chinese characters and all other scripts: Unidecode.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from itertools import groupby
from typing import Any

from unidecode import unidecode


def _pair(text: str) -> dict[str, str]:
    """``"а:a б:b ь:"`` → a table."""
    return dict(item.split(":") for item in text.split())


def _list(text: str) -> list[str]:
    """Sounds in a row; ``-`` is none."""
    return text.replace("-", "").split(" ")


_CYRILLIC = str.maketrans(
    _pair(
        "а:a б:b в:v г:g д:d е:e ё:yo ж:zh з:z и:i й:y к:k л:l м:m н:n о:o п:p р:r с:s т:t у:u ф:f х:kh ц:ts ч:ch ш:sh щ:shch "
        "ъ: ы:y ь: э:e ю:yu я:ya і:i ї:yi є:ye ґ:g ў:w ј:j љ:lj њ:nj ћ:c ђ:dj џ:dz ѓ:gj ќ:kj ѕ:dz ә:a ө:o ү:u ұ:u қ:k ғ:g ң:n һ:h ҳ:h ҷ:j"
    )
)
_GREEK = str.maketrans(
    _pair("α:a β:v γ:g δ:d ε:e ζ:z η:i θ:th ι:i κ:k λ:l μ:m ν:n ξ:x ο:o π:p ρ:r σ:s ς:s τ:t υ:y φ:f χ:ch ψ:ps ω:o")
)
_GREEK_PAIRS = (("μπ", "b"), ("ντ", "d"), ("γκ", "g"), ("γγ", "ng"), ("γχ", "nch"), ("ου", "ou"), ("αυ", "av"), ("ευ", "ev"))
_ARMENIAN = str.maketrans(
    _pair(
        "ա:a բ:b գ:g դ:d ե:e զ:z է:e ը:y թ:t ժ:zh ի:i լ:l խ:kh ծ:ts կ:k հ:h ձ:dz ղ:gh ճ:ch մ:m յ:y ն:n շ:sh ո:o չ:ch պ:p ջ:j ռ:r ս:s "
        "վ:v տ:t ր:r ց:ts ւ:v փ:p ք:k օ:o ֆ:f և:ev"
    )
)
_GEORGIAN = str.maketrans(
    _pair(
        "ა:a ბ:b გ:g დ:d ე:e ვ:v ზ:z თ:t ი:i კ:k ლ:l მ:m ნ:n ო:o პ:p ჟ:zh რ:r ს:s ტ:t უ:u ფ:p ქ:k ღ:gh ყ:q შ:sh ჩ:ch ც:ts ძ:dz წ:ts "
        "ჭ:ch ხ:kh ჯ:j ჰ:h"
    )
)
_HEBREW = str.maketrans(
    _pair("א:a ב:b ג:g ד:d ה:h ו:o ז:z ח:h ט:t י:i כ:k ך:k ל:l מ:m ם:m נ:n ן:n ס:s ע:a פ:p ף:f צ:ts ץ:ts ק:k ר:r ש:sh ת:t")
)
_HEBREW_PAIRS = (("וו", "v"), ("יי", "ay"))
_GERESH = re.compile("([גזצץת])'")
_GERESH_SOUNDS = {"ג": "j", "ז": "zh", "צ": "ch", "ץ": "ch", "ת": "th"}
_ARABIC = str.maketrans(
    _pair(
        "ا:a أ:a إ:i آ:a ٱ:a ء: ؤ:o ئ:y ب:b پ:p ت:t ث:th ة:a ج:j چ:ch ح:h خ:kh د:d ذ:z ر:r ز:z ژ:zh س:s ش:sh ص:s ض:d ط:t ظ:z ع:a غ:gh ف:f "
        "ڤ:v ق:q ك:k ک:k گ:g ل:l م:m ن:n ه:h و:o ي:i ی:i ى:a ٹ:t ڈ:d ڑ:r ں:n ھ:h ہ:h ۃ:a ۂ:h ے:e ۓ:e ۇ:u ې:e ڭ:ng ە:e ڼ:n"
    )
)
_THAI = str.maketrans(
    _pair(
        "ก:k ข:kh ฃ:kh ค:kh ฅ:kh ฆ:kh ง:ng จ:j ฉ:ch ช:ch ซ:s ฌ:ch ญ:y ฎ:d ฏ:t ฐ:t ฑ:t ฒ:t ณ:n ด:d ต:t ถ:t ท:t ธ:t น:n บ:b ป:p ผ:p ฝ:f "
        "พ:p ฟ:f ภ:p ม:m ย:y ร:r ล:l ว:w ศ:s ษ:s ส:s ห:h ฬ:l อ:o ฮ:h ะ:a ั:a า:a ำ:am ิ:i ี:i ึ:ue ื:ue ุ:u ู:u เ:e แ:ae โ:o ใ:ai ไ:ai ฤ:ri"
    )
)
_THAI_LEADING = re.compile("([เแโใไ])([ก-ฮ])")
_THAI_SILENT = re.compile("[ก-ฮ][ิุ]?์")
_KANA = _pair(
    "あ:a い:i う:u え:e お:o か:ka き:ki く:ku け:ke こ:ko が:ga ぎ:gi ぐ:gu げ:ge ご:go さ:sa し:shi す:su せ:se そ:so ざ:za じ:ji ず:zu ぜ:ze "
    "ぞ:zo た:ta ち:chi つ:tsu て:te と:to だ:da ぢ:ji づ:zu で:de ど:do な:na に:ni ぬ:nu ね:ne の:no は:ha ひ:hi ふ:fu へ:he ほ:ho ば:ba び:bi "
    "ぶ:bu べ:be ぼ:bo ぱ:pa ぴ:pi ぷ:pu ぺ:pe ぽ:po ま:ma み:mi む:mu め:me も:mo や:ya ゆ:yu よ:yo ら:ra り:ri る:ru れ:re ろ:ro わ:wa ゐ:i ゑ:e "
    "を:o ん:n ゔ:vu"
)
_TO_HIRAGANA = {place: place - 0x60 for place in range(ord("ァ"), ord("ヴ") + 1)}
_SMALL_KANA = _pair("ぁ:a ぃ:i ぅ:u ぇ:e ぉ:o ゃ:ya ゅ:yu ょ:yo ゎ:wa")
_HANGUL_FIRST = _list("g kk n d tt r m b pp s ss - j jj ch k t p h")
_HANGUL_VOWELS = _list("a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i")
_HANGUL_LAST = _list("- k k ks n nj nh t l lk lm lp ls lt lp lh m p ps t t ng t t k t p t")
_INDIC = {
    0x01: "n", 0x02: "n", 0x03: "h", 0x05: "a", 0x06: "a", 0x07: "i", 0x08: "i", 0x09: "u", 0x0A: "u", 0x0B: "ri", 0x0D: "e", 0x0E: "e", 0x0F: "e",
    0x10: "ai", 0x11: "o", 0x12: "o", 0x13: "o", 0x14: "au", 0x15: "k", 0x16: "kh", 0x17: "g", 0x18: "gh", 0x19: "ng", 0x1A: "ch", 0x1B: "chh",
    0x1C: "j", 0x1D: "jh", 0x1E: "ny", 0x1F: "t", 0x20: "th", 0x21: "d", 0x22: "dh", 0x23: "n", 0x24: "t", 0x25: "th", 0x26: "d", 0x27: "dh",
    0x28: "n", 0x29: "n", 0x2A: "p", 0x2B: "ph", 0x2C: "b", 0x2D: "bh", 0x2E: "m", 0x2F: "y", 0x30: "r", 0x31: "r", 0x32: "l", 0x33: "l",
    0x34: "zh", 0x35: "v", 0x36: "sh", 0x37: "sh", 0x38: "s", 0x39: "h", 0x3E: "a", 0x3F: "i", 0x40: "i", 0x41: "u", 0x42: "u", 0x43: "ri",
    0x45: "e", 0x46: "e", 0x47: "e", 0x48: "ai", 0x49: "o", 0x4A: "o", 0x4B: "o", 0x4C: "au", 0x58: "q", 0x59: "kh", 0x5A: "g", 0x5B: "z",
    0x5C: "r", 0x5D: "rh", 0x5E: "f", 0x5F: "y", 0x70: "n", 0x71: "", 0x72: "a",
}  # fmt: skip
_INDIC_VIRAMA, _INDIC_NUKTA = 0x4D, 0x3C


def romanise(text: str) -> str:
    """Folded text (``fold(...).text``) in plain lower-case Latin letters, as it sounds; words, digits and signs stay in place."""
    text = _GERESH.sub(lambda found: _GERESH_SOUNDS[found.group(1)], text)
    runs = ((script, "".join(run)) for script, run in groupby(text, key=find_script))
    latin = "".join(_ROMANISERS[script](run) if script in _ROMANISERS else run for script, run in runs)
    return unidecode(latin).lower()  # what no table knows


def romanise_japanese(text: str) -> str | None:
    """Folded text with kana or Chinese characters as Japanese reads it, foreign words in their own spelling (cutlet, with MeCab and
    UniDic); None where the extra ``ja`` is not installed.
    """
    cutlet = _load_cutlet()
    return None if cutlet is None else unidecode(cutlet.romaji(text)).lower()


@lru_cache(maxsize=1)
def _load_cutlet() -> Any:
    try:
        return import_module("cutlet").Cutlet(use_foreign_spelling=True)
    except ImportError:
        return None


@lru_cache(maxsize=8192)
def find_script(char: str) -> str:
    """The first word of a letter's or mark's Unicode name, kana as one script; ``""`` for digits, spaces and signs."""
    if unicodedata.category(char)[0] not in "LM":
        return ""
    script = unicodedata.name(char, "").split(" ")[0]
    return "KANA" if script in {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"} else script


def _romanise_greek(text: str) -> str:
    text = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    for pair, latin in _GREEK_PAIRS:
        text = text.replace(pair, latin)
    return text.translate(_GREEK)


def _romanise_armenian(text: str) -> str:
    return text.replace("ու", "u").replace("եւ", "ev").translate(_ARMENIAN)


def _romanise_georgian(text: str) -> str:
    """Without the nominative's -i, which Georgian puts behind every foreign consonant."""
    latin = text.translate(_GEORGIAN)
    return latin[:-1] if len(latin) > 3 and latin.endswith("i") and latin[-2] not in "aeiou" else latin


def _romanise_hebrew(text: str) -> str:
    for pair, latin in _HEBREW_PAIRS:
        text = text.replace(pair, latin)
    text = re.sub("^ו(?=[א-ת])", "v", text)
    text = re.sub("ה$", "a", text)
    return "".join(char for char in text if not unicodedata.combining(char)).translate(_HEBREW)


def _romanise_arabic(text: str) -> str:
    text = "".join(char for char in unicodedata.normalize("NFC", text) if not unicodedata.combining(char) and char != "ـ")
    text = re.sub("^و(?=.)", "w", text)
    text = re.sub("^[يی](?=.)", "y", text)
    return text.translate(_ARABIC)


def _romanise_thai(text: str) -> str:
    text = _THAI_SILENT.sub("", text)
    text = _THAI_LEADING.sub(r"\2\1", text)
    return "".join(char for char in text.translate(_THAI) if char.isascii())


def _romanise_kana(text: str) -> str:
    """Long vowels are written short, doubled consonants once: names are not spelt by them."""
    latin = ""
    for char in text.translate(_TO_HIRAGANA):
        small = _SMALL_KANA.get(char)
        if small is not None and latin:
            latin = _join_small(latin, small)
        else:
            latin += small or _KANA.get(char, "")
    return latin


def _join_small(latin: str, small: str) -> str:
    """``fu`` + ``a`` → ``fa``; ``shi`` + ``ya`` → ``sha``; ``ki`` + ``ya`` → ``kya``."""
    stem = latin[:-1] if latin[-1] in "aiueo" else latin
    if small[0] == "y":
        return stem + (small[1:] if stem.endswith(("sh", "ch", "j")) else small)
    if latin.endswith(("fu", "vu", "te", "de", "chi", "shi", "ji", "tsu", "to", "do")):
        return stem + small
    return ("w" if latin == "u" else stem + "w" if latin[-2:] == "u" else stem if latin[-1] == small else latin[:-1] + "w") + small


def _romanise_hangul(text: str) -> str:
    latin = ""
    for char in unicodedata.normalize("NFC", text):
        place = ord(char) - 0xAC00
        if not 0 <= place < 11172:
            latin += char
            continue
        first, vowel, last = place // 588, place % 588 // 28, place % 28
        latin += _HANGUL_FIRST[first] + _HANGUL_VOWELS[vowel] + _HANGUL_LAST[last]
    return latin.replace("lr", "ll")


def _romanise_indic(text: str) -> str:
    latin, open_consonant = "", False
    for char in unicodedata.normalize("NFC", text):
        place = ord(char) % 0x80
        if place == _INDIC_NUKTA:
            continue
        if place == _INDIC_VIRAMA:
            open_consonant = False
            continue
        sound = _INDIC.get(place, "")
        is_vowel_sign = 0x3E <= place <= 0x4C
        if open_consonant and not is_vowel_sign:
            latin += "a"
        latin += sound
        open_consonant = 0x15 <= place <= 0x39 or 0x58 <= place <= 0x5F
    return latin


_ROMANISERS: dict[str, Callable[[str], str]] = {
    "CYRILLIC": lambda text: text.translate(_CYRILLIC),
    "GREEK": _romanise_greek,
    "ARMENIAN": _romanise_armenian,
    "GEORGIAN": _romanise_georgian,
    "HEBREW": _romanise_hebrew,
    "ARABIC": _romanise_arabic,
    "THAI": _romanise_thai,
    "KANA": _romanise_kana,
    "HANGUL": _romanise_hangul,
    **dict.fromkeys(
        ("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM"), _romanise_indic
    ),
}
