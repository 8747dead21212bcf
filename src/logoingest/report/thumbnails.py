"""Small JPEGs as data URIs, within a budget of bytes for the whole page."""

from __future__ import annotations

import base64
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping

import pyarrow as pa
from PIL import Image, ImageOps

from logoingest.errors import WorkspaceError
from logoingest.workspace import Workspace

#: All thumbnails of a page together, in bytes of JPEG (a third more as text).
BUDGET_BYTES = 2_500_000


def make_thumbnails(workspace: Workspace, images: pa.Table, wanted: Iterable[str], side_px: int) -> Mapping[str, str]:
    """image_id → ``data:`` URI of a JPEG whose longer side is at most ``side_px``.

    Args:
        workspace: holds the download shards.
        images: an ``ImageRow`` table.
        wanted: image ids, the most wanted first; what does not fit the budget is left out, as is what cannot be drawn.
        side_px: longer side in pixels.
    """
    order = list(dict.fromkeys(wanted))
    places = _locate(images, set(order))
    by_shard: dict[str, list[str]] = defaultdict(list)
    for image_id in order:
        if image_id in places:
            by_shard[places[image_id][0]].append(image_id)
    drawn: dict[str, bytes] = {}
    for shard, image_ids in sorted(by_shard.items()):
        drawn |= _draw_from_shard(workspace, shard, {image_id: places[image_id][1] for image_id in image_ids}, side_px)
    found: dict[str, str] = {}
    spent = 0
    for image_id in order:
        data = drawn.get(image_id)
        if data is not None and spent + len(data) <= BUDGET_BYTES:
            spent += len(data)
            found[image_id] = "data:image/jpeg;base64," + base64.b64encode(data).decode()
    return found


def _locate(images: pa.Table, wanted: set[str]) -> dict[str, tuple[str, int]]:
    columns = (images.column(name).to_pylist() for name in ("image_id", "shard", "shard_row"))
    return {image_id: (shard, row) for image_id, shard, row in zip(*columns, strict=True) if image_id in wanted}


def _draw_from_shard(workspace: Workspace, shard: str, rows: Mapping[str, int], side_px: int) -> dict[str, bytes]:
    try:
        bodies = workspace.read_shard_bytes(shard, list(rows.values()))
    except WorkspaceError:
        return {}
    drawn = ((image_id, draw_thumbnail(body, side_px)) for image_id, body in zip(rows, bodies, strict=True) if body is not None)
    return {image_id: data for image_id, data in drawn if data is not None}


def draw_thumbnail(data: bytes, side_px: int) -> bytes | None:
    """The first frame, upright, on white, as a JPEG; None for what Pillow refuses (the pictures here were inspected before)."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.draft("RGB", (side_px * 2, side_px * 2))
            image.thumbnail((side_px, side_px))
            upright = ImageOps.exif_transpose(image).convert("RGBA")
            canvas = Image.new("RGBA", upright.size, "white")
            canvas.alpha_composite(upright)
            buffer = io.BytesIO()
            canvas.convert("RGB").save(buffer, "JPEG", quality=72)
            return buffer.getvalue()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
