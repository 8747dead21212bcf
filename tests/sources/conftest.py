"""What the tests of the readers share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builders.places import DATA
from builders.sources import Read, read_all


@pytest.fixture
def cases() -> Path:
    """The folder of case files."""
    return DATA / "sources"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Read]:
    """``read(content, name="rows.csv", **keys)``: write a file and read it."""

    def write_and_read(content: str | bytes, name: str = "rows.csv", **keys: Any) -> Read:
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(data)
        return read_all(tmp_path, {"path": name, **keys})

    return write_and_read
