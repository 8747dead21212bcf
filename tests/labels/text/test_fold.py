"""Folding: its laws, its bounds, its steps as data."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builders.laws import examples
from logoingest.labels import fold, fold_and_explain
from logoingest.labels import fold as fold_function
from logoingest.labels.text.fold import MAX_LENGTH, STEPS, transliterate
from logoingest.labels.text.numbers import SIGNS


@given(st.text(max_size=80))
@example("&amp;amp;lt;")
@example("i\u0307\u0307")
@example("ﷺ" * 600)
@example("=HYPERLINK(\"a\",\"=HYPERLINK('b','c')\")")
def test_folding_is_idempotent(text):
    """What is folded stays as it is."""
    once = fold(text).text
    assert fold(once).text == once


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=60))
@examples(60)
def test_plain_ascii_takes_the_short_way_to_the_same_end(text):
    """The fast path for simple answers gives what the steps give."""
    folded = text
    for _ in range(4):
        for step in STEPS:
            folded = step(folded)
    assert fold(text).text == folded


@given(st.text(max_size=60))
@examples(60)
def test_case_and_outer_space_never_matter(text):
    """Space around an answer changes nothing."""
    assert fold(f"  {text.strip()}\t").text == fold(text.strip()).text


@given(st.text(max_size=60))
@examples(60)
def test_keys_are_made_of_key_letters_only(text):
    """The joined key has small ASCII letters, digits, & and +, and the signs of numbers only."""
    assert all(char.isascii() and (char.isalnum() or char in f"&+{SIGNS}") and char == char.lower() for char in fold(text).joined)


@given(st.text(alphabet="0159,./-+%#$€<=~ aC½٥'", max_size=12))
@examples(300)
def test_plain_words_stay_as_they_are(text):
    """Plain text folded again is the same: numbers keep their signs, and gain none."""
    plain = fold(text).plain
    assert fold(plain).plain == plain


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, "&amp;" * 200_000, "𝕬" * 1_000_000, "\u202e" * 1_000_000, "Ã«" * 500_000, " " * 1_000_000]
)
def test_a_megabyte_is_cut_not_chewed(text):
    """A very long answer is cut at a documented length and says so."""
    start = time.process_time()
    folded = fold(text)
    assert time.process_time() - start < 20  # not a timing test: only "does it end"
    assert folded.is_cut
    assert len(folded.text) <= MAX_LENGTH


def test_steps_are_told_as_data():
    """The explanation names each step that changed something, with the text before and after, in the order they ran."""
    folded, steps = fold_and_explain("  CitroÃ«n™ ")
    assert folded.text == "citroën"
    names = [step.name for step in steps]
    assert names == ["mend_mojibake", "drop_trademarks", "fold_case", "squeeze_spaces"]
    assert all(one.after == other.before for one, other in pairwise(steps))


def test_an_override_of_direction_is_told():
    """Text that shows in another order than it is written is marked, also where HTML hides it."""
    assert fold("Nike\u202e").is_reversed
    assert fold("&#8238;Nike").is_reversed
    assert not fold("\u2067Nike\u2069").is_reversed


@pytest.mark.parametrize(
    ("text", "plain", "joined"),
    [
        ("H & M", "h & m", "h&m"),
        ("Marks and Spencer", "marks & spencer", "marks&spencer"),
        ("D.H.L.", "d h l", "dhl"),
        ("C++", "c++", "c++"),
        ("McDonald's", "mcdonalds", "mcdonalds"),
        ("トヨタ", "トヨタ", "toyota"),
        ("गूगल", "गूगल", "guugl"),
    ],
)
def test_keys(text, plain, joined):
    """Words keep their script; the joined key is ASCII without spaces."""
    folded = fold_function(text)
    assert (folded.plain, folded.joined) == (plain, joined)


def test_transliteration_is_ascii():
    """Whatever Unidecode knows nothing of is left out."""
    assert transliterate("коша🍕") == "kosha"
