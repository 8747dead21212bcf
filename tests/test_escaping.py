"""Strangers' text on terminals and in spreadsheets."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logoingest.strangers.escaping import escape_text, flatten_text, guard_cell, is_formula, unguard_cell


@given(st.text())
def test_escaped_text_is_printable_and_on_one_line(text: str) -> None:
    """Whatever was typed, nothing is left that moves a cursor or breaks a line."""
    assert escape_text(text).isprintable()


@pytest.mark.parametrize("text", ["アディダス", "Citroën", "nike / puma", "\\"])
def test_ordinary_answers_are_shown_as_they_are(text: str) -> None:
    """Only what cannot be seen is escaped."""
    assert escape_text(text) == text


def test_an_escape_sequence_loses_its_power() -> None:
    """A colour or cursor sequence is shown, not obeyed."""
    assert escape_text("\x1b[2Jnike\u202e") == "\\x1b[2Jnike\\u202e"


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))))
def test_a_guarded_cell_survives_a_csv_file_and_comes_back(text: str) -> None:
    """Guarding is undone exactly."""
    text = text.replace("\0", "")
    file = io.StringIO(newline="")
    csv.writer(file).writerow([guard_cell(text), "end"])
    file.seek(0)
    assert unguard_cell(next(csv.reader(file))[0]) == text


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2", "@SUM(A1)", "\t=1", "＝1", "  =1", "'=1", "|calc", "%0A"])
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    """No cell begins with what starts a formula."""
    assert guard_cell(text) == f"'{text}"


@given(st.text())
def test_what_is_guarded_is_what_would_run(text: str) -> None:
    """A cell is changed where a spreadsheet would run it, and nowhere else."""
    assert (guard_cell(text) != text) == is_formula(text)


@given(st.text())
def test_flat_text_is_one_line_of_what_can_be_seen(text: str) -> None:
    """Nothing hidden, no white space but single spaces between words; flattening again changes nothing."""
    flat = flatten_text(text)
    assert flat.isprintable()
    assert flat == " ".join(flat.split()) == flatten_text(flat)
