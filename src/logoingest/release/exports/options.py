"""What can be asked of an export beside its form, and which forms know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from logoingest.errors import Problem, UsageError


class ExportOptions(NamedTuple):
    """All of them; as they are here, an export is what it is by default."""

    shards: int | None = None
    """So many archives a split, of equally many pictures; by size where left out."""
    boxes_only: bool = False
    """Leave out pictures that show a class without a box of it."""
    jpeg: bool = False
    """Write every picture as JPEG: for readers that pass over other formats."""
    upright: bool = False
    """Write turned pictures the right way up: for readers that do not turn them by their EXIF orientation."""


DEFAULTS = ExportOptions()

#: Option → the forms that know it; the others would pass it over in silence.
KNOWN_BY: Mapping[str, Sequence[str]] = {"shards": ("webdataset",), "boxes_only": ("voc",)}  # the others are for all


def check_options(form: str, options: ExportOptions) -> None:
    """See to it that an export can do what is asked.

    Raises:
        UsageError: the form does not know an option, or its value cannot be.
    """
    asked = [name for name, value in options._asdict().items() if value != getattr(DEFAULTS, name)]
    for name in asked:
        if form not in KNOWN_BY.get(name, (form,)):
            what = f"says nothing to the format {form}"
            raise UsageError(Problem(name_option(name), what, f"it is for {' and '.join(KNOWN_BY[name])}"))
    if options.shards is not None and options.shards < 1:
        raise UsageError(Problem("--shards", f"is {options.shards}", "1 or more; left out, shards are cut by size"))


def name_option(name: str) -> str:
    """The option as the command line calls it."""
    return f"--{name.replace('_', '-')}"
