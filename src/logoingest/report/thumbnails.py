"""Small JPEGs as data URIs, within a budget of pictures, bytes and reads."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import NamedTuple

from logoingest.errors import WorkspaceError
from logoingest.pictures.thumbnails import draw_thumbnail
from logoingest.workspace import Workspace

#: Row groups of shards that are read at most; beyond it only pictures in row groups that are read already are drawn.
MOST_READS = 400
#: Rows of a row group, as ``Workspace.write_shard`` writes them.
ROWS_PER_READ = 100

Bundle = Sequence[str]


class ThumbnailLimits(NamedTuple):
    """Of a thumbnail and of all of a page."""

    side_px: int
    """Longer side in pixels, at most."""
    budget_bytes: int
    """All ``data:`` URIs together."""
    max_pixels: int = 100_000_000
    """Larger pictures are not decoded."""


def choose_pictures(
    wishes: Iterable[Sequence[Bundle]], spare: Iterable[Sequence[Bundle]], known: Container[str], most: int
) -> list[str]:
    """The pictures that get a thumbnail, the most wanted first: pages take turns, a bundle each, so that none starves another.

    Args:
        wishes: of each page its bundles of image ids; these get three quarters of the places, and what ``spare`` leaves.
        spare: likewise, what fills up.
        known: the pictures whose bytes are somewhere.
        most: how many are chosen.
    """
    evidence = [image_id for image_id in flatten_turns(wishes) if image_id in known]
    sure = min(len(evidence), most * 3 // 4)
    others = [image_id for image_id in flatten_turns(spare) if image_id in known]
    return list(dict.fromkeys([*evidence[:sure], *others[: most // 4 if sure < len(evidence) else None], *evidence[sure:]]))[:most]


def flatten_turns(wishes: Iterable[Sequence[Bundle]]) -> list[str]:
    """The first bundle of each, then the second of each …; no picture twice."""
    turns = chain.from_iterable(zip_longest(*wishes, fillvalue=()))
    return list(dict.fromkeys(image_id for bundle in turns for image_id in bundle))


def make_thumbnails(
    workspace: Workspace, places: Mapping[str, tuple[str, int]], uses: Mapping[str, int], limits: ThumbnailLimits
) -> Mapping[str, str]:
    """image_id → ``data:`` URI of a JPEG whose longer side is at most ``limits.side_px``.

    Args:
        workspace: holds the download shards.
        places: image_id → (shard, row) of its bytes.
        uses: image_id → how often the page shows it, the most wanted first; what does not fit the budget is left out, as is what
            cannot be drawn.
        limits: of a picture and of all together.
    """
    order = [image_id for image_id, times in uses.items() if times and image_id in places]
    by_shard: dict[str, dict[str, int]] = defaultdict(dict)
    for image_id in _limit_reads(order, places):
        shard, row = places[image_id]
        by_shard[shard][image_id] = row
    drawn: dict[str, str] = {}
    for shard, rows in sorted(by_shard.items()):
        drawn |= _draw_from_shard(workspace, shard, rows, limits)
    found: dict[str, str] = {}
    budget_bytes = limits.budget_bytes
    for image_id in order:
        if image_id in drawn and uses[image_id] * len(drawn[image_id]) <= budget_bytes:
            budget_bytes -= uses[image_id] * len(drawn[image_id])
            found[image_id] = drawn[image_id]
    return found


def _limit_reads(order: Sequence[str], places: Mapping[str, tuple[str, int]]) -> list[str]:
    """Those of ``order`` that at most ``MOST_READS`` reads bring."""
    reads: set[tuple[str, int]] = set()
    kept = []
    for image_id in order:
        shard, row = places[image_id]
        read = (shard, row // ROWS_PER_READ)
        if read in reads or len(reads) < MOST_READS:
            reads.add(read)
            kept.append(image_id)
    return kept


def _draw_from_shard(workspace: Workspace, shard: str, rows: Mapping[str, int], limits: ThumbnailLimits) -> dict[str, str]:
    try:
        bodies = workspace.read_shard_bytes(shard, list(rows.values()))
    except WorkspaceError:
        return {}
    drawn = {}
    for image_id, body in zip(rows, bodies, strict=True):
        data = None if body is None else draw_thumbnail(body, limits.side_px, limits.max_pixels)
        if data is not None:
            drawn[image_id] = "data:image/jpeg;base64," + base64.b64encode(data).decode()
    return drawn
