"""Boxes whose four numbers stand in four columns, as in TensorFlow's and Roboflow's CSV, Open Images and many a home-made table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from logoingest.config import SourceConfig
from logoingest.errors import Problem, SourceError
from logoingest.sources.cells.answers import AnswerError, read_box, read_number
from logoingest.sources.cells.boxes import join_corners, place_shares
from logoingest.sources.cells.columns import Sample, find_missing, fold_name, index_names
from logoingest.sources.files.opening import SourceFile

#: Usual names of the four columns, without signs and in lower case, and what they hold (torchvision's words for it).
_FAMILIES: tuple[tuple[tuple[str, str, str, str], str], ...] = (
    (("xmin", "ymin", "xmax", "ymax"), "xyxy"),
    (("minx", "miny", "maxx", "maxy"), "xyxy"),
    (("x1", "y1", "x2", "y2"), "xyxy"),
    (("x0", "y0", "x1", "y1"), "xyxy"),
    (("xtl", "ytl", "xbr", "ybr"), "xyxy"),
    (("left", "top", "right", "bottom"), "xyxy"),
    (("startx", "starty", "endx", "endy"), "xyxy"),
    (("xcenter", "ycenter", "width", "height"), "cxcywh"),
    (("xcentre", "ycentre", "width", "height"), "cxcywh"),
    (("centerx", "centery", "width", "height"), "cxcywh"),
    (("cx", "cy", "w", "h"), "cxcywh"),
    (("left", "top", "width", "height"), "xywh"),
    (("xmin", "ymin", "width", "height"), "xywh"),
    (("x", "y", "width", "height"), "xywh"),
    (("x", "y", "w", "h"), "xywh"),
)
_PREFIXES = ("", "bbox", "boundingbox", "box", "rect", "region", "roi")
_SIZES = (("imagewidth", "imageheight"), ("imgwidth", "imgheight"), ("imgw", "imgh"), ("width", "height"))


class BoxColumns(NamedTuple):
    """Where a row's box stands: four columns, what they hold, whether in shares of the picture, and the columns of its size."""

    names: tuple[str, ...]
    form: str
    in_shares: bool
    size: tuple[str, str] | None

    @property
    def columns(self) -> list[str]:
        """Every column that is read."""
        return [*self.names, *(self.size or ())]


def find_box_columns(file: SourceFile, source: SourceConfig, sample: Sample) -> BoxColumns | None:
    """The columns of the box: those the config names, else those of usual names; None where there are none.

    They hold shares of the picture's size where no number of the sample is larger than 1 and some is no whole one.

    Raises:
        SourceError: a named column is not there, or what the four hold cannot be told by their names.
    """
    if source.bbox_columns:
        wanted = {f"bbox_columns[{index}]": name for index, name in enumerate(source.bbox_columns)}
        if problems := find_missing(file.name, wanted, tuple(sample)):
            raise SourceError(problems)
        form = source.bbox_format or _tell_form(source.bbox_columns)
        if form is None:
            raise SourceError(
                Problem(file.name, "has box columns of unusual names", 'say bbox_format = "xyxy", "xywh" or "cxcywh"')
            )
        names: tuple[str, ...] = source.bbox_columns
    elif source.bbox_column is not None or (found := _find_family(sample)) is None:
        return None
    else:
        names, form = found[0], source.bbox_format or found[1]
    in_shares = _look_like_shares([sample[name] for name in names]) if source.bbox_unit is None else source.bbox_unit == "shares"
    return BoxColumns(names, form, in_shares, _find_size(sample, names))


def _find_family(sample: Sample) -> tuple[tuple[str, ...], str] | None:
    by_name = index_names(sample)
    for prefix in _PREFIXES:
        for family, form in _FAMILIES:
            names = tuple(by_name.get(prefix + part, "") for part in family)
            if all(names) and all(_holds_numbers(sample[name]) for name in names):
                return names, form
    return None


def _tell_form(columns: Sequence[str]) -> str | None:
    folded = [fold_name(name) for name in columns]
    return next(
        (form for family, form in _FAMILIES if all(name.endswith(part) for name, part in zip(folded, family, strict=True))),
        None,
    )


def _holds_numbers(values: Sequence[Any]) -> bool:
    return all(_parse(value) is not None for value in values if value not in (None, ""))


def _parse(value: Any) -> float | None:
    try:
        return read_number(value)
    except AnswerError:
        return None


def _look_like_shares(columns: Sequence[Sequence[Any]]) -> bool:
    numbers = [number for values in columns for value in values if (number := _parse(value)) is not None]
    return bool(numbers) and max(map(abs, numbers)) <= 1 and any(number != int(number) for number in numbers)


def _find_size(sample: Sample, taken: Sequence[str]) -> tuple[str, str] | None:
    by_name = index_names(name for name in sample if name not in taken)
    found = next(((by_name[width], by_name[height]) for width, height in _SIZES if width in by_name and height in by_name), None)
    return found if found and all(_holds_numbers(sample[name]) for name in found) else None


def read_box_columns(columns: BoxColumns, row: Mapping[str, Any]) -> tuple[list[float] | None, Mapping[str, Any]]:
    """A row's box in pixels; without the picture's size a box in shares stays so, as an attribute. Four empty cells are no box.

    Raises:
        AnswerError: the four cells hold no box.
    """
    cells = [row.get(name) for name in columns.names]
    if all(cell is None or not str(cell).strip() for cell in cells):
        return None, {}
    numbers = [read_number(cell) for cell in cells]
    if columns.form == "cxcywh":
        numbers = [numbers[0] - numbers[2] / 2, numbers[1] - numbers[3] / 2, *numbers[2:]]
    if columns.in_shares:
        if columns.form == "xyxy":
            numbers = [numbers[0], numbers[1], numbers[2] - numbers[0], numbers[3] - numbers[1]]
        size = [row.get(name) for name in columns.size] if columns.size else None
        return place_shares(numbers, size if size and all(side not in (None, "") for side in size) else None)
    return (join_corners(numbers) if columns.form == "xyxy" else read_box(numbers)), {}
