"""The lines of the queue: what is left for a person, and which of it was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from logoingest.review.session import Session, list_left
from logoingest.web.desks.open_decisions import OpenDecision, OpenDecisions, make_line
from logoingest.web.indexes.pictures import IndexedPictures, PictureIndex


class QueueChoice(NamedTuple):
    """Which decisions are wanted; empty texts choose nothing."""

    kind: str = ""
    class_id: str = ""
    worker: str = ""
    split: str = ""
    reason: str = ""
    text: str = ""
    start: int = 0


def list_lines(found: OpenDecisions, session: Session) -> Sequence[OpenDecision]:
    """What is left for a person, in the order of ``found.lines``; only what the session touched is looked at anew."""
    named = [label for step in session.steps for label in (*(label for label, _ in step.rulings), *step.skipped, *step.parted)]
    touched = {id(cluster): cluster for label in named if (cluster := found.cluster_of.get(label)) is not None}
    if not touched and not session.rows:
        return found.lines
    lines = [
        line for line in found.lines if (line.key not in session.rows if line.cluster is None else id(line.cluster) not in touched)
    ]
    lines += [make_line(cluster) for cluster in list_left(list(touched.values()), session.steps)]
    return sorted(lines, key=lambda line: -line.rows)


class LineChooser:
    """Which lines are wanted; what was found out for the last split that was asked for is kept."""

    def __init__(self, pictures: IndexedPictures) -> None:
        self._pictures = pictures
        self._kept: tuple[OpenDecisions, PictureIndex, str, frozenset[str]] | None = None

    def choose(self, found: OpenDecisions, lines: Sequence[OpenDecision], choice: QueueChoice) -> list[OpenDecision]:
        """The lines that were chosen, in their order."""
        is_narrowed = any(value for name, value in choice._asdict().items() if name not in {"start", "split"})
        chosen = [line for line in lines if _is_chosen(line, choice)] if is_narrowed else list(lines)
        if not choice.split:
            return chosen
        names = self._list_in_split(found, choice.split)
        return [line for line in chosen if not names.isdisjoint(_list_names(line))]

    def _list_in_split(self, found: OpenDecisions, split: str) -> frozenset[str]:
        index, kept = self._pictures.read(), self._kept
        if kept is not None and kept[0] is found and kept[1] is index and kept[2] == split:
            return kept[3]
        names = found.list_in_split(index, split)
        self._kept = (found, index, split, names)
        return names


def _is_chosen(line: OpenDecision, choice: QueueChoice) -> bool:
    return (
        (not choice.kind or line.kind == choice.kind)
        and (not choice.class_id or choice.class_id in (line.classes or ()))
        and (not choice.worker or choice.worker in line.workers)
        and (not choice.reason or choice.reason in line.reasons)
        and (not choice.text or choice.text.casefold() in line.title.casefold())
    )


def _list_names(line: OpenDecision) -> list[str]:
    """Its answers; its own id where it is about none."""
    return [line.key] if line.cluster is None else [member.raw_label for member in line.cluster.members]
