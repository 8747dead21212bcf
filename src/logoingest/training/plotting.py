"""What the plots of all recipes share. Class names are strangers' text: never read as mathtext, cut to a length, and what the font lacks
becomes a box, not a warning.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from logoingest.wording import cut_text

#: More classes than this are no longer named one by one.
NAMED_CLASSES = 60
_NAME_LENGTH = 24
_DPI = 100


@contextmanager
def quiet_fonts() -> Iterator[None]:
    """Inside, strangers' words are drawn as they are."""
    with warnings.catch_warnings(), mpl.rc_context({"text.parse_math": False, "font.size": 9}):
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
        yield


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PNG or JPEG that says nothing of when it was made."""
    FigureCanvasAgg(figure)
    plain: dict[str, Any] = {"metadata": {"Software": None}} if path.suffix == ".png" else {"pil_kwargs": {"quality": 85}}
    figure.savefig(path, dpi=_DPI, **plain)


def shorten_name(name: str) -> str:
    """One line of at most 24 characters."""
    return cut_text(" ".join(name.split()), _NAME_LENGTH)
