"""The crowd layer on disk: beside the class map, and as the labels stage left it in the workspace."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from logoingest.errors import ClassMapError, Problem
from logoingest.files.whole import replace_file
from logoingest.labels.crowd.layer import CrowdLine, place_layer, read_layer, write_layer
from logoingest.named_maps import is_named, place_map
from logoingest.pipeline.crowd.files import LAYER_FILE
from logoingest.stage_names import Stage
from logoingest.workspace import hash_file

if TYPE_CHECKING:
    from logoingest.pipeline.session import Run
    from logoingest.workspace import FileRecord, Manifest

logger = logging.getLogger("logoingest")


def find_layer(run: Run) -> Path:
    """Where the layer of the config's class map lies: beside it; of one that comes with the package, beside the config."""
    class_map = run.config.class_map_path
    if is_named(class_map):
        class_map = run.config.resolve(place_map(class_map, Path()).name)
    return place_layer(class_map)


def load_layer(run: Run) -> list[CrowdLine]:
    """The layer as it is; no lines where there is none.

    Raises:
        ClassMapError: it cannot be read, or is wrong.
    """
    path = find_layer(run)
    try:
        data = path.read_bytes() if path.is_file() else _read_copy(run)
    except OSError as error:
        raise ClassMapError(Problem(str(path), f"cannot be read ({error.strerror or error})")) from None
    return read_layer(data, path.name) if data else []


def save_layer(run: Run, lines: Sequence[CrowdLine]) -> dict[str, FileRecord]:
    """Write the layer beside the class map, and its copy into the workspace; a file that says the same already is left alone."""
    path, data = find_layer(run), write_layer(lines)
    if lines or path.is_file():
        _write(path, data)
    return {LAYER_FILE: run.workspace.write_bytes(LAYER_FILE, data)}


def _write(path: Path, data: bytes) -> None:
    try:
        if not path.is_file() or path.read_bytes() != data:
            with replace_file(path) as temporary:
                temporary.write_bytes(data)
    except OSError as error:
        logger.warning("%s cannot be written (%s): the crowd layer stands in the workspace alone", path, error.strerror or error)


def _read_copy(run: Run) -> bytes:
    return run.workspace.read_bytes(LAYER_FILE) if run.workspace.exists(LAYER_FILE) else b""


def hash_foreign_layer(run: Run, manifest: Manifest) -> str:
    """sha256 of the layer, "" where it is what the labels stage itself wrote last (or there is none, and it wrote none)."""
    path, record = find_layer(run), manifest.stages.get(Stage.LABELS)
    if not path.is_file():
        return ""
    digest = hash_file(path).sha256
    own = None if record is None else record.outputs.get(LAYER_FILE)
    return "" if own is not None and own.sha256 == digest else digest
