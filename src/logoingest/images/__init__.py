"""Pictures: one decode of each (``inspect_image``), and the stage that makes ``images`` of the downloads (``select_images``).

Names are loaded when they are first used: a process that only looks at pictures needs neither SciPy nor the stage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.imports.lazy import load_lazily

if TYPE_CHECKING:
    from logoingest.images.alike.duplicates import find_duplicate_pairs, group_duplicates
    from logoingest.images.looking.inspection import inspect_image
    from logoingest.images.selection import select_images

_HOMES = {
    "alike.duplicates": ("find_duplicate_pairs", "group_duplicates"),
    "looking.inspection": ("inspect_image",),
    "selection": ("select_images",),
}

__all__ = ["find_duplicate_pairs", "group_duplicates", "inspect_image", "select_images"]

__getattr__ = load_lazily(__name__, _HOMES)
