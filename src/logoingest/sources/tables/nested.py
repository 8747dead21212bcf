"""Objects within a JSON row: what stands in them is a column by its dotted name, ``fields.image``.

An object that is an answer itself (ticked options, a labelled box, ``{"label": …}``) stays one cell; one that holds a URL beside is a row
within the row, as a search engine's ``_source``. MongoDB's ``{"$oid": "…"}`` is its value
(https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from logoingest.sources.cells.answers import AnswerError, read_answers
from logoingest.sources.cells.columns import has_scheme

_MOST_DEPTH = 4
_MOST_COLUMNS = 300


def spread_columns(records: Sequence[Mapping[str, Any]], depth: int = 1) -> tuple[str, ...]:
    """The keys of some rows in the order they come, those of objects in them after all; 300 at most of these."""
    names = list(dict.fromkeys(key for record in records for key in record))
    found = dict.fromkeys(names)
    for name in names if depth < _MOST_DEPTH else ():
        inner = [value for record in records if isinstance(value := unwrap_typed(record.get(name)), dict) and value]
        if inner and not all(map(_is_answer, inner)):
            found |= dict.fromkeys([f"{name}.{key}" for key in spread_columns(inner, depth + 1)][:_MOST_COLUMNS])
    return tuple(found)[: len(names) + _MOST_COLUMNS]


def unwrap_typed(value: Any) -> Any:
    """What MongoDB's extended JSON says the type of: ``{"$date": {"$numberLong": "0"}}`` → ``0``; any other value as it is."""
    while isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith("$"):
        value = next(iter(value.values()))
    return value


def _is_answer(value: Mapping[str, Any]) -> bool:
    if any(isinstance(item, str) and has_scheme(item) for item in value.values()):
        return False
    try:
        read_answers(value)
    except AnswerError:
        return False
    return True


def pick_value(record: Mapping[str, Any], name: str) -> Any:
    """The value of a column; null where an object on the way is missing."""
    if name in record or "." not in name:
        return unwrap_typed(record.get(name))
    parts = name.split(".")
    for length in range(1, len(parts)):
        inner = record.get(".".join(parts[:length]))
        if isinstance(inner, dict) and (found := pick_value(inner, ".".join(parts[length:]))) is not None:
            return found
    return None
