"""One picture: what every table says of it; what is dear to find out is asked for by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logoingest.config import Config
from logoingest.errors import UsageError
from logoingest.pipeline.evidence.suspects import SUSPECTS
from logoingest.pipeline.questions.audit import LabelTrail, RowTrail, UrlTrail, explain_label_of, explain_row, explain_url
from logoingest.pipeline.questions.similarity import find_similar
from logoingest.pipeline.session import Run
from logoingest.web.desks.gallery import ShownPicture, make_shown
from logoingest.web.desks.picture_index import IndexedPictures, PictureIndex
from logoingest.workspace import Workspace

_HEAVY = ("hash", "signature", "annotation_ids", "channel_mean", "channel_std")
_MOST_VOTES = 200
_NEIGHBOURS = 8


class PictureVote(NamedTuple):
    """An answer about a picture."""

    worker: str | None
    raw_label: str
    decision: str
    class_ids: Sequence[str]
    rule: str
    source_row: int


class ShownBox(NamedTuple):
    """A box of a picture, in its pixels."""

    class_id: str
    x: float
    y: float
    width: float
    height: float


class ShownFacts(NamedTuple):
    """What the tables say of a picture."""

    picture: ShownPicture
    image: Mapping[str, Any]
    sample: Mapping[str, Any] | None
    boxes: Sequence[ShownBox]
    suspects: Sequence[str]
    """Why somebody should look at it, a line each."""
    copies: Sequence[tuple[str, str]]
    """Pictures that show the same, and how."""
    previous: str | None
    following: str | None
    """The pictures before and behind it, by id."""


class PictureDesk:
    """The pictures of a workspace, one by one."""

    def __init__(self, config: Config, workspace: Workspace, pictures: IndexedPictures) -> None:
        self._config, self._workspace, self._pictures = config, workspace, pictures

    def describe(self, image_id: str) -> ShownFacts | None:
        """What the tables say of a picture; None where there is no such picture."""
        index = self._pictures.read()
        number = index.find(image_id)
        if number is None:
            return None
        image = read_row(self._workspace, "images", number)
        row = int(index.sample_row[number])
        sample = None if row < 0 else read_row(self._workspace, "samples", row)
        boxes = [ShownBox(box["class_id"], *box["bbox"]) for box in (sample or {}).get("boxes", ()) if box.get("bbox")]
        place = int(np.searchsorted(index.ids, image_id.encode(), sorter=index.order))
        return ShownFacts(
            make_shown(index, number),
            image,
            sample,
            boxes,
            [row["detail"] for row in self._pick(SUSPECTS, "image_id", [image_id], ["detail"])],
            self._list_copies(image_id),
            _name_place(index, place - 1),
            _name_place(index, place + 1),
        )

    def _list_copies(self, image_id: str) -> list[tuple[str, str]]:
        columns = ["image_id", "other_id", "kind", "transformation"]
        rows = [*self._pick("copies", "image_id", [image_id], columns), *self._pick("copies", "other_id", [image_id], columns)]
        return [
            (row["other_id"] if row["image_id"] == image_id else row["image_id"], f"{row['kind']}: {row['transformation']}")
            for row in rows
        ]

    def list_votes(self, image_id: str) -> list[PictureVote]:
        """What people answered about a picture, and what the class map made of it."""
        index = self._pictures.read()
        number = index.find(image_id)
        if number is None:
            return []
        urls = read_row(self._workspace, "images", number)["urls"]
        columns = ["annotation_id", "worker_id", "raw_label", "source_row"]
        numbers = self._find_rows("annotations", "url", urls)[:_MOST_VOTES]
        rows = self._read_rows("annotations", numbers, columns)
        decided = self._read_decisions([row["annotation_id"] for row in rows], numbers)
        nothing = {"decision": "not decided", "class_ids": [], "rule": ""}
        votes = [(row, decided.get(row["annotation_id"], nothing)) for row in rows]
        return [
            PictureVote(row["worker_id"], row["raw_label"], made["decision"], made["class_ids"], made["rule"], row["source_row"])
            for row, made in votes
        ]

    def list_neighbours(self, image_id: str) -> list[tuple[ShownPicture, float]]:
        """The pictures that look most like one, by the network that was asked.

        Raises:
            UsageError: no network was asked.
        """
        index = self._pictures.read()
        found = find_similar(Run(self._config), image_id, _NEIGHBOURS).neighbours
        numbers = [(index.find(one.picture.image_id), one.similarity) for one in found]
        return [(make_shown(index, number), similarity) for number, similarity in numbers if number is not None]

    def find_url(self, url: str) -> str | None:
        """The picture that came from a URL."""
        index = self._pictures.read()
        number = index.find_url(url)
        return None if number is None else index.name(number)

    def explain_url(self, url: str) -> UrlTrail:
        """The audit trail of a URL, as ``logoingest explain`` tells it.

        Raises:
            UsageError: no source row has it.
        """
        return explain_url(self._open(), url)

    def explain_label(self, label: str) -> LabelTrail:
        """The audit trail of an answer."""
        return explain_label_of(self._open(), label)

    def explain_row(self, number: int) -> RowTrail:
        """The audit trail of a source row.

        Raises:
            UsageError: there is no such row.
        """
        return explain_row(self._open(), number)

    def _open(self) -> Run:
        run = Run(self._config)
        if not run.workspace.has_table("annotations"):
            raise UsageError(f"{run.workspace.url}: nothing was run yet", "start with: logoingest run CONFIG")
        return run

    def _pick(self, table: str, column: str, values: Sequence[str], columns: Sequence[str]) -> list[dict[str, Any]]:
        """Rows of a table by the values of a column."""
        return self._read_rows(table, self._find_rows(table, column, values), columns)

    def _read_decisions(self, ids: Sequence[str], numbers: Sequence[int]) -> dict[str, dict[str, Any]]:
        """Annotation → what was decided of it: in the same row, or looked for where the annotations are newer than the decisions."""
        columns = ["annotation_id", "decision", "class_ids", "rule"]
        found = {row["annotation_id"]: row for row in self._read_rows("decisions", numbers, columns)}
        if found.keys() != set(ids):
            found = {row["annotation_id"]: row for row in self._pick("decisions", "annotation_id", ids, columns)}
        return found

    def _find_rows(self, table: str, column: str, values: Sequence[str]) -> list[int]:
        """The numbers of a table's rows that have one of the values, row group by row group."""
        if not values or not self._workspace.has_table(table):
            return []
        wanted, found, start = pa.array(values, pa.string()), list[int](), 0
        with self._workspace.filesystem.open(self._workspace.path(f"tables/{table}.parquet"), "rb") as file:
            parquet = pq.ParquetFile(file)
            for group in range(parquet.num_row_groups):
                mask = pc.is_in(parquet.read_row_group(group, columns=[column]).column(column), value_set=wanted)
                found += [start + place for place in pc.indices_nonzero(mask).to_pylist()]
                start += len(mask)
        return found

    def _read_rows(self, table: str, numbers: Sequence[int], columns: Sequence[str]) -> list[dict[str, Any]]:
        """Rows of a table by their numbers, ascending; only the row groups that hold them are read, and rows that are not there left out."""
        if not numbers or not self._workspace.has_table(table):
            return []
        found, start = list[dict[str, Any]](), 0
        with self._workspace.filesystem.open(self._workspace.path(f"tables/{table}.parquet"), "rb") as file:
            parquet = pq.ParquetFile(file)
            for group in range(parquet.num_row_groups):
                rows = parquet.metadata.row_group(group).num_rows
                if own := [number - start for number in numbers if start <= number < start + rows]:
                    found += parquet.read_row_group(group, columns=list(columns)).take(pa.array(own, pa.int64())).to_pylist()
                start += rows
        return found


def read_row(workspace: Workspace, table: str, number: int) -> dict[str, Any]:
    """A row of a table; only the row group that holds it is read, without columns for machines."""
    with workspace.filesystem.open(workspace.path(f"tables/{table}.parquet"), "rb") as file:
        parquet = pq.ParquetFile(file)
        columns = [name for name in parquet.schema_arrow.names if name not in _HEAVY]
        start = 0
        for group in range(parquet.num_row_groups):
            rows = parquet.metadata.row_group(group).num_rows
            if number < start + rows:
                return dict(parquet.read_row_group(group, columns=columns).slice(number - start, 1).to_pylist()[0])
            start += rows
    raise UsageError(f"the table {table} has changed meanwhile: load the page again")


def _name_place(index: PictureIndex, place: int) -> str | None:
    return index.name(int(index.order[place])) if 0 <= place < len(index) else None
