"""The laws of the files around the data: hashes, card, Croissant, rejected rows, the figures of the manifest."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logoingest import __version__
from logoingest.config import find_name_fault
from logoingest.release.card import read_head, render_class_table, render_figures, render_rejected
from logoingest.release.croissant import render_croissant
from logoingest.release.features import list_card_features
from logoingest.release.manifest import (
    CARD_NAME,
    CROISSANT_NAME,
    MANIFEST_NAME,
    REJECTED_NAME,
    ReleaseManifest,
    compute_fingerprint,
)
from logoingest.release.parquet import DATA_FOLDER
from logoingest.release.violations import Violation
from logoingest.schemas import Reason, RejectedRow, Stage
from logoingest.workspace import hash_file

_DATA_NAME = re.compile(rf"{DATA_FOLDER}/(?P<split>[a-z][a-z0-9_]*)-(?P<number>\d{{5}})-of-(?P<count>\d{{5}})\.parquet")


def check_fingerprint(manifest: Mapping[str, Any]) -> Iterator[Violation]:
    """The manifest says what it said when it was written."""
    if manifest["fingerprint"] != compute_fingerprint(manifest):
        yield Violation("fingerprint", MANIFEST_NAME, "was edited: its fingerprint is not that of what it says")


def check_files(folder: Path, manifest: ReleaseManifest) -> Iterator[Violation]:
    """Every file of the manifest is there with its hash, none is beside it, and the data files' names are complete.

    Hidden files (.gitattributes, .cache/ …) are no part of a release: readers pass them over.
    """
    there = {
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if not file.is_dir() and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    }
    for name in sorted(there - manifest.files.keys() - {MANIFEST_NAME}):
        yield Violation("files", name, "is not in the manifest")
    for name in sorted({CARD_NAME, CROISSANT_NAME, REJECTED_NAME} - manifest.files.keys()):
        yield Violation("files", name, "is not in the manifest")
    for name, record in sorted(manifest.files.items()):
        if name not in there:
            yield Violation("files", name, "is missing")
            continue
        try:
            found = hash_file(folder / name)
        except OSError as error:
            yield Violation("files", name, f"cannot be read ({error})")
            continue
        if found != (record.sha256, record.bytes):
            yield Violation("files", name, "was changed: its sha256 or length is not what the manifest says")
    yield from _check_names(manifest)


def list_data_files(manifest: ReleaseManifest) -> dict[str, list[str]]:
    """Split → its data files, in order, by the manifest; names of another form are left out."""
    files: dict[str, list[str]] = {split: [] for split in manifest.splits}
    for name in sorted(manifest.files):
        match = _DATA_NAME.fullmatch(name)
        if match and match["split"] in files:
            files[match["split"]].append(name)
    return files


def _check_names(manifest: ReleaseManifest) -> Iterator[Violation]:
    numbers: dict[tuple[str, int], list[int]] = defaultdict(list)
    for name in sorted(manifest.files):
        parts = PurePosixPath(name).parts
        match = _DATA_NAME.fullmatch(name)
        if match and match["split"] in manifest.splits:
            numbers[match["split"], int(match["count"])].append(int(match["number"]))
        elif parts[0] == DATA_FOLDER or ".." in parts or name.startswith("/"):
            yield Violation("file_names", name, "is no name of a data file")
    for (split, count), found in sorted(numbers.items()):
        if sorted(found) != list(range(count)):
            yield Violation("file_names", f"{DATA_FOLDER}/{split}-*", f"has {len(found)} of {count} files")
    for split in manifest.splits:
        if find_name_fault(split):
            yield Violation("split_names", MANIFEST_NAME, f"{split[:60]!r} cannot name a split")
        counts = [count for name, count in numbers if name == split]
        rows = manifest.splits.get(split, 0)
        if len(counts) > 1 or bool(counts) != bool(rows):
            yield Violation("file_names", f"{DATA_FOLDER}/{split}-*", f"does not fit {rows:,} pictures of this split")


def check_counts(manifest: ReleaseManifest) -> Iterator[Violation]:
    """The conservation law: every source row voted or was rejected."""
    counts = manifest.counts
    missing = [key for key in ("annotations", "voted", "rejected") if key not in counts]
    if missing:
        yield Violation("conservation", MANIFEST_NAME, f"counts lack {', '.join(missing)}")
        return
    if min(counts.values()) < 0:
        yield Violation("conservation", MANIFEST_NAME, "a count is negative")
    total = counts["voted"] + counts["rejected"]
    if counts["annotations"] != total or counts.get("pending"):
        what = f"{counts['annotations']:,} source rows, but {counts['voted']:,} voted + {counts['rejected']:,} rejected = {total:,}"
        yield Violation("conservation", MANIFEST_NAME, f"{what}, {counts.get('pending', 0):,} pending")
    named = sum(sum(reasons.values()) for reasons in manifest.rejected.values())
    if named != counts["rejected"]:
        yield Violation("conservation", MANIFEST_NAME, f"{counts['rejected']:,} rejected, by reason {named:,}")


def check_rejected(folder: Path, manifest: ReleaseManifest) -> Iterator[Violation]:
    """``rejected.parquet`` holds known reasons, each row once, as many as the manifest says."""
    path = folder / REJECTED_NAME
    if not path.is_file():
        return
    try:
        table = pq.ParquetFile(path).read()
        if not table.schema.equals(RejectedRow.arrow_schema()):
            yield Violation("rejected", REJECTED_NAME, "has other columns than rejected rows have")
            return
        ids = table.column("annotation_id")
        pairs = Counter(zip(table.column("stage").to_pylist(), table.column("reason").to_pylist(), strict=True))
        distinct = pc.count_distinct(ids).as_py()
    except (OSError, ValueError, pa.ArrowException) as error:
        yield Violation("readable", REJECTED_NAME, _first_line(error))
        return
    if distinct != table.num_rows:
        yield Violation("rejected", REJECTED_NAME, f"names {table.num_rows - distinct} source rows twice")
    unknown = sorted({str(reason) for _, reason in pairs} - set(Reason)) + sorted({str(stage) for stage, _ in pairs} - set(Stage))
    if unknown:
        yield Violation("rejected", REJECTED_NAME, f"unknown stage or reason: {', '.join(unknown[:5])}")
    if table.num_rows != manifest.counts.get("rejected"):
        what = f"has {table.num_rows:,} rows, the manifest counts {manifest.counts.get('rejected')}"
        yield Violation("conservation", REJECTED_NAME, what)
    stated = {(stage, reason): count for stage, reasons in manifest.rejected.items() for reason, count in reasons.items()}
    if stated != dict(pairs):
        yield Violation("conservation", REJECTED_NAME, "has other reasons than the manifest counts")


def check_card(folder: Path, manifest: ReleaseManifest) -> Iterator[Violation]:
    """The card's head and tables say what the manifest says."""
    path = folder / CARD_NAME
    if not path.is_file():
        return
    try:
        card = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        yield Violation("readable", CARD_NAME, _first_line(error))
        return
    head = read_head(card)
    if head is None:
        yield Violation("card", CARD_NAME, "has no YAML head that can be read")
        return
    yield from _check_head(head, manifest)
    tables = {
        "class table": render_class_table(manifest.classes, manifest.multi_class_images),
        "table of source rows": render_figures(manifest.counts),
        "table of rejected rows": render_rejected(manifest.rejected) if manifest.rejected else "",
    }
    for name, table in tables.items():
        if table not in card:
            yield Violation("card", CARD_NAME, f"the {name} does not say what the manifest says")


