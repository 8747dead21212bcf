"""What the tests of the readers share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sources_reading import Read, read_all

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def cases() -> Path:
    """The folder of case files."""
    return ROOT / "tests" / "data" / "sources"


@pytest.fixture
def real_data() -> Path:
    """The folder of real data; the test is skipped where it is missing."""
    folder = Path(os.environ.get("LOGOINGEST_SHARED_DATA") or ROOT / "../shared/data")
    if not folder.is_dir():
        pytest.skip("the real data is not here")
    return folder


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Read]:
    """``read(content, name="rows.csv", **keys)``: write a file and read it."""

    def write_and_read(content: str | bytes, name: str = "rows.csv", **keys: Any) -> Read:
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(data)
        return read_all(tmp_path, {"path": name, **keys})

    return write_and_read
