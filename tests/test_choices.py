from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.choices import read_choices, show_choices, write_choices

VALUES = st.lists(st.text(min_size=1, max_size=12).filter(str.strip), min_size=2, max_size=6, unique=True)


@given(VALUES)
def test_several_values_come_back_whatever_they_hold(values):
    """Slashes, commas, quotes and brackets in a value are no separators."""
    assert read_choices(write_choices(values)) == values


@given(st.text(min_size=1).filter(str.strip))
def test_one_value_is_the_text_itself(value):
    """A single value, said once or twice, is no list."""
    assert write_choices([value]) == write_choices([value, "", value, "  "]) == value


@pytest.mark.parametrize(
    "answer", ["nike", "nike / puma", '["nike"]', '["nike", "nike"]', "[1, 2]", '["a", ["b"]]', '["a", "b"', "[" * 9999, ""]
)
def test_other_texts_are_one_value(answer):
    """Only a JSON list of several texts is several values."""
    assert read_choices(answer) is None
    assert show_choices(answer) == answer


def test_values_are_shown_without_json():
    """People see plus signs."""
    assert show_choices('["nike", "AC/DC"]') == "nike + AC/DC"
