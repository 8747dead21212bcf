"""A small release that all tests read, and copies of it to plant faults in."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from builders.patients import Patient

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when datasets is imported


from builders.releases import Ingredients, collect, draw_picture, make_ingredients
from builders.serving import make_bucket


@pytest.fixture(scope="session")
def making() -> SimpleNamespace:
    """The functions of this file, for tests that make releases of their own."""
    return SimpleNamespace(collect=collect, draw_picture=draw_picture, ingredients=make_ingredients)


@pytest.fixture(scope="session")
def ingredients() -> Ingredients:
    return make_ingredients()


@pytest.fixture(scope="session")
def written(ingredients: Ingredients, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that no test may change; copy it first."""
    folder = tmp_path_factory.mktemp("written") / "release"
    ingredients.write(folder)
    return folder


@pytest.fixture
def patient(written: Path, tmp_path: Path) -> Patient:
    """A copy of it to plant faults in."""
    return Patient(Path(shutil.copytree(written, tmp_path / "patient")))


@pytest.fixture(scope="session")
def server(s3: dict[str, str]) -> dict[str, str]:
    """The environment that leads to an S3 server with one bucket."""
    make_bucket(s3, "logos")
    return s3
