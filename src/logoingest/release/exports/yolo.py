"""YOLO (https://docs.ultralytics.com/datasets/detect/, https://docs.ultralytics.com/datasets/classify/).

With boxes: ``data.yaml``, ``images/<split>/``, ``labels/<split>/<image_id>.txt`` with a line a box: class, centre x, centre y, width,
height, as shares (0 to 1) of the upright picture. A picture without boxes would be learnt as empty: it is left out, and so is one
with a class that has no box.

Without any box in the release: folders of classes, ``train``, ``val`` and ``test``, for YOLO's classification.
"""

from __future__ import annotations

from typing import Any

import yaml

from logoingest.release.exports.folder import NO_BOX, ExportFolder
from logoingest.release.exports.image_folder import write_class_folders
from logoingest.release.exports.rows import ExportBox, ExportRow, list_splits, read_export_rows
from logoingest.release.reading.loader import Release

_SPLIT_NAMES = {"validation": "val"}


def write_yolo(release: Release, folder: ExportFolder) -> None:
    """Fill ``folder`` for detection, or for classification where the release has no boxes."""
    if not _has_boxes(release):
        write_class_folders(release, folder, _SPLIT_NAMES)
        return
    for split in list_splits(release):
        labels = folder.make_folder(f"labels/{split}")
        folder.make_folder(f"images/{split}")
        for row in folder.read_rows(release, split):
            lines = _place_boxes(row, folder)
            if lines:
                folder.add_picture(row, f"images/{split}")
                (labels / f"{row.image_id}.txt").write_text("".join(lines), newline="\n")
    _write_description(release, folder)


def _has_boxes(release: Release) -> bool:
    return any(row.boxes for split in list_splits(release) for row in read_export_rows(release, split, pictures=False))


def _place_boxes(row: ExportRow, folder: ExportFolder) -> list[str]:
    """The lines of a picture; none when it is left out."""
    if row.list_unboxed():
        folder.leave_out(row, NO_BOX)
        return []
    return [_write_line(box, row) for box in row.boxes]


def _write_line(box: ExportBox, row: ExportRow) -> str:
    left, right = (min(max(x, 0.0), row.width) / row.width for x in (box.x, box.x + box.width))
    top, bottom = (min(max(y, 0.0), row.height) / row.height for y in (box.y, box.y + box.height))
    numbers = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
    return f"{box.label} {' '.join(f'{number:.6f}' for number in numbers)}\n"


def _write_description(release: Release, folder: ExportFolder) -> None:
    """``data.yaml``; without ``path`` its folders are relative to itself."""
    told: dict[str, Any] = {_SPLIT_NAMES.get(split, split): f"images/{split}" for split in list_splits(release)}
    told["names"] = dict(enumerate(release.class_ids))
    folder.write_text("data.yaml", yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=1_000_000))
