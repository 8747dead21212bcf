"""No function takes a row of nameless arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import logoingest

SOURCES = Path(logoingest.__file__).parent
#: Parameters that may be given by their place, ``self`` and ``cls`` not counted.
MOST = 7


def list_crowded(folder: Path, most: int = MOST) -> Iterator[str]:
    """``a.py:3 write_release: 13`` for each function with more parameters that are not keyword-only."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                names = [given.arg for given in (*node.args.posonlyargs, *node.args.args)]
                count = len(names) - (names[:1] in (["self"], ["cls"]))
                if count > most:
                    yield f"{path.relative_to(folder).as_posix()}:{node.lineno} {getattr(node, 'name', 'lambda')}: {count}"


def test_no_function_takes_more_than_seven_arguments_by_their_place() -> None:
    """Beyond that a call cannot be read: they are given by name, or are one small type."""
    assert [*list_crowded(SOURCES), *list_crowded(SOURCES.with_name("logoingest_flows"))] == []


def test_a_crowded_function_is_found(tmp_path: Path) -> None:
    """Keyword-only parameters and ``self`` do not count, nor do seven; eight do, in a lambda and a method too."""
    (tmp_path / "a.py").write_text(
        "def seven(a, b, c, d, e, f, g, *, h, i): ...\n"
        "async def eight(a, b, c, d, e, f, /, g, h): ...\n"
        "class Thing:\n    def method(self, a, b, c, d, e, f, g): ...\n    def other(self, a, b, c, d, e, f, g, h): ...\n"
    )
    assert list(list_crowded(tmp_path)) == ["a.py:2 eight: 8", "a.py:5 other: 8"]
