from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.places import DATA
from logoingest.sources.cells.times import parse_seconds, parse_time

CASES = json.loads((DATA / "sources/times.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_time_forms(text, expected):
    """Every known form gives its instant, everything doubtful gives none."""
    found = parse_time(text)
    assert (found and found.isoformat()) == expected


@given(st.datetimes(datetime.fromisoformat("1970-01-02"), datetime.fromisoformat("2100-01-01")), st.integers(-12 * 60, 14 * 60))
def test_iso_times_round_trip(moment, minutes):
    """ISO 8601 with any offset is the same instant in UTC."""
    local = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_time(local.isoformat()) == local.astimezone(UTC)


@given(st.text(max_size=70))
def test_any_text_is_a_time_or_none(text):
    """No text breaks the parser."""
    assert parse_time(text) is None or parse_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "expected"),
    [("32", 32.0), ("1.5", 1.5), (7, 7.0), ("", None), (None, None), ("-1", None), ("nan", None), ("inf", None), ("1,5", None)],
)
def test_seconds(value, expected):
    """Durations are finite and not negative, or unknown."""
    assert parse_seconds(value) == expected
