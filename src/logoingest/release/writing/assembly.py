"""Tables and pictures → a release folder: data files, dataset card, rejected rows, Croissant, and the manifest last."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.config import DatasetConfig, ReleaseConfig
from logoingest.errors import LogoingestError, Problem
from logoingest.files.parquet import write_parquet
from logoingest.release.form.card import SplitSize, render_card
from logoingest.release.form.croissant import render_croissant
from logoingest.release.form.features import SEVERAL, SPLITS
from logoingest.release.form.kept import add_kept
from logoingest.release.form.manifest import (
    CARD_NAME,
    CROISSANT_NAME,
    DATA_FOLDER,
    FORMAT,
    MANIFEST_NAME,
    REJECTED_NAME,
    ReleaseManifest,
    compute_fingerprint,
    render_manifest,
)
from logoingest.release.writing.parquet import plan_files, write_file
from logoingest.release.writing.rows import join_rows, place_stored, select_classes
from logoingest.release.writing.spool import BytesLoader, Converter, Spool
from logoingest.schemas import RejectedRow
from logoingest.strangers.escaping import replace_controls
from logoingest.version import __version__
from logoingest.workspace import hash_file


def write_release(  # noqa: PLR0917  # the tables of a release, and what goes with them
    folder: Path,
    samples: pa.Table,
    images: pa.Table,
    splits: pa.Table,
    rejected: pa.Table,
    classes: Sequence[tuple[str, str]],
    load_bytes: BytesLoader,
    *,
    dataset: DatasetConfig,
    settings: ReleaseConfig,
    lineage: Mapping[str, Any],
    counts: Mapping[str, int],
    split_names: Sequence[str] = SPLITS,
    convert: Converter | None = None,
    annotations: pa.Table | None = None,
    kept: Sequence[str] = (),
    answered_on: dt.date | None = None,
) -> ReleaseManifest:
    """Fill ``folder`` with a release. Equal tables in any order give equal bytes; memory does not grow with the pictures.

    The classes that occur in what is released become the labels 0, 1, 2 …, in the order of ``classes``; a label's name is its
    class_id, display names stand in the card and the manifest. A picture of several classes gets label -1 and its ``class_ids``.
    Needs room on disk for the pictures twice.

    Args:
        folder: an empty folder.
        samples: ``SampleRow``; those without a split are left out.
        images: ``ImageRow``; must hold every sample with a split.
        splits: ``SplitRow``: what is released, and where.
        rejected: ``RejectedRow``: the source rows that did not make it.
        classes: (class_id, display name) in the order of the class map.
        load_bytes: reads the picture bytes of some rows of one download shard; asked for each shard in order, mostly once.
        dataset: name, description, licence and source for the card.
        settings: rows a row group, bytes a file, files a split.
        lineage: what the release was made of, in JSON; nothing that differs between machines or runs.
        counts: the figures of the conservation law: annotations, voted, rejected …
        split_names: the splits there are, in order, also those without pictures.
        annotations: ``url`` and ``carried`` of ``AnnotationRow``, where there are kept columns.
        kept: the source's columns that are released, by their names in ``carried``.
        answered_on: the day of the newest answer, the release's date where ``dataset`` states none.
        convert: brings each picture into the form it is released in; boxes are scaled with it. As fetched where left out.

    Returns:
        All of ``manifest.json``.

    Raises:
        LogoingestError: the tables do not fit together, a shard does not hold a picture it should, or one cannot be converted.
    """
    if any(folder.iterdir()):
        raise LogoingestError(Problem(str(folder), "is not empty", "a release is written into an empty folder"))
    chosen = select_classes(classes, samples, splits)
    class_ids = [class_id for class_id, _ in chosen]
    rows = join_rows(samples, images, splits, class_ids, split_names)
    if annotations is not None:
        rows = add_kept(rows, annotations, kept)
    file_rows, sizes = _write_data(folder, rows, class_ids, load_bytes, settings, convert=convert, kept=kept)
    write_parquet(_order_rejected(rejected), folder / REJECTED_NAME)
    file_rows[REJECTED_NAME] = rejected.num_rows
    facts: dict[str, Any] = {
        "format": FORMAT,
        "name": dataset.name,
        "description": _clean_text(dataset.description),
        "licence": _clean_text(dataset.licence),
        "source_url": _clean_text(dataset.source_url),
        "version": dataset.version,
        "date": str(dataset.date or answered_on or ""),
        "citation": "\n".join(_clean_text(line) for line in dataset.citation.splitlines()),
        "logoingest": __version__,
        "classes": _describe_classes(chosen, rows, split_names),
        "splits": _count_values(rows.column("split"), split_names),
        "multi_class_images": _count_images(rows, SEVERAL, split_names),
        "counts": dict(counts),
        "rejected": _count_rejected(rejected),
        **({"kept_columns": list(kept)} if kept else {}),
        "lineage": dict(lineage),
    }
    (folder / CARD_NAME).write_text(render_card(facts, sizes), encoding="utf-8", newline="\n")
    described = {name: _describe_file(folder, name, file_rows) for name in (*file_rows, CARD_NAME)}
    (folder / CROISSANT_NAME).write_text(render_croissant(facts, described), encoding="utf-8", newline="\n")
    described[CROISSANT_NAME] = _describe_file(folder, CROISSANT_NAME, file_rows)
    manifest = {**facts, "files": dict(sorted(described.items()))}
    manifest["fingerprint"] = compute_fingerprint(manifest)
    (folder / MANIFEST_NAME).write_bytes(render_manifest(manifest))
    return ReleaseManifest.model_validate(manifest)


def _write_data(
    folder: Path,
    rows: pa.Table,
    class_ids: Sequence[str],
    load_bytes: BytesLoader,
    settings: ReleaseConfig,
    *,
    convert: Converter | None,
    kept: Sequence[str],
) -> tuple[dict[str, int], dict[str, SplitSize]]:
    """Write the data files; returns rows by file and the size of each split that has rows."""
    (folder / DATA_FOLDER).mkdir()
    file_rows: dict[str, int] = {}
    sizes: dict[str, SplitSize] = {}
    with Spool(folder, rows) as spool:
        spool.fill(load_bytes, convert)
        rows = place_stored(rows, spool.stored)
        split_rows = _count_values(rows.column("split"), pc.unique(rows.column("split")).to_pylist())
        limits = settings.rows_per_group, settings.max_file_bytes, settings.min_files
        for file in plan_files(split_rows, spool.lengths, *limits):
            path = folder / file.name
            footer = write_file(path, file, rows, spool, class_ids, kept=kept)
            split = rows.column("split")[file.groups[0].start].as_py()
            unpacked = sum(footer.row_group(index).total_byte_size for index in range(footer.num_row_groups))
            before = sizes.get(split, SplitSize(0, 0, 0))
            sizes[split] = SplitSize(
                before.rows + footer.num_rows, before.bytes + unpacked, before.file_bytes + path.stat().st_size
            )
            file_rows[file.name] = footer.num_rows
    return file_rows, sizes


def _describe_file(folder: Path, name: str, file_rows: Mapping[str, int]) -> dict[str, Any]:
    record = hash_file(folder / name)
    return {"sha256": record.sha256, "bytes": record.size, "rows": file_rows.get(name)}


def _describe_classes(classes: Sequence[tuple[str, str]], rows: pa.Table, splits: Sequence[str]) -> list[dict[str, Any]]:
    pairs = rows.select(["label", "split"]).group_by(["label", "split"]).aggregate([([], "count_all")]).to_pylist()
    found = {(pair["label"], pair["split"]): pair["count_all"] for pair in pairs}
    return [
        {"id": class_id, "name": _clean_text(name), "images": {split: found.get((index, split), 0) for split in splits}}
        for index, (class_id, name) in enumerate(classes)
    ]


def _count_images(rows: pa.Table, label: int, splits: Sequence[str]) -> dict[str, int]:
    return _count_values(rows.filter(pc.equal(rows.column("label"), label)).column("split"), splits)


def _count_values(column: pa.ChunkedArray, values: Sequence[str]) -> dict[str, int]:
    found = {entry["values"]: entry["counts"] for entry in pc.value_counts(column).to_pylist()}
    return {value: found.get(value, 0) for value in values}


def _order_rejected(rejected: pa.Table) -> pa.Table:
    keys = ("source_file", "source_row", "annotation_id", "stage", "reason", "detail")
    return rejected.cast(RejectedRow.arrow_schema()).sort_by([(key, "ascending") for key in keys]).combine_chunks()


def _count_rejected(rejected: pa.Table) -> dict[str, dict[str, int]]:
    """Stage → reason → source rows, both in order of name."""
    pairs = zip(rejected.column("stage").to_pylist(), rejected.column("reason").to_pylist(), strict=True)
    counted: dict[str, dict[str, int]] = {}
    for (stage, reason), count in sorted(Counter(pairs).items()):
        counted.setdefault(stage, {})[reason] = count
    return counted


def _clean_text(text: str) -> str:
    """Without what UTF-8 cannot hold (an environment variable may bring broken bytes), and without control characters."""
    return replace_controls(text.encode("utf-8", "replace").decode())
