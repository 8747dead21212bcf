"""Code that a config names, "package.module:name": imported and handed over. No torch here.

A config that names code runs code, with everything this process may do: only what a person wrote into their own config, or allowed in
so many words, comes here. A release, or a model from somebody else, never does.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from logoingest.errors import ConfigError, Problem, quote_first_line, suggest_name

#: Module → the folder of the config that it was last imported beside.
_FOLDERS: dict[str, Path] = {}
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


def names_code(text: str) -> bool:
    """Whether a setting is "package.module:name", as entry points are written."""
    return _NAME.fullmatch(text) is not None


def find_code_file(text: str, base_dir: Path) -> Path | None:
    """The file beside the config that a name leads to, found without importing anything; None where it lies in an installed package."""
    if not names_code(text):
        return None
    place = base_dir.joinpath(*text.partition(":")[0].split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def import_named(where: str, text: str, base_dir: Path) -> Any:
    """Import what a setting names, from the installed packages or, after them, from the folder of the config.

    Args:
        where: the setting, for messages.
        text: "package.module:name".
        base_dir: the folder of the config.

    Raises:
        ConfigError: no such module or name in it, or the module fails when it is imported.
    """
    if not names_code(text):
        raise ConfigError(Problem(where, f'"{text}" names no code', 'write it as "package.module:name"'))
    module_name, _, path = text.partition(":")
    with _look_in(base_dir):
        module = _import(where, module_name, base_dir)
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            hint = suggest_name(
                part, [name for name in vars(found) if not name.startswith("_")], f"is it defined in {module_name}?"
            )
            raise ConfigError(Problem(where, f"{module_name} has no {part}", hint))
        found = getattr(found, part)
    return found


def _import(where: str, module_name: str, base_dir: Path) -> Any:
    _forget_other_folder(module_name, base_dir)
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            hint = f"it is looked for among the installed packages and in {base_dir.absolute()}"
            raise ConfigError(Problem(where, f"there is no module {error.name}", hint)) from error
        raise ConfigError(Problem(where, f"{module_name} needs the package {error.name}, which is not installed")) from error
    except Exception as error:  # whatever a stranger's module does when it is imported
        what = f"{module_name} cannot be imported ({type(error).__name__}: {quote_first_line(error, 160)})"
        raise ConfigError(Problem(where, what, f'try it: python -c "import {module_name}"')) from error


def _forget_other_folder(module_name: str, base_dir: Path) -> None:
    """Two configs may each have a module of that name beside them: the one meant is this config's."""
    folder = base_dir.resolve()
    names = [module_name[:end] for end in [*(dot.start() for dot in re.finditer(r"\.", module_name)), len(module_name)]]
    for name in names:
        if name in _FOLDERS and _FOLDERS[name] != folder:
            sys.modules.pop(name, None)
    _FOLDERS.update(dict.fromkeys(names, folder) if find_code_file(f"{module_name}:x", base_dir) is not None else {})


@contextmanager
def _look_in(folder: Path) -> Iterator[None]:
    """The folder is looked in last, so that nothing in it stands in for what is installed."""
    place = str(folder.absolute())
    sys.path.append(place)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(place)
