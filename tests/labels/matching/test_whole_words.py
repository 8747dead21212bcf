"""Where people set spaces, they say which words they mean: a word more, less or another one is no slip."""

from __future__ import annotations

import string

import pytest
import tomlkit
from hypothesis import assume, given
from hypothesis import strategies as st

from logoingest.labels import ClassMap, normalise_label
from logoingest.labels.matching.match import decide_labels
from logoingest.labels.matching.whole_words import find_meant_word
from logoingest.labels.text.known_names import is_known_name, is_rarer
from logoingest.labels.text.words import ARTICLES

NAMES = [
    "sugar maple",
    "stinging nettle",
    "basal cell carcinoma",
    "stainless steel",
    "pedestrian crossing",
    "großer Panda",
    "большая синица",
]
MAP = ClassMap.from_toml(tomlkit.dumps({"built_in": [], "separators": ["/"], "classes": {name: {} for name in NAMES}}))
_ARTICLES = {word for words in ARTICLES.values() for word in words} | {"of", "and", "de", "del", "von", "van"}
letters = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=3)


@given(name=st.sampled_from(NAMES), word=letters, place=st.integers(0, 3))
def test_a_name_with_a_further_word_is_never_a_slip_of_the_name(name, word, place):
    """However short the word is, and wherever it stands."""
    assume(word not in _ARTICLES)
    words = name.split()
    words.insert(place, word)
    assert normalise_label(" ".join(words), MAP).decision != "accepted"


@pytest.mark.parametrize("name", [name for name in NAMES if name.isascii()])
def test_a_word_people_know_in_the_place_of_another_is_meant(name):
    """A letter exchanged in one word of a name: where that makes another word, it is asked about, unless it is a very rare one."""
    words = name.split()
    answers = [
        " ".join([*words[:place], other, *words[place + 1 :]])
        for place, word in enumerate(words)
        for where in range(len(word))
        for letter in string.ascii_lowercase
        if letter != word[where]
        and is_known_name(other := word[:where] + letter + word[where + 1 :])
        and not is_rarer(other, word, 2.4)
    ]
    assert answers
    assert [made.raw_label for made in decide_labels(answers, MAP) if made.decision == "accepted"] == []


def test_a_denying_word_counts_on_either_side():
    """ "No entry" is not "entry", nor the other way round."""
    assert find_meant_word(["no", "entry"], ["entry"]) == "no denies"
    assert find_meant_word(["entry"], ["no", "entry"]) == "no denies"
    assert find_meant_word(["no", "enrty"], ["no", "entry"]) is None
