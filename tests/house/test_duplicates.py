"""Nothing of the package stands in it twice: runs of equal lines are found, whatever surrounds them.

pylint's duplicate-code finds the same, for 36 CPU seconds and six more packages; this takes one.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import EllipsisType
from typing import NamedTuple

import logoingest

SOURCES = Path(logoingest.__file__).parent
#: Equal lines in a row that make a copy; imports, docstrings, comments, signatures and lines of mere brackets are none.
LEAST = 6


class Line(NamedTuple):
    """A line that counts: its number in the file, and its text without indentation."""

    number: int
    text: str


def list_lines(source: str) -> list[Line]:
    """The lines of a file that could be a copy."""
    skipped: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom) or _is_text(node):
            skipped.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            skipped.update(range(node.lineno, node.body[0].lineno))
    lines = (Line(number, text.strip()) for number, text in enumerate(source.splitlines(), 1) if number not in skipped)
    return [line for line in lines if line.text.strip("()[]{},:") and not line.text.startswith("#")]


def _is_text(node: ast.AST) -> bool:
    """A docstring, or the ``...`` of a protocol's method."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str | EllipsisType)


def find_copies(folder: Path, least: int = LEAST) -> Iterator[str]:
    """``a.py:3 and b.py:9: the first line …`` for each run of so many equal lines, once a run."""
    places: dict[tuple[str, ...], list[tuple[str, int, int]]] = defaultdict(list)
    for path in sorted(folder.rglob("*.py")):
        lines = list_lines(path.read_text("utf-8"))
        for index in range(len(lines) - least + 1):
            run = tuple(line.text for line in lines[index : index + least])
            places[run].append((path.relative_to(folder).as_posix(), index, lines[index].number))
    starts = {(name, index) for found in places.values() if len(found) > 1 for name, index, _ in found}
    for run, found in places.items():
        if len(found) > 1 and not all((name, index - 1) in starts for name, index, _ in found):
            yield f"{' and '.join(f'{name}:{number}' for name, _, number in found)}: {run[0]}"


def test_no_run_of_lines_is_written_twice() -> None:
    """What stands in two places belongs into one module that both import."""
    assert list(find_copies(SOURCES)) == []


CODE = """
def spell(count, one, many):
    '''A count.'''
    total = count + 1
    if total == 2:
        return one
    words = many.split()
    rest = words[1:]
    words = words[:1]
    return words + rest
"""


def test_a_copy_under_another_name_is_found(tmp_path: Path) -> None:
    """Neither its name nor what stands around it hides it."""
    (tmp_path / "one.py").write_text("import os\n" + CODE)
    (tmp_path / "two.py").write_text(
        "class Words:\n" + CODE.replace("spell", "say").replace("\n", "\n    ").replace("A count", "Words") + "\n"
    )
    assert list(find_copies(tmp_path)) == ["one.py:5 and two.py:5: total = count + 1"]


def test_what_is_merely_alike_is_no_copy(tmp_path: Path) -> None:
    """Equal imports, docstrings and signatures stand in many files."""
    head = '"""A module.\n\nOf many\nlines.\n"""\n\nimport os\nimport re\nimport sys\nimport json\nimport csv\nimport io\n\n\n'
    head += "def read(\n    one: int,\n    two: int,\n    three: int,\n    four: int,\n    five: int,\n    six: int,\n) -> int:\n"
    (tmp_path / "one.py").write_text(head + "    return one\n")
    (tmp_path / "two.py").write_text(head + "    return two\n")
    assert list(find_copies(tmp_path)) == []
