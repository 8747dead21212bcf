"""JSON in which nothing can be said twice: what one parser reads, every other reads too (RFC 8259, 4: names SHOULD be unique)."""

from __future__ import annotations

import json
import re
from typing import Any

#: Levels of nesting; what is written needs a dozen.
MAX_DEPTH = 64

_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


def read_strict_json(content: bytes) -> Any:
    """The value of a JSON text in UTF-8 without a byte order mark.

    Raises:
        ValueError: it is none, a key stands twice in an object, a number is NaN or infinite, half a surrogate pair stands alone, or it
            is nested too deeply.
    """
    try:
        value = json.loads(content.decode(), object_pairs_hook=_join_pairs, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if _is_deeper(value, MAX_DEPTH):
        raise ValueError("nested too deeply")
    if _HALF_PAIR.search(content):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _is_deeper(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        nested = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list)]
        level = [item for items in nested for item in items]
        if not level:
            return False
    return True


def _join_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    joined = dict(pairs)
    if len(joined) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:60]!r} stands twice in an object")
    return joined


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")
