"""The JSON Schema (2020-12) of what an answer's type becomes on ``--json``; read together with ``plain_json``."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from logoingest.plain_json import Field, is_answer_type, list_fields

_SCALARS: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def describe_types(kinds: Mapping[str, Any]) -> dict[str, Any]:
    """One document for several named types: ``answers`` has the schema of each, ``$defs`` the types they are made of."""
    found: dict[str, Any] = {}
    answers = {name: _describe(kind, found) for name, kind in kinds.items()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "answers": answers, "$defs": dict(sorted(found.items()))}


def list_answer_types(kind: Any) -> dict[str, type]:
    """The answer types that a type is made of, by name, in the order in which they are met."""
    named: dict[str, type] = {}
    _collect(kind, named)
    return named


def _collect(kind: Any, named: dict[str, type]) -> None:
    if is_answer_type(kind):
        if kind.__name__ not in named:
            named[kind.__name__] = kind
            for field in list_fields(kind):
                _collect(field.type if field.rows is None else field.rows.model, named)
        return
    for part in get_args(kind):
        _collect(part, named)


def _describe(kind: Any, found: dict[str, Any]) -> dict[str, Any]:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is typing.Annotated:
        return _describe(parts[0], found)
    if origin in {typing.Union, types.UnionType}:
        return {"anyOf": [_describe(part, found) for part in parts]}
    if origin is Literal:
        return {"enum": list(parts)}
    if origin is not None:
        return _describe_container(origin, parts, found)
    if kind in _SCALARS:
        return {"type": _SCALARS[kind]}
    if is_answer_type(kind):
        return _refer(kind, found)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    return {} if kind in {Any, object} else {"type": "string"}  # paths, times


def _describe_container(origin: Any, parts: tuple[Any, ...], found: dict[str, Any]) -> dict[str, Any]:
    if issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _describe(parts[1], found)}
    if issubclass(origin, tuple) and parts[-1:] != (Ellipsis,):
        return {"type": "array", "prefixItems": [_describe(part, found) for part in parts], "minItems": len(parts), "items": False}
    return {"type": "array", "items": _describe(parts[0], found)}


def _refer(kind: type, found: dict[str, Any], *, are_whole: bool = True) -> dict[str, Any]:
    name = kind.__name__ if are_whole else f"{kind.__name__}, light"
    if name not in found:
        found[name] = {}
        fields = list_fields(kind)
        found[name] = {
            "type": "object",
            "properties": {field.name: _describe_field(field, found) for field in fields},
            "required": [field.name for field in fields if are_whole and not field.may_be_absent],
            "additionalProperties": not are_whole,
        }
    return {"$ref": f"#/$defs/{name}"}


def _describe_field(field: Field, found: dict[str, Any]) -> dict[str, Any]:
    if field.rows is not None:
        return {"type": "array", "items": _refer(field.rows.model, found, are_whole=field.rows.are_whole)}
    schema = _describe(field.type, found)
    if field.may_be_absent:
        return {"anyOf": [one for one in schema.get("anyOf", [schema]) if one != {"type": "null"}]}
    return schema
