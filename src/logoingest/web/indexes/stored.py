"""Indexes as files: written by the process that makes them, mapped by the one that reads them.

Each field of an index (a dataclass) is a file: an array of numbers or bytes as ``.npy``, texts as ``.arrow``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, get_origin, get_type_hints

import numpy as np
import pyarrow as pa

from logoingest.web.aside import is_large, work_aside
from logoingest.workspace import Workspace

_T = TypeVar("_T")


def make_index(kind: type[_T], make: Callable[[Workspace], _T], workspace: Workspace, table: str) -> _T:
    """An index of a workspace; of a large table it is mapped from files, which have no name any more once they are.

    Raises:
        WorkspaceError: a table is damaged, or the process that makes the index died.
    """
    if not is_large(workspace, table):
        return make(workspace)
    with TemporaryDirectory(prefix="logoingest-") as folder:
        for _ in work_aside(_store_made, make, workspace.url, folder):
            pass
        return open_index(kind, Path(folder))


def _store_made(make: Callable[[Workspace], Any], url: str, folder: str) -> Iterator[None]:
    store_index(make(Workspace(url)), Path(folder))
    yield


def store_index(index: Any, folder: Path) -> None:
    """Write an index into a folder."""
    folder.mkdir(exist_ok=True)
    for field in fields(index):
        value = getattr(index, field.name)
        if is_dataclass(value):
            store_index(value, folder / field.name)
        elif isinstance(value, np.ndarray):
            np.save(folder / f"{field.name}.npy", value, allow_pickle=False)
        else:
            _store_texts(value if isinstance(value, pa.Array) else pa.array(value, pa.string()), folder / f"{field.name}.arrow")


def _store_texts(texts: pa.Array, path: Path) -> None:
    table = pa.table({"texts": texts})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def open_index(kind: type[_T], folder: Path) -> _T:
    """An index whose arrays are the files' own pages; the files may be removed once it is open."""
    hints = get_type_hints(kind)
    return kind(**{field.name: _open_field(folder / field.name, hints[field.name]) for field in fields(kind)})  # type: ignore[arg-type]


def _open_field(path: Path, hint: Any) -> Any:
    if path.is_dir():
        return open_index(hint, path)
    if (numbers := path.with_suffix(".npy")).exists():
        return np.asarray(np.load(numbers, mmap_mode="r", allow_pickle=False))
    with pa.memory_map(str(path.with_suffix(".arrow"))) as file:
        column = pa.ipc.open_file(file).read_all().column(0)
    texts = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()  # that would copy them
    return texts.to_pylist() if get_origin(hint) is Sequence else texts
