"""WebDataset shards (https://github.com/webdataset/webdataset): ``<split>-000000.tar``, for each picture ``<image_id>.<ext>``,
``<image_id>.cls`` (the label, -1 for several classes: a loss function refuses it aloud) and ``<image_id>.json`` (what else is known).

Readers give each worker shards of its own: ask for as many shards as there are workers, or a multiple of it.

Equal releases give equal bytes: no times, owners or modes of this machine stand in the archives.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from itertools import islice

from logoingest.release.exports.folder import ExportFolder
from logoingest.release.exports.rows import ExportRow, list_splits
from logoingest.release.reading.loader import Release

#: Bytes of pictures at which a split goes on in a further shard.
MAX_SHARD_BYTES = 500_000_000

#: Pictures at which a split goes on in a further shard.
MAX_SHARD_PICTURES = 10_000


def write_web_dataset(
    release: Release, folder: ExportFolder, max_bytes: int = MAX_SHARD_BYTES, max_pictures: int = MAX_SHARD_PICTURES
) -> None:
    """Fill ``folder`` with shards of at most ``max_bytes`` of pictures (one at least) and ``max_pictures``, or with as many as asked."""
    for split in list_splits(release):
        rows_read, shards = folder.read_rows(release, split), folder.options.shards
        parts = _deal(rows_read, release.splits[split], shards) if shards else _cut(rows_read, max_bytes, max_pictures)
        for number, rows in enumerate(parts):
            name = f"{split}-{number:06d}.tar"
            with tarfile.open(folder.path / name, "w", format=tarfile.USTAR_FORMAT) as shard:
                folder.files[name] = sum(_add_sample(shard, row, release) for row in rows)
            folder.pictures[split] += folder.files[name]


def _deal(rows: Iterator[ExportRow], count: int, shards: int) -> Iterator[Iterable[ExportRow]]:
    """The rows of one shard after the other, their numbers one apart at most; none is empty."""
    shards = min(shards, count)
    for number in range(shards):
        yield islice(rows, count * (number + 1) // shards - count * number // shards)


def _cut(rows: Iterator[ExportRow], max_bytes: int, max_pictures: int) -> Iterator[Iterable[ExportRow]]:
    """The rows of one shard after the other; each is to be used up before the next is taken."""
    held = next(rows, None)

    def take() -> Iterator[ExportRow]:
        nonlocal held
        count = size = 0
        while held is not None and (not count or (count < max_pictures and size + len(held.data) <= max_bytes)):
            count, size = count + 1, size + len(held.data)
            row, held = held, next(rows, None)
            yield row

    while held is not None:
        yield take()


def _add_sample(shard: tarfile.TarFile, row: ExportRow, release: Release) -> int:
    extension = row.file_name.partition(".")[2]
    told = {
        "image_id": row.image_id,
        "label": row.label,
        "class_ids": [release.class_ids[label] for label in row.labels],
        "url": row.url,
        "group_id": row.group_id,
        "confidence": row.confidence,
        "width": row.width,
        "height": row.height,
        "boxes": [
            {
                "label": box.label,
                "bbox": [box.x, box.y, box.width, box.height],
                "truncated": box.truncated,
                "attributes": box.attributes,
            }
            for box in row.boxes
        ],
        **row.kept,
    }
    _add_file(shard, f"{row.image_id}.{extension}", row.data)
    _add_file(shard, f"{row.image_id}.cls", str(row.label).encode())
    _add_file(shard, f"{row.image_id}.json", json.dumps(told, allow_nan=False).encode())
    return 1


def _add_file(shard: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)  # mtime, uid and gid are 0, mode is 0644
    entry.size = len(data)
    shard.addfile(entry, io.BytesIO(data))
