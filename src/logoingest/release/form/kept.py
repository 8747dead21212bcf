"""The source's own columns in a release: of each picture, what the rows about it say in them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

#: A kept column's type whatever stands in it: rows of one picture may differ.
KEPT_TYPE = pa.list_(pa.string())


def add_kept(rows: pa.Table, annotations: pa.Table, names: Sequence[str]) -> pa.Table:
    """The rows with a column a name: the distinct texts of every annotation of the row's ``urls``, sorted; empty where none says.

    Args:
        rows: with ``urls``.
        annotations: ``url`` and ``carried`` of ``AnnotationRow``.
        names: the columns, in order.
    """
    told = _gather(annotations, names) if names else {}
    columns: dict[str, list[list[str]]] = {name: [] for name in names}
    for urls in rows.column("urls").to_pylist() if names else ():
        for name in names:
            columns[name].append(sorted({text for url in urls for text in told.get(url, {}).get(name, ())}))
    for name, values in columns.items():
        rows = rows.append_column(pa.field(name, KEPT_TYPE), pa.array(values, KEPT_TYPE))
    return rows


def _gather(annotations: pa.Table, names: Sequence[str]) -> Mapping[str, Mapping[str, set[str]]]:
    """URL → column → its distinct texts."""
    said = annotations.select(["url", "carried"]).filter(pc.is_valid(annotations.column("carried")))
    told: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for pair in said.group_by(["url", "carried"]).aggregate([]).to_pylist():
        for name, text in json.loads(pair["carried"]).items():
            if name in names:
                told[pair["url"]][name].add(text)
    return told
