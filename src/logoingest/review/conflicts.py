"""The review's side of contradicting and suspect pictures and of copies: what is open in a workspace, and rulings into the rulings file."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.labels.class_map.entries import Signature
from logoingest.pipeline.evidence.suspects import count_votes, read_open_suspects
from logoingest.pipeline.session import Run
from logoingest.review.sheets.conflict_sheet import ConflictReading, OpenConflict, read_conflicts, sign
from logoingest.review.sheets.sheet import CONFLICT, read_sheet_rows
from logoingest.samples.group_rulings import GroupRuling, add_group_rulings, make_conflict_id, map_pairs, read_group_rulings
from logoingest.schemas import ConflictKind, ConflictRow, CopyKind

#: Pictures of a conflict that are shown.
_SHOWN_PICTURES = 3
#: Copies that are asked about unasked, the least sure first.
_MOST_COPIES = 200
_COPIES = "copies"


class AppliedGroups(NamedTuple):
    """What came of the rows of a sheet that are about contradicting pictures."""

    path: Path
    reading: ConflictReading
    written: Sequence[GroupRuling]


class OpenPictures(NamedTuple):
    """What is open of pictures."""

    conflicts: Sequence[OpenConflict]
    """Sets that contradict each other, or may stand for photos that are gone."""
    suspects: Sequence[OpenConflict]
    copies: Sequence[OpenConflict]

    @property
    def rows(self) -> list[OpenConflict]:
        """All of them, as the sheet lists them."""
        return [*self.conflicts, *self.suspects, *self.copies]


def gather_open_pictures(run: Run) -> OpenPictures:
    """All that is open of pictures; copies that contradict each other are asked about once, as that."""
    conflicts = gather_conflicts(run)
    known = {one.conflict_id for one in conflicts}
    return OpenPictures(conflicts, gather_suspects(run), [one for one in gather_copies(run) if one.conflict_id not in known])


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


def gather_copies(run: Run) -> list[OpenConflict]:
    """Of the table ``copies`` those that are not the same for sure (``near``) and nobody ruled on, the least sure first."""
    if not run.workspace.has_table(_COPIES):
        return []
    copies = run.workspace.read_table(_COPIES)
    near = copies.filter(pc.equal(copies.column("kind"), CopyKind.NEAR)).sort_by(
        [("residual", "descending"), ("image_id", "ascending")]
    )
    ruled = map_pairs(read_group_rulings(run.config.resolve(run.config.samples.rulings), run.class_map))
    rows = (row for row in near.to_pylist() if (row["image_id"], row["other_id"]) not in ruled)
    return describe_copies(run, list(itertools.islice(rows, _MOST_COPIES)))


def pick_copies(run: Run, conflict_ids: Collection[str]) -> list[OpenConflict]:
    """The rows of ``copies`` with these ids, whether somebody ruled on them or not: a sheet or a session may be about any of them."""
    if not conflict_ids or not run.workspace.has_table(_COPIES):
        return []
    copies = run.workspace.read_table(_COPIES, ["image_id", "other_id"])
    pairs = zip(copies.column("image_id").to_pylist(), copies.column("other_id").to_pylist(), strict=True)
    chosen = pa.array([make_conflict_id(pair) in conflict_ids for pair in pairs], pa.bool_())
    return describe_copies(run, run.workspace.read_table(_COPIES).filter(chosen).to_pylist()) if pc.any(chosen).as_py() else []


def describe_copies(run: Run, rows: Sequence[Mapping[str, Any]]) -> list[OpenConflict]:
    """Rows of ``copies`` (``CopyRow``) as somebody is asked about them, each with what its two pictures are settled as."""
    shown = {row[name] for row in rows for name in ("image_id", "other_id")}
    urls, votes = _find_urls(run, shown), _find_votes(run, shown)
    return [_describe_copy(row, urls, votes) for row in rows]


def _describe_copy(row: Mapping[str, Any], urls: Mapping[str, str], votes: Mapping[str, tuple[str, int]]) -> OpenConflict:
    pair = [row["image_id"], row["other_id"]]
    counted = Counter[str]()
    for class_id, count in (votes[image_id] for image_id in pair if image_id in votes):
        counted[class_id] += count
    ranked = sorted(counted, key=lambda class_id: (-counted[class_id], class_id))
    kind = ConflictKind.IDENTICAL if row["kind"] == CopyKind.SAME_PIXELS else _COPIES
    detail = f"{row['kind']}, {row['transformation']}; {row['overlap']:.0%} shared, residual {row['residual']:.3f}: do they show the same?"
    pictures = [urls[image_id] for image_id in pair if image_id in urls]
    return OpenConflict(kind, pair, ranked, [counted[class_id] for class_id in ranked], detail, pictures)


def _find_votes(run: Run, image_ids: Collection[str]) -> dict[str, tuple[str, int]]:
    """Picture → its settled class and how many answered it."""
    if not image_ids or not run.workspace.has_table("samples"):
        return {}
    samples = run.workspace.read_table("samples", ["image_id", "class_id", "votes"])
    wanted = pc.and_(
        pc.is_in(samples.column("image_id"), value_set=pa.array(sorted(image_ids), pa.string())),
        pc.is_valid(samples.column("class_id")),
    )
    return {row["image_id"]: (row["class_id"], row["votes"]) for row in samples.filter(wanted).to_pylist()}


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
    found = [*gather_conflicts(run), *gather_suspects(run)]
    asked = {row.read("label_id") for row in read_sheet_rows(data, name) if row.read("row") == CONFLICT}
    found += pick_copies(run, asked - {one.conflict_id for one in found})
    reading = read_conflicts(data, name, found, ruled, run.class_map)
    return AppliedGroups(path, reading, sign(reading.rulings, signature.by, signature.on))


def write_group_rulings(groups: AppliedGroups, signature: Signature) -> None:
    """Append the new rulings to the file that ``samples.rulings`` names; nothing where there are none.

    Raises:
        UsageError: the file cannot be written.
    """
    if groups.written:
        add_group_rulings(groups.path, groups.written, signature)
