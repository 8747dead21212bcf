"""The crowd layer is a class-map file: what is written is read again, and may be included by a map."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logoingest.errors import ClassMapError
from logoingest.labels import ClassMap, normalise_label
from logoingest.labels.crowd.layer import CrowdLine, place_layer, read_layer, write_layer
from logoingest.labels.text.fold import fold

LINE = CrowdLine("大众", "vw", 0.9991, 51, 9, 48, "hyundai", 3, dt.date(2026, 5, 4))


def is_alias(text: str) -> bool:
    folded = fold(text)
    return bool(folded.text) and not folded.is_cut and not folded.is_reversed and text.encode("utf-8", "replace").decode() == text


LINES = st.builds(
    CrowdLine,
    text=st.text(min_size=1, max_size=12).filter(is_alias),
    class_id=st.sampled_from(["vw", "hyundai", "a.b", "日産"]),
    probability=st.floats(0, 1).map(lambda share: round(share, 4)),
    pictures=st.integers(0, 10**6),
    workers=st.integers(0, 10**4),
    settled=st.integers(0, 10**6),
    next_class_id=st.just(""),
    next_settled=st.just(0),
    on=st.just(dt.date(2026, 5, 4)),
    why=st.sampled_from(["", "written of 3 pictures"]),
    withdrawn_on=st.none(),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(LINES, max_size=5, unique_by=lambda line: (line.text, line.class_id)))
def test_what_is_written_is_read_again(lines: list[CrowdLine]) -> None:
    """Whatever strangers typed; and equal lines give equal bytes, whatever their order."""
    data = write_layer(lines)
    assert sorted(read_layer(data, "x")) == sorted(lines)
    assert write_layer(lines[::-1]) == data
    assert write_layer(read_layer(data, "x")) == data


def test_a_map_may_include_it(tmp_path: Path) -> None:
    """Its lines decide as declared ones do; what is withdrawn decides nothing."""
    layer = place_layer(tmp_path / "cars.toml")
    assert layer.name == "cars.crowd.toml"
    gone = LINE._replace(text="大发", why="contradicted", withdrawn_on=dt.date(2026, 6, 1))
    layer.write_bytes(write_layer([LINE, gone]))
    (tmp_path / "cars.toml").write_text('include = ["cars.crowd.toml"]\n[classes.vw]\nname = "Volkswagen"\n')
    class_map = ClassMap.load(tmp_path / "cars.toml")
    assert (class_map.name("vw"), normalise_label("大众", class_map).class_id) == ("Volkswagen", "vw")
    assert normalise_label("大发", class_map).class_id is None


@pytest.mark.parametrize("text", ["[classes.vw", '[classes.vw]\naliases = [{ text = "x", evidence = { pictures = 1 } }]', "\xff"])
def test_a_broken_layer_says_where(text: str) -> None:
    """A file that somebody cut short is no layer."""
    with pytest.raises(ClassMapError, match=r"cars\.crowd"):
        read_layer(text.encode("latin-1"), "cars.crowd.toml")
