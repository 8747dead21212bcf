"""The pages that are made from the code: commands, what they print on --json, config and the table of floors.

python docs/generate.py            # write them
python docs/generate.py --check    # exit 1 where one is out of date (a test does the same)
"""

from __future__ import annotations

import argparse
import ast
import sys
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from json_pages import write_page, write_schema
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from logoingest.cli.main import build_parser
from logoingest.config import Config

ROOT = Path(__file__).resolve().parents[1]
_MADE = "<!-- made by docs/generate.py; edit the code, not this page -->\n"
_START, _END = "<!-- floors -->\n", "<!-- /floors -->\n"
_FLOORS = "Floors: imports go down only, siblings don't know each other"
#: Options that every command has, told once.
_COMMON = frozenset({"help", "json", "quiet", "verbose", "overrides"})

_EXIT_CODES = """| exit code | meaning |
|---|---|
| 0 | all well |
| 1 | a fault of ours |
| 2 | usage, config, class map, source file or workspace: the message says where, what, and what to do |
| 3 | a gate failed: the baseline's verdict, too few images, a broken law; or `diff` found changes |
| 4 | done, but more URLs failed than `dataset.max_failed_share` |
| 5 | another run has taken the workspace over (this one was paused, or cut off from its disk): nothing more was written |
| 6 | the disk is full, nearly full, or the workspace has used up `retention.max_workspace_bytes`: what is done is kept |
| 130, 143 | stopped by Ctrl-C or SIGTERM (129: the terminal was closed): what is done is kept, the message says how to go on |
"""


def write_commands() -> str:
    """docs/commands.md: every command with its arguments, from the parser."""
    common = (
        "Every command knows `--json` (the result as JSON on stdout, see [json.md](json.md)), `--quiet` and `--verbose`; those that take a `dataset.toml` know\n"
        "`--set SECTION.KEY=VALUE`. Progress goes to stderr: bars on a terminal, plain lines elsewhere.\n"
    )
    return f"# Commands\n\n{_MADE}\n{common}\n{_EXIT_CODES}\n" + "\n".join(_describe_commands(build_parser(), "logoingest"))


def _describe_commands(parser: argparse.ArgumentParser, words: str) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                inner = list(_describe_commands(child, f"{words} {name}"))
                yield from inner or _describe_command(child, f"{words} {name}")


def _describe_command(parser: argparse.ArgumentParser, words: str) -> Iterator[str]:
    yield f"## {words}\n\n{parser.description or ''}\n"
    shown = [action for action in parser._actions if action.dest not in _COMMON]
    if shown:
        yield "| argument | meaning |\n|---|---|\n" + "\n".join(map(_describe_argument, shown)) + "\n"


def _describe_argument(action: argparse.Action) -> str:
    value = action.metavar or (action.dest.upper() if action.option_strings else action.dest)
    takes = "" if action.nargs == 0 or not action.option_strings else f" {value}"
    name = f"{', '.join(action.option_strings)}{takes}" if action.option_strings else str(value)
    meaning = (action.help or "") % {"default": action.default, "prog": "logoingest"} if action.help else ""
    return f"| `{name}`{' (needed)' if action.required and action.option_strings else ''} | {_escape(meaning)} |"


def write_config() -> str:
    """docs/config.md: every key with its type, default and meaning, from the models."""
    head = (
        '`dataset.toml`, table by table. Unknown keys are refused ("did you mean …?"), and all faults come in one message. Relative paths\n'
        "are relative to the file. `--set fetch.concurrency=16` beats `LOGOINGEST_FETCH__CONCURRENCY=16` in the environment, which beats\n"
        "the file.\n"
    )
    parts = [_describe_section(name, field) for name, field in Config.model_fields.items()]
    return f"# dataset.toml\n\n{_MADE}\n{head}\n" + "\n".join(part for part in parts if part)


def _describe_section(name: str, field: FieldInfo) -> str:
    model, title = _find_model(field.annotation), f"[{name}]"
    if model is None:
        return ""
    if typing.get_origin(field.annotation) is not None:
        title = f"[[{name}]]"
    lines = [f"## `{title}`\n", f"{(model.__doc__ or '').strip()}\n", "| key | type | default | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{key}` | {_name_type(inner)} | {_show_default(inner)} | {_escape(inner.description or '')} |"
        for key, inner in model.model_fields.items()
    ]
    inner = [
        _describe_section(f"{name}.{key}", one) for key, one in model.model_fields.items() if isinstance(one.default, BaseModel)
    ]
    return "\n".join([*lines, "", *inner] if inner else [*lines, ""])


def _find_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _find_model(part))), None)


def _name_type(field: FieldInfo) -> str:
    return _escape(_name_annotation(field.annotation))


def _name_annotation(annotation: Any) -> str:
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _name_annotation(parts[0])
    if origin is typing.Literal:
        return ", ".join(f'"{part}"' for part in parts)
    if origin in {tuple, list, set, frozenset}:
        return f"list of {_name_annotation(parts[0])}"
    if origin is dict or (origin is not None and "Mapping" in str(origin)):
        return f"table of {_name_annotation(parts[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    if parts:
        return " or ".join(_name_annotation(part) for part in parts if part is not type(None))
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}.get(
        getattr(annotation, "__name__", ""), getattr(annotation, "__name__", str(annotation)).lower()
    )


def _show_default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.default if field.default is not PydanticUndefined else field.default_factory() if field.default_factory else None  # type: ignore[call-arg]
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, BaseModel):
        return "see below"
    return f"`{_escape(str(list(value) if isinstance(value, tuple) else value))}`"


def _escape(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def write_floors() -> str:
    """The table of floors: the import contract's layers, each room with the first line of its docstring."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["name"] == _FLOORS)
    lines = ["| floor | room | |", "|---|---|---|"]
    for floor, layer in zip(range(len(layers) - 1, -1, -1), layers, strict=True):
        for module in layer.split(" | "):
            name = module.removeprefix("logoingest.")
            lines.append(f"| {floor} | `{name}` | {_escape(_read_first_line(module))} |")
    return "\n".join(lines) + "\n"


def _read_first_line(module: str) -> str:
    place = ROOT / "src" / module.replace(".", "/")
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    paragraph = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n\n")[0]
    return paragraph.replace("\n", " ")


def make_pages() -> dict[Path, str]:
    """Every generated page and its text as it should be."""
    house = ROOT / "docs/house.md"
    text = house.read_text(encoding="utf-8")
    before, _, rest = text.partition(_START)
    after = rest.partition(_END)[2]
    return {
        ROOT / "docs/commands.md": write_commands(),
        ROOT / "docs/config.md": write_config(),
        ROOT / "docs/json.md": write_page(_MADE, _escape),
        ROOT / "docs/json-schema.json": write_schema(),
        house: before + _START + write_floors() + _END + after,
    }


def main() -> int:
    """Write the pages, or with ``--check`` say which are out of date."""
    stale = [path for path, text in make_pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        print("\n".join(f"{path.relative_to(ROOT)} is out of date: python docs/generate.py" for path in stale))
        return 1 if stale else 0
    for path in stale:
        path.write_text(make_pages()[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
