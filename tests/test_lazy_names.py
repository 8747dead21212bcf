"""Public names that are loaded when they are first used."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import logoingest
from logoingest.imports.lazy import load_lazily


@pytest.mark.parametrize(
    "package", ["logoingest", "logoingest.pipeline", "logoingest.fetch", "logoingest.images", "logoingest.review"]
)
def test_every_public_name_can_be_had(package: str) -> None:
    """What ``__all__`` promises is there."""
    module = importlib.import_module(package)
    assert module.__all__
    assert all(getattr(module, name) is not None for name in module.__all__)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    """``hasattr`` and star imports rely on it."""
    with pytest.raises(AttributeError, match="no attribute 'fetch_everything'"):
        load_lazily("logoingest", {"cli.main": ("main",)})("fetch_everything")


def test_importing_the_package_loads_no_heavy_library() -> None:
    """A notebook that imports logoingest waits for nothing it does not use."""
    code = f"import sys, {logoingest.__name__}; print([name for name in ('torch', 'pandas', 'pyarrow', 'PIL', 'httpx') if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
