"""One picture: what every table says of it; what is dear to find out is asked for by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from logoingest.config import Config
from logoingest.errors import UsageError
from logoingest.pipeline.evidence.suspects import SUSPECTS
from logoingest.pipeline.questions.audit import (
    LabelTestimony,
    LabelTrail,
    RowTrail,
    UrlPlaces,
    UrlTrail,
    explain_label_of,
    explain_row,
    explain_url,
    hear_label,
    list_decisions,
)
from logoingest.pipeline.questions.similarity import find_similar
from logoingest.pipeline.session import Run
from logoingest.web.background.crowd import HeardCrowd
from logoingest.web.desks.gallery import ShownPicture, make_shown
from logoingest.web.indexes.answers import IndexedAnswers
from logoingest.web.indexes.class_map import KnownClassMap
from logoingest.web.indexes.pictures import NONE, IndexedPictures, PictureIndex
from logoingest.workspace import Workspace
from logoingest.workspace.rows import pick_rows, read_rows

_IMAGE_COLUMNS = ("width", "height", "format", "byte_count", "flags", "group_id", "urls")
_SAMPLE_COLUMNS = ("class_ids", "votes", "agreement", "boxes")
_MOST_VOTES = 200
_NEIGHBOURS = 8
_PATIENCE_S = 0.15


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


class HeardLabel(NamedTuple):
    """What the crowd says of an answer."""

    testimony: LabelTestimony | None
    """None where it says nothing."""
    is_known: bool
    """Else it is still found out: ask again."""


class PictureDesk:
    """The pictures of a workspace, one by one."""

    def __init__(self, config: Config, workspace: Workspace, pictures: IndexedPictures, answers: IndexedAnswers) -> None:
        self._config, self._workspace, self._pictures, self._answers = config, workspace, pictures, answers
        self._crowd, self._class_map = HeardCrowd(config), KnownClassMap(config.class_map_path)

    def describe(self, image_id: str) -> ShownFacts | None:
        """What the tables say of a picture; None where there is no such picture."""
        index = self._pictures.read()
        number = index.find(image_id)
        if number is None:
            return None
        image = read_row(self._workspace, "images", number, _IMAGE_COLUMNS)
        row = int(index.sample_row[number])
        sample = None if row < 0 else read_row(self._workspace, "samples", row, _SAMPLE_COLUMNS)
        boxes = [ShownBox(box["class_id"], *box["bbox"]) for box in (sample or {}).get("boxes", ()) if box.get("bbox")]
        place = index.place(number)
        return ShownFacts(
            make_shown(index, number),
            image,
            sample,
            boxes,
            [row["detail"] for row in self._pick(SUSPECTS, "image_id", image_id, ["detail"])],
            self._list_copies(image_id),
            _name_place(index, place - 1),
            _name_place(index, place + 1),
        )

    def _list_copies(self, image_id: str) -> list[tuple[str, str]]:
        columns = ["image_id", "other_id", "kind", "transformation"]
        rows = [*self._pick("copies", "image_id", image_id, columns), *self._pick("copies", "other_id", image_id, columns)]
        return [
            (row["other_id"] if row["image_id"] == image_id else row["image_id"], f"{row['kind']}: {row['transformation']}")
            for row in rows
        ]

    def list_votes(self, image_id: str) -> list[PictureVote]:
        """What people answered about a picture, and what the class map made of it."""
        index = self._pictures.read()
        number = index.find(image_id)
        if number is None or not self._workspace.has_table("annotations"):
            return []
        numbers = self._answers.read(index).list_rows(number)[:_MOST_VOTES]
        rows = read_rows(
            self._workspace, "annotations", numbers, ["annotation_id", "worker_id", "raw_label", "source_row"]
        ).to_pylist()
        made = {one.annotation_id: one for one in list_decisions(self._open(), [row["annotation_id"] for row in rows], numbers)}
        votes = [(row, made.get(row["annotation_id"])) for row in rows]
        return [
            PictureVote(
                row["worker_id"],
                row["raw_label"],
                "not decided" if one is None else one.decision,
                () if one is None else one.class_ids or (),
                "" if one is None else one.rule,
                row["source_row"],
            )
            for row, one in votes
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
        return explain_url(self._open(), url, places=self._locate(url))

    def _locate(self, url: str) -> UrlPlaces | None:
        """Where a URL is by the indexes; None where no picture came from it."""
        index = self._pictures.read()
        number = index.find_url(url)
        if number is None:
            return None
        rows = {"images": number, "samples": index.sample_row[number], "splits": index.split_row[number]}
        return UrlPlaces(
            self._answers.read(index).list_rows(number),
            index.shards[int(index.shard[number])],
            int(index.shard_row[number]),
            {table: None if row == NONE else int(row) for table, row in rows.items()},
        )

    def explain_label(self, label: str) -> LabelTrail:
        """The audit trail of an answer, without what the crowd says: ``hear_label``."""
        answers = self._answers.read(self._pictures.read())
        run = self._open()
        run.class_map = self._class_map.read()
        return explain_label_of(run, label, hear=False, rows=np.flatnonzero(answers.labels.find(label)).tolist())

    def hear_label(self, label: str) -> HeardLabel:
        """What others called the pictures of an answer: dearer than all else."""
        run = self._open()
        found = self._crowd.read(_PATIENCE_S)
        if found is None:
            return HeardLabel(None, is_known=not self._crowd.is_asking)
        return HeardLabel(hear_label(run, label, found), is_known=True)

    def explain_row(self, number: int) -> RowTrail:
        """The audit trail of a source row.

        Raises:
            UsageError: there is no such row.
        """
        return explain_row(self._open(), number, locate=self._locate)

    def _open(self) -> Run:
        run = Run(self._config)
        if not run.workspace.has_table("annotations"):
            raise UsageError(f"{run.workspace.url}: nothing was run yet", "start with: logoingest run CONFIG")
        return run

    def _pick(self, table: str, column: str, value: str, columns: Sequence[str]) -> list[dict[str, Any]]:
        if not self._workspace.has_table(table):
            return []
        return list(pick_rows(self._workspace, table, column, [value], columns).to_pylist())


def read_row(workspace: Workspace, table: str, number: int, columns: Sequence[str]) -> dict[str, Any]:
    """A row of a table."""
    rows = read_rows(workspace, table, [number], columns).to_pylist()
    if not rows:
        raise UsageError(f"the table {table} has changed meanwhile: load the page again")
    return dict(rows[0])


def _name_place(index: PictureIndex, place: int) -> str | None:
    return index.name(int(index.order[place])) if 0 <= place < len(index) else None
