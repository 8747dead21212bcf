"""A source a night: a pattern's tables, each read as a source of its own, in the order of the days in their names."""

from __future__ import annotations

import datetime as dt
import glob
import re
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.config import SourceConfig
from logoingest.errors import Problem, SourceError

#: 2026-11-30, 2026_11_30, 20261130.
_DAY = re.compile(r"(?<!\d)(20\d\d)([-_]?)(\d\d)\2(\d\d)(?!\d)")
_PATTERN_SIGNS = frozenset("*?[")


class DatedSource(NamedTuple):
    """One file as a source, and the day in its name."""

    source: SourceConfig
    day: dt.date | None


def list_sources(source: SourceConfig, base_dir: Path) -> list[DatedSource]:
    """The files of a source whose path is a pattern, oldest day first, then by name; any other source as it is.

    A pattern of XML files stays one source: its format reads them together. With ``last_day``, files of later days are left out.

    Raises:
        SourceError: no file matches.
    """
    if not names_several(source.path, base_dir):
        return [DatedSource(source, None)]
    pattern = str(Path(source.path).expanduser())
    names = [name for name in glob.glob(pattern, root_dir=base_dir, recursive=True) if (base_dir / name).is_file()]
    if names and all(name.lower().endswith(".xml") for name in names):
        return [DatedSource(source, None)]
    dated = [DatedSource(source.model_copy(update={"path": name}), find_day(name)) for name in names]
    last = source.last_day
    chosen = [one for one in dated if last is None or one.day is None or one.day <= last]
    if not chosen:
        what = "matches no file" if not names else f"matches no file of {last} or before"
        raise SourceError(Problem(source.path, what, "the pattern is relative to the config's folder"))
    return sorted(chosen, key=lambda one: (one.day or dt.date.min, one.source.path))


def names_several(path: str, base_dir: Path) -> bool:
    """Whether a path is meant as a pattern of tables: it has its signs, and nothing is called so."""
    return (
        bool(_PATTERN_SIGNS & set(path)) and not path.lower().endswith(".xml") and not (base_dir / Path(path).expanduser()).exists()
    )


def find_day(name: str) -> dt.date | None:
    """The first day in a file's name, its folders not counted; None where there is none."""
    for found in _DAY.finditer(Path(name).name):
        try:
            return dt.date(int(found[1]), int(found[3]), int(found[4]))
        except ValueError:
            continue
    return None


def date_rows(table: pa.Table, day: dt.date | None) -> pa.Table:
    """Rows that do not say when they were sent count as sent on their file's day (0:00 UTC)."""
    if day is None:
        return table
    place = table.schema.get_field_index("submitted_at")
    field = table.schema.field(place)
    moment = pa.scalar(dt.datetime.combine(day, dt.time(), dt.UTC), field.type)
    return table.set_column(place, field, pc.fill_null(table.column(place), moment))
