"""Counted things in words."""

from __future__ import annotations

import pytest

from logoingest.wording import cut_text, spell_count


@pytest.mark.parametrize(("count", "text"), [(0, "0 classes"), (1, "1 class"), (2, "2 classes"), (1204, "1,204 classes")])
def test_a_count_says_one_or_many(count: int, text: str) -> None:
    """One is one, everything else, nothing too, is many; thousands are set apart."""
    assert spell_count(count, "class", "classes") == text


def test_an_s_need_not_be_said() -> None:
    """Most words are made many by one letter."""
    assert [spell_count(count, "answer") for count in (1, 12)] == ["1 answer", "12 answers"]


@pytest.mark.parametrize(("text", "shown"), [("", ""), ("abcde", "abcde"), ("abcdef", "abcd…"), ("アディダスの", "アディダ…")])
def test_a_long_text_is_cut_to_its_length(text: str, shown: str) -> None:
    """What fits stays; of the rest the last character says that there was more."""
    assert cut_text(text, 5) == shown
