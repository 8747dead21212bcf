"""What the crowd tells as tables, and the map's decisions read back from one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from logoingest.labels.crowd.contradictions import Contradiction
from logoingest.labels.crowd.deciding import RULE
from logoingest.labels.crowd.evidence import CrowdEvidence
from logoingest.labels.matching.match import LabelDecision
from logoingest.schemas import ContradictionRow, CrowdWordRow, Decision

_DECISION_COLUMNS = ["raw_label", "decision", "rule", "map_hash", "class_ids"]


def tabulate_contradictions(contradictions: Iterable[Contradiction]) -> pa.Table:
    """``ContradictionRow``s, in their order."""
    names = ContradictionRow.arrow_schema().names
    return ContradictionRow.table({name: _make_cell(one, name) for name in names} for one in contradictions)


def tabulate_words(evidence: CrowdEvidence) -> pa.Table:
    """``CrowdWordRow``s, the most frequent first: the words that the map leaves undecided, of whose pictures others said anything."""
    names = CrowdWordRow.arrow_schema().names
    told = (one for one in evidence.spellings if one.is_open and one.class_id is not None)
    return CrowdWordRow.table({name: _make_cell(one, name) for name in names} for one in told)


def _make_cell(one: object, name: str) -> object:
    value = getattr(one, name)
    return list(value) if isinstance(value, tuple) else value


def read_decisions(labels: pa.Table, distinct: Sequence[str], map_hash: str) -> list[LabelDecision] | None:
    """What the class map alone decides of each of ``distinct``; None where the table is another map's, or lacks one.

    Args:
        labels: ``LabelRow``s; what the crowd decided is undecided by the map.
        distinct: answers.
        map_hash: of the class map.
    """
    known = {row["raw_label"]: row for row in labels.select(_DECISION_COLUMNS).to_pylist() if row["map_hash"] == map_hash}
    return [_read_decision(known[raw]) for raw in distinct] if known.keys() >= set(distinct) else None


def _read_decision(row: dict[str, str]) -> LabelDecision:
    if row["rule"] == RULE:
        return LabelDecision(row["raw_label"], Decision.UNKNOWN, RULE, row["map_hash"])
    return LabelDecision(row["raw_label"], Decision(row["decision"]), row["rule"], row["map_hash"], tuple(row["class_ids"]))
