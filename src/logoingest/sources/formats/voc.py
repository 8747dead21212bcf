"""Pascal VOC: a folder (or glob, or single file) of XML files, one per picture; one annotation per object.

Format: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/devkit_doc.pdf §4.2. The root element decides: a file that begins with
anything but ``<annotation>`` is a rejected row that names the file.
"""

from __future__ import annotations

import glob
import re
import xml.etree.ElementTree as ET  # only the tree; what parses is guarded
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from logoingest.config import SourceConfig
from logoingest.sources.cells.answers import Answer, AnswerError
from logoingest.sources.cells.boxes import join_corners
from logoingest.sources.cells.columns import has_scheme, name_picture
from logoingest.sources.files.markup import MAX_ELEMENT_CHARS, MarkupError, parse_tree, read_text
from logoingest.sources.files.opening import SourceFile, check_file
from logoingest.sources.records.tabulating import Record, make_records, refuse_record

ROOT = "annotation"
_FLAGS = ("truncated", "difficult", "occluded")
_ENDING = re.compile(r"\.(?:jpe?g|png|gif|webp|bmp|tiff?)$", re.IGNORECASE)
_GLOB = re.compile(r"[*?\[]")


def read_voc(file: SourceFile, source: SourceConfig) -> Iterator[Record]:
    """The records of all XML files, in the order of their relative paths; ``source_row`` is the number of the XML file.

    - url: ``<url>``, ``<source><url>``, ``<source><image>`` or ``<path>`` when that is a URL; else ``url_prefix`` and the picture's path
      beside the XML file, relative to the folder, percent-encoded.
    - source_id: ``<folder>_<picture's stem>_<index>``, the place of the ``<object>`` in the file from 0; the folder's own name where
      ``<folder>`` is empty. A class map's overrides name a box by it.
    - bbox: [xmin, ymin, xmax - xmin, ymax - ymin], as LabelImg writes them.
    - attributes: truncated, difficult, occluded as booleans and pose, where they are given.

    A file without objects is one annotation with an empty label; a broken one is one rejected row.

    Raises:
        SourceError: there is no XML file, or none can be read.
    """
    root, files = list_files(file)
    sound = False
    first_fault = ""
    for number, path in enumerate(files, 1):
        name = path.relative_to(root).as_posix()
        try:
            tree = _parse(path)
        except (MarkupError, OSError) as error:
            first_fault = first_fault or f"{name}: {error}"
            yield refuse_record(number, f"{name}: {error}")
            continue
        sound = True
        yield from _read_picture(tree, number, Path(name), path.parent.name, source)
    if not sound:
        raise file.fault(f"has no Pascal VOC file that can be read (the first: {first_fault})")


def list_files(file: SourceFile) -> tuple[Path, list[Path]]:
    """The folder that names are relative to, and the XML files under it, sorted.

    Raises:
        SourceError: there are none.
    """
    path = file.path
    if path.is_dir():
        root, files = path, [found for found in path.rglob("*") if found.suffix.lower() == ".xml"]
    elif _GLOB.search(path.name) or _GLOB.search(str(path.parent)):
        if path.exists():  # a name may hold the signs of a pattern
            return path.parent, [path]
        parts = path.parts
        first = next(index for index, part in enumerate(parts) if _GLOB.search(part))
        root, files = Path(*parts[:first]), [Path(name) for name in glob.glob(str(path), recursive=True)]
    else:
        check_file(file)
        return path.parent, [path]
    files = sorted((found for found in files if found.is_file()), key=lambda found: found.relative_to(root).as_posix())
    if not files:
        raise file.fault("holds no XML files", "Pascal VOC is one XML file per picture")
    return root, files


def _parse(path: Path) -> ET.Element:
    with path.open("rb") as stream:
        tree = parse_tree(stream.read(MAX_ELEMENT_CHARS + 1))
    if tree.tag != ROOT:
        meant = "CVAT's: name that file itself as a source" if tree.tag == "annotations" else "another kind of XML"
        raise MarkupError(f"begins with <{tree.tag[:40]}>, not with Pascal VOC's <{ROOT}> ({meant})")
    return tree


def _read_picture(tree: ET.Element, number: int, name: Path, folder_name: str, source: SourceConfig) -> Iterator[Record]:
    picture = _find_picture(tree, name)
    url = _find_url(tree)
    if url is None:
        url = name_picture((name.parent / picture).as_posix(), source)
    base = f"{read_text(tree, 'folder') or folder_name}_{_ENDING.sub('', picture)}"
    whole = Record(number, url)
    objects = tree.findall("object")
    if not objects:
        yield whole._replace(source_id=base)
    loose: dict[int, Answer] = {}
    for index, element in enumerate(objects):
        try:
            answer = _read_object(element)
        except AnswerError as error:
            label = read_text(element, "name")
            yield refuse_record(number, f"object {index}: {error}")._replace(url=url, raw_label=label, source_id=f"{base}_{index}")
            continue
        if answer.bbox is None:
            loose[index] = answer
        else:
            yield from make_records(whole, [answer], f"{base}_{index}")
    if loose:
        yield from make_records(whole, list(loose.values()), f"{base}_{min(loose)}")


def _find_picture(tree: ET.Element, name: Path) -> str:
    """The picture's file name: ``<filename>``, with the ending ``<path>`` gives when it has none (LabelImg drops it), else .jpg."""
    filename = re.split(r"[\\/]", read_text(tree, "filename"))[-1] or name.stem
    if _ENDING.search(filename):
        return filename
    ending = _ENDING.search(read_text(tree, "path"))
    return filename + (ending.group() if ending else ".jpg")


def _find_url(tree: ET.Element) -> str | None:
    texts = [read_text(tree, path) for path in ("url", "source/url", "source/image", "path", "filename")]
    return next((text for text in texts if has_scheme(text)), None)


def _read_object(element: ET.Element) -> Answer:
    attributes: dict[str, Any] = {}
    for flag in _FLAGS:
        text = read_text(element, flag).lower()
        if text:
            attributes[flag] = text in {"1", "true", "yes"}
    if pose := read_text(element, "pose"):
        attributes["pose"] = pose
    box = element.find("bndbox")
    name = element.find("name")
    label = "" if name is None else name.text or ""
    return Answer(label, None if box is None else _read_corners(box), attributes or None)


def _read_corners(box: ET.Element) -> list[float]:
    return join_corners([read_text(box, corner) for corner in ("xmin", "ymin", "xmax", "ymax")])
