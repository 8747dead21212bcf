"""What comes with the package besides its code: folders that lie beside it in a wheel, and at the top of a clone."""

from __future__ import annotations

from pathlib import Path


def find_bundled(folder: str) -> Path:
    """A folder of the package, by its name: ``label_maps``, ``examples``."""
    package = Path(__file__).resolve().parents[1]
    installed = package / folder
    return installed if installed.is_dir() else package.parents[1] / folder
