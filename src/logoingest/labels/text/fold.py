"""Folding: an answer as typed, brought to one spelling by an ordered list of named pure functions.

The order was measured, not chosen: HTML entities first (mojibake hides behind them), the trademark signs before NFKC (which
turns "Nike™" into "niketm"), typographic quotes before NFKC (which tears "´" apart), invisible characters before any
transliteration (which would split "Ni\u200bke"), lookalikes before casefolding (В looks like B, в does not look like b).
The steps run until nothing changes, so folding is idempotent. The raw answer is always kept beside what folding made of it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import ftfy
from unidecode import unidecode_expect_ascii

from logoingest.labels.text.numbers import is_mark, mark_signs, may_hold_signs, unmark_signs

MAX_LENGTH = 512
"""Characters of an answer that are looked at; a longer one is cut, says so, and is never accepted unseen."""

_MAX_ROUNDS = 12
#: Of an answer whose folded form is kept for whoever asks next.
_KEPT_LENGTH = 80
_REVERSALS = frozenset("\u202d\u202e")
_FTFY = ftfy.TextFixerConfig(uncurl_quotes=False, explain=False)
_TRADEMARKS = re.compile(r"[™®©℠Ⓡ]|â„¢|Â[®©]|\((?:tm|r|sm)\)", re.IGNORECASE)
_FORMULA = re.compile(r"^[=+@]\s*HYPERLINK\s*\(\s*\"[^\"]*\"\s*[,;]\s*\"([^\"]*)\"\s*\)?\s*$", re.IGNORECASE)
_QUOTED_FORMULA = re.compile(r"^=\s*\"([^\"]*)\"\s*$")
_QUOTES = str.maketrans(dict.fromkeys("‘’‚‛ʼʻ′´`＇ˈ׳", "'") | dict.fromkeys("“”„‟″«»＂״", '"'))
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−﹘﹣－⁃", "-"))
_TURKISH = str.maketrans({"İ": "i", "ı": "i"})
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_KATAKANA = ord("ァ") - ord("ぁ")
_FREE_LETTERS = str.maketrans(
    {"ё": "е", "ς": "σ", "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ـ": None}
    | dict.fromkeys(map(chr, range(0x064B, 0x0653)))
)
_LOOSE = re.compile(r"&|(?<!\d)\+")
# Cyrillic and Greek letters that cannot be told from a Latin one on a screen.
_LOOKALIKES = dict(
    zip("АВЕЅІЈКМНОРСТУХЗаеѕіјкорсухԁԛԝһӏ", "ABESIJKMHOPCTYX3aesijkopcyxdqwhl", strict=True)
) | dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονϳ", "ABEZHIKMNOPTYXovj", strict=True))  # fmt: skip
_TO_CYRILLIC = dict(zip("ABEKMHOPCTYXaeopcyx", "АВЕКМНОРСТУХаеорсух", strict=True))
_SIMPLE = re.compile(rf"[A-Za-z0-9 .,'!?/:;_-]{{0,{MAX_LENGTH}}}")
_WORD = re.compile(r"[^\W\d_]+")
_WORDS_OF_SEXES = {"♂": " male ", "♀": " female "}
_SEXES = re.compile("(?<![\U0001f000-\U0001faff])[♂♀]")
_SEPARATORS = re.compile(r"[^a-z0-9&+]")
_AND = re.compile(r"(?<= )and(?= )|(?<=\w\w )n(?= \w\w)")
_DOUBTING = re.compile(
    r"[❌❎✖✗✘✕☒🚫⛔👎🙅¬≠∅∄]|[(\[] ?- ?[)\]]|^[!~-](?=[^\W\d_])|^ø(?!\w)|^[<>≤≥]=? ?[^\W\d_][^<>]*\d|[(\[][^()\[\]]*\w ?\?+ ?[)\]]|\w\W*[/|\\&]$|^[/|\\&] ?\w"
)
_BROKEN_OFF = re.compile(r"(?:(?:\d|[^\W\d_]{2}|[)\]\"'])-+|\w -+|\w ?\.{3,})$")

Step = Callable[[str], str]


def cut_to_length(text: str) -> str:
    """At most ``MAX_LENGTH`` characters."""
    return text[:MAX_LENGTH]


def unescape_html(text: str) -> str:
    """``McDonald&#39;s`` → ``McDonald's``, however often it was escaped."""
    while "&" in text:
        plain = html.unescape(text)
        if plain == text:
            break
        text = plain
    return text


