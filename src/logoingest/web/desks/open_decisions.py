"""What is open in a workspace, gathered once for everybody: clusters of answers, what speaks against the map, sets of pictures, suspects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from logoingest.labels.crowd.contradictions import Contradiction
from logoingest.pipeline.session import Run
from logoingest.review import Review, gather_open_pictures, gather_review
from logoingest.review.conflicts import OpenPictures
from logoingest.review.rulings import ClassFinder
from logoingest.review.sheets.conflict_sheet import OpenConflict
from logoingest.review.suggestions import Cluster
from logoingest.web.background.effects import EffectSearch
from logoingest.web.indexes.pictures import PictureIndex, find_code


class DecisionKind(StrEnum):
    """What a decision is about."""

    ANSWERS = "answers"
    """Spellings that nobody has decided."""
    MAP = "map"
    """What the crowd says against the class map."""
    PICTURES = "pictures"
    """Pictures that show the same and were settled differently."""
    SUSPECT = "suspect"
    """A picture whose label looks wrong, or that could be settled."""
    COPIES = "copies"
    """Two pictures of which it is not sure that they show the same."""


class OpenDecision(NamedTuple):
    """A line of the queue."""

    key: str
    """By which it is asked for: the ``label_id`` of its row in the sheet (of a cluster, its first spelling's)."""
    kind: DecisionKind
    title: str
    rows: int
    """Source rows it settles."""
    workers: Sequence[str]
    reasons: Sequence[str]
    """Why it is open: review, unknown, the kind of contradiction …"""
    cluster: Cluster | None
    """Whose spellings it is about."""
    words: str = ""
    named: Sequence[str] = ()
    """Classes, where it is about no cluster."""

    @property
    def detail(self) -> str | None:
        """What speaks for the likeliest class; None of a cluster whose classes are still looked for."""
        if self.cluster is None:
            return self.words
        found = self.cluster.weighed.peek(self.cluster.place)
        return None if found is None else f"{found[0].name} {found[0].score:.2f}" if found else ""

    @property
    def classes(self) -> Sequence[str] | None:
        """Classes it may come to, the likeliest first; None as in ``detail``."""
        if self.cluster is None:
            return self.named
        found = self.cluster.weighed.peek(self.cluster.place)
        return None if found is None else [one.class_id for one in found]


@dataclass(frozen=True)
class OpenDecisions:
    """All of a workspace, as they were when they were gathered."""

    run: Run
    review: Review
    finder: ClassFinder
    conflicts: Sequence[OpenConflict]
    """Sets of pictures, suspects, and copies."""
    clusters: Mapping[str, OpenDecision]
    """First answer → the line of a whole cluster."""
    others: Sequence[OpenDecision]
    labels: Mapping[str, str]
    """``label_id`` → answer."""
    effects: EffectSearch = field(default_factory=EffectSearch)
    """What decisions would change, as far as it was asked for."""

    @cached_property
    def lines(self) -> Sequence[OpenDecision]:
        """All of them, those that settle most rows first; of equal ones answers, which settle what will be written, too."""
        return sorted([*self.clusters.values(), *self.others], key=lambda line: -line.rows)

    @cached_property
    def cluster_of(self) -> Mapping[str, Cluster]:
        """Answer → its cluster."""
        return {member.raw_label: cluster for cluster in self.review.clusters for member in cluster.members}

    def find_conflict(self, first: str, second: str) -> OpenConflict | None:
        """The first set of pictures that two pictures are both part of."""
        return next((one for one in self._conflicts_of.get(first, ()) if second in one.image_ids), None)

    @cached_property
    def _conflicts_of(self) -> Mapping[str, Sequence[OpenConflict]]:
        found: dict[str, list[OpenConflict]] = {}
        for one in self.conflicts:
            for image_id in one.image_ids:
                found.setdefault(image_id, []).append(one)
        return found

    def find_row(self, key: str) -> OpenConflict | Contradiction | None:
        """The set of pictures, suspect or contradiction of a key."""
        return self._rows.get(key)

    def list_in_split(self, index: PictureIndex, split: str) -> frozenset[str]:
        """Open answers, and ids of rows, that have a picture in a split (``NOTHING``: in none)."""
        owned = [(label.raw_label, url) for label in self.review.open_labels.labels for url in label.urls]
        owned += [(one.contradiction_id, url) for one in self.review.contradictions for url in one.urls]
        urls = pa.array([url for _, url in owned], pa.string())
        mask = pc.is_in(urls, value_set=index.list_urls_in(split)).to_pylist()
        chosen = {name for (name, _), is_there in zip(owned, mask, strict=True) if is_there}
        code = find_code(index.splits, split)
        numbers = ((one.conflict_id, index.find(image_id)) for one in self.conflicts for image_id in one.image_ids)
        return frozenset(chosen | {name for name, number in numbers if number is not None and index.split_of[number] == code})

    @cached_property
    def _rows(self) -> Mapping[str, OpenConflict | Contradiction]:
        against = {one.contradiction_id: one for one in self.review.contradictions}
        return against | {one.conflict_id: one for one in reversed(self.conflicts)}


def make_line(cluster: Cluster) -> OpenDecision:
    """A cluster as a line of the queue."""
    first = cluster.members[0]
    more = len(cluster.members) - 1
    reasons = sorted({member.decision for member in cluster.members} | ({"warning"} if cluster.warning else set()))
    title = first.raw_label if not more else f"{first.raw_label} +{more}"
    return OpenDecision(first.label_id, DecisionKind.ANSWERS, title, cluster.answers, cluster.workers, reasons, cluster)


def gather_decisions(run: Run) -> OpenDecisions:
    """Everything that is open.

    Raises:
        UsageError: the labels stage has not run.
    """
    return describe_decisions(run, gather_review(run), gather_open_pictures(run))


def describe_decisions(run: Run, review: Review, pictures: OpenPictures) -> OpenDecisions:
    """What is open as lines of the queue."""
    by_kind = {
        DecisionKind.PICTURES: pictures.conflicts,
        DecisionKind.SUSPECT: pictures.suspects,
        DecisionKind.COPIES: pictures.copies,
    }
    run.class_map = review.class_map  # what was made of it serves for each decision that is tried
    others = [
        *(_describe_contradiction(one) for one in review.contradictions),
        *(_describe_conflict(one, kind) for kind, found in by_kind.items() for one in found),
    ]
    return OpenDecisions(
        run,
        review,
        ClassFinder(review.class_map),
        pictures.rows,
        {cluster.members[0].raw_label: make_line(cluster) for cluster in review.clusters},
        others,
        {label.label_id: label.raw_label for label in review.open_labels.labels},
    )


def _describe_contradiction(one: Contradiction) -> OpenDecision:
    classes = [one.class_id, one.declared] if one.class_id else [one.declared]
    title = " | ".join(one.raw_labels[:3]) or one.declared
    return OpenDecision(one.contradiction_id, DecisionKind.MAP, title, one.answers, (), [str(one.kind)], None, one.words, classes)


def _describe_conflict(one: OpenConflict, kind: DecisionKind) -> OpenDecision:
    title = f"{one.label}?" if one.label else " / ".join(one.class_ids[:3]) or one.kind
    return OpenDecision(one.conflict_id, kind, title, sum(one.votes), (), [one.kind], None, one.detail, one.class_ids)
