"""The pictures that people said show none of the classes: what a baseline is not to take for one of ours."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.pipeline.evidence.embeddings import list_places
from logoingest.pipeline.ledger import collect_ledger
from logoingest.pipeline.session import Run
from logoingest.schemas import Reason
from logoingest.workspace.downloads import read_downloads

#: Pictures, and bytes of them, that are read at most.
MOST_PICTURES = 2_000
_MOST_BYTES = 500_000_000
_SAYING_NONE = (Reason.NO_LABEL.value, Reason.NO_LABEL_WON.value)


def read_no_class_pictures(run: Run) -> dict[str, bytes]:
    """Their bytes by image_id, those with the smallest ids where there are many.

    Every answer about them means "no label", or lost to those; none is in a group with a picture of a class.

    Raises:
        WorkspaceError: a shard is damaged.
    """
    found = find_no_class_pictures(run)
    chosen = set(sorted(found)[:MOST_PICTURES])
    pictures: dict[str, bytes] = {}
    spent = 0
    for shard, rows in (list_places(run) if chosen else {}).items():
        wanted = {image_id: row for image_id, row in rows.items() if image_id in chosen}
        bodies = run.workspace.read_shard_bytes(shard, list(wanted.values())) if wanted else []
        for image_id, body in zip(wanted, bodies, strict=True):
            spent += len(body or b"")
            if body is not None and spent <= _MOST_BYTES:
                pictures[image_id] = body
    return pictures


def find_no_class_pictures(run: Run) -> set[str]:
    """Their image_ids."""
    rejected = collect_ledger(run.workspace).rejected
    none = pc.is_in(rejected.column("reason"), value_set=pa.array(_SAYING_NONE))
    urls = pc.unique(rejected.column("url").filter(none))
    others = pc.unique(rejected.column("url").filter(pc.invert(none)))
    downloads = read_downloads(run.workspace, ["url", "sha256"])
    said_none, said_else = (
        set(pc.unique(downloads.column("sha256").filter(pc.is_in(downloads.column("url"), value_set=part.drop_null()))).to_pylist())
        for part in (urls, others)
    )
    return said_none - said_else - _list_near_ours(run) - {None}


def _list_near_ours(run: Run) -> set[str]:
    """The pictures of a class, and all that are in a group with one."""
    samples = run.workspace.read_table("samples", ["image_id", "group_id"])
    images = run.workspace.read_table("images", ["image_id", "group_id"])
    near = images.filter(pc.is_in(images.column("group_id"), value_set=pc.unique(samples.column("group_id"))))
    return {*samples.column("image_id").to_pylist(), *near.column("image_id").to_pylist()}
