"""Tiny releases of drawn logos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from builders.drawn_releases import ReleaseMaker, draw_logo, draw_photo, draw_splits, encode, write_manifest, write_release
from builders.places import REAL_DATA


@pytest.fixture
def make_release(tmp_path: Path) -> ReleaseMaker:
    return lambda splits, names=("a", "b", "c", "d"), **options: write_release(tmp_path / "release", splits, names, **options)


@pytest.fixture(scope="session")
def splits() -> dict[str, list[tuple[bytes, int]]]:
    return draw_splits()


@pytest.fixture(scope="session")
def drawing() -> dict[str, Callable[..., object]]:
    """The drawing functions, since test files cannot import this one."""
    return {
        "logo": draw_logo,
        "photo": draw_photo,
        "encode": encode,
        "splits": draw_splits,
        "release": write_release,
        "manifest": write_manifest,
    }


@pytest.fixture(scope="session")
def photos() -> Path:
    """Real photos; the test is skipped where they are not."""
    folder = REAL_DATA / "flickrlogos27/images"
    if not folder.is_dir():
        pytest.skip("flickrlogos27 is not there")
    return folder
