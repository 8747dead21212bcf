"""Names: what is public is known by its name, so no two public things share one."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import logoingest

SOURCES = Path(logoingest.__file__).parent
#: Names that several modules may have, and why.
SHARED: Mapping[str, str] = {
    "add_commands": "each group of commands adds its own to the parser, by the same call",
    "main": "where a process begins: the command line's, and a lane's",
}


def list_public_names(folder: Path) -> Iterator[tuple[str, str]]:
    """(name, file) of every public class and function that stands in a module."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                yield node.name, path.relative_to(folder).as_posix()


@cache
def find_shared(folder: Path) -> dict[str, list[str]]:
    """Name → the files that each have a public class or function of that name, where there are several."""
    homes: defaultdict[str, set[str]] = defaultdict(set)
    for name, path in list_public_names(folder):
        homes[name].add(path)
    return {name: sorted(paths) for name, paths in homes.items() if len(paths) > 1}


def test_no_two_public_things_share_a_name() -> None:
    """Another name for the newer one; or, where they are one thing, one place for it."""
    assert {name: paths for name, paths in find_shared(SOURCES).items() if name not in SHARED} == {}


def test_what_may_be_shared_is_shared() -> None:
    """The list of exceptions holds none that is not needed any more."""
    assert set(SHARED) == set(find_shared(SOURCES)) & set(SHARED)


def test_a_shared_name_is_noticed(tmp_path: Path) -> None:
    """Classes, functions and coroutines count; what is private or stands in a class does not."""
    (tmp_path / "one.py").write_text("class Kind:\n    def show(self): ...\ndef _hide(): ...\ndef read(): ...\n")
    (tmp_path / "two.py").write_text("class Kind:\n    def show(self): ...\ndef _hide(): ...\nasync def read(): ...\n")
    assert find_shared(tmp_path) == {"Kind": ["one.py", "two.py"], "read": ["one.py", "two.py"]}
