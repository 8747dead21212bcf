"""Tables with a column an option: ``robin, magpie, heron …``; each cell says whether it was ticked, a row's ticks are one answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from logoingest.sources.cells.answers import AnswerError, describe_scalar
from logoingest.sources.cells.columns import LABEL_WORDS, NEVER_LABEL, Sample, split_words

_YES = frozenset({"true", "1", "1.0", "yes", "y", "x", "on", "checked", "selected", "✓", "✔", "☑", "✅"})
_NO = frozenset({"false", "0", "0.0", "no", "n", "off", "unchecked", "", "-", "☐", "null", "none"})
_FEWEST = 3
_FEWEST_ANSWERS = 2
_ANSWER = "Answer."
_FORM_WORDS = frozenset({"answer", "option", "is", "has", "class", "choice"}) | LABEL_WORDS.keys()
_LAST_SIGN = re.compile(r".*[._:/ -]")


def find_options(sample: Sample) -> tuple[str, ...]:
    """The columns of a question whose options can be ticked; none where they are fewer than three (two of MTurk's), or nothing is ticked."""
    ticks = {
        name: cells
        for name, values in sample.items()
        if name
        and not split_words(name) & NEVER_LABEL
        and (cells := _fold_cells(values))
        and set(cells) <= _YES | _NO
        and any(cells)
    }
    fewest = _FEWEST_ANSWERS if all(name.startswith(_ANSWER) for name in ticks) else _FEWEST
    if len(ticks) < fewest:
        return ()
    per_row = Counter(place for cells in ticks.values() for place, cell in enumerate(cells) if cell in _YES)
    rows = max(map(len, ticks.values()))
    return tuple(ticks) if 0 < per_row.total() <= rows * len(ticks) / 2 else ()


def name_options(columns: Sequence[str]) -> Mapping[str, str]:
    """Column → the option: without what the form put around all of them (``Answer.robin.on``, ``label_robin``)."""
    first, last = min(columns, default=""), max(columns, default="")
    shared = next((first[:place] for place, char in enumerate(first) if not last.startswith(char, place)), first)
    head = _cut_head(shared)
    return {name: cut_tick(name[len(head) :]) for name in columns}


def cut_tick(option: str) -> str:
    """An option without the ``.on`` that MTurk's forms put behind it."""
    return option.removesuffix(".on")


def read_options(row: Mapping[str, Any], options: Mapping[str, str]) -> dict[str, bool]:
    """Option → whether it is ticked.

    Raises:
        AnswerError: a cell says neither.
    """
    return {option: _is_ticked(row[column], column) for column, option in options.items()}


def _is_ticked(value: Any, column: str) -> bool:
    text = describe_scalar(value).strip().lower()
    if text not in _YES | _NO:
        raise AnswerError(f'"{text[:40]}" in the column {column} says neither that it is ticked nor that it is not')
    return text in _YES


def _fold_cells(values: Sequence[Any]) -> list[str]:
    try:
        return [describe_scalar(value).strip().lower() for value in values]
    except AnswerError:
        return []


def _cut_head(shared: str) -> str:
    found = _LAST_SIGN.match(shared)
    head = found.group() if found else ""
    return head if split_words(head) <= _FORM_WORDS else ""
