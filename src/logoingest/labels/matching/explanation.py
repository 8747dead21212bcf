"""Why an answer comes out as it does: every folding step, and the nearest classes with what spoke for and against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from logoingest.labels.matching.match import LabelDecision, Query, decide_labels, list_values, make_queries, normalise_label
from logoingest.labels.matching.nearest import NearestTable, Neighbours
from logoingest.labels.matching.objections import describe_edits, find_objection
from logoingest.labels.matching.spelling_index import index_of
from logoingest.labels.text.fold import FoldingStep, fold_and_explain
from logoingest.schemas import Decision

if TYPE_CHECKING:
    from logoingest.labels.class_map.class_map import ClassMap

_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class CandidateView:
    """A class that was considered: its nearest spelling, similarity 0 to 100, and why it won or lost."""

    class_id: str
    alias: str
    score: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with everything that led to it."""

    decision: LabelDecision
    steps: Sequence[FoldingStep]
    keys: Mapping[str, str]
    """The folded text and the keys made from it."""
    candidates: Sequence[CandidateView]
    values: Sequence[LabelDecision] = ()
    """Of an answer of several values, what each comes to by itself; it is what decides."""


def explain_label(raw: str, class_map: ClassMap) -> Explanation:
    """``normalise_label`` with every folding step and the nearest classes, and why each won or lost."""
    decision = normalise_label(raw, class_map)
    if values := list_values(raw, class_map):
        return Explanation(decision, (), {}, (), decide_labels(values, class_map))
    folded, steps = fold_and_explain(raw)
    index = index_of(class_map)
    views: dict[str, CandidateView] = {}
    for query in make_queries(folded, index.list_variants(folded)):
        table = index.latin if query.is_latin else index.native
        for view in _view_candidates(query, table, class_map, decision):
            if view.class_id not in views or views[view.class_id].score < view.score:
                views[view.class_id] = view
    candidates = sorted(views.values(), key=lambda view: (-view.score, view.class_id))[:_CANDIDATES]
    keys = {"folded": folded.text, "plain": folded.plain, "ascii": folded.ascii, "joined": folded.joined}
    return Explanation(decision, steps, keys, candidates)


def _view_candidates(query: Query, table: NearestTable, class_map: ClassMap, decision: LabelDecision) -> list[CandidateView]:
    candidates = table.list_candidates(query.key, _CANDIDATES)
    views = []
    for rank, candidate in enumerate(candidates):
        spelling = table.spellings[candidate.entry]
        if spelling is None:
            continue
        others = [other for place, other in enumerate(candidates) if place != rank]
        verdict = _judge(query, Neighbours(candidate, others[0] if others else None), table, class_map, decision)
        views.append(CandidateView(spelling.class_id, spelling.text, round(candidate.score, 2), verdict))
    return views


def _judge(query: Query, near: Neighbours, table: NearestTable, class_map: ClassMap, decision: LabelDecision) -> str:
    spelling = None if near.best is None else table.spellings[near.best.entry]
    if (
        spelling is not None
        and decision.decision == Decision.ACCEPTED
        and class_map.outputs[spelling.class_id] in decision.class_ids
    ):
        won = f"won by the rule {decision.rule}"
        if decision.rule != "fuzzy" or near.best is None:
            return won
        return f"{won} ({describe_edits(query.key, near.best.entry, table)})"
    if query.is_proposal:
        return "lost: is written in another script; a proposal only"
    objection = find_objection(query.key, near, table, class_map.thresholds, said=query.words)
    return f"lost: {objection or 'a stronger rule decided'}"
