"""What the dataset looks like: a few pictures of each class, the least certain ones, and votes that did not settle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.report.material import Material
from logoingest.report.pages.contents import PageContents
from logoingest.report.thumbnails import ROWS_PER_READ
from logoingest.schemas import Stage

_PER_CLASS = 8
_MOST_DOUBTFUL = 16
_MOST_UNSETTLED = 30
_BUNDLE = 8
#: Pictures that are looked at for each thumbnail there may be: some cannot be drawn.
_TURNS = 3


def gather_pictures(material: Material, evidence: Iterable[str]) -> PageContents:
    """Gallery by class, least certain pictures, votes that did not settle.

    Args:
        material: the tables.
        evidence: pictures that other pages show. The gallery prefers others out of the same row groups, which are read anyway.
    """
    doubtful = _list_doubtful(material.samples, material.splits)
    near = _mark_near(material.downloads, material.splits.column("image_id"), [*evidence, *(row["image_id"] for row in doubtful)])
    gallery, turns = _list_gallery(material.splits, near, _TURNS * material.config.report.thumbnails)
    facts = {"gallery": gallery, "doubtful": doubtful, "unsettled": _list_unsettled(material.rejected)}
    return PageContents(facts, [[row["image_id"] for row in doubtful]], spare=turns)


def _mark_near(downloads: pa.Table, image_ids: pa.ChunkedArray, evidence: Sequence[str]) -> pa.Array:
    """0 for the pictures whose bytes lie in a row group with one of ``evidence``, else 1."""
    shards = downloads.column("shard").combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    groups = (shards << 32) + downloads.column("shard_row").to_numpy() // ROWS_PER_READ
    read = np.unique(groups[pc.is_in(downloads.column("sha256"), value_set=pa.array(evidence, pa.string())).to_numpy()])
    found = pc.fill_null(pc.index_in(image_ids, value_set=downloads.column("sha256").combine_chunks()), -1).to_numpy()
    near = np.isin(groups[found], read) & (found >= 0) if len(groups) else np.zeros(len(found), np.bool_)
    return pa.array(np.where(near, 0, 1).astype(np.int8))


def _list_gallery(splits: pa.Table, near: pa.Array, most: int) -> tuple[list[dict[str, Any]], list[Sequence[str]]]:
    """(pictures by class, the same in turns of the classes): a short gallery shows many classes."""
    splits = splits.append_column("near", near)
    single = splits.filter(pc.equal(pc.list_value_length(splits.column("class_ids")), 1))
    table = pa.table(
        {"class_id": pc.list_flatten(single.column("class_ids")), "image_id": single.column("image_id"),
         "split": single.column("split"), "near": single.column("near")}
    )  # fmt: skip
    table = table.sort_by([(name, "ascending") for name in ("class_id", "near", "image_id")]).combine_chunks()
    codes = table.column("class_id").combine_chunks().dictionary_encode().indices.to_numpy()
    turn = np.arange(len(codes)) - np.searchsorted(codes, codes)
    table = table.append_column("turn", pa.array(turn)).filter(pa.array(turn < _PER_CLASS))
    table = table.sort_by([("turn", "ascending"), ("class_id", "ascending")]).slice(0, most)
    by_class: dict[str, list[dict[str, Any]]] = {}
    for row in table.sort_by([("class_id", "ascending"), ("turn", "ascending")]).to_pylist():
        by_class.setdefault(row["class_id"], []).append(row)
    order = table.column("image_id").to_pylist()
    turns = [order[start : start + _BUNDLE] for start in range(0, len(order), _BUNDLE)]
    return [{"class_id": class_id, "images": rows} for class_id, rows in by_class.items()], turns


def _list_doubtful(samples: pa.Table, splits: pa.Table) -> list[dict[str, Any]]:
    placed = samples.filter(pc.is_in(samples.column("image_id"), value_set=splits.column("image_id").combine_chunks()))
    ordered = placed.sort_by([("confidence", "ascending"), ("image_id", "ascending")]).slice(0, _MOST_DOUBTFUL)
    rows: list[dict[str, Any]] = ordered.select(["image_id", "class_ids", "confidence", "votes"]).to_pylist()
    return rows


def _list_unsettled(rejected: pa.Table) -> list[dict[str, Any]]:
    rows = rejected.filter(pc.equal(rejected.column("stage"), Stage.SAMPLES.value))
    counted = rows.group_by(["reason", "detail"]).aggregate([("annotation_id", "count")])
    order = [("annotation_id_count", "descending"), ("reason", "ascending"), ("detail", "ascending")]
    return [{**row, "rows": row["annotation_id_count"]} for row in counted.sort_by(order).slice(0, _MOST_UNSETTLED).to_pylist()]
