"""What the review commands answer on ``--json``: undecided answers with their candidates, and what a round of decisions changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import pyarrow as pa

from logoingest.labels.crowd.contradictions import Contradiction
from logoingest.labels.crowd.testimony import CrowdTestimony, describe_evidence
from logoingest.plain_json import Rows
from logoingest.review import Applied, AppliedGroups, Review
from logoingest.review.candidates import Candidate
from logoingest.review.map_lines import propose_lines
from logoingest.review.rounds import SideEffect
from logoingest.review.sheets.sheet import SheetReading
from logoingest.review.suggestions import Advice, Cluster
from logoingest.schemas import TextConflictRow


class UndecidedLabel(NamedTuple):
    """A distinct answer that is in review or unknown."""

    label: str
    label_id: str
    """As in the sheet."""
    answers: int
    workers: int
    urls: int
    decision: str
    """review or unknown."""
    rule: str
    near: str | None
    """The spelling that is nearest."""


class UndecidedCluster(NamedTuple):
    """Answers that probably mean one thing."""

    cluster: str
    answers: int
    spellings: int
    workers: int
    suspect_workers: int
    warning: str
    """What is suspicious about who typed it; "" where nothing is."""
    crowd: CrowdTestimony | None
    """Null where nobody else said anything of its pictures."""
    advice: Advice | None
    """What it seems to be that is no class of the map, by what the crowd says."""
    urls: int
    examples: Sequence[str]
    """URLs to look at."""
    labels: Sequence[UndecidedLabel]
    """The most frequent first."""
    candidates: Sequence[Candidate]
    """The best first."""
    toml: str
    """Lines for the class map."""


class LabelCounts(NamedTuple):
    """Distinct answers, and how often they were given."""

    labels: int
    answers: int


class Suggestions(NamedTuple):
    """What is undecided."""

    undecided: LabelCounts
    noise_only: LabelCounts
    """Left out: made of noise words, which name nothing."""
    clusters_in_all: int
    note: str
    """How the figures came about, where that needs saying."""
    clusters: Sequence[UndecidedCluster]
    contradictions: Sequence[Contradiction]
    """What the crowd says against the class map, most answers first."""
    text_conflicts: Annotated[pa.Table, Rows(TextConflictRow)]
    """Pictures on which another class is written than was answered, the least sure first."""


def describe_review(review: Review, text_conflicts: pa.Table) -> Suggestions:
    """``labels suggest``."""
    found = review.open_labels
    return Suggestions(
        LabelCounts(len(found.labels), sum(label.answers for label in found.labels)),
        LabelCounts(found.noise_labels, found.noise_answers),
        review.clusters_in_all,
        review.note,
        [
            _describe_cluster(cluster, lines)
            for cluster, lines in zip(review.clusters, propose_lines(review.clusters, review.class_map), strict=True)
        ],
        review.contradictions,
        text_conflicts,
    )


def _describe_cluster(cluster: Cluster, lines: str) -> UndecidedCluster:
    labels = [
        UndecidedLabel(
            member.raw_label,
            member.label_id,
            member.answers,
            len(member.workers),
            len(member.urls),
            member.decision,
            member.rule,
            member.near_spelling,
        )
        for member in cluster.members
    ]
    return UndecidedCluster(
        cluster=cluster.cluster_id,
        answers=cluster.answers,
        spellings=len(cluster.members),
        workers=len(cluster.workers),
        suspect_workers=cluster.suspects,
        warning=cluster.warning,
        crowd=None if cluster.evidence is None else describe_evidence(cluster.evidence),
        advice=cluster.advice,
        urls=len(cluster.urls),
        examples=cluster.examples,
        labels=labels,
        candidates=cluster.candidates,
        toml=lines,
    )


class WrittenSheet(NamedTuple):
    """A sheet to fill in."""

    sheet: str
    clusters: int
    labels: int
    answers: int
    contradictions: int
    """What the crowd says against the class map."""
    conflicts: int
    """Sets of contradicting pictures."""
    suspects: int
    """Pictures whose label looks wrong, or that could be settled."""
    copies: int
    """Pairs of pictures that may show the same."""
    pictures: int
    """Drawn beside it."""


class LateRuling(NamedTuple):
    """A ruling that came too late."""

    wanted: str
    declared: str
    """What the class map says by now, and where."""


class RuledGroup(NamedTuple):
    """A ruling on contradicting pictures."""

    images: Sequence[str]
    ruling: str


class RuledGroups(NamedTuple):
    """What a round ruled on contradicting pictures."""

    rulings: str
    """The file of them."""
    ruled: Sequence[RuledGroup]
    already_so: int
    late: Sequence[str]
    """What was ruled otherwise before, a line each."""
    gone: Sequence[str]
    """What contradicts no more, a line each."""
    empty: int


class AppliedSheet(NamedTuple):
    """What a filled-in sheet changed."""

    class_map: str
    written: bool
    changes: Sequence[str]
    """A line each."""
    decided: Mapping[str, str]
    """Raw label → ruling."""
    already_so: Mapping[str, str]
    """Decided so before."""
    overruled: Mapping[str, LateRuling]
    side_effects: Sequence[SideEffect]
    """Answers nobody ruled on that are decided otherwise now."""
    empty: int
    """Answers left open."""
    gone: Sequence[str]
    """Rows whose answer the data does not have any more, a line each."""
    pictures: RuledGroups


def describe_applied(applied: Applied, reading: SheetReading, groups: AppliedGroups) -> AppliedSheet:
    """``labels review --apply``."""
    edit = applied.edit
    return AppliedSheet(
        class_map=str(edit.path),
        written=applied.is_written,
        changes=edit.changes,
        decided={ruling.raw_label: str(ruling.meaning) for ruling in edit.settled},
        already_so={ruling.raw_label: str(ruling.meaning) for ruling in edit.already},
        overruled={late.ruling.raw_label: LateRuling(str(late.ruling.meaning), late.by) for late in edit.overruled},
        side_effects=applied.side_effects,
        empty=reading.empty,
        gone=reading.gone,
        pictures=_describe_groups(groups),
    )


def _describe_groups(groups: AppliedGroups) -> RuledGroups:
    reading = groups.reading
    ruled = [RuledGroup(ruling.images, str(ruling)) for ruling in groups.written]
    return RuledGroups(str(groups.path), ruled, reading.already, reading.late, reading.gone, reading.empty)
