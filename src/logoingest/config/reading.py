"""dataset.toml → ``Config``; every fault in one message, with "did you mean".

Order of precedence: ``--set section.key=value`` > ``LOGOINGEST_<SECTION>__<KEY>`` > the file > the defaults of ``sections``.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from logoingest.config.sections import Config
from logoingest.errors import ConfigError, Problem, suggest_name
from logoingest.named_files import explain_unreadable

ENV_PREFIX = "LOGOINGEST_"
_EXPECTED = "a config is a UTF-8 TOML file with [dataset], [[sources]] and [labels]"


def load_config(
    path: str | os.PathLike[str],
    overrides: Sequence[str] | Mapping[str, Any] = (),
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Read ``dataset.toml``.

    Args:
        path: the TOML file.
        overrides: ``["fetch.concurrency=16", …]`` (values are TOML, a bare word is a string) or ``{"fetch.concurrency": 16}``.
        environ: where ``LOGOINGEST_<SECTION>__<KEY>`` is looked up; ``os.environ`` when left out.

    Raises:
        ConfigError: the file cannot be read or anything in it, or in an override, is wrong; all faults at once.
    """
    file = Path(path)
    data = _read_toml(file)
    problems: list[Problem] = []
    origins: dict[tuple[str, ...], str] = {}
    for origin, name, value in _iterate_overrides(overrides, os.environ if environ is None else environ, problems):
        keys = tuple(name.split("."))
        _set_key(data, keys, value, origin, problems)
        origins[keys] = origin
    problems += _find_faults(data, file.name, origins)
    if problems:
        raise ConfigError(problems)
    return Config.model_validate({**data, "base_dir": file.absolute().parent})


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        make = "make one with: python -m logoingest init FOLDER --from FILE"
        raise ConfigError(explain_unreadable(file, error, _EXPECTED, make)) from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(Problem(str(file), f"is not valid TOML: {error}", _EXPECTED)) from None
    if not data:
        raise ConfigError(Problem(str(file), "says nothing", _EXPECTED))
    if "classes" in data and "dataset" not in data:
        raise ConfigError(Problem(str(file), "is a class map", "name the dataset.toml whose labels.class_map it is"))
    return data


def _iterate_overrides(
    overrides: Sequence[str] | Mapping[str, Any], environ: Mapping[str, str], problems: list[Problem]
) -> Iterable[tuple[str, str, Any]]:
    """Yields (origin for messages, dotted name, value), weakest first."""
    for variable in sorted(environ):
        name = variable.removeprefix(ENV_PREFIX)
        if name != variable and "__" in name:
            yield variable, name.lower().replace("__", "."), _parse_value(environ[variable])
    if isinstance(overrides, Mapping):
        for name, value in overrides.items():
            yield f"--set {name}", name, value
        return
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals or not re.fullmatch(r"[a-z_]+(\.[a-z0-9_]+)+", name.strip()):
            problems.append(Problem(f"--set {override}", "is not SECTION.KEY=VALUE", "for example --set fetch.concurrency=16"))
            continue
        yield f"--set {name.strip()}", name.strip(), _parse_value(text.strip())


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _set_key(data: dict[str, Any], keys: tuple[str, ...], value: Any, origin: str, problems: list[Problem]) -> None:
    node: Any = data
    for key in keys[:-1]:
        if isinstance(node, list) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        elif isinstance(node, dict):
            node = node.setdefault(key, {})
        else:
            problems.append(Problem(origin, f"there is no {'.'.join(keys[:-1])} to set this in"))
            return
    if isinstance(node, dict):
        node[keys[-1]] = value
    else:
        problems.append(Problem(origin, f"{'.'.join(keys[:-1])} is not a table", "a source is sources.0.path"))


def _find_faults(data: dict[str, Any], file_name: str, origins: Mapping[tuple[str, ...], str]) -> list[Problem]:
    problems = []
    if "base_dir" in data:
        problems.append(Problem(f"{file_name}: base_dir", "unknown key"))
    try:
        Config.model_validate({key: value for key, value in data.items() if key != "base_dir"})
    except ValidationError as error:
        faults = error.errors()
        for fault in faults:
            if fault["type"] == "too_short" and any(len(other["loc"]) > len(fault["loc"]) for other in faults):
                continue  # pydantic counts a faulty item as missing
            keys = tuple(str(part) for part in fault["loc"])
            where = origins.get(keys) or f"{file_name}: {_dotted(fault['loc'])}"
            problems.append(_describe(where, fault["loc"], fault["type"], fault["msg"], fault.get("input")))
    return problems


def _dotted(location: Sequence[str | int]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _describe(where: str, location: Sequence[str | int], kind: str, message: str, value: Any) -> Problem:
    if kind == "extra_forbidden":
        known = sorted(_known_keys(location[:-1]))
        return Problem(where, "unknown key", suggest_name(str(location[-1]), known, f"known here: {', '.join(known)}"))
    if kind == "missing":
        return Problem(where, "is missing")
    shown = re.sub("//[^/@]*@", "//…@", json.dumps(value, ensure_ascii=False, default=str))  # a password in a URL
    message = message.removeprefix("Value error, ")
    if isinstance(value, dict | list):
        return Problem(where, message)
    return Problem(where, f"{message[:1].lower()}{message[1:]}, not {shown[:80]}")


def _known_keys(location: Sequence[str | int]) -> Iterable[str]:
    section: type[BaseModel] = Config
    for part in location:
        if isinstance(part, int):
            continue
        annotation = section.model_fields[part].annotation
        candidates = [annotation, *get_args(annotation)]
        section = next(kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel))
    return (name for name in section.model_fields if name != "base_dir")
