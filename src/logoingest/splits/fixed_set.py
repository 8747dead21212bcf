"""A fixed set: pictures whose split somebody gave, read from a table of theirs."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from logoingest.errors import ConfigError, Problem, suggest_name
from logoingest.named_files import explain_unreadable

#: Columns that may name a picture; the first that is there counts.
_KEYS = ("image_id", "url")
_SPLIT = "split"
_MOST_PROBLEMS = 20
_EXPECTED = "splits.fixed names a UTF-8 CSV file of pictures and splits"


@dataclass(frozen=True)
class FixedSet:
    """image_id → split of the listed pictures that are there, and the keys of those that are not, in order."""

    places: dict[str, str]
    unknown: Sequence[str]


class _Line(NamedTuple):
    number: int
    key: str
    split: str


def read_fixed_set(path: Path, splits: Sequence[str], images: pa.Table) -> FixedSet:
    """The split of each listed picture.

    Args:
        path: a CSV file with a header (tab-separated where its name ends in .tsv): ``split``, and ``image_id`` or ``url``.
        splits: the names there are.
        images: ``ImageRow``, to find the picture of a URL; ``image_id`` and ``urls`` are looked at.

    Raises:
        ConfigError: the file or a column is not there, a cell is empty, a split does not exist, or a picture is given to two
            splits; all (the first twenty) at once.
    """
    key, lines = _read_lines(path)
    found = _find_pictures(images, {line.key for line in lines}, key)
    first: dict[str, _Line] = {}
    problems, places, unknown = [], dict[str, str](), []
    for line in lines:
        where = f"{path.name}: line {line.number}"
        image_id = found.get(line.key)
        if not line.key or not line.split:
            problems.append(Problem(where, f"{_SPLIT if line.key else key} is empty"))
        elif line.split not in splits:
            hint = suggest_name(line.split, splits, f"there are {', '.join(splits)}")
            problems.append(Problem(where, f"{line.split[:60]!r} is no split", hint))
        elif (before := first.setdefault(image_id or line.key, line)).split != line.split:
            what = f"gives to {line.split} the picture that line {before.number} gives to {before.split}"
            problems.append(Problem(where, what, "a picture is in one split"))
        elif image_id is None:
            unknown.append(line.key)
        else:
            places[image_id] = line.split
    if problems:
        more = len(problems) - _MOST_PROBLEMS
        raise ConfigError(problems[:_MOST_PROBLEMS] + ([Problem(path.name, f"and {more:,} more faults")] if more > 0 else []))
    return FixedSet(places, list(dict.fromkeys(unknown)))


def _read_lines(path: Path) -> tuple[str, list[_Line]]:
    """The key column and the lines that are not empty."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
            columns = list(rows.fieldnames or ())
            key = next((name for name in _KEYS if name in columns), "")
            missing = [*(() if key else (" or ".join(reversed(_KEYS)),)), *(() if _SPLIT in columns else (_SPLIT,))]
            if missing:
                hint = f"a fixed set has url or image_id, and split; it has {', '.join(columns)[:200] or 'nothing'}"
                raise ConfigError([Problem(path.name, f"has no column {name}", hint) for name in missing])
            return key, list(_iterate_lines(rows, key))
    except csv.Error as error:
        raise ConfigError(Problem(str(path), f"cannot be read ({error})", _EXPECTED)) from None
    except (OSError, ValueError) as error:
        raise ConfigError(explain_unreadable(path, error, _EXPECTED)) from None


def _iterate_lines(rows: csv.DictReader[str], key: str) -> Iterator[_Line]:
    for row in rows:
        name, split = (row[key] or "").strip(), (row[_SPLIT] or "").strip()
        if name or split:
            yield _Line(rows.line_num, name.lower() if key == "image_id" else name, split)


def _find_pictures(images: pa.Table, keys: set[str], column: str) -> dict[str, str]:
    """Key → image_id of the listed pictures that are there."""
    ids = images.column("image_id").to_pylist()
    if column == "image_id":
        return {image_id: image_id for image_id in ids if image_id in keys}
    owned = (zip(urls, itertools.repeat(image_id)) for image_id, urls in zip(ids, images.column("urls").to_pylist(), strict=True))
    return {url: image_id for url, image_id in itertools.chain.from_iterable(owned) if url in keys}
