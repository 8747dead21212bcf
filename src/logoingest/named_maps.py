"""The class maps that come with the package, by name: ``logoingest:litw``, in a config, an ``include`` or on the command line."""

from __future__ import annotations

import os
from pathlib import Path

from logoingest.errors import ClassMapError, Problem, suggest_name
from logoingest.files.bundled import find_bundled

PREFIX = "logoingest:"
#: A closed list: no path is ever made of what a config or a map says.
NAMES = ("flickrlogos27", "litw", "litw-fixed")


def is_named(text: str | os.PathLike[str]) -> bool:
    """Whether this is a name, not a path."""
    return os.fspath(text).startswith(PREFIX)


def place_map(text: str | os.PathLike[str], folder: Path) -> Path:
    """The file of a class map: one of the package by its name, any other by its path, relative to a folder.

    Raises:
        ClassMapError: the package has no map of that name.
    """
    if not is_named(text):
        return folder / text
    name = os.fspath(text).removeprefix(PREFIX)
    if name not in NAMES:
        known = [PREFIX + one for one in NAMES]
        hint = suggest_name(os.fspath(text), known, f"there are {', '.join(known)}")
        raise ClassMapError(Problem(os.fspath(text), "no such class map comes with logoingest", hint))
    return find_bundled("label_maps") / f"{name}.toml"


def refuse_writing(text: str | os.PathLike[str]) -> None:
    """Whoever names a map of the package reads it; their own decisions go into a map of theirs.

    Raises:
        ClassMapError: this is a name.
    """
    if is_named(text):
        hint = f'make a map of your own that begins with include = ["{os.fspath(text)}"], and name that one'
        raise ClassMapError(Problem(os.fspath(text), "comes with logoingest and is not written to", hint))
