"""Typed answers as plain JSON, and the schema of their types."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from logoingest.json_schema import describe_types, list_answer_types
from logoingest.plain_json import ABSENT, HIDDEN, JsonName, Rows, shown_as, to_json


class Colour(StrEnum):
    """A closed set."""

    RED = "red"
    BLUE = "blue"


class Inner(NamedTuple):
    """A row, too."""

    name: str
    size: int | None


@dataclass(frozen=True)
class Outer:
    """An answer of every kind of field."""

    rows_in: Annotated[int, JsonName("in")]
    secret: Annotated[str, HIDDEN]
    told: Annotated[float | None, ABSENT]
    colour: Colour
    path: Path
    at: datetime | None
    pair: tuple[str, int]
    inner: Mapping[str, Inner]
    whole: Annotated[pa.Table, Rows(Inner)]
    light: Annotated[pa.Table, Rows(Inner, are_whole=False)]

    @property
    @shown_as("size")
    def inner_size(self) -> int:
        """How many there are."""
        return len(self.inner)

    @property
    def kept_back(self) -> int:
        """Not shown."""
        return 1


TABLE = pa.table({"name": ["a", "b"], "size": [1, None]})
SCHEMA = describe_types({"outer": list[Outer]})
VALIDATOR = Draft202012Validator({**SCHEMA, **SCHEMA["answers"]["outer"]})


def make_outer(**changes: Any) -> Outer:
    facts = {
        "rows_in": 3, "secret": "s", "told": None, "colour": Colour.RED, "path": Path("a/b"), "at": None, "pair": ("x", 1),
        "inner": {"k": Inner("n", None)}, "whole": TABLE, "light": TABLE,
    }  # fmt: skip
    return Outer(**{**facts, **changes})


def test_each_kind_of_field_becomes_what_is_said_of_it():
    """Names, what is hidden or absent, rows whole and light, enums, paths, times and shown properties."""
    assert to_json(make_outer()) == {
        "in": 3, "colour": "red", "path": "a/b", "at": None, "pair": ["x", 1], "inner": {"k": {"name": "n", "size": None}},
        "whole": [{"name": "a", "size": 1}, {"name": "b", "size": None}], "light": [{"name": "a", "size": 1}, {"name": "b"}], "size": 1,
    }  # fmt: skip
    told = to_json(make_outer(told=0.5, at=datetime(2026, 1, 2, tzinfo=UTC)))
    assert (told["told"], told["at"]) == (0.5, "2026-01-02 00:00:00+00:00")


@given(
    rows=st.integers(),
    told=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    colour=st.sampled_from(Colour),
    pair=st.tuples(st.text(), st.integers()),
    inner=st.dictionaries(st.text(), st.builds(Inner, st.text(), st.none() | st.integers())),
)
def test_what_is_printed_is_what_the_schema_says(rows, told, colour, pair, inner):
    """Whatever the values, the schema of the type describes them, and JSON takes them as they are."""
    value = to_json([make_outer(rows_in=rows, told=told, colour=colour, pair=pair, inner=inner)])
    assert json.loads(json.dumps(value)) == value
    assert list(VALIDATOR.iter_errors(value)) == []


@pytest.mark.parametrize(
    "change", [{"in": "3"}, {"colour": "green"}, {"pair": ["x"]}, {"pair": ["x", 1, 2]}, {"new": 1}, {"told": "no"}]
)
def test_the_schema_refuses_other_values(change):
    """Another type, a word outside the closed set, a field nobody declared."""
    assert list(VALIDATOR.iter_errors([{**to_json(make_outer()), **change}]))


def test_a_missing_field_is_refused_unless_it_may_be_absent():
    """``told`` may be left out, ``in`` may not."""
    value = to_json(make_outer(told=1.0))
    del value["told"]
    assert not list(VALIDATOR.iter_errors([value]))
    del value["in"]
    assert list(VALIDATOR.iter_errors([value]))


def test_the_types_an_answer_is_made_of_are_found():
    """Through lists, mappings, tables and unions."""
    assert list(list_answer_types(Sequence[Outer | None])) == ["Outer", "Inner"]
