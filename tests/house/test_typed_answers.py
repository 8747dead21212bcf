"""What crosses from the pipeline upward, and what ``from logoingest import …`` gives, has types."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import logoingest

SOURCES = Path(logoingest.__file__).parent
#: The pipeline and the floors above it.
ROOMS = ("pipeline", "review", "demo", "cli")
LOOSE = ("dict[str, Any]", "Mapping[str, Any]")


def list_loose(folder: Path) -> Iterator[str]:
    """``a.py:3 plan: dict[str, Any]`` for each public function that answers with a mapping of anything."""
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        bodies = [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name[0] != "_")]
        for node in (statement for body in bodies for statement in body):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_" and node.returns is not None:
                answer = ast.unparse(node.returns)
                if any(loose in answer for loose in LOOSE):
                    yield f"{path.relative_to(folder).as_posix()}:{node.lineno} {node.name}: {answer}"


@pytest.mark.parametrize("room", ROOMS)
def test_no_public_function_answers_with_a_mapping_of_anything(room: str) -> None:
    """A NamedTuple, a dataclass or a table says what it holds; ``plain_json`` makes JSON of it at the edge."""
    assert list(list_loose(SOURCES / room)) == []


def test_what_the_package_gives_answers_with_types() -> None:
    """Every function of ``logoingest.__all__``."""
    functions = [getattr(logoingest, name) for name in logoingest.__all__]
    answers = {one.__name__: str(one.__annotations__["return"]) for one in functions if inspect.isfunction(one)}
    assert "plan" in answers
    assert [name for name, answer in answers.items() if any(loose in answer for loose in LOOSE)] == []


def test_a_loose_answer_is_found(tmp_path: Path) -> None:
    """In a function, a method, behind a list; not where it is private."""
    (tmp_path / "a.py").write_text(
        "def plan() -> dict[str, Any]: ...\ndef _plan() -> dict[str, Any]: ...\n"
        "class Thing:\n    def rows(self) -> list[dict[str, Any]]: ...\n    def size(self) -> int: ...\n"
    )
    assert [line.partition(": ")[0] for line in list_loose(tmp_path)] == ["a.py:1 plan", "a.py:4 rows"]
