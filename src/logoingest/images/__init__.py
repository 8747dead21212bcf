"""Pictures: one decode of each (``inspect_image``), and the stage that makes ``images`` of the downloads (``select_images``).

Names are loaded when they are first used: a process that only looks at pictures needs neither SciPy nor the stage.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logoingest.images.duplicates import find_duplicate_pairs, group_duplicates
    from logoingest.images.inspection import inspect_image
    from logoingest.images.selection import select_images

_HOME_OF = {
    "find_duplicate_pairs": "duplicates",
    "group_duplicates": "duplicates",
    "inspect_image": "inspection",
    "select_images": "selection",
}

__all__ = ["find_duplicate_pairs", "group_duplicates", "inspect_image", "select_images"]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
