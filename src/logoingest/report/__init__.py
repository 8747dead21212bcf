"""One self-contained ``report.html`` of a workspace: nothing from outside, no script but one of its own, every stranger's word escaped.

The page and its plots are loaded when they are first used: who only wants a thumbnail needs no Matplotlib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.imports.lazy import load_lazily

if TYPE_CHECKING:
    from logoingest.report.rendering import render_report

_HOMES = {"rendering": ("render_report",)}

__all__ = ["render_report"]

__getattr__ = load_lazily(__name__, _HOMES)
