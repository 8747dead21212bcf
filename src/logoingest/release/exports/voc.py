"""Pascal VOC (http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html).

    JPEGImages/<image_id>.<ext>     Annotations/<image_id>.xml
    ImageSets/Main/<split>.txt      every picture of a split; validation is VOC's "val"
    ImageSets/Boxes/<split>.txt     those of which every class has a box: for detection

Corners are x, y, x + width, y + height in pixels of the upright picture, from 0, as labelling tools write them (VOC's own count from
1). A class without a box in a picture is an ``<object>`` without ``<bndbox>``: no box is made up, and a detector's reader stops at it
instead of learning the picture as empty. With ``boxes_only`` such pictures are left out, and every object has its box.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

from logoingest.release.exports.classes import clean_xml
from logoingest.release.exports.folder import NO_BOX, ExportFolder
from logoingest.release.exports.rows import ExportBox, ExportRow, list_splits
from logoingest.release.reading.loader import Release

_SPLIT_NAMES = {"validation": "val"}


def write_voc(release: Release, folder: ExportFolder) -> None:
    """Fill ``folder`` with a picture and an XML file each, and the lists of the splits."""
    annotations, _ = folder.make_folder("Annotations"), folder.make_folder("JPEGImages")
    main, boxes = folder.make_folder("ImageSets/Main"), folder.make_folder("ImageSets/Boxes")
    for split in list_splits(release):
        name = f"{_SPLIT_NAMES.get(split, split)}.txt"
        with (main / name).open("w", newline="\n") as listed, (boxes / name).open("w", newline="\n") as boxed:
            for row in folder.read_rows(release, split):
                if folder.options.boxes_only and row.list_unboxed():
                    folder.leave_out(row, NO_BOX)
                    continue
                folder.add_picture(row, "JPEGImages")
                (annotations / f"{row.image_id}.xml").write_bytes(_render_picture(row, release.name, folder.class_texts))
                listed.write(f"{row.image_id}\n")
                if not row.list_unboxed():
                    boxed.write(f"{row.image_id}\n")


def _render_picture(row: ExportRow, database: str, names: list[str]) -> bytes:
    root = ET.Element("annotation")
    _add(root, "folder", "JPEGImages")
    _add(root, "filename", row.file_name)
    source = ET.SubElement(root, "source")
    _add(source, "database", clean_xml(database))
    _add(source, "url", clean_xml(row.url))
    size = ET.SubElement(root, "size")
    for tag, value in (("width", row.width), ("height", row.height), ("depth", 3)):
        _add(size, tag, str(value))
    _add(root, "segmented", "0")
    for box in row.boxes:
        _add_object(root, names[box.label], box)
    for label in row.list_unboxed():
        _add_object(root, names[label], None)
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode").encode() + b"\n"


def _add_object(root: ET.Element, name: str, box: ExportBox | None) -> None:
    element = ET.SubElement(root, "object")
    _add(element, "name", name)
    if box is None:
        return
    said = _read_attributes(box)
    _add(element, "pose", clean_xml(str(said.get("pose") or "Unspecified")))
    if box.truncated is not None:
        _add(element, "truncated", str(int(box.truncated)))
    _add(element, "difficult", str(int(said.get("difficult") is True)))
    corners = ET.SubElement(element, "bndbox")
    for tag, value in (("xmin", box.x), ("ymin", box.y), ("xmax", box.x + box.width), ("ymax", box.y + box.height)):
        _add(corners, tag, _write_number(value))


def _read_attributes(box: ExportBox) -> dict[str, Any]:
    said = json.loads(box.attributes) if box.attributes else {}
    return said if isinstance(said, dict) else {}


def _write_number(value: float) -> str:
    """Whole numbers without a point: many readers take no other."""
    return str(int(value)) if value.is_integer() else repr(round(value, 6))


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text
