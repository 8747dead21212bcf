"""The laws of a release by name, and a broken one as a value."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc


class Law(StrEnum):
    """Every law that ``verify_release`` checks; docs/release.md says what each asks for."""

    MANIFEST = "manifest"
    MANIFEST_FORM = "manifest_form"
    FINGERPRINT = "fingerprint"
    TEXTS = "texts"
    CLASS_IDS = "class_ids"
    SPLIT_NAMES = "split_names"
    FILES = "files"
    HIDDEN_FILES = "hidden_files"
    FILE_NAMES = "file_names"
    READABLE = "readable"
    OVERSIZED = "oversized"
    CONSERVATION = "conservation"
    REJECTED = "rejected"
    CARD = "card"
    CROISSANT = "croissant"
    CLASS_NAMES = "class_names"
    SCHEMA = "schema"
    FEATURES = "features"
    STATISTICS = "statistics"
    ROWS = "rows"
    ROW_GROUPS = "row_groups"
    NO_NULLS = "no_nulls"
    ORDER = "order"
    IMAGE_IDS = "image_ids"
    IMAGE_PATHS = "image_paths"
    LABELS_IN_RANGE = "labels_in_range"
    LABELS_MATCH_CLASSES = "labels_match_classes"
    BOXES = "boxes"
    URLS = "urls"
    KEPT_COLUMNS = "kept_columns"
    RANGES = "ranges"
    VOTES = "votes"
    ANNOTATION_IDS = "annotation_ids"
    GROUP_IDS = "group_ids"
    GROUPS_UNDIVIDED = "groups_undivided"
    PICTURES_ONCE = "pictures_once"
    CLASS_COUNTS = "class_counts"
    IMAGE_BYTES = "image_bytes"
    PICTURES_DECODE = "pictures_decode"
    PICTURE_SIZE = "picture_size"
    FILE_ENDINGS = "file_endings"
    STORED_FORM = "stored_form"
    PIXELS_ONCE = "pixels_once"
    REOPENS = "reopens"


class Violation(NamedTuple):
    """Which law is broken (a ``Law``, or the name of a further check's), where (a file, a row), and how, in one line for people."""

    law: str
    where: str
    what: str


def report_rows(law: Law, name: str, ids: pa.ChunkedArray, holds: Any, what: str) -> Iterator[Violation]:
    """One violation for all rows in which ``holds`` is not true, with the first of them."""
    broken = pc.invert(pc.fill_null(holds, fill_value=False))
    count = pc.sum(broken).as_py() or 0
    if count:
        row = pc.index(broken, value=True).as_py()
        yield Violation(law, f"{name} row {row}", f"{what} ({count:,} rows, first picture {str(ids[row].as_py())[:80]})")