def mend_mojibake(text: str) -> str:
    """``CitroÃ«n`` → ``Citroën`` (ftfy), and other damage of transport: lone surrogates, terminal escapes, line breaks."""
    return text if text.isascii() and text.isprintable() else ftfy.fix_text(text, _FTFY)


def open_formulas(text: str) -> str:
    """``=HYPERLINK("http://…","Nike")`` → ``Nike``: what a spreadsheet would have shown."""
    stripped = text.strip()
    found = _FORMULA.match(stripped) or _QUOTED_FORMULA.match(stripped)
    return found.group(1) if found else text


def drop_trademarks(text: str) -> str:
    """``Nike™`` → ``Nike``; before NFKC, which would make it ``NikeTM``. Their mojibake too: ftfy leaves one so short alone."""
    return _TRADEMARKS.sub("", text)


def straighten_quotes(text: str) -> str:
    """Typographic quotes and accents used as apostrophes become ``'`` and ``"``."""
    return text.translate(_QUOTES)


def compose_compatibly(text: str) -> str:
    """NFKC: full-width ``ＮＩＫＥ`` → ``NIKE``, ligatures, composed accents."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def drop_invisibles(text: str) -> str:
    """Zero-width, bidirectional and control characters, variation selectors, skin tones; white space among them becomes a space."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if char.isspace() else char for char in text if char.isspace() or not _is_invisible(char))


def mend_lookalikes(text: str) -> str:
    """``Аdidas`` with a Cyrillic А → ``Adidas``: words that mix scripts only through letters that look alike."""
    return text if text.isascii() else _WORD.sub(_unmix, text)


def fold_case(text: str) -> str:
    """Casefolding (ß → ss), with the Turkish İ and ı as plain i."""
    if text.isascii():
        return text.lower()
    return text.translate(_TURKISH).casefold().replace("i\u0307", "i")


def straighten_dashes(text: str) -> str:
    """Every dash becomes ``-``."""
    return text.translate(_DASHES)


def squeeze_spaces(text: str) -> str:
    """Runs of white space become one space; none at the ends."""
    return " ".join(text.split())


STEPS: Sequence[Step] = (
    cut_to_length,
    unescape_html,
    mend_mojibake,
    open_formulas,
    drop_trademarks,
    straighten_quotes,
    compose_compatibly,
    drop_invisibles,
    mend_lookalikes,
    fold_case,
    straighten_dashes,
    squeeze_spaces,
)
"""The steps, in order."""


@dataclass(frozen=True, slots=True)
class FoldingStep:
    """What one step did: its name, the text before and after."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Folded:
    """An answer in its folded spelling, with the keys made from it."""

    raw: str
    """As typed."""
    text: str
    """Folded: lower case, composed, no invisible characters, single spaces; its own script and accents kept."""
    is_reversed: bool
    """It carries a right-to-left (or left-to-right) override: what people saw is not what the characters say."""
    is_cut: bool
    """It was longer than ``MAX_LENGTH``."""

    @cached_property
    def plain(self) -> str:
        """Words only: punctuation is a space (an apostrophe nothing), ``and`` is ``&``, ``♂`` is ``male``; script, accents and numbers' signs kept."""
        return make_plain(self.text)

    @cached_property
    def ascii(self) -> str:
        """``plain`` in ASCII letters and digits (Unidecode)."""
        return self.plain if self.plain.isascii() else make_plain(transliterate(self.text))

    @cached_property
    def joined(self) -> str:
        """``ascii`` without spaces."""
        return self.ascii.replace(" ", "")

    @cached_property
    def is_latin(self) -> bool:
        """Every letter is Latin (digits and signs have no script)."""
        return self.text.isascii() or all(_is_latin(char) for char in self.text if char.isalpha())

    @property
    def is_doubted(self) -> bool:
        """A sign beside its words may deny them ("fracture ❌", "(-)", "≠"), compare them ("<grade 1"), doubt a part of them ("A320 (neo?)")
        or say that there was more ("stop -", "pneumonia/").
        """
        is_told = _DOUBTING.search(self.text) or (self.text.endswith(("-", "...")) and _BROKEN_OFF.search(self.text))
        return bool(is_told) and any(char.isalnum() for char in self.text)

    @cached_property
    def is_ideographic(self) -> bool:
        """It has Chinese characters, which say a sound differently in every language."""
        return not self.text.isascii() and any(_is_ideograph(char) for char in self.text)


def fold(text: str) -> Folded:
    """Bring an answer to its folded form: idempotent (what is folded stays so), and of bounded time for any input."""
    return _fold_kept(text) if len(text) <= _KEPT_LENGTH else _fold(text)


