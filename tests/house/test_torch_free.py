"""torch is loaded by those who train or ask for a torch dataset, and by nobody else."""

from __future__ import annotations

import ast
from pathlib import Path

import logoingest

SOURCES = Path(logoingest.__file__).parent
TORCH = {"torch", "torchvision", "timm", "safetensors"}
#: The only modules outside the training room, by room and name; ``loader`` only asks whether torch is there.
READERS = {("release", "torch_datasets"), ("release", "loader")}


def find_imports(path: Path) -> set[str]:
    """The packages that a file with one of these names imports anywhere: at its top, in a function, for a type checker."""
    found: set[str] = set()
    source = path.read_text("utf-8")
    if not any(name in source for name in TORCH):
        return found
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_only_the_training_room_and_the_torch_reader_import_torch():
    """Every module of the package is looked at; a new one is free of torch unless it is in the training room."""
    found = {path.relative_to(SOURCES) for path in SOURCES.rglob("*.py") if find_imports(path) & TORCH}
    outside = {(path.parts[0], path.stem) for path in found if path.parts[0] != "training"}
    assert outside == READERS
    assert len(found) > 10


def test_a_hidden_import_is_found(tmp_path):
    """In a function, and under another name."""
    (tmp_path / "x.py").write_text("def f():\n    from torchvision.models import resnet18 as r\n    import torch.nn as n\n")
    assert find_imports(tmp_path / "x.py") == {"torch", "torchvision"}
