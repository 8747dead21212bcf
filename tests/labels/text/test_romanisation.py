"""Romanisation: each script's letters, the sounds they share with other spellings, and the general words that are translated."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.laws import examples
from builders.places import DATA
from logoingest.labels.text.fold import fold, make_plain
from logoingest.labels.text.romanisation import romanise, romanise_japanese
from logoingest.labels.text.sounds import make_skeleton, sound_out
from logoingest.labels.text.translations import translate

CASES = json.loads((DATA / "labels_romanisation/letters.json").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['script']}-{case['text']}")
def test_letters_are_romanised(case):
    """A word of each script becomes the Latin letters its source says."""
    assert make_plain(romanise(fold(case["text"]).text)) == case["latin"]


@given(st.text(max_size=40))
@examples(200)
def test_any_text_becomes_lower_case_ascii(text):
    """Whatever is romanised comes out in ASCII, lower case, and sounds and skeleton stay so."""
    latin = romanise(fold(text).text)
    assert latin.isascii()
    assert latin == latin.lower()
    sounds = sound_out(make_plain(latin))
    assert set(sounds + make_skeleton(sounds)) <= set("abcdefghijklmnopqrstuvwxyz0123456789 ")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("phone", "fone"),
        ("coffee", "kofi"),
        ("schwartz", "shwarz"),
        ("quick", "kwik"),
        ("xerox", "zeroks"),
        ("starbucks", "sutabakusu"),
    ],
)
def test_spellings_that_sound_alike_share_their_consonants(one, other):
    """Different spellings of the same sounds have the same skeleton, vowels between consonants or not."""
    assert make_skeleton(sound_out(one)) == make_skeleton(sound_out(other))


@pytest.mark.parametrize(("one", "other"), [("nike", "coke"), ("adidas", "nike"), ("visa", "tesla"), ("kia", "mini")])
def test_names_that_sound_different_keep_apart(one, other):
    """Coarse as skeletons are, they tell different names apart."""
    assert make_skeleton(sound_out(one)) != make_skeleton(sound_out(other))


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("台北富邦商業銀行", "taipei 富邦 commercial bank"),
        ("Банк Хоум Кредит", "bank хоум credit"),
        ("بنك مصر", "bank egypt"),
        ("البنك الأهلي", "bank أهلي"),
        ("이디야커피", "이디야 coffee"),
        ("イオン薬局", "イオン pharmacy"),
        ("ธนาคารกสิกรไทย", "bank กสิกร thai"),
        ("קפה לנדוור", "cafe לנדוור"),
        ("Farmacia de la Piazza", "pharmacy piazza"),
        ("Товариство Червоного Хреста", "товариство red cross"),
        ("of the", "of of"),
        ("", ""),
    ],
)
def test_general_words_are_translated(text, english):
    """Trade words become English, names stay, and articles go unless nothing else is there."""
    assert translate(fold(text).plain) == english


def test_japanese_needs_its_extra():
    """With the extra installed kanji are read as Japanese and foreign words as they are spelt; else there is no such reading."""
    pytest.importorskip("cutlet")
    assert make_plain(romanise_japanese("銀座カフェ") or "") == "ginza cafe"


def test_japanese_without_its_extra(monkeypatch):
    """Without the extra there is no Japanese reading, and nothing fails."""
    from logoingest.labels.text import romanisation

    monkeypatch.setitem(__import__("sys").modules, "cutlet", None)
    romanisation._load_cutlet.cache_clear()
    try:
        assert romanise_japanese("銀座カフェ") is None
    finally:
        romanisation._load_cutlet.cache_clear()
