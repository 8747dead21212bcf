"""Tests stand in the rooms of what they test."""

from __future__ import annotations

from pathlib import Path

import logoingest
from builders.places import ROOT

SOURCES, TESTS = Path(logoingest.__file__).parent, ROOT / "tests"
#: Rooms that stand beside the package: its documents, its flows, the house itself; and what tests are made of.
BESIDE = {"builders", "data", "docs", "flows", "house"}


def list_rooms() -> list[str]:
    """Folders with tests, as paths below tests/."""
    return sorted({file.parent.relative_to(TESTS).as_posix() for file in TESTS.rglob("test_*.py")} - {"."})


def test_every_room_of_tests_is_a_room_of_the_package() -> None:
    """A room that is renamed or divided takes its tests along."""
    strangers = [room for room in list_rooms() if room.split("/")[0] not in BESIDE and not (SOURCES / room).is_dir()]
    assert strangers == []


def test_no_room_of_tests_is_crowded() -> None:
    """As in the package: at most some sixteen files."""
    counts = {room: len(list((TESTS / room).glob("*.py"))) for room in [".", "builders", *list_rooms()]}
    assert {room: count for room, count in counts.items() if count > 20} == {}


def test_helpers_stand_with_the_builders() -> None:
    """Beside tests lies nothing but a room's fixtures."""
    lying = [path.relative_to(TESTS).as_posix() for path in TESTS.rglob("*.py") if not path.name.startswith(("test_", "conftest"))]
    assert [path for path in lying if not path.startswith(("builders/", "data/"))] == []
