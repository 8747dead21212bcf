"""Workspaces for the pages of the report."""

from __future__ import annotations

import pytest

from builders.workspaces import Made


@pytest.fixture
def make_workspace(tmp_path):
    """``make_workspace(pictures, classes, **columns)``: see ``Made``; not written yet."""

    def make(pictures: int = 24, classes: int = 3, **settings) -> Made:
        names = settings.pop("names", None) or [f"class-{number}" for number in range(classes)]
        return Made(tmp_path, pictures, names, **settings)

    return make
