"""What stands behind a class: where its aliases come from, and which classes people name beside it for the same pictures."""

from __future__ import annotations

import contextlib
import threading
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.errors import LogoingestError
from logoingest.schemas import Decision
from logoingest.web.aside import work_by_size
from logoingest.web.indexes.pictures import Stamp, stamp_tables
from logoingest.workspace import Workspace

INCLUDED = "by an include"
_OWN = "in the map"
_MOST_CONFUSED = 5
_TABLES = ("annotations", "decisions")

Confused: TypeAlias = "Mapping[str, Sequence[tuple[str, int]]]"


def read_alias_sources(path: Path) -> dict[tuple[str, str], str]:
    """(Class as declared, alias) → where it comes from, for people; what the file itself does not have comes by an include.

    Nothing where the file cannot be read: whoever loads the map says so.
    """
    try:
        classes = tomllib.loads(path.read_bytes().decode("utf-8-sig")).get("classes", {})
    except (OSError, ValueError):
        return {}
    tables = classes.items() if isinstance(classes, dict) else ()
    return {(class_id, text): source for class_id, table in tables for text, source in _list_aliases(table)}


def _list_aliases(table: Any) -> Iterator[tuple[str, str]]:
    aliases = table.get("aliases", ()) if isinstance(table, dict) else ()
    for entries in aliases.values() if isinstance(aliases, dict) else [aliases]:
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, str):
                yield entry, _OWN
            elif isinstance(entry, dict) and isinstance(entry.get("text"), str):
                told = [str(entry["source"])] if entry.get("source") else []
                told += [", ".join(str(entry[key]) for key in ("by", "on") if entry.get(key))] if entry.get("by") else []
                yield entry["text"], "; ".join(told) or _OWN


class ConfusedClasses:
    """Which classes stand beside each other in people's answers about the same URLs; counted in the background, anew where a table changed."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._lock = workspace, threading.Lock()
        self._stamp: Stamp | None = None
        self._found: Confused = {}
        self._thread: threading.Thread | None = None

    def read(self) -> Confused:
        """Class that comes out → the classes it is most often confused with, and of how many URLs; empty until it is counted."""
        with self._lock:
            stamp = stamp_tables(self._workspace, _TABLES)
            if stamp != self._stamp and (self._thread is None or not self._thread.is_alive()):
                self._stamp, self._found = stamp, {}
                self._thread = threading.Thread(target=self._count, name="confused classes", daemon=True)
                self._thread.start()
            return self._found

    def wait(self, patience_s: float) -> None:
        """Until it is counted, or for so long."""
        if self._thread is not None:
            self._thread.join(patience_s)

    def _count(self) -> None:
        with contextlib.suppress(LogoingestError):
            [self._found] = work_by_size(self._workspace, "annotations", tell_confused, self._workspace.url)


def tell_confused(url: str) -> Iterator[Confused]:
    """``count_confused`` of the workspace at a URL, once."""
    yield count_confused(Workspace(url))


def count_confused(workspace: Workspace) -> Confused:
    """As ``ConfusedClasses.read``, now."""
    if not all(workspace.has_table(name) for name in _TABLES):
        return {}
    annotations = workspace.read_table("annotations", ["annotation_id", "url"])
    decisions = workspace.read_table("decisions", ["annotation_id", "decision", "class_ids"])
    decisions = decisions.filter(pc.equal(decisions.column("decision"), Decision.ACCEPTED.value))
    owner = pc.index_in(decisions.column("annotation_id"), value_set=annotations.column("annotation_id").combine_chunks())
    urls = annotations.column("url").combine_chunks().dictionary_encode().indices.take(owner.combine_chunks())
    named = pc.list_flatten(decisions.column("class_ids")).combine_chunks().dictionary_encode()
    rows = pc.list_parent_indices(decisions.column("class_ids")).combine_chunks()
    names = named.dictionary.to_pylist()
    return _rank(_to_numbers(urls.take(rows)), _to_numbers(named.indices), names)


def _to_numbers(column: pa.Array) -> np.ndarray:
    return np.asarray(column.to_numpy(zero_copy_only=False), np.int64)


def _rank(urls: np.ndarray, classes: np.ndarray, names: Sequence[str]) -> Confused:
    """Of every class those that are named for most of the same URLs."""
    if not len(urls):
        return {}
    pairs = np.unique(urls * len(names) + classes)
    url, code = pairs // len(names), pairs % len(names)
    found = [np.empty(0, np.int64)]
    for apart in range(1, len(url)):  # classes of a URL stand beside each other, in order
        are_one = url[apart:] == url[:-apart]
        if not are_one.any():
            break
        found.append(code[:-apart][are_one] * len(names) + code[apart:][are_one])
    both, counts = np.unique(np.concatenate(found), return_counts=True)
    beside: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for pair, number in zip(both.tolist(), counts.tolist(), strict=True):
        one, other = divmod(pair, len(names))
        beside[names[one]].append((names[other], number))
        beside[names[other]].append((names[one], number))
    return {name: sorted(found, key=lambda pair: (-pair[1], pair[0]))[:_MOST_CONFUSED] for name, found in beside.items()}
