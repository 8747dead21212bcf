"""The key of a word: equal where answers differ in noise, case and punctuation alone."""

from __future__ import annotations

import pytest

from logoingest.labels import ClassMap
from logoingest.labels.crowd.spellings import make_key
from logoingest.labels.matching.spelling_index import index_of

INDEX = index_of(ClassMap.from_toml('noise_words = ["logo", "標誌"]\n[classes.vw]\nname = "Volkswagen"'))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("VW", "v.w."),
        ("VW", "the VW".removeprefix("the ")),
        ("VW", "VW logo"),
        ("大众", " 大众 "),
        ("福斯", "福斯標誌"),
        ("h-p", "HP"),
    ],
)
def test_noise_case_and_punctuation_make_no_other_word(one: str, other: str) -> None:
    """Evidence for one is evidence for the other."""
    assert make_key(one, INDEX) == make_key(other, INDEX)


@pytest.mark.parametrize(("one", "other"), [("F", "F#"), ("10", "10%"), ("-5", "5"), ("1.0", "10"), ("大众", "大眾"), ("🚗", "🚙")])
def test_signs_that_tell_words_apart_are_kept(one: str, other: str) -> None:
    """What the signs change is not one word."""
    assert make_key(one, INDEX) != make_key(other, INDEX)
