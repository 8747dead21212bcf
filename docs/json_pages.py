"""docs/json.md and docs/json-schema.json: what every command prints on ``--json``, from the types that are printed."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from logoingest.cli.answers import ANSWERS
from logoingest.json_schema import describe_types, list_answer_types
from logoingest.plain_json import Field, is_answer_type, list_fields
from logoingest.schemas import Column

_WORDS = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false", "NoneType": "null", "Any": "anything"}


def write_schema() -> str:
    """The JSON Schema of all of them."""
    return json.dumps(describe_types(ANSWERS), indent=1) + "\n"


def write_page(made: str, escape: typing.Callable[[str], str]) -> str:
    """A section a command, then a table a type.

    Args:
        made: the line that says that the page is made.
        escape: makes a text fit into a cell.
    """
    head = (
        "What each command prints on stdout with `--json`. Names and types stay as they are from version to version; fields may be added.\n"
        "The same as JSON Schema (2020-12) is [json-schema.json](json-schema.json): under `answers` by command. The exit code is the one\n"
        "that the command has without `--json`. Times are UTC, as text.\n"
    )
    commands = ["| command | prints |\n|---|---|", *(f"| `{name}` | {_name_type(kind)} |" for name, kind in ANSWERS.items())]
    kinds = {name: kind for answer in ANSWERS.values() for name, kind in list_answer_types(answer).items()}
    sections = [_describe_type(kinds[name], escape) for name in sorted(kinds)]
    return f"# What `--json` prints\n\n{made}\n{head}\n" + "\n".join([*commands, "", *sections])


def _describe_type(kind: type, escape: typing.Callable[[str], str]) -> str:
    meanings = _read_meanings(kind)
    lines = [f"## {kind.__name__}\n", f"{inspect.cleandoc(kind.__doc__ or '')}\n", "| field | type | meaning |", "|---|---|---|"]
    lines += [
        f"| `{field.name}` | {_name_field(field)} | {escape(meanings.get(field.attribute, ''))} |" for field in list_fields(kind)
    ]
    return "\n".join(lines) + "\n"


def _read_meanings(kind: type) -> Mapping[str, str]:
    """Field or property → what stands below it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(tree, ast.ClassDef)
    columns = {field.attribute: mark.doc for field in list_fields(kind) for mark in field.marks if isinstance(mark, Column)}
    return {**dict(_pair_up(tree.body)), **columns}


def _pair_up(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for statement, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, ast.FunctionDef):
            yield statement.name, (ast.get_docstring(statement) or "").partition("\n")[0]
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and isinstance(after, ast.Expr):
            yield statement.target.id, str(ast.literal_eval(after.value))


def _name_field(field: Field) -> str:
    if field.rows is not None:
        light = "" if field.rows.are_whole else "; what is null is left out"
        return f"list of {_name_type(field.rows.model)}{light}"
    named = _name_type(field.type)
    return f"{named.removesuffix(' or null')}; may be left out" if field.may_be_absent else named


def _name_type(kind: Any) -> str:
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _name_type(parts[0])
    if origin in {typing.Union, types.UnionType}:
        return " or ".join(map(_name_type, parts))
    if origin is not None and issubclass(origin, Mapping):
        return f"object of {_name_type(parts[1])}"
    if origin is tuple and parts[-1] is not Ellipsis:
        return f"[{', '.join(map(_name_type, parts))}]"
    if origin is not None:
        return f"list of {_name_type(parts[0])}"
    if is_answer_type(kind):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f'"{member.value}"' for member in kind)
    return _WORDS.get(kind.__name__, "text")
