"""Which picture each answer is about, who gave it, and where each URL's host is: codes, a few bytes each, made once for a table's state."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.web.indexes.pictures import NONE, Numbers, PictureIndex, Stamp, encode_column, stamp_tables
from logoingest.workspace import Workspace

#: After a name and password, which are nobody's business.
_HOST = r"^[A-Za-z][A-Za-z0-9+.\-]*://(?:[^/?#@]*@)?(?P<host>\[[^\]]*\]|[^/:?#]*)"


@dataclass(frozen=True)
class Coded:
    """A column as places in its distinct values."""

    codes: Numbers
    values: pa.Array

    def find(self, value: str) -> np.ndarray:
        """Which rows have a value."""
        code = pc.index(self.values, pa.scalar(value, self.values.type)).as_py()
        return np.zeros(len(self.codes), bool) if code < 0 else self.codes == code


@dataclass(frozen=True)
class AnswerIndex:
    """The annotations, in their table's order."""

    pictures: PictureIndex
    picture_of: Numbers
    """The picture's number; -1 where none came from the URL."""
    workers: Coded
    labels: Coded
    hosts: Coded
    """Of each of the pictures' URLs, in lower case."""

    def list_rows(self, picture: int) -> list[int]:
        """The rows that are about a picture."""
        return [int(row) for row in np.flatnonzero(self.picture_of == picture)]

    def mask_pictures(self, rows: np.ndarray) -> np.ndarray:
        """The pictures that some rows are about."""
        mask = np.zeros(len(self.pictures) + 1, bool)  # the last stands for none
        mask[self.picture_of[rows]] = True
        return mask[:-1]

    def mask_host(self, host: str) -> np.ndarray:
        """The pictures that came from a host."""
        mask = np.zeros(len(self.pictures), bool)
        mask[self.pictures.url_picture[self.hosts.find(host.lower())]] = True
        return mask


class IndexedAnswers:
    """The index of a workspace, as its tables are now."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace, self._lock = workspace, threading.Lock()
        self._kept: tuple[PictureIndex, Stamp, AnswerIndex] | None = None

    def read(self, pictures: PictureIndex) -> AnswerIndex:
        """The index; made anew where a table changed."""
        with self._lock:
            stamp = stamp_tables(self._workspace, ("annotations",))
            if self._kept is None or self._kept[0] is not pictures or self._kept[1] != stamp:
                self._kept = (pictures, stamp, _make_index(self._workspace, pictures))
            return self._kept[2]


def _make_index(workspace: Workspace, pictures: PictureIndex) -> AnswerIndex:
    has_answers = workspace.has_table("annotations")

    def read(column: str) -> pa.ChunkedArray:
        return workspace.read_table("annotations", [column]).column(0) if has_answers else pa.chunked_array([], pa.string())

    place = pc.fill_null(pc.index_in(read("url"), value_set=pictures.urls), NONE).to_numpy().astype(np.int32)
    picture_of = np.append(pictures.url_picture, np.int32(NONE))[place]
    hosts = pc.struct_field(pc.extract_regex(pictures.urls, _HOST), "host")
    return AnswerIndex(
        pictures,
        picture_of,
        _code(read("worker_id")),
        _code(read("raw_label")),
        _code(pa.chunked_array([pc.utf8_lower(hosts)], pa.string())),
    )


def _code(column: pa.ChunkedArray) -> Coded:
    return Coded(*encode_column(column))
