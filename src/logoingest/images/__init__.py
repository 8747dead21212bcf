"""Pictures: one decode of each (``inspect_image``), and the stage that makes ``images`` of the downloads (``select_images``)."""

from __future__ import annotations

from logoingest.images.duplicates import find_duplicate_pairs, group_duplicates
from logoingest.images.inspection import inspect_image
from logoingest.images.selection import select_images

__all__ = ["find_duplicate_pairs", "group_duplicates", "inspect_image", "select_images"]
