"""Slip or name: the letters of names, the evidence, and words people know."""

from __future__ import annotations

from importlib import resources

from hypothesis import given
from hypothesis import strategies as st

from logoingest.labels.matching.evidence import cut_like, weigh_evidence
from logoingest.labels.matching.letter_triples import CONTEXT_LETTERS, NEXT_LETTERS, cost_word
from logoingest.labels.text.known_names import is_known_name


def _weigh(query, name, generic=frozenset()):
    words = name.split()
    return weigh_evidence(query.replace(" ", ""), "".join(words), words, generic)


def test_the_table_is_whole():
    """A line for each two letters, a character for each third."""
    lines = resources.files("logoingest.labels.matching").joinpath("letter_triples.txt").read_text("ascii").splitlines()
    assert len(lines) == len(CONTEXT_LETTERS) ** 2
    assert {len(line) for line in lines} == {len(NEXT_LETTERS)}


@given(st.text(max_size=30))
def test_any_word_has_a_cost(word):
    """No letters, however strange, are free of charge or beyond bounds."""
    assert 0 <= cost_word(word) <= 1.3 + 1.415 * len(word)


def test_unusual_letters_cost_more():
    """What no name looks like is improbable; what many look like is less so."""
    assert cost_word("starbukcs") > cost_word("starbucks") > cost_word("star")


def test_slips_in_long_names_are_evident():
    """The longer the name and the stranger the letters, the surer the slip."""
    assert _weigh("starbukcs", "starbucks") > _weigh("winemark", "cinemark") > _weigh("nikon", "nike")


def test_a_word_that_many_names_share_tells_little():
    """ "Hotel" says less than a name of as many letters."""
    assert _weigh("grend hotel", "grand hotel", frozenset({"hotel"})) < _weigh("grend hotel", "grand hotel")


def test_a_family_of_names_is_not_a_slip():
    """However long the words two names share, one other word keeps them apart."""
    assert _weigh("deutsche bahn", "deutsche bank") < _weigh("deutshce bank", "deutsche bank")


@given(st.text("abc", min_size=1, max_size=12), st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=4))
def test_cutting_loses_no_letter(query, words):
    """The parts are the answer, one for each word."""
    parts = cut_like(query, "".join(words), words)
    assert "".join(parts) == query
    assert len(parts) == len(words)


def test_words_people_know():
    """A dictionary word or a country is known, an invented name is not."""
    assert is_known_name("colombia")
    assert not is_known_name("starbukcs")
