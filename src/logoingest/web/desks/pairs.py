"""Two pictures side by side: copies with the evidence, and pictures of two minds that wait for a ruling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from logoingest.errors import UsageError
from logoingest.review.conflicts import describe_copies
from logoingest.review.sheets.conflict_sheet import OpenConflict
from logoingest.web.desks.gallery import ShownPicture, make_shown
from logoingest.web.desks.gathering import GatheredDecisions
from logoingest.web.indexes.pictures import IMAGE_ID, IndexedPictures
from logoingest.workspace import Workspace
from logoingest.workspace.rows import count_rows, find_rows, pick_rows, read_rows

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
        """Copies, all or of a kind, in the table's order."""
        if not self._workspace.has_table("copies"):
            return PairsPage([], 0, 0)
        numbers: Sequence[int]
        if kind:
            numbers = find_rows(self._workspace, "copies", "kind", [kind])
        else:
            numbers = range(count_rows(self._workspace, "copies"))
        start = max(0, min(start, len(numbers) - 1))
        rows = read_rows(self._workspace, "copies", numbers[start : start + PAGE], _COLUMNS).to_pylist()
        found = [self._show(row["image_id"], row["other_id"], _describe(row)) for row in rows]
        return PairsPage([pair for pair in found if pair is not None], len(numbers), start)

    def show(self, first: str, second: str) -> PicturePair | None:
        """Two pictures, and what can be decided of them; None where one of them is not there."""
        pair = self._show(first, second, self._find_copy(first, second))
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

    def _show(self, first: str, second: str, copy: FoundCopy | None) -> PicturePair | None:
        index = self._pictures.read()
        one, other = index.find(first), index.find(second)
        if one is None or other is None:
            return None
        found = self._gathered.read()
        open_one = None if found is None else found.find_conflict(first, second)
        return PicturePair(make_shown(index, one), make_shown(index, other), copy, open_one)

    def _find_copy(self, first: str, second: str) -> FoundCopy | None:
        low, high = sorted((first, second))
        if not IMAGE_ID.fullmatch(low) or not self._workspace.has_table("copies"):
            return None
        rows = pick_rows(self._workspace, "copies", "image_id", [low], _COLUMNS).to_pylist()
        return next((_describe(row) for row in rows if row["other_id"] == high), None)


def _describe(row: Mapping[str, Any]) -> FoundCopy:
    return FoundCopy(*(row[name] for name in FoundCopy._fields))
