"""Several values of one answer in one text: ticked boxes, a list of tags, multiple choice.

The text is a JSON list of strings, so that a value may hold any sign ("AC/DC", "Dolce, Gabbana"), whatever separators a class map
knows. A single value stands as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable


def write_choices(values: Iterable[str]) -> str:
    """The values as one answer, in their order: repeated ones once, blank ones not at all; a single one as it is."""
    kept = _list_distinct(values)
    return json.dumps(kept, ensure_ascii=False) if len(kept) > 1 else "".join(kept)


def read_choices(answer: str) -> list[str] | None:
    """The distinct values of an answer that is a JSON list of several texts; None for any other."""
    if not answer.startswith("["):
        return None
    try:
        values = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return None
    kept = _list_distinct(values)
    return kept if len(kept) > 1 else None


def show_choices(answer: str) -> str:
    """The answer for people: several values with plus signs between them, anything else as it is."""
    return " + ".join(read_choices(answer) or [answer])


def _list_distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value.strip()))
