"""Two pictures side by side: copies with the evidence, and pictures of two minds that wait for a ruling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow.compute as pc

from logoingest.errors import UsageError
from logoingest.review.conflicts import describe_copies
from logoingest.review.sheets.conflict_sheet import OpenConflict
from logoingest.web.desks.gallery import ShownPicture, make_shown
from logoingest.web.desks.open_decisions import GatheredDecisions
from logoingest.web.desks.picture_index import IndexedPictures
from logoingest.workspace import Workspace

PAGE = 24
"""Pairs at once."""

_COLUMNS = ("image_id", "other_id", "kind", "transformation", "overlap", "residual")


class FoundCopy(NamedTuple):
    """Why two pictures are one group."""

    kind: str
    transformation: str
    overlap: float
    residual: float


class PicturePair(NamedTuple):
    """Two pictures, as they are settled."""

    first: ShownPicture
    second: ShownPicture
    copy: FoundCopy | None
    """None where they were not found to be copies."""
    conflict: OpenConflict | None
    """What somebody must rule on, and both are part of."""
    question: OpenConflict | None = None
    """What can be decided of just these two; None of those that were not found to be alike."""


class PairsPage(NamedTuple):
    """Some pairs."""

    pairs: Sequence[PicturePair]
    in_all: int
    start: int


class Pairs:
    """The pairs of a workspace."""

    def __init__(self, workspace: Workspace, pictures: IndexedPictures, gathered: GatheredDecisions) -> None:
        self._workspace, self._pictures, self._gathered = workspace, pictures, gathered

    def list_copies(self, kind: str, start: int) -> PairsPage:
        """Copies, those first that are settled differently."""
        if not self._workspace.has_table("copies"):
            return PairsPage([], 0, 0)
        table = self._workspace.read_table("copies", _COLUMNS)
        table = table.filter(pc.equal(table.column("kind"), kind)) if kind else table
        start = max(0, min(start, table.num_rows - 1))
        found = [self._show(row["image_id"], row["other_id"]) for row in table.slice(start, PAGE).to_pylist()]
        return PairsPage([pair for pair in found if pair is not None], table.num_rows, start)

    def show(self, first: str, second: str) -> PicturePair | None:
        """Two pictures, and what can be decided of them; None where one of them is not there."""
        pair = self._show(first, second)
        return None if pair is None else pair._replace(question=self._ask(pair))

    def require_question(self, first: str, second: str) -> OpenConflict:
        """What can be decided of two pictures.

        Raises:
            UsageError: one of them is not there, or they were not found to be alike.
        """
        pair = self.show(first, second)
        if pair is None or pair.question is None:
            raise UsageError("these are no two pictures that were found to be copies, or that contradict each other")
        return pair.question

    def _ask(self, pair: PicturePair) -> OpenConflict | None:
        if pair.conflict is not None and len(pair.conflict.image_ids) == 2:
            return pair.conflict
        found = self._gathered.read()
        if pair.copy is None or found is None:
            return None
        low, high = sorted((pair.first.image_id, pair.second.image_id))
        [question] = describe_copies(found.run, [{"image_id": low, "other_id": high, **pair.copy._asdict()}])
        return question

    def _show(self, first: str, second: str) -> PicturePair | None:
        index = self._pictures.read()
        one, other = index.find(first), index.find(second)
        if one is None or other is None:
            return None
        found = self._gathered.read()
        conflicts = () if found is None else found.conflicts
        open_one = next((conflict for conflict in conflicts if {first, second} <= set(conflict.image_ids)), None)
        return PicturePair(make_shown(index, one), make_shown(index, other), self._find_copy(first, second), open_one)

    def _find_copy(self, first: str, second: str) -> FoundCopy | None:
        if not self._workspace.has_table("copies"):
            return None
        table = self._workspace.read_table("copies", _COLUMNS)
        low, high = sorted((first, second))
        rows = table.filter(pc.and_(pc.equal(table.column("image_id"), low), pc.equal(table.column("other_id"), high))).to_pylist()
        return FoundCopy(*(rows[0][name] for name in FoundCopy._fields)) if rows else None