def _check_head(head: Mapping[str, Any], manifest: ReleaseManifest) -> Iterator[Violation]:
    expected = {"pretty_name": manifest.name, "license": manifest.licence}
    for key, value in expected.items():
        if head.get(key) != value:
            yield Violation("card", CARD_NAME, f"{key} is {str(head.get(key))[:60]!r}, the manifest says {value[:60]!r}")
    try:
        info = head["dataset_info"]
        features = info["features"]
        rows = {split["name"]: split["num_examples"] for split in info["splits"]}
        files = {entry["split"]: entry["path"] for config in head["configs"] for entry in config["data_files"]}
    except (KeyError, TypeError, AttributeError):
        yield Violation("card", CARD_NAME, "the YAML head lacks dataset_info or configs")
        return
    if features != list_card_features(manifest.class_ids):
        law = "class_names" if _names_of(features) != manifest.class_ids else "card"
        yield Violation(law, CARD_NAME, "the YAML head names other classes or columns than the manifest")
    released = {split: count for split, count in manifest.splits.items() if count}
    if rows != released:
        yield Violation("card", CARD_NAME, f"the YAML head counts {rows}, the manifest {released}")
    if files != {split: f"{DATA_FOLDER}/{split}-*" for split in released}:
        yield Violation("card", CARD_NAME, "the YAML head points to other data files")


def _names_of(features: Any) -> list[str] | None:
    try:
        names = next(entry for entry in features if entry["name"] == "label")["dtype"]["class_label"]["names"]
        return [names[str(index)] for index in range(len(names))]
    except (KeyError, TypeError, StopIteration):
        return None


def check_croissant(folder: Path, manifest: ReleaseManifest) -> Iterator[Violation]:
    """``croissant.json`` names the data files with their hashes, and the classes."""
    path = folder / CROISSANT_NAME
    if not path.is_file():
        return
    try:
        content = path.read_bytes()
        document = json.loads(content)
        hashes = {entry["contentUrl"]: entry["sha256"] for entry in document["distribution"] if "sha256" in entry}
        classes = next(entry["data"] for entry in document["recordSet"] if entry["@id"] == "classes")
        class_ids = [entry["classes/class_id"] for entry in classes]
    except (OSError, ValueError, KeyError, TypeError, StopIteration, RecursionError) as error:
        yield Violation("croissant", CROISSANT_NAME, f"cannot be understood ({_first_line(error)})")
        return
    said = manifest.model_dump(mode="json")
    expected = {name: record.sha256 for name, record in manifest.files.items() if name.startswith(f"{DATA_FOLDER}/")}
    if hashes != expected:
        yield Violation("croissant", CROISSANT_NAME, "names other data files or hashes than the manifest")
    elif manifest.logoingest == __version__ and content != render_croissant(said, said["files"]).encode():
        yield Violation("croissant", CROISSANT_NAME, "says something else than the manifest")
    if class_ids != manifest.class_ids:
        yield Violation("class_names", CROISSANT_NAME, "names other classes than the manifest")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