@lru_cache(maxsize=8192)
def _fold_kept(text: str) -> Folded:
    """A map's spellings are folded by everybody who reads it, tries a change of it or builds its tables: dozens of times each."""
    return _fold(text)


def _fold(text: str) -> Folded:
    if _SIMPLE.fullmatch(text):  # most answers: only case and spaces can change
        return Folded(text, squeeze_spaces(text.lower()), is_reversed=False, is_cut=False)
    folded = text
    is_reversed = False
    for _name, folded, is_reversed in _run_steps(text):  # noqa: B007  # the last values are the result
        pass
    return Folded(text, folded, is_reversed, len(text) > MAX_LENGTH)


def fold_and_explain(text: str) -> tuple[Folded, list[FoldingStep]]:
    """``fold`` with the steps that changed anything, in order."""
    steps = []
    before = text
    for name, after, _ in _run_steps(text):
        if after != before:
            steps.append(FoldingStep(name, before, after))
        before = after
    return fold(text), steps


def transliterate(text: str) -> str:
    """ASCII for folded text, in lower case (Unidecode); what it does not know is left out."""
    return unidecode_expect_ascii(text, errors="ignore").lower()


def make_plain(text: str) -> str:
    """Folded text as words separated by single spaces: no punctuation but ``&``, ``+`` and what belongs to a number."""
    text = _SEXES.sub(lambda found: _WORDS_OF_SEXES[found.group()], text.replace("'", ""))
    if not may_hold_signs(text):
        return _part_words(text)
    for _ in range(_MAX_ROUNDS):
        before, text = text, unmark_signs(_part_words(mark_signs(text)))
        if text == before:
            break
    return text


def make_loose(joined: str) -> str:
    """A joined key without its last signs: ``marks&spencer`` → ``marksspencer``; a number keeps its own ("1+")."""
    return _LOOSE.sub("", joined)


def respell_script(joined: str) -> str:
    """A key in another script without what its writers leave out or choose freely.

    Katakana for hiragana, ``е`` for ``ё``, Greek without accents, Arabic without vowel signs, alef and yeh in their bare form.
    """
    text = "".join(chr(ord(char) + _KATAKANA) if "ぁ" <= char <= "ゖ" else char for char in joined).translate(_FREE_LETTERS)
    if any("\u0370" <= char <= "\u03ff" or "\u1f00" <= char <= "\u1fff" for char in text):
        text = "".join(char for char in unicodedata.normalize("NFD", text) if unicodedata.category(char) != "Mn")
    return text


def respell_german(text: str) -> str:
    """Folded text with ä, ö, ü (and ø, å) written out: ``görtz`` → ``goertz``."""
    return text.translate(_GERMAN)


def _run_steps(text: str) -> Iterator[tuple[str, str, bool]]:
    is_reversed = False
    for _ in range(_MAX_ROUNDS):
        start = text
        for step in STEPS:
            text = step(text)
            is_reversed = is_reversed or not _REVERSALS.isdisjoint(text)
            yield step.__name__, text, is_reversed
        if text == start:
            return


def _part_words(text: str) -> str:
    if text.isascii():
        text = _SEPARATORS.sub(" ", text)
    else:
        text = "".join(char if _is_word_part(char) else " " for char in text)
    return _AND.sub("&", " ".join(text.split()))


def _unmix(word: re.Match[str]) -> str:
    text = word.group()
    latin = [char for char in text if _is_latin(char)]
    if not latin or len(latin) == len(text):
        return text
    foreign = [char for char in text if char not in latin]
    if all(char in _LOOKALIKES for char in foreign):
        return "".join(_LOOKALIKES.get(char, char) for char in text)
    if all(char in _TO_CYRILLIC for char in latin) and all("\u0400" <= char <= "\u04ff" for char in foreign):
        return "".join(_TO_CYRILLIC.get(char, char) for char in text)
    return text


@lru_cache(maxsize=4096)
def _is_invisible(char: str) -> bool:
    return (
        unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs", "Cn"}
        or "\ufe00" <= char <= "\ufe0f"
        or "\U0001f3fb" <= char <= "\U0001f3ff"
    )


@lru_cache(maxsize=4096)
def _is_word_part(char: str) -> bool:
    return char in "&+" or is_mark(char) or unicodedata.category(char)[0] in "LMN"


@lru_cache(maxsize=4096)
def _is_latin(char: str) -> bool:
    return unicodedata.name(char, "").startswith(("LATIN", "MODIFIER", "FEMININE", "MASCULINE"))


@lru_cache(maxsize=4096)
def _is_ideograph(char: str) -> bool:
    return unicodedata.name(char, "").startswith("CJK")
