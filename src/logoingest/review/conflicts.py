"""The review's side of contradicting and suspect pictures: what is open in a workspace, and rulings into the rulings file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.labels.class_map.entries import Signature
from logoingest.pipeline.evidence.suspects import count_votes, read_open_suspects
from logoingest.pipeline.session import Run
from logoingest.review.sheets.conflict_sheet import ConflictReading, OpenConflict, read_conflicts, sign
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
    urls = _find_urls(run, shown)
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


def gather_suspects(run: Run) -> list[OpenConflict]:
    """What is open in the table ``suspects``, by kind and rank; the candidates are the proposal, the label, then what people named."""
    rows = read_open_suspects(run).to_pylist()
    votes = count_votes(run) if rows else {}
    shown = {image_id for row in rows for image_id in (row["image_id"], *row["neighbours"])}
    urls = _find_urls(run, shown)
    found = []
    for row in rows:
        named = votes.get(row["image_id"], {})
        ranked = sorted(named, key=lambda class_id: (-named[class_id], class_id))
        classes = list(dict.fromkeys([row["proposal"], *filter(None, [row["class_id"]]), *ranked]))
        pictures = [urls[image_id] for image_id in (row["image_id"], *row["neighbours"]) if image_id in urls]
        counts = [named.get(class_id, 0) for class_id in classes]
        detail = f"rank {row['rank']}: {row['detail']}"
        found.append(OpenConflict(row["kind"], [row["image_id"]], classes, counts, detail, pictures, row["class_id"]))
    return found


def _find_urls(run: Run, image_ids: Collection[str]) -> dict[str, str]:
    """Picture → its first URL; before anything is fetched there are none."""
    if not image_ids:
        return {}
    images = run.workspace.read_table("images", ["image_id", "urls"])
    images = images.filter(pc.is_in(images.column("image_id"), value_set=pa.array(sorted(image_ids), pa.string())))
    return {row["image_id"]: row["urls"][0] for row in images.to_pylist()}


def read_group_sheet(run: Run, data: bytes, name: str, signature: Signature) -> AppliedGroups:
    """What a sheet says about contradicting pictures, to be written by ``write_group_rulings``.

    Raises:
        UsageError: a row cannot be meant, or the rulings file cannot be read.
    """
    path = run.config.resolve(run.config.samples.rulings)
    ruled = read_group_rulings(path, run.class_map)
    reading = read_conflicts(data, name, [*gather_conflicts(run), *gather_suspects(run)], ruled, run.class_map)
    return AppliedGroups(path, reading, sign(reading.rulings, signature.by, signature.on))


def write_group_rulings(groups: AppliedGroups, signature: Signature) -> None:
    """Append the new rulings to the file that ``samples.rulings`` names; nothing where there are none.

    Raises:
        UsageError: the file cannot be written.
    """
    if groups.written:
        add_group_rulings(groups.path, groups.written, signature)
