"""People decide: what is in doubt, clustered and with candidates; their rulings, by spreadsheet or key by key; what they change.

clusters, proposals   what belongs together, which classes letters propose       suggestions     the doubts as a person wants them
initials, candidates  letters and the crowd weighed: what a cluster may mean     map_lines       lines for the map, to paste
rulings, map_editing  what was ruled, and as entries of the class map           sheets, session the spreadsheets, the terminal
rounds, conflicts     a review round over a workspace; pictures of two minds    picture_session  those at the terminal
applying, written     a sheet, or a session, into the dataset; what was written, taken back
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logoingest.imports.lazy import load_lazily

if TYPE_CHECKING:
    from logoingest.review.applying import AppliedDecisions, AppliedSession, apply_session, apply_sheet, write_session
    from logoingest.review.conflicts import AppliedGroups, gather_open_pictures, pick_copies, read_group_sheet, write_group_rulings
    from logoingest.review.rounds import (
        Applied,
        Journal,
        Review,
        apply_rulings,
        describe_effect,
        draw_examples,
        gather_review,
        plan_rulings,
        read_contradiction_sheet,
        read_journals,
    )

_HOMES = {
    "applying": ("AppliedDecisions", "AppliedSession", "apply_session", "apply_sheet", "write_session"),
    "conflicts": ("AppliedGroups", "gather_open_pictures", "pick_copies", "read_group_sheet", "write_group_rulings"),
    "rounds": (
        "Applied",
        "Journal",
        "Review",
        "apply_rulings",
        "describe_effect",
        "draw_examples",
        "gather_review",
        "plan_rulings",
        "read_contradiction_sheet",
        "read_journals",
    ),
}

__all__ = [
    "Applied",
    "AppliedDecisions",
    "AppliedGroups",
    "AppliedSession",
    "Journal",
    "Review",
    "apply_rulings",
    "apply_session",
    "apply_sheet",
    "describe_effect",
    "draw_examples",
    "gather_open_pictures",
    "gather_review",
    "pick_copies",
    "plan_rulings",
    "read_contradiction_sheet",
    "read_group_sheet",
    "read_journals",
    "write_group_rulings",
    "write_session",
]

__getattr__ = load_lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
