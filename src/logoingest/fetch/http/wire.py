"""What stands on the wire, to the byte: the URL that is asked for, and the fields of an answer's head.

aiohttp reads a URL given as text anew (yarl takes escapes off and drops an empty query); here it is not read again: path and query go
through as they stand. Of fields that come twice aiohttp shows the first; RFC 9110 §5.3 makes one list of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from multidict import CIMultiDictProxy
from yarl import URL

from logoingest.fetch.rules.targets import Target

Fields: TypeAlias = CIMultiDictProxy[str]


def make_wire_url(target: Target) -> URL:
    """A URL that aiohttp writes as it stands: the query is part of the path, since yarl forgets an empty one."""
    return URL.build(scheme=target.scheme, authority=target.netloc, path=target.path, encoded=True)


def read_field(fields: Fields, name: str) -> str | None:
    """A field's value, several joined by commas; None where there is none."""
    values = list_field_values(fields, name)
    return ", ".join(values) if values else None


def list_field_values(fields: Fields, name: str) -> list[str]:
    """The values of a field that may come several times, as text."""
    return [_read_text(value) for value in fields.getall(name, ())]


def pick_fields(fields: Fields, names: tuple[str, ...]) -> Mapping[str, str]:
    """Those of these fields that are there, by lower-case name."""
    return {name: read_field(fields, name) or "" for name in names if name in fields}


def _read_text(value: str) -> str:
    """UTF-8, or Latin-1 where it is none: aiohttp keeps the bytes of such a value as surrogates, which no file takes."""
    if value.isascii():
        return value
    data = value.encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
