"""Which picture each answer is about, who gave it, and where each URL's host is: codes, a few bytes each, made once for a table's state."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logoingest.web.indexes.pictures import NONE, Numbers, PictureIndex, Stamp, encode_column, read_picture_urls, stamp_tables
from logoingest.web.indexes.stored import make_index
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

    def find_any(self, values: Sequence[str]) -> np.ndarray:
        """Which rows have one of some values."""
        wanted = pc.index_in(pa.array(values, self.values.type), value_set=self.values).drop_null()
        return np.isin(self.codes, wanted.to_numpy())


@dataclass(frozen=True)
class AnswerColumns:
    """The annotations, in their table's order."""

    picture_of: Numbers
    """The picture's number; -1 where none came from the URL."""
    workers: Coded
    labels: Coded
    hosts: Coded
    """Of each of the pictures' URLs, in lower case."""


@dataclass(frozen=True)
class AnswerIndex(AnswerColumns):
    """The same, and the pictures."""

    pictures: PictureIndex

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
                columns = make_index(AnswerColumns, index_answers, self._workspace, "annotations")
                self._kept = (pictures, stamp, AnswerIndex(**vars(columns), pictures=pictures))
            return self._kept[2]


def index_answers(workspace: Workspace) -> AnswerColumns:
    """The index of a workspace's annotations."""
    has_answers = workspace.has_table("annotations")

    def read(column: str) -> pa.ChunkedArray:
        return workspace.read_table("annotations", [column]).column(0) if has_answers else pa.chunked_array([], pa.string())

    urls, url_picture = read_picture_urls(workspace)
    place = pc.fill_null(pc.index_in(read("url"), value_set=urls), NONE).to_numpy().astype(np.int32)
    hosts = pc.struct_field(pc.extract_regex(urls, _HOST), "host")
    return AnswerColumns(
        np.append(url_picture, np.int32(NONE))[place],
        _code(read("worker_id")),
        _code(read("raw_label")),
        _code(pa.chunked_array([pc.utf8_lower(hosts)], pa.string())),
    )


def _code(column: pa.ChunkedArray) -> Coded:
    return Coded(*encode_column(column))
