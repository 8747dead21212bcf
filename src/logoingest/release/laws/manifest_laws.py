"""The laws of ``manifest.json``: nobody edited it, its texts are plain, its figures agree; and those of ``rejected.parquet``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logoingest.errors import quote_first_line
from logoingest.release.form.manifest import MANIFEST_NAME, REJECTED_NAME, ReleaseManifest, compute_fingerprint, render_manifest
from logoingest.release.laws.violations import Law, Violation
from logoingest.schemas import Reason, RejectedRow, Stage, is_class_id
from logoingest.strangers.escaping import has_controls
from logoingest.strangers.userinfo import USERINFO_RE2, has_userinfo

#: A rejected row is at least its id, which is no other's: a file of more rows than bytes is none of ours.
_LEAST_ROW_BYTES = 1

#: What ``rejected.parquet`` may hold unpacked.
_MAX_REJECTED_BYTES = 4 << 30


def check_manifest(folder: Path, raw: Mapping[str, Any], manifest: ReleaseManifest) -> Iterator[Violation]:
    """The manifest says what it said when it was written, in the form in which it was written."""
    if raw["fingerprint"] != compute_fingerprint(raw):
        yield Violation(Law.FINGERPRINT, MANIFEST_NAME, "was edited: its fingerprint is not that of what it says")
    if (folder / MANIFEST_NAME).read_bytes() != render_manifest(raw):
        yield Violation(
            Law.MANIFEST_FORM, MANIFEST_NAME, "is not written as logoingest writes it: another parser may read other things"
        )
    yield from _check_texts(manifest)
    yield from _check_class_ids(manifest.class_ids)
    yield from _check_counts(manifest)


def _check_texts(manifest: ReleaseManifest) -> Iterator[Violation]:
    texts = {name: getattr(manifest, name) for name in ("name", "description", "licence", "source_url", "logoingest")}
    texts |= {f"classes[{index}].name": entry.name for index, entry in enumerate(manifest.classes)}
    for where, text in texts.items():
        if has_controls(text):
            yield Violation(Law.TEXTS, MANIFEST_NAME, f"{where} holds control characters, or turns the direction of writing")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", manifest.name):
        yield Violation(Law.TEXTS, MANIFEST_NAME, f"name is {manifest.name[:60]!r}, no name of a dataset")
    if has_userinfo(manifest.source_url):
        yield Violation(Law.TEXTS, MANIFEST_NAME, "source_url names a user or password")


def _check_class_ids(class_ids: list[str]) -> Iterator[Violation]:
    strange = [class_id for class_id in class_ids if not is_class_id(class_id)]
    if strange:
        what = f"{len(strange):,} class ids are empty, too long, or hold line ends or what cannot be seen, for example {strange[0][:60]!r}"
        yield Violation(Law.CLASS_IDS, MANIFEST_NAME, what)
    twice = [class_id for class_id, count in Counter(class_ids).items() if count > 1]
    if twice:
        yield Violation(Law.CLASS_IDS, MANIFEST_NAME, f"{len(twice):,} class ids stand twice, for example {twice[0][:60]!r}")


def _check_counts(manifest: ReleaseManifest) -> Iterator[Violation]:
    """The conservation law: every source row voted or was rejected."""
    counts = manifest.counts
    missing = [key for key in ("annotations", "voted", "rejected") if key not in counts]
    if missing:
        yield Violation(Law.CONSERVATION, MANIFEST_NAME, f"counts lack {', '.join(missing)}")
        return
    if min(counts.values()) < 0:
        yield Violation(Law.CONSERVATION, MANIFEST_NAME, "a count is negative")
    total = counts["voted"] + counts["rejected"]
    if counts["annotations"] != total or counts.get("pending"):
        what = f"{counts['annotations']:,} source rows, but {counts['voted']:,} voted + {counts['rejected']:,} rejected = {total:,}"
        yield Violation(Law.CONSERVATION, MANIFEST_NAME, f"{what}, {counts.get('pending', 0):,} pending")
    named = sum(sum(reasons.values()) for reasons in manifest.rejected.values())
    if named != counts["rejected"]:
        yield Violation(Law.CONSERVATION, MANIFEST_NAME, f"{counts['rejected']:,} rejected, by reason {named:,}")


def check_rejected(folder: Path, manifest: ReleaseManifest) -> Iterator[Violation]:
    """``rejected.parquet`` holds known reasons, each row once, as many as the manifest says, and no password."""
    path = folder / REJECTED_NAME
    if REJECTED_NAME not in manifest.files or not path.is_file():
        return
    try:
        file = pq.ParquetFile(path)
        if not _is_bounded(file.metadata, path.stat().st_size):
            yield Violation(Law.OVERSIZED, REJECTED_NAME, "would unpack to more than such a file can hold")
            return
        table = file.read()
        if not table.schema.equals(RejectedRow.arrow_schema()):
            yield Violation(Law.REJECTED, REJECTED_NAME, "has other columns than rejected rows have")
            return
        yield from _check_rejected_rows(table, manifest)
    except (OSError, ValueError, pa.ArrowException) as error:
        yield Violation(Law.READABLE, REJECTED_NAME, quote_first_line(error))


def _is_bounded(footer: pq.FileMetaData, size: int) -> bool:
    unpacked = sum(footer.row_group(index).total_byte_size for index in range(footer.num_row_groups))
    return bool(footer.num_rows * _LEAST_ROW_BYTES <= size and unpacked <= _MAX_REJECTED_BYTES)


def _check_rejected_rows(table: pa.Table, manifest: ReleaseManifest) -> Iterator[Violation]:
    ids = table.column("annotation_id")
    pairs = Counter(zip(table.column("stage").to_pylist(), table.column("reason").to_pylist(), strict=True))
    distinct = pc.count_distinct(ids).as_py()
    if distinct != table.num_rows:
        yield Violation(Law.REJECTED, REJECTED_NAME, f"names {table.num_rows - distinct} source rows twice")
    unknown = sorted({str(reason) for _, reason in pairs} - set(Reason)) + sorted({str(stage) for stage, _ in pairs} - set(Stage))
    if unknown:
        yield Violation(Law.REJECTED, REJECTED_NAME, f"unknown stage or reason: {', '.join(unknown[:5])[:200]}")
    secret = pc.sum(pc.match_substring_regex(table.column("url"), USERINFO_RE2)).as_py() or 0
    if secret:
        yield Violation(Law.REJECTED, REJECTED_NAME, f"{secret:,} URLs name a user or password")
    if table.num_rows != manifest.files[REJECTED_NAME].rows:
        yield Violation(
            Law.ROWS, REJECTED_NAME, f"has {table.num_rows:,} rows, the manifest says {manifest.files[REJECTED_NAME].rows}"
        )
    if table.num_rows != manifest.counts.get("rejected"):
        what = f"has {table.num_rows:,} rows, the manifest counts {manifest.counts.get('rejected')}"
        yield Violation(Law.CONSERVATION, REJECTED_NAME, what)
    stated = {(stage, reason): count for stage, reasons in manifest.rejected.items() for reason, count in reasons.items()}
    if stated != dict(pairs):
        yield Violation(Law.CONSERVATION, REJECTED_NAME, "has other reasons than the manifest counts")
