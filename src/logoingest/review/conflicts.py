"""The review's side of contradicting pictures: what is open in a workspace, and rulings into the rulings file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.labels.class_map.entries import Signature
from logoingest.pipeline.session import Run
from logoingest.review.conflict_sheet import ConflictReading, OpenConflict, read_conflicts, sign
from logoingest.samples.group_rulings import GroupRuling, add_group_rulings, read_group_rulings
from logoingest.schemas import ConflictRow

#: Pictures of a conflict that are shown.
_SHOWN_PICTURES = 3


class AppliedGroups(NamedTuple):
    """What came of the rows of a sheet that are about contradicting pictures."""

    path: Path
    reading: ConflictReading
    written: Sequence[GroupRuling]


def gather_conflicts(run: Run) -> list[OpenConflict]:
    """What is in the table ``conflicts``, most answers first; nothing where the samples stage has not run."""
    if not run.workspace.has_table("conflicts"):
        return []
    rows = run.workspace.read_table("conflicts", ConflictRow.arrow_schema().names).to_pylist()
    shown = {image_id for row in rows for image_id in row["image_ids"][:_SHOWN_PICTURES]}
    images = run.workspace.read_table("images", ["image_id", "urls"])
    images = images.filter(pc.is_in(images.column("image_id"), value_set=pa.array(sorted(shown), pa.string())))
    urls = {row["image_id"]: row["urls"][0] for row in images.to_pylist()}
    conflicts = [
        OpenConflict(
            row["kind"],
            row["image_ids"],
            row["class_ids"],
            row["votes"],
            row["detail"],
            [urls[image_id] for image_id in row["image_ids"][:_SHOWN_PICTURES] if image_id in urls],
        )
        for row in rows
    ]
    return sorted(conflicts, key=lambda conflict: (conflict.kind, -sum(conflict.votes), conflict.conflict_id))


def read_group_sheet(run: Run, data: bytes, name: str, signature: Signature) -> AppliedGroups:
    """What a sheet says about contradicting pictures, to be written by ``write_group_rulings``.

    Raises:
        UsageError: a row cannot be meant, or the rulings file cannot be read.
    """
    path = run.config.resolve(run.config.samples.rulings)
    ruled = read_group_rulings(path, run.class_map)
    reading = read_conflicts(data, name, gather_conflicts(run), ruled, run.class_map)
    return AppliedGroups(path, reading, sign(reading.rulings, signature.by, signature.on))


def write_group_rulings(groups: AppliedGroups, signature: Signature) -> None:
    """Append the new rulings to the file that ``samples.rulings`` names; nothing where there are none.

    Raises:
        UsageError: the file cannot be written.
    """
    if groups.written:
        add_group_rulings(groups.path, groups.written, signature)
