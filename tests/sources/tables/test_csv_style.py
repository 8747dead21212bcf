"""How a CSV file is written, told from its first lines."""

from __future__ import annotations

import pytest

from logoingest.sources.tables.csv_style import guess_style


@pytest.mark.parametrize("odd", ["http://a.test/2.jpg," + "x" * 140_000 + "\r\n", "http://a.test/2.jpg,a\rb\n"])
def test_a_line_that_cannot_be_cut_is_no_reason_to_stop(odd):
    """A cell of a million letters, or a bare carriage return: the other lines tell."""
    style = guess_style(["url,brand\n", "http://a.test/1.jpg,nike\n", odd])
    assert (style.delimiter, style.names_rows) == (",", False)


def test_rows_that_are_counted_have_a_cell_more_than_the_header():
    """As pandas and R write their index without a name."""
    lines = ["url,brand\n", "0,http://a.test/1.jpg,nike\n", "1,http://a.test/2.jpg,puma\n"]
    assert guess_style(lines).names_rows
    assert not guess_style([*lines, "3,http://a.test/3.jpg,puma\n"]).names_rows
