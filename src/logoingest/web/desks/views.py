"""Pictures to look at: drawn anew as JPEGs from the shards' bytes, by the id of a picture and nothing else, and kept for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict

from logoingest.errors import WorkspaceError
from logoingest.pictures.thumbnails import draw_thumbnail, draw_view
from logoingest.web.indexes.pictures import IndexedPictures
from logoingest.workspace import Workspace

SIDES = (160, 480, 1600)
"""Longer sides in pixels that can be asked for."""

_KEPT_BYTES = 64_000_000
_SMALL = 160


class PictureViews:
    """The views of a workspace's pictures."""

    def __init__(self, workspace: Workspace, pictures: IndexedPictures, max_pixels: int) -> None:
        self._workspace, self._pictures, self._max_pixels = workspace, pictures, max_pixels
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._bytes = 0

    def draw(self, image_id: str, side_px: int) -> bytes | None:
        """A JPEG of a picture; None where there is no such picture, or it cannot be drawn."""
        index = self._pictures.read()
        number = index.find(image_id)
        if number is None or side_px not in SIDES:
            return None
        with self._lock:
            if (image_id, side_px) in self._kept:
                self._kept.move_to_end((image_id, side_px))
                return self._kept[image_id, side_px]
        drawn = self._draw(index.shards[int(index.shard[number])], int(index.shard_row[number]), side_px)
        if drawn is not None:
            self._keep((image_id, side_px), drawn)
        return drawn

    def _draw(self, shard: str, row: int, side_px: int) -> bytes | None:
        try:
            [body] = self._workspace.read_shard_bytes(shard, [row])
        except WorkspaceError:
            return None
        if body is None:
            return None
        draw = draw_thumbnail if side_px <= _SMALL else draw_view
        return draw(body, side_px, self._max_pixels)

    def _keep(self, key: tuple[str, int], drawn: bytes) -> None:
        with self._lock:
            self._bytes += len(drawn) - len(self._kept.pop(key, b""))
            self._kept[key] = drawn
            while self._bytes > _KEPT_BYTES:
                self._bytes -= len(self._kept.popitem(last=False)[1])
