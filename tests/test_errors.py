"""The error tree's small parts."""

from __future__ import annotations

import pytest

from logoingest.errors import ConfigError, LogoingestError, Problem, quote_first_line, suggest_name


@pytest.mark.parametrize(
    ("name", "hint"), [("concurency", 'did you mean "concurrency"?'), ("xyz", "known: concurrency"), ("", "known: concurrency")]
)
def test_the_nearest_name_is_suggested_or_what_else_is_known(name: str, hint: str) -> None:
    """A typing mistake gets its correction, nonsense the list."""
    assert suggest_name(name, ["concurrency", "retries"], "known: concurrency") == hint


def test_all_faults_stand_in_one_message() -> None:
    """One line a fault: where, what, what to do."""
    error = ConfigError([Problem("a.toml", "is missing", "make it"), Problem("", "is odd")])
    assert str(error) == "a.toml: is missing; make it\nis odd"
    assert len(error.problems) == 2
    assert isinstance(error, LogoingestError)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError("\n  one\ntwo"), "one"),
        (AssertionError(), "AssertionError"),
        (OSError(""), "OSError"),
        (ValueError("x" * 500), "x" * 200),
    ],
)
def test_of_somebody_elses_error_one_line_is_told(error: Exception, line: str) -> None:
    """The first that says something; the type's name where nothing does."""
    assert quote_first_line(error) == line
